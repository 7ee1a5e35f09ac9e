"""Read a workbook in a process of its own, whose memory and time are capped.

A megabyte of XLSX can unfold into hundreds of megabytes of objects (R94); whatever a hostile file
does here ends this process and nothing else. Run as `python -m knowledge.xlsx_reader`: the file
comes in on stdin, one JSON array per row goes out on stdout, the row's number first.
"""

import io
import json
import sys
import warnings
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import openpyxl

try:
    import resource
except ImportError:  # not a Unix: the parent's time limit is what remains
    HAS_LIMITS = False
else:
    HAS_LIMITS = True

MEMORY_BYTES = 400 * 1024 * 1024
CPU_SECONDS = 30
MAX_COLUMNS = 30
# One shared string may be shown by every cell: what comes out is capped as well.
MAX_OUTPUT_CHARACTERS = 50_000_000

EXIT_TOO_LARGE = 3
EXIT_UNREADABLE = 4


def main() -> int:
    """Read stdin, write rows; the exit status says what went wrong."""
    data = sys.stdin.buffer.read()
    _cap()
    try:
        return _write(_rows(data))
    except MemoryError:
        return EXIT_TOO_LARGE
    except Exception:  # noqa: BLE001 -- a broken file breaks the reader in any way it likes
        return EXIT_UNREADABLE


def _write(rows: Iterator[list[object]]) -> int:
    written = 0
    for row in rows:
        line = json.dumps(row, ensure_ascii=False)
        written += len(line)
        if written > MAX_OUTPUT_CHARACTERS:
            return EXIT_TOO_LARGE
        sys.stdout.write(f"{line}\n")
    return 0


def _rows(data: bytes) -> Iterator[list[object]]:
    with warnings.catch_warnings():
        # openpyxl tells of styles and extensions it leaves out; none of them is text.
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = book.active or book.worksheets[0]
        for number, row in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True), 1):
            cells = [_text(value) for value in row]
            if any(cells):
                yield [number, *cells]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    return value.isoformat() if isinstance(value, date) else str(value)


def _cap() -> None:
    if not HAS_LIMITS:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    limit = _address_space() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _address_space() -> int:
    # What the interpreter has mapped already differs between machines; only growth is capped.
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return MEMORY_BYTES
    return pages * resource.getpagesize()


if __name__ == "__main__":
    sys.exit(main())
