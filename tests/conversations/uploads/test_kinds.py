"""What a file is, told by what is in it."""

import zipfile
from io import BytesIO

import pytest

from conversations.uploads import documents, kinds
from conversations.uploads.errors import BrokenFileError, EmptyFileError, KindRefusedError
from conversations.uploads.kinds import Found
from tests.conversations.uploading import PDF, office, picture

MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"
OFFICE = "application/vnd.openxmlformats-officedocument."


@pytest.mark.parametrize(
    ("content", "name", "mime", "extension"),
    [
        (picture("JPEG"), "a.jpg", "image/jpeg", ".jpg"),
        (picture("PNG"), "a.png", "image/png", ".png"),
        (picture("GIF"), "a.gif", "image/gif", ".gif"),
        (picture("WEBP"), "a.webp", "image/webp", ".webp"),
        (picture("JPEG"), "report.pdf", "image/jpeg", ".jpg"),
        (picture("PNG"), "setup.exe", "image/png", ".png"),
        (PDF, "发票.pdf", "application/pdf", ".pdf"),
        (office(), "a.docx", f"{OFFICE}wordprocessingml.document", ".docx"),
        (office("xl/workbook.xml"), "a.xlsx", f"{OFFICE}spreadsheetml.sheet", ".xlsx"),
        (
            office("ppt/presentation.xml"),
            "a.pptx",
            f"{OFFICE}presentationml.presentation",
            ".pptx",
        ),
        ("订单号：A1001\n".encode(), "订单.txt", "text/plain", ".txt"),
        ("订单号：A1001\n".encode("gb18030"), "订单.txt", "text/plain", ".txt"),
        ("订单号：A1001\n".encode("utf-16"), "订单.txt", "text/plain", ".txt"),
        (b"a,b\n1,2\n", "a.csv", "text/csv", ".csv"),
        (b"1 < 2 and 3 > 2", "a.txt", "text/plain", ".txt"),
        (b"ID3\x04\0\0\0\0\0\0", "a.mp3", "audio/mpeg", ".mp3"),
        (b"\xff\xfb\x90\x64" + bytes(64), "a.mp3", "audio/mpeg", ".mp3"),
        (b"\0\0\0\x1cftypM4A \0\0\0\0M4A ", "a.m4a", "audio/mp4", ".m4a"),
        (b"#!AMR\n\x3c", "a.amr", "audio/amr", ".amr"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "a.wav", "audio/wav", ".wav"),
        (MP4, "a.mp4", "video/mp4", ".mp4"),
    ],
)
def test_accepted_kinds_are_told_by_content(
    content: bytes, name: str, mime: str, extension: str
) -> None:
    assert kinds.inspect(BytesIO(content), name) == Found(mime, extension)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
HTML = b"<!doctype html><script>alert(1)</script>"


def zipped(**parts: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (SVG, "logo.svg"),
        (SVG, "logo.png"),
        (SVG, "logo.txt"),
        (b'<?xml version="1.0"?>' + SVG, "logo.txt"),
        (HTML, "page.html"),
        (HTML, "page.png"),
        (HTML, "page.txt"),
        (b"GIF8" + HTML, "a.gif"),
        (b"x" * 70_000 + HTML, "long.txt"),
        (b"x" * (64 * 1024 - 4) + HTML, "at-the-seam.txt"),
        (HTML.decode().encode("utf-16"), "page.txt"),
        (b"MZ\x90\0\x03\0\0\0", "setup.exe"),
        (b"MZ\x90\0\x03\0\0\0", "setup.jpg"),
        (b"\x7fELF\x02\x01\x01\0", "run"),
        (b"#!/bin/sh\nrm -rf /\n", "run.txt"),
        (b"@echo off\r\ndel *.*\r\n", "run.txt"),
        (b"echo hello", "run.bat"),
        (b"alert(1)", "a.js"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "old.doc"),
        (b"Rar!\x1a\x07\x01\0", "a.rar"),
        (zipped(readme=b"hello"), "a.zip"),
        (zipped(readme=b"hello"), "a.docx"),
        (office(**{"word__vbaProject.bin": b"x"}), "a.docx"),
        (office("xl/workbook.xml", xl__macrosheets__sheet1=b"x"), "a.xlsx"),
        (office(word__activeX__control=b"x"), "a.docx"),
        (office(types=b"<Types>application/vnd.ms-word.document.macroEnabled</Types>"), "a.docx"),
        (office(**{"xl__workbook.xml": b"x"}), "two-in-one.docx"),
        (b"\0\0\0\x18ftypqt  \0\0\0\0", "a.mov"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "a.heic"),
        (bytes(100), "zeros.txt"),
    ],
)
def test_other_kinds_are_refused_whatever_they_are_called(content: bytes, name: str) -> None:
    with pytest.raises(KindRefusedError):
        kinds.inspect(BytesIO(content), name)


def test_nothing_is_no_file() -> None:
    with pytest.raises(EmptyFileError):
        kinds.inspect(BytesIO(b""), "a.png")


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7 and nothing more",
        office()[:-30],
        b"PK\x03\x04" + bytes(200),
        office(**{"..__..__etc__passwd": b"x"}),
    ],
    ids=["pdf without end", "cut off", "no directory", "traversal"],
)
def test_documents_that_are_not_whole_are_refused(content: bytes) -> None:
    with pytest.raises(BrokenFileError):
        kinds.inspect(BytesIO(content), "a.docx")


def test_document_that_unpacks_to_too_much_is_refused() -> None:
    bomb = office(word__media__image1=b"\0" * (documents.UNPACKED + 1))

    assert len(bomb) < 300_000
    with pytest.raises(KindRefusedError):
        kinds.inspect(BytesIO(bomb), "bomb.docx")


def test_document_whose_directory_lies_about_its_size_is_refused() -> None:
    size = documents.UNPACKED + 1
    bomb = office(word__media__image1=b"\0" * size)
    # The size stands in the part's own head and in the directory.
    lying = bomb.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))

    assert lying != bomb
    with pytest.raises(BrokenFileError):
        kinds.inspect(BytesIO(lying), "bomb.docx")


def test_document_of_too_many_parts_is_refused() -> None:
    crowd = office(**{f"word__part{number}": b"" for number in range(documents.PARTS)})

    with pytest.raises(KindRefusedError):
        kinds.inspect(BytesIO(crowd), "a.docx")


PNG = Found("image/png", ".png")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("照片 1.PNG", "照片 1.png"),
        ("../../etc/passwd", "passwd.png"),
        ("..\\..\\boot.ini", "boot.png"),
        ("/etc/shadow", "shadow.png"),
        ("a\0b\r\n.png", "ab.png"),
        ("photo\u202egnp.exe", "photognp.png"),
        ('"><img src=x onerror=alert(1)>.png', "___img src=x onerror=alert(1)_.png"),
        ("evil.html", "evil.png"),
        ("archive.tar.gz", "archive.tar.png"),
        ("", "image.png"),
        (".png", "image.png"),
        ("...", "image.png"),
        ("長" * 300 + ".png", "長" * 80 + ".png"),
        ("Ｃａｆé".replace("é", "e\u0301") + ".png", "Ｃａｆé.png"),
    ],
)
def test_names_are_cleaned_and_get_the_true_extension(name: str, safe: str) -> None:
    assert kinds.safe_name(name, PNG) == safe


def test_a_document_without_a_name_is_a_file() -> None:
    assert kinds.safe_name("", Found("application/pdf", ".pdf")) == "file.pdf"
