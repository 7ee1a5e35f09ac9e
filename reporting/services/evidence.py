"""Pack the rows that prove a report, when it is made, with its snapshot and the ledger (R34).

The pack is made in the transaction that writes the report and kept: what is found out later belongs
to the next version of the report, and to its pack.
"""

import hashlib
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from conversations import files
from reporting.models import Report
from reporting.sections import Period
from reporting.services import evidence_rows
from reporting.services.proving import FORMAT, MANIFEST, SNAPSHOT, canonical, seal
from tenants.models import Tenant

_FOLDER = "evidence"
# All files of a pack bear one time: the same rows give the same bytes.
_STAMP = (2000, 1, 1, 0, 0, 0)
_BUFFER = 1024 * 1024


class EvidenceLostError(Exception):
    """The pack of a report is not where it was written, or not as it was written."""


class Pack:
    """A pack that is being made: first its rows, then the report they are of."""

    def __init__(self, tenant: Tenant, kind: str, period: Period, file: BinaryIO) -> None:
        self._tenant = tenant
        self._kind = kind
        self._period = period
        self._file = file
        self._archive = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)
        self._hashes: dict[str, str] = {}
        self._path = ""

    def gather(self) -> None:
        """Read all rows and write them down; memory does not grow with them."""
        for name, read in evidence_rows.readers(self._kind).items():
            self._write(name, (f"{canonical(row)}\n" for row in read(self._period, self._tenant)))

    def keep(self, report: Report) -> None:
        """Add the snapshot of a report that is not saved yet, store the pack, and name it there."""
        self._write(SNAPSHOT, [report.snapshot])
        manifest = {
            "format": FORMAT,
            "tenant_id": self._tenant.pk,
            "tenant": self._tenant.slug,
            "report": str(report.pk),
            "kind": report.kind,
            "period": [report.period_start.isoformat(), report.period_end.isoformat()],
            "version": report.version,
            "snapshot_sha256": report.sha256,
            "files": dict(self._hashes),
        }
        self._write(MANIFEST, [canonical({**manifest, "seal": seal(manifest)})])
        self.close()
        self._file.seek(0)
        report.evidence_sha256 = _sha256(self._file)
        self._file.seek(0)
        self._path = report.evidence_path = files.new_path(self._tenant.pk, folder=_FOLDER)
        files.write(self._path, self._file)

    def close(self) -> None:
        """End the archive; closing it again changes nothing."""
        self._archive.close()

    def discard(self) -> None:
        """Remove what was stored: there is no report that it belongs to."""
        files.delete(self._path)

    def _write(self, name: str, texts: Iterable[str]) -> None:
        digest = hashlib.sha256()
        entry = zipfile.ZipInfo(name, _STAMP)
        entry.compress_type = zipfile.ZIP_DEFLATED
        with self._archive.open(entry, "w", force_zip64=True) as file:
            for data in _blocks(texts):
                digest.update(data)
                file.write(data)
        self._hashes[name] = digest.hexdigest()


@contextmanager
def packing(tenant: Tenant, kind: str, period: Period) -> Iterator[Pack]:
    """Yield the pack of a report that is about to be made, for the tenant in scope.

    Around the transaction that writes the report: where that fails, no pack stays behind.
    """
    with tempfile.TemporaryFile(dir=files.incoming()) as file:
        pack = Pack(tenant, kind, period, file)
        try:
            yield pack
        except BaseException:
            pack.discard()
            raise
        finally:
            # Before the file that it writes to, whatever happened.
            pack.close()


def open_pack(report: Report) -> BinaryIO:
    """Open the evidence pack of a report, a ZIP. Raises EvidenceLostError."""
    try:
        file = files.open_file(report.evidence_path)
    except OSError as error:
        raise EvidenceLostError(report.pk) from error
    if _sha256(file) != report.evidence_sha256:
        file.close()
        raise EvidenceLostError(report.pk)
    file.seek(0)
    return file


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := file.read(_BUFFER):
        digest.update(block)
    return digest.hexdigest()


def _blocks(texts: Iterable[str]) -> Iterator[bytes]:
    """Yield the texts in blocks: one call of the compressor a line is most of the time."""
    held: list[bytes] = []
    size = 0
    for text in texts:
        data = text.encode()
        held.append(data)
        size += len(data)
        if size >= _BUFFER:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)
