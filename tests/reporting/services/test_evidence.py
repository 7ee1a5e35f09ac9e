"""Evidence packs: kept with their report, giving its figures, naming what was changed (R34, T54)."""

import hashlib
import io
import json
import uuid
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Count
from django.test import Client
from openpyxl import load_workbook

from conversations.models import Message
from reporting.models import Report
from reporting.rendering import xlsx
from reporting.rendering.presentation import present
from reporting.services import conversation_rows, evidence, proving, reports
from tenants import clock
from tenants.models import Obligation, Tenant, User
from tenants.roles import Role
from tests.reporting.services.test_reports import AFTER, WEEK, busy, made

__all__ = ["busy"]

PACKED = {
    "answers.jsonl",
    "audited.jsonl",
    "availability.jsonl",
    "entries.jsonl",
    "handoffs.jsonl",
    "inquiries.jsonl",
    "invites.jsonl",
    "ledger.jsonl",
    "manifest.json",
    "messages.jsonl",
    "mismatches.jsonl",
    "obligations.jsonl",
    "plans.jsonl",
    "questions.jsonl",
    "ratings.jsonl",
    "releases.jsonl",
    "samples.jsonl",
    "snapshot.json",
}


def pack_of(report: Report) -> bytes:
    with evidence.open_pack(report) as file:
        return file.read()


def verified(packed: bytes) -> proving.Verdict:
    return proving.verify(io.BytesIO(packed))


def unzipped(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def channel_of(tenant: Tenant) -> str:
    return f"{tenant.slug}官网"


def test_every_figure_of_a_week_is_counted_again(busy: Tenant) -> None:
    packed = pack_of(made())
    good = verified(packed)

    assert set(unzipped(packed)) == PACKED
    assert good.is_good, good.findings
    assert not good.unproven
    assert good.figures >= 45
    assert good.ledger_rows > 0


def test_month_is_proved_whole_and_says_what_it_used(busy: Tenant) -> None:
    with clock.travel(datetime(2026, 12, 20, tzinfo=UTC)):
        packed = pack_of(reports.make("monthly", date(2026, 11, 1), "final"))
    good = verified(packed)

    assert b'"row":"channel"' in unzipped(packed)["usage.jsonl"]
    assert good.is_good, good.findings
    assert not good.unproven
    assert good.figures >= 51


def test_one_changed_byte_of_any_file_is_named(
    busy: Tenant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = unzipped(pack_of(made()))
    path = tmp_path / "forged.zip"
    for name, data in files.items():
        # A file without rows has no byte to change: one too many is found as well.
        forgeries = {"one more": data + b"\n"}
        if data:
            forgeries["one less"] = data[:-1]
            for place in {0, len(data) // 3, len(data) // 2, len(data) - 1}:
                changed = bytes([data[place] ^ 1])
                forgeries[f"byte {place}"] = data[:place] + changed + data[place + 1 :]
        if name == "manifest.json":
            # White space around a document is none of its content.
            del forgeries["one more"]
        for how, forged in forgeries.items():
            path.write_bytes(zipped({**files, name: forged}))
            with pytest.raises(SystemExit) as left:
                call_command("verify_evidence", str(path), "--json")
            found = json.loads(capsys.readouterr().out)
            assert left.value.code == 1, (name, how)
            assert found["is_good"] is False, (name, how)
            assert name in {each["file"] for each in found["findings"]}, (name, how)
            assert all(each["reason"] for each in found["findings"]), (name, how)


def test_a_file_taken_out_or_put_in_is_named(busy: Tenant) -> None:
    files = unzipped(pack_of(made()))
    for name in files:
        other = {each: data for each, data in files.items() if each != name}
        named = {each.file for each in verified(zipped({**other, "more.txt": b"?"})).findings}
        assert named >= ({name} if name == "manifest.json" else {name, "more.txt"}), name


def test_a_damaged_archive_is_refused_or_holds_the_same(busy: Tenant) -> None:
    packed = pack_of(made())
    files = unzipped(packed)
    refused = 0

    for place in range(0, len(packed), max(1, len(packed) // 400)):
        forged = packed[:place] + bytes([packed[place] ^ 0xFF]) + packed[place + 1 :]
        good = verified(forged).is_good
        if good:
            # Times and attributes of the archive's own directory.
            assert unzipped(forged) == files, place
        refused += not good

    assert refused > 250
    assert not verified(packed[: len(packed) // 2]).is_good


def test_row_that_was_changed_with_all_hashes_gives_another_figure(busy: Tenant) -> None:
    files = unzipped(pack_of(made()))
    files["obligations.jsonl"] = files["obligations.jsonl"].replace(b'"breached"', b'"met"')
    manifest = json.loads(files["manifest.json"])
    manifest["files"]["obligations.jsonl"] = hashlib.sha256(files["obligations.jsonl"]).hexdigest()
    manifest["seal"] = proving.seal(manifest)
    files["manifest.json"] = json.dumps(manifest).encode()

    reasons = [each.reason for each in verified(zipped(files)).findings]

    assert any("first_reply.first_reply" in reason for reason in reasons)


def test_pack_stays_what_it_was_when_more_is_found_out(busy: Tenant) -> None:
    report = made()
    with clock.travel(AFTER):
        Obligation.objects.filter(state="breached").update(state="met")

    assert verified(pack_of(report)).is_good


def test_report_that_fails_leaves_no_pack(
    busy: Tenant, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*args: object, **kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(reports.ledger, "append", break_down)
    with pytest.raises(RuntimeError):
        made()

    kept = [each for each in (settings.MEDIA_ROOT / "evidence").rglob("*") if each.is_file()]
    assert not kept


def test_lost_or_changed_pack_is_told_not_sent(
    busy: Tenant,
    settings: Any,
    make_member: Callable[..., User],
    client_as: Callable[[User], Client],
) -> None:
    report = made()
    client = client_as(make_member(busy, Role.CLIENT_ADMIN))
    client.cookies["django_language"] = "en"
    page = f"/admin/reporting/report/{report.pk}/evidence/"
    sent = client.get(page)
    assert sent.status_code == 200
    assert hashlib.sha256(b"".join(sent)).hexdigest() == report.evidence_sha256
    (settings.MEDIA_ROOT / report.evidence_path).write_bytes(b"another")

    told = client.get(page, follow=True)

    assert "evidence pack" in told.content.decode()


def test_commands_write_files_and_verify_the_pack(busy: Tenant, tmp_path: Path) -> None:
    with clock.travel(datetime(2026, 11, 20, tzinfo=UTC)):
        call_command("make_report", tenant=busy.slug, kind="weekly", start=WEEK, out=tmp_path)
    found = {path.suffix: path for path in tmp_path.iterdir() if path.is_file()}

    assert {".pdf", ".xlsx", ".html", ".zip"} <= set(found)
    call_command("verify_evidence", found[".zip"])
    found[".zip"].write_bytes(b"no pack")
    with pytest.raises(SystemExit) as left:
        call_command("verify_evidence", found[".zip"])
    assert left.value.code == 1


def test_workbook_has_a_row_for_each_conversation(
    busy: Tenant, make_member: Callable[..., User], client_as: Callable[[User], Client]
) -> None:
    report = made()
    client = client_as(make_member(busy, Role.CLIENT_ADMIN))
    client.cookies["django_language"] = "en"

    book = load_workbook(
        io.BytesIO(client.get(f"/admin/reporting/report/{report.pk}/xlsx/").content)
    )

    sheet = book["Conversations"]
    rows = list(sheet.iter_rows(min_row=3, values_only=True))
    said = dict(Message.objects.values_list("conversation").annotate(Count("pk")))
    # Three in the morning in universal time, as the clock in Shanghai shows it; real times to count.
    began = [f"{row[0]:%Y-%m-%d %H:%M}" for row in rows]
    assert began == ["2026-11-09 11:00", "2026-11-11 11:00", "2026-11-15 11:00"]
    assert (sheet.cell(3, 1).is_date, sheet.cell(3, 1).number_format) == (
        True,
        "yyyy-mm-dd hh:mm:ss",
    )
    assert {type(row[3]) for row in rows} <= {int, float, type(None)}
    assert {row[11] for row in rows} == {str(key) for key in said}
    for row in rows:
        assert sum(row[4:7]) == said[uuid.UUID(row[11])]
        assert (row[1], row[2]) == (channel_of(busy), 1)


def test_workbook_of_many_says_that_it_lists_the_first(
    busy: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_rows, "MOST", 2)
    report = made()
    listed = conversation_rows.of(report)
    assert listed is not None
    assert (len(listed.rows), listed.total) == (2, 3)

    book = load_workbook(io.BytesIO(xlsx.xlsx(present(report.data, report.sha256, "en"), listed)))

    sheet = book["Conversations"]
    assert sheet.cell(2, 1).value == "The first 2 of 3; the evidence pack holds all of them."
    assert sheet.max_row == 5
