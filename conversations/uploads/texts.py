"""Plain text and CSV: what has no mark of its own, and must not turn out to be a program."""

import codecs
import re
from typing import BinaryIO

from conversations.uploads.errors import KindRefusedError

_KINDS = {".txt": "text/plain", ".csv": "text/csv", ".log": "text/plain", "": "text/plain"}
_ENCODINGS = ("utf-8-sig", "gb18030")
_CHUNK = 64 * 1024
# Where browsers look for markup, they look this far.
_MARKUP = re.compile(
    r"<\s*(?:!doctype|html|head|body|script|svg|iframe|img|style|meta|link|object|embed|\?xml|\?php)",
    re.IGNORECASE,
)
_PROGRAM = re.compile(r"\A\s*(?:#!|@echo\s+off|<\?|MZ)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def text_kind(file: BinaryIO, suffix: str) -> tuple[str, str]:
    """Return (mime, extension) of plain text; the name's suffix says whether it is CSV.

    Raises KindRefusedError for what is no text in UTF-8, UTF-16 or GB 18030, holds markup or
    begins like a program, or bears another kind's name.
    """
    if suffix not in _KINDS:
        raise KindRefusedError
    head = file.read(4)
    file.seek(0)
    utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if utf16 else _ENCODINGS:
        if _is_plain(file, encoding):
            return _KINDS[suffix], suffix or ".txt"
    raise KindRefusedError


def _is_plain(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    before = ""
    first = True
    try:
        while chunk := file.read(_CHUNK):
            text = decoder.decode(chunk)
            if _CONTROL.search(text) or (first and _PROGRAM.search(text)):
                return False
            if _MARKUP.search(before + text):
                return False
            before, first = text[-20:], False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
