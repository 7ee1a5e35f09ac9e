from pathlib import Path

import pytest

from knowledge.retrieval import models


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return a complete folder of small files under YINGDA_MODEL_DIR."""
    monkeypatch.setenv("YINGDA_MODEL_DIR", str(tmp_path))
    folder = models.encoder_folder()
    for half in (models.E5_FOLDER, models.USE_FOLDER):
        (folder / half).mkdir(parents=True)
        (folder / half / models.MODEL_FILE).write_bytes(b"weights")
        (folder / half / models.TOKENIZER_FILE).write_bytes(b"pieces")
    models.write_manifest(folder)
    return folder


def test_models_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("YINGDA_MODEL_DIR", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert models.models_folder() == tmp_path / "own"

    monkeypatch.delenv("YINGDA_MODEL_DIR")
    assert models.models_folder() == tmp_path / "cache" / "yingda" / "models"

    monkeypatch.delenv("XDG_CACHE_HOME")
    assert models.models_folder() == Path.home() / ".cache" / "yingda" / "models"


def test_find_model_without_one_finds_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("YINGDA_MODEL_DIR", str(tmp_path))

    assert models.find_model() is None


def test_a_complete_folder_is_found_and_whole(installed):
    assert models.find_model() == installed
    assert models.is_whole(installed)


@pytest.mark.parametrize("damage", ["changed", "lost", "manifest"])
def test_a_damaged_folder_is_not_whole(installed, damage):
    target = installed / models.USE_FOLDER / models.MODEL_FILE
    if damage == "changed":
        target.write_bytes(b"other weights")
    elif damage == "lost":
        target.unlink()
    else:
        (installed / models.MANIFEST_FILE).write_text("{")

    assert not models.is_whole(installed)
