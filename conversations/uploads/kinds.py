"""Tell what a file is by its content, and give it a name that nobody has to fear."""

import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from conversations.uploads import documents, images
from conversations.uploads.errors import EmptyFileError, KindRefusedError
from conversations.uploads.texts import text_kind

_HEAD = 512
_STEM_LENGTH = 80
# Reserved by file systems, or by shells that a downloaded name may meet.
_UNSAFE = frozenset('<>:"|?*/\\\x7f')
_AUDIO_BRANDS = (b"M4A ", b"M4B ")
_VIDEO_BRANDS = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ")
# Second byte of an MPEG audio frame, after 0xFF: version and layer III.
_MP3_FRAMES = (0xFA, 0xFB, 0xF2, 0xF3, 0xE2, 0xE3)


@dataclass(frozen=True)
class Found:
    """What an uploaded file turned out to be, and the extension its name gets."""

    mime: str
    extension: str

    @property
    def is_image(self) -> bool:
        """Whether it is a picture, to be decoded before anybody sees it."""
        return self.mime in images.FORMATS


def inspect(file: BinaryIO, name: str) -> Found:
    """Return what the file is, by its content.

    `name` decides nothing but between kinds that look alike: plain text and CSV. Documents are
    opened and checked; a picture still has to be decoded (`images.rewrite`). Raises
    EmptyFileError, KindRefusedError, BrokenFileError. Source: R93, T43.
    """
    file.seek(0)
    head = file.read(_HEAD)
    if not head:
        raise EmptyFileError
    file.seek(0)
    mime = _by_head(head)
    if mime == "application/zip":
        return Found(*documents.office_kind(file))
    if mime == "application/pdf":
        documents.check_pdf(file)
    if mime:
        return Found(mime, _EXTENSIONS[mime])
    return Found(*text_kind(file, PurePosixPath(name).suffix.lower()))


def safe_name(name: str, found: Found) -> str:
    """Return the name as it may be shown and downloaded: no path, no tricks, the true extension."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    # Control characters, and marks that turn the direction of writing: "gpj.exe" backwards.
    plain = "".join(
        "_" if each in _UNSAFE else each
        for each in name
        if unicodedata.category(each) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    )
    stem = " ".join(plain.split())
    stem = stem.rsplit(".", 1)[0] if "." in stem else stem
    stem = stem.strip(". ")[:_STEM_LENGTH].rstrip(". ")
    return f"{stem or ('image' if found.is_image else 'file')}{found.extension}"


_EXTENSIONS = {
    **images.FORMATS,
    "application/pdf": ".pdf",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/amr": ".amr",
    "audio/wav": ".wav",
    "video/mp4": ".mp4",
}


def _by_head(head: bytes) -> str:
    for start, mime in (
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"%PDF-", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"ID3", "audio/mpeg"),
        (b"#!AMR\n", "audio/amr"),
        (b"#!AMR-WB\n", "audio/amr"),
    ):
        if head.startswith(start):
            return mime
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        if head[8:12] in _AUDIO_BRANDS:
            return "audio/mp4"
        if head[8:12] in _VIDEO_BRANDS:
            return "video/mp4"
        raise KindRefusedError
    if len(head) > 3 and head[0] == 0xFF and head[1] in _MP3_FRAMES and head[2] & 0xF0 != 0xF0:
        # UTF-16 text begins with FF FE, which is no frame of layer III.
        return "audio/mpeg"
    return ""
