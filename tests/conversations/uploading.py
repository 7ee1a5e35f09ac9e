"""Files that visitors and agents send, and those that somebody hostile would."""

import struct
import zipfile
import zlib
from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from tests.conversations.api.clients import API


def picture(kind: str = "PNG", size: tuple[int, int] = (60, 40), **options: Any) -> bytes:
    """Return a small picture."""
    out = BytesIO()
    Image.new("RGB", size, (15, 118, 110)).save(out, kind, **options)
    return out.getvalue()


def huge_png(width: int, height: int) -> bytes:
    """Return a PNG of a few hundred bytes whose head promises this many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def office(main: str = "word/document.xml", **parts: bytes) -> bytes:
    """Return an office document with this main part; more parts by name, "/" written as "__"."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", parts.pop("types", b"<Types/>"))
        package.writestr(main, b"<document/>")
        for name, content in parts.items():
            package.writestr(name.replace("__", "/"), content)
    return out.getvalue()


PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def post_file(
    token: str, content: bytes, name: str = "照片.png", mime: str = "image/png", **extra: Any
) -> Any:
    """Let the visitor of this token upload a file; `mime` is what the device claims."""
    return Client(headers={"Authorization": f"Bearer {token}"}).post(
        f"{API}/attachments", {"file": SimpleUploadedFile(name, content, mime)}, **extra
    )
