"""Reports: made once when due, caught up, corrected with a diff, sent and answered (R31-R35, T14)."""

import io
import json
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.core import mail
from django.db import connections
from django.test import Client
from django.utils import translation
from django.utils.html import escape
from openpyxl import Workbook, load_workbook

from reporting import tasks
from reporting.models import Report, ReportAnswer, ReportDelivery, ReportDue, ReportRecipient
from reporting.rendering import pdf, presentation, xlsx
from reporting.rendering.presentation import present
from reporting.sections import Figure, Unit
from reporting.services import due, report_mails, reports
from tenants import clock
from tenants.models import Breach, LedgerEntry, Membership, Obligation, Tenant, User
from tenants.models.ledger import AppendOnlyError
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services import ledger
from tests.world import admit, write

# Monday to Sunday; the report is due on Monday the 16th, 09:00 in Shanghai.
WEEK = date(2026, 11, 9)
AFTER = datetime(2026, 11, 16, 2, tzinfo=UTC)
# At once, each over its own connection: .ci/with_services.py lets its PostgreSQL have so many.
TRIGGERS = 100
# The files of an evidence pack.


@pytest.fixture
def busy(in_tenant: Tenant, channel: object) -> Tenant:
    """A week with inquiries on three days, one first reply among them late."""
    tenant = in_tenant
    Tenant.objects.filter(pk=tenant.pk).update(created_at=datetime(2026, 1, 1, tzinfo=UTC))
    for number, day in enumerate((9, 11, 15)):
        with clock.travel(datetime(2026, 11, day, 3, tzinfo=UTC)):
            message = write(admit(channel, f"v{number}"), "几天发货？")  # type: ignore[arg-type]
        rows = Obligation.objects.filter(conversation_id=message.conversation_id)
        took = timedelta(seconds=11 if number == 2 else 2)
        for row in rows:
            rows.update(met_at=row.started_at + took, state="breached" if number == 2 else "met")
            if number == 2:
                Breach.objects.create(
                    obligation=row,
                    clause=row.clause,
                    subject_id=row.subject_id,
                    conversation_id=row.conversation_id,
                    started_at=row.started_at,
                    due_at=row.started_at + timedelta(seconds=10),
                    detected_at=row.started_at + took,
                    actual_at=row.started_at + took,
                )
    return tenant


def made(stage: str = "final") -> Report:
    with clock.travel(datetime(2026, 11, 20, tzinfo=UTC)):
        return reports.make("weekly", WEEK, stage)


def figures(report: Report) -> dict[str, object]:
    return {
        f"{section['key']}.{figure['key']}": figure["value"]
        for section in report.data["sections"]["zh-hans"]
        for figure in section["figures"]
    }


@pytest.mark.parametrize(
    ("kind", "first", "stage", "expected"),
    [
        ("weekly", date(2026, 11, 9), "provisional", "2026-11-16 09:00"),
        ("weekly", date(2026, 11, 9), "final", "2026-11-18 18:00"),
        # The week of the National Day: 8 October is the first working day after it.
        ("weekly", date(2026, 9, 28), "final", "2026-10-10 18:00"),
        ("monthly", date(2026, 10, 1), "provisional", "2026-11-01 09:00"),
        ("monthly", date(2026, 10, 1), "final", "2026-11-06 18:00"),
        ("annual", date(2025, 1, 1), "final", "2026-01-15 18:00"),
    ],
)
def test_due_times(in_tenant: Tenant, kind: str, first: date, stage: str, expected: str) -> None:
    assert f"{due.due_at(kind, first, stage, in_tenant.zone):%Y-%m-%d %H:%M}" == expected


def test_plan_reaches_sixty_days_and_waits_where_the_holidays_are_unknown(
    in_tenant: Tenant,
) -> None:
    with clock.travel(datetime(2026, 11, 29, 6, tzinfo=UTC)):
        new = due.plan()
        assert due.plan() == []

    waiting = {(row.kind, row.period_start) for row in new if row.waits_for_calendar}
    assert ("annual", date(2026, 1, 1)) in waiting
    assert ("monthly", date(2026, 12, 1)) in waiting
    assert {row.stage for row in new if row.waits_for_calendar} == {"final"}
    weeks = [row for row in new if (row.kind, row.stage) == ("weekly", "provisional")]
    assert len(weeks) == 9
    assert all(row.due_at is not None for row in weeks)


def test_what_a_dead_scheduler_left_is_made_oldest_first_and_once(in_tenant: Tenant) -> None:
    with clock.travel(datetime(2026, 11, 10, tzinfo=UTC)):
        due.plan()

    with clock.travel(datetime(2026, 11, 19, 12, tzinfo=UTC)):
        tasks.make_reports()
        tasks.make_reports()

    rows = list(Report.objects.order_by("version").values_list("period_start", "stage", "version"))
    assert rows == [(WEEK, "provisional", 1), (WEEK, "final", 2)]
    assert not ReportDue.objects.filter(
        made_at__isnull=True, due_at__lte=datetime(2026, 11, 19, 12, tzinfo=UTC)
    ).exists()
    assert Report.objects.filter(sent_at__isnull=False).count() == 2
    overdue = ReportDue.objects.filter(overdue_since__isnull=False)
    assert set(overdue.values_list("stage", flat=True)) == {"provisional", "final"}


def test_all_is_made_within_a_quarter_of_an_hour_after_three_dead_days(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    # Over the end of a month: a week, a month, and both versions of the week fall due meanwhile.
    died, back = datetime(2026, 11, 29, 15, tzinfo=UTC), datetime(2026, 12, 2, 15, tzinfo=UTC)
    with clock.travel(died):
        tasks.plan_reports()
    expected = {
        ("weekly", date(2026, 11, 23), "provisional"),
        ("weekly", date(2026, 11, 23), "final"),
        ("monthly", date(2026, 11, 1), "provisional"),
    }

    began = time.monotonic()
    for minute in range(15):
        with clock.travel(back + timedelta(minutes=minute)):
            tasks.make_reports()
            tasks.plan_reports()
    took = time.monotonic() - began

    assert took < 15 * 60
    for each in (tenant, other_tenant):
        with tenant_scope(each):
            found = Report.objects.values_list("kind", "period_start", "stage")
            assert sorted(found) == sorted(expected)
            assert set(Report.objects.values_list("sent_at", flat=True)) == {back}


@pytest.mark.django_db(transaction=True)
def test_many_triggers_make_one_report(tenant: Tenant) -> None:
    wrong: list[Exception] = []
    got: list[object] = []
    start = threading.Barrier(TRIGGERS)

    def trigger() -> None:
        try:
            with tenant_scope(tenant), clock.travel(AFTER):
                # Each has its own connection before anybody begins.
                Report.objects.exists()
                start.wait(60)
                got.append(reports.make("weekly", WEEK, "provisional").pk)
        except Exception as error:  # noqa: BLE001 -- told by the test
            wrong.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=trigger) for _number in range(TRIGGERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert len(got) == TRIGGERS
    assert len(set(got)) == 1
    with tenant_scope(tenant):
        assert Report.objects.count() == 1
        assert LedgerEntry.objects.filter(kind="report.made").count() == 1


def test_period_that_is_not_over_is_not_reported(in_tenant: Tenant) -> None:
    with (
        clock.travel(datetime(2026, 11, 15, 15, 59, tzinfo=UTC)),
        pytest.raises(reports.PeriodNotOverError),
    ):
        reports.make("weekly", WEEK, "provisional")


def test_days_sum_to_the_week_and_late_replies_are_listed(busy: Tenant) -> None:
    report = made()

    volume = next(s for s in report.data["sections"]["zh-hans"] if s["key"] == "volume")
    assert sum(volume["series"][0]["values"]) == figures(report)["volume.inquiries"] == 3
    assert figures(report)["first_reply.first_reply"] == 2 / 3
    assert figures(report)["summary.first_reply.first_reply"] == 2 / 3
    reply = next(s for s in report.data["sections"]["zh-hans"] if s["key"] == "first_reply")
    assert [row[3] for row in reply["tables"][0]["rows"]] == [11.0]


def test_no_traffic_still_gives_a_report_that_says_since_when(in_tenant: Tenant) -> None:
    Tenant.objects.filter(pk=in_tenant.pk).update(created_at=datetime(2026, 11, 12, tzinfo=UTC))

    report = made()
    shown = present(report.data, report.sha256, "en")

    assert figures(report)["volume.inquiries"] == 0
    assert figures(report)["first_reply.first_reply"] is None
    assert "2026-11-12" in shown.partial
    assert pdf.pdf(shown).startswith(b"%PDF")


def test_what_a_report_says_cannot_be_changed(in_tenant: Tenant) -> None:
    report = made()

    with pytest.raises(AppendOnlyError):
        Report.objects.filter(pk=report.pk).update(snapshot="{}")
    report.snapshot = "{}"
    with pytest.raises(AppendOnlyError):
        report.save()
    with pytest.raises(AppendOnlyError):
        report.delete()
    with pytest.raises(ValueError, match="hash"):
        _ = report.data


def test_correction_is_a_version_with_reason_and_difference(busy: Tenant, operator: User) -> None:
    first = made()
    Obligation.objects.filter(state="breached").update(state="met")

    with clock.travel(AFTER + timedelta(days=9)):
        second = reports.correct(first, reason=" 复核 ", by=operator)

    assert (second.version, second.stage, second.reason) == (2, "corrected", "复核")
    assert second.approved_at is None
    changed = {(row["section"], row["figure"]) for row in second.data["changes"]}
    assert ("first_reply", "first_reply") in changed
    assert second.data["previous_sha256"] == first.sha256
    assert Report.objects.get(pk=first.pk).is_intact
    with pytest.raises(reports.NotApprovedError):
        reports.send(second, by=operator)
    reports.approve(second, by=operator)
    assert reports.send(second, by=operator).sent_at is not None


def test_a_later_version_takes_the_answer_in_place_of_an_earlier_one(
    in_tenant: Tenant,
    make_member: Callable[..., User],
    operator: User,
    client_as: Callable[[User], Client],
) -> None:
    user = make_member(in_tenant, Role.CLIENT_ADMIN)
    member = Membership.objects.get(user=user)
    first, second = made("provisional"), made("final")
    client = client_as(user)
    client.cookies["django_language"] = "en"
    pages = {row.version: f"/admin/reporting/report/{row.pk}/" for row in (first, second)}
    told = "takes no answer any more: version 2 has taken its place. Please answer that one."

    with clock.travel(datetime(2026, 11, 20, 1, tzinfo=UTC)):
        with pytest.raises(reports.SupersededError) as refused, translation.override("en"):
            reports.answer(first, "confirmed", text="", by=member)
        assert (refused.value.code, refused.value.params) == ("report_superseded", {"version": 2})
        assert list(reports.to_answer()) == [second]
        shown = client.get(f"{pages[1]}read/").content.decode()
        sent = client.post(f"{pages[1]}answer/", {"verdict": "confirmed"}, follow=True)
        mine = client.get(f"{pages[2]}read/").content.decode()
        reports.answer(second, "confirmed", text="", by=member)

    assert f'{pages[1]}answer/"' not in shown
    assert f'href="{pages[2]}read/">v2' in shown
    assert sent.redirect_chain == [(f"{pages[2]}read/", 302)]
    assert told in sent.content.decode()
    assert f'{pages[2]}answer/"' in mine
    assert not ReportAnswer.objects.filter(report=first).exists()


def test_a_provisional_version_waits_for_the_final_one_to_be_sent(
    in_tenant: Tenant, make_member: Callable[..., User], operator: User
) -> None:
    """A final version that is corrected takes answers until the correction is sent."""
    member = Membership.objects.get(user=make_member(in_tenant, Role.CLIENT_ADMIN))
    at = datetime(2026, 11, 20, 1, tzinfo=UTC)
    first = made("provisional")
    with clock.travel(at):
        second = reports.correct(first, reason="复核", by=operator)
        with pytest.raises(reports.FinalNotSentError):
            reports.answer(first, "confirmed", text="", by=member)
        assert list(reports.to_answer()) == []
        reports.approve(second, by=operator)
        reports.send(second, by=operator)
        third = reports.correct(second, reason="再次复核", by=operator)
        assert list(reports.to_answer()) == [second]

        reports.answer(second, "confirmed", text="", by=member)
        reports.approve(third, by=operator)
        assert reports.superseded_by(second) is None
        reports.send(third, by=operator)
        assert reports.superseded_by(second) == third


def test_client_answers_once_and_an_objection_has_words(
    in_tenant: Tenant, make_member: Callable[..., User]
) -> None:
    report = made()
    member = Membership.objects.get(user=make_member(in_tenant, Role.CLIENT_ADMIN))
    assert report.answer_due_at is not None

    with clock.travel(report.answer_due_at), pytest.raises(reports.NotAnswerableError):
        reports.answer(report, "confirmed", text="", by=member)
    with clock.travel(report.answer_due_at - timedelta(seconds=1)):
        with pytest.raises(reports.WordsMissingError):
            reports.answer(report, "objected", text=" ", by=member)
        reports.answer(report, "objected", text="少了一天", by=member)
        with pytest.raises(reports.NotAnswerableError):
            reports.answer(report, "confirmed", text="", by=member)

    assert "少了一天" not in str(list(LedgerEntry.objects.values_list("data", flat=True)))
    assert ledger.verify()[1] is None


def displayed(cell: Any) -> str:
    """Return what a spreadsheet shows of the cell, as far as reports use its formats."""
    if isinstance(cell.value, str):
        return cell.value
    exact = Decimal(str(cell.value))
    return {
        "0.00%": f"{exact * 100:.2f}%",
        "0.00": f"{exact:,.2f}",
        "#,##0": f"{exact:,.0f}",
    }.get(cell.number_format, str(exact))


@pytest.mark.parametrize(
    ("value", "shown"), [(0.94996, "94.99%"), (2 / 3, "66.66%"), (1.0, "100.00%")]
)
def test_a_share_in_a_sheet_is_a_number_that_is_never_shown_higher(
    value: float, shown: str
) -> None:
    """Source: contract, Rounding. 94.996 % is 94.99 %, also for a spreadsheet that rounds."""
    figure = Figure("rate", "Rate", Unit.SHARE, value, target=0.95)
    sheet = Workbook().active

    xlsx._figure(sheet, 1, presentation.card(figure))

    cell = sheet.cell(1, 2)
    assert cell.data_type == "n"
    assert float(cell.value) <= value
    assert displayed(cell) == presentation.card(figure).text == shown


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_headings_begin_with_a_capital(busy: Tenant, language: str) -> None:
    shown = present(made().data, "0" * 64, language)

    heads = [*shown.labels.values(), *(label for label, _value in shown.parties)]
    for chapter in (shown.summary, *shown.chapters):
        heads += [chapter.title, *(card.title for card in chapter.cards)]
        heads += [words for grid in chapter.grids for words in (grid.title, *grid.heads)]
    assert [words for words in heads if words[:1].islower()] == []


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize(
    ("kind", "first"),
    [("weekly", WEEK), ("monthly", date(2026, 11, 1)), ("annual", date(2026, 1, 1))],
)
def test_paper_sheet_and_screen_say_the_same(
    busy: Tenant,
    make_member: Callable[..., User],
    client_as: Callable[[User], Client],
    language: str,
    kind: str,
    first: date,
) -> None:
    with clock.travel(datetime(2027, 1, 20, tzinfo=UTC)):
        report = reports.make(kind, first, "final")
    client = client_as(make_member(busy, Role.CLIENT_ADMIN))
    client.cookies["django_language"] = language
    page = client.get(f"/admin/reporting/report/{report.pk}/read/").content.decode()
    shown = present(report.data, report.sha256, language)
    handed = json.loads(pdf.handed(shown))
    book = load_workbook(io.BytesIO(xlsx.xlsx(shown)))
    cells = [
        {displayed(cell) for row in sheet.iter_rows() for cell in row if cell.value is not None}
        for sheet in book.worksheets
    ]

    for place, chapter in enumerate([handed["summary"], *handed["chapters"]]):
        for card in chapter["cards"]:
            assert card["text"] in cells[place], card
            assert f'data-figure="{chapter["key"]}.{card["key"]}"' in page, card
            assert f">{card['text']}<" in page, card
        for grid in chapter["grids"]:
            assert all(escape(words) in page for row in grid["rows"] for words in row)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_page_has_something_on_it(busy: Tenant, language: str) -> None:
    report = made()
    pages = pdf.pages(present(report.data, report.sha256, language), ppi=40)

    assert len(pages) >= 6
    assert all(page.startswith(b"\x89PNG") and len(page) > 2000 for page in pages)


class Mailbox:
    """Keeps what a mail server was given."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:  # noqa: N802 -- the name aiosmtpd calls
        self.letters.append(envelope.content)  # type: ignore[attr-defined]
        return "250 OK"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def test_mail_arrives_whole_over_smtp(busy: Tenant, settings: Any) -> None:
    ReportRecipient.objects.create(name="王经理", email="wang@qinghe.example")
    made()
    box = Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = (
            "127.0.0.1",
            server.port,
        )
        tasks.send_reports()
        tasks.send_reports()
    finally:
        server.stop()

    (raw,) = box.letters
    letter = message_from_bytes(raw, policy=policy.default)
    names = [part.get_filename() or "" for part in letter.walk()]
    page = letter.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "青禾生活" in letter["Subject"]
    assert any(name.startswith("青禾生活") and name.endswith(".pdf") for name in names)
    assert any(name.endswith(".xlsx") for name in names)
    assert "cid:chart0" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "<chart0>" in [part["Content-ID"] for part in letter.walk()]
    row = ReportDelivery.objects.get(channel="mail")
    assert row.sent_at is not None
    assert row.mail_id == letter["Message-ID"]


def test_failed_mail_is_tried_again_and_can_be_resent(
    in_tenant: Tenant, settings: Any, operator: User
) -> None:
    ReportRecipient.objects.create(name="王经理", email="wang@qinghe.example")
    made()
    row = ReportDelivery.objects.get(channel="mail")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    assert not report_mails.deliver(row.pk)
    row.refresh_from_db()
    assert row.error == "ConnectionRefusedError"
    assert row.due_at is not None
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    with clock.travel(row.due_at):
        assert report_mails.deliver(row.pk)
    again = reports.resend(row, by=operator)
    assert report_mails.deliver(again.pk)
    assert [again.round, len(mail.outbox)] == [2, 2]


def test_annual_report_has_a_point_for_each_month(busy: Tenant) -> None:
    with clock.travel(datetime(2027, 1, 20, tzinfo=UTC)):
        report = reports.make("annual", date(2026, 1, 1), "final")

    sections = {each["key"]: each for each in report.data["sections"]["en"]}
    inquiries, shares = (sections[key]["series"][0] for key in ("volume", "first_reply"))
    assert [len(each["values"]) for each in (inquiries, shares)] == [12, 12]
    assert sum(inquiries["values"]) == figures(report)["volume.inquiries"] == 3
    assert shares["values"][10] == 2 / 3
    assert shares["values"][0] is None
