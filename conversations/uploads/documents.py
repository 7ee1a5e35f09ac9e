"""PDF and office documents: opened far enough to know that they are what they say."""

import zipfile
import zlib
from typing import BinaryIO

from conversations.uploads.errors import BrokenFileError, KindRefusedError

UNPACKED = 100 * 1024 * 1024
PARTS = 2000
_CHUNK = 64 * 1024
_TYPES = "[Content_Types].xml"
_LONGEST_TYPES = 1024 * 1024
_OFFICE = "application/vnd.openxmlformats-officedocument."
# The part that makes a package a document of its kind.
_MAIN_PARTS = {
    "word/document.xml": (f"{_OFFICE}wordprocessingml.document", ".docx"),
    "xl/workbook.xml": (f"{_OFFICE}spreadsheetml.sheet", ".xlsx"),
    "ppt/presentation.xml": (f"{_OFFICE}presentationml.presentation", ".pptx"),
}
# Programs inside documents: Visual Basic, the macros of old Excel, ActiveX controls.
_PROGRAMS = ("vbaproject", "vbadata", "/macrosheets/", "/activex/", "/dialogsheets/")
_ENCRYPTED = 0x1


def office_kind(file: BinaryIO) -> tuple[str, str]:
    """Return (mime, extension) of an office document without macros.

    Number and size of the parts are bounded by the directory, and again while each is unpacked,
    because a directory can lie (R94). Raises KindRefusedError, BrokenFileError.
    """
    try:
        with zipfile.ZipFile(file) as package:
            return _checked(package)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError):
        raise BrokenFileError from None
    except RuntimeError:
        # zipfile's answer to a part that needs a password.
        raise BrokenFileError from None


def check_pdf(file: BinaryIO) -> None:
    """Raise BrokenFileError unless the file ends as a PDF does."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 2048))
    tail = file.read()
    file.seek(0)
    if b"%%EOF" not in tail:
        raise BrokenFileError


def _checked(package: zipfile.ZipFile) -> tuple[str, str]:
    parts = package.infolist()
    names = {part.filename.lower() for part in parts}
    kinds = [kind for main, kind in _MAIN_PARTS.items() if main in names]
    if _TYPES.lower() not in names or len(kinds) != 1:
        raise KindRefusedError
    if len(parts) > PARTS or sum(part.file_size for part in parts) > UNPACKED:
        raise KindRefusedError
    for part in parts:
        name = part.filename.replace("\\", "/").lower()
        if any(program in f"/{name}" for program in _PROGRAMS):
            raise KindRefusedError
        if name.startswith("/") or ".." in name.split("/"):
            raise BrokenFileError
        if part.flag_bits & _ENCRYPTED:
            raise BrokenFileError
    if "macroenabled" in _types_of(package):
        raise KindRefusedError
    left = UNPACKED
    for part in parts:
        left = _unpacked(package, part, left)
    return kinds[0]


def _types_of(package: zipfile.ZipFile) -> str:
    real = next(name for name in package.namelist() if name.lower() == _TYPES.lower())
    with package.open(real) as part:
        return part.read(_LONGEST_TYPES).decode("utf-8", "replace").lower()


def _unpacked(package: zipfile.ZipFile, part: zipfile.ZipInfo, left: int) -> int:
    with package.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise KindRefusedError
    return left
