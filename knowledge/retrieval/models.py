"""Says where the encoder's files lie and whether they are whole."""

import hashlib
import json
import os
from pathlib import Path

# Part of the cache key of every stored vector: raise the number whenever the vectors change.
ENCODER_ID = "me5-use-4"
# The two halves of the encoder, each a folder of its own.
E5_FOLDER = "multilingual-e5-small"
USE_FOLDER = "universal-sentence-encoder"
MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
# Written last, so its presence says that the folder is complete.
MANIFEST_FILE = "manifest.json"


def models_folder() -> Path:
    """Return the folder that holds models: YINGDA_MODEL_DIR, or the user's cache."""
    configured = os.environ.get("YINGDA_MODEL_DIR")
    if configured:
        return Path(configured)
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "yingda" / "models"


def encoder_folder() -> Path:
    """Return the folder the encoder belongs in, whether it is there or not."""
    return models_folder() / ENCODER_ID


def find_model() -> Path | None:
    """Return the encoder's folder, or None when it is not installed."""
    folder = encoder_folder()
    return folder if (folder / MANIFEST_FILE).is_file() else None


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digests(folder: Path) -> dict[str, str]:
    return {
        f"{half}/{name}": file_digest(folder / half / name)
        for half in (E5_FOLDER, USE_FOLDER)
        for name in (MODEL_FILE, TOKENIZER_FILE)
    }


def write_manifest(folder: Path) -> None:
    """Record the digests of the files in `folder`."""
    manifest = {"id": ENCODER_ID, "sha256": _digests(folder)}
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest, indent=2) + "\n")


def is_whole(folder: Path) -> bool:
    """Return whether the files in `folder` are the ones its manifest records."""
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_text())
        return bool(manifest == {"id": ENCODER_ID, "sha256": _digests(folder)})
    except (OSError, ValueError):
        return False
