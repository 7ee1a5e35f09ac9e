"""Verify an evidence pack: its hashes, the ledger's chain, and the figures its rows give (R34).

Needs nothing but the pack: no table is read, and no more memory is taken for a large one.
"""

import hashlib
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

from reporting import recounting
from tenants.models import LedgerEntry
from tenants.services import ledger

FORMAT = 2
MANIFEST = "manifest.json"
SNAPSHOT = "snapshot.json"
LEDGER = "ledger.jsonl"
# Whoever hands in something else is not given all memory: no row, and no whole file, is larger.
_LONGEST_ROW = 1024 * 1024
_LARGEST_WHOLE = 64 * 1024 * 1024
_BLOCK = 1024 * 1024
# What anything that is no pack of ours makes the readers below raise.
_UNREADABLE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
)


@dataclass(frozen=True)
class Finding:
    """One fault of a pack: the file, its row from 1 (0 for the whole), and what is wrong."""

    file: str
    row: int
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What verifying a pack came to; `unproven` names the figures that no row of it gives."""

    findings: tuple[Finding, ...]
    figures: int
    unproven: tuple[str, ...]
    ledger_rows: int

    @property
    def is_good(self) -> bool:
        return not self.findings


class Archive:
    """The files of a pack, read a piece at a time."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.names = [each.filename for each in archive.infolist()]

    def whole(self, name: str) -> bytes:
        with self._archive.open(name) as file:
            data = file.read(_LARGEST_WHOLE + 1)
        if len(data) > _LARGEST_WHOLE:
            raise ValueError(f"{name} is too large")
        return data

    def sha256(self, name: str) -> str:
        digest = hashlib.sha256()
        with self._archive.open(name) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest()

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        if name not in self.names:
            return
        with self._archive.open(name) as file:
            while line := file.readline(_LONGEST_ROW + 1):
                if len(line) > _LONGEST_ROW:
                    raise ValueError(f"a row of {name} is too long")
                yield json.loads(line)


def canonical(value: Mapping[str, Any]) -> str:
    """Return the one way in which a pack writes a row or its manifest."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    )


def seal(manifest: Mapping[str, Any]) -> str:
    """Return the hash of all that a manifest says besides its seal."""
    said = {name: value for name, value in manifest.items() if name != "seal"}
    return hashlib.sha256(canonical(said).encode()).hexdigest()


def verify(pack: BinaryIO) -> Verdict:
    """Recompute all hashes, the ledger's chain and every figure of a pack; needs no database."""
    try:
        with zipfile.ZipFile(pack) as archive:
            return _verify(Archive(archive))
    except _UNREADABLE as error:
        return _unreadable(MANIFEST, error)


def _verify(files: Archive) -> Verdict:
    manifest = json.loads(files.whole(MANIFEST))
    if manifest["format"] != FORMAT:
        raise ValueError(f"format {manifest['format']}")
    findings = list(_hash_faults(files, manifest))
    if manifest["seal"] != seal(manifest):
        findings.append(Finding(MANIFEST, 0, "its content does not match its seal"))
    chain = figures = 0
    unproven: tuple[str, ...] = ()
    try:
        broken, chain = _chain_fault(files, manifest["tenant_id"])
        findings += broken
    except _UNREADABLE as error:
        findings += _unreadable(LEDGER, error).findings
    try:
        snapshot = json.loads(files.whole(SNAPSHOT))
        counted = recounting.count(files.rows)
    except _UNREADABLE as error:
        findings += _unreadable(SNAPSHOT, error).findings
    else:
        wrong, figures, unproven = _figure_faults(snapshot, counted)
        findings += wrong
    return Verdict(tuple(findings), figures, unproven, chain)


def _hash_faults(files: Archive, manifest: Mapping[str, Any]) -> Iterator[Finding]:
    named = dict(manifest["files"])
    for name in {*named} - {*files.names}:
        yield Finding(name, 0, "not in the pack")
    for name in {*files.names} - {*named, MANIFEST}:
        yield Finding(name, 0, "not in the manifest")
    for name in sorted({*named} & {*files.names}):
        try:
            is_same = files.sha256(name) == named[name]
        except _UNREADABLE:
            is_same = False
        if not is_same:
            yield Finding(name, 0, "its SHA-256 is not that of the manifest")
    if named.get(SNAPSHOT) != manifest["snapshot_sha256"]:
        yield Finding(SNAPSHOT, 0, "is not the snapshot of this report")


def _figure_faults(
    snapshot: Mapping[str, Any], counted: Mapping[str, float | None]
) -> tuple[list[Finding], int, tuple[str, ...]]:
    findings, unproven, checked = [], [], 0
    for section in snapshot["sections"]["zh-hans"]:
        for figure in section["figures"]:
            key = f"{section['key']}.{figure['key']}".removeprefix("summary.")
            if key not in counted:
                unproven.append(key)
                continue
            checked += 1
            if figure["value"] != counted[key]:
                reason = f"{key} is {figure['value']}, its rows give {counted[key]}"
                findings.append(Finding(SNAPSHOT, 0, reason))
    return findings, checked, tuple(unproven)


def _chain_fault(files: Archive, tenant_id: int) -> tuple[list[Finding], int]:
    """Return the first row of the ledger that does not hold, and how many rows there are."""
    before: Mapping[str, Any] | None = None
    number = 0
    found: list[Finding] = []
    for number, row in enumerate(files.rows(LEDGER), 1):
        fault = "" if found else _link_fault(before, row, tenant_id)
        if fault:
            found.append(Finding(LEDGER, number, fault))
        before = row
    return found, number


def _link_fault(before: Mapping[str, Any] | None, row: Mapping[str, Any], tenant_id: int) -> str:
    if before is not None and row["position"] != before["position"] + 1:
        return "a row is missing before it"
    if before is not None and row["previous_hash"] != before["hash"]:
        return "does not continue the row before it"
    entry = LedgerEntry(
        tenant_id=tenant_id,
        position=row["position"],
        at=datetime.fromisoformat(row["at"]),
        kind=row["kind"],
        subject=row["subject"],
        data=row["data"],
        previous_hash=row["previous_hash"],
    )
    return "" if ledger.seal(entry) == row["hash"] else "its content does not match its hash"


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value)


def _unreadable(name: str, error: Exception) -> Verdict:
    return Verdict((Finding(name, 0, f"unreadable: {type(error).__name__}"),), 0, (), 0)
