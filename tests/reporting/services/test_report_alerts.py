"""Whoever has to know of a report is told, once, in the tenant's words (R33, R35)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from reporting import tasks
from reporting.models import ReportDelivery, ReportRecipient
from reporting.services import due, report_mails, reports
from tenants import clock
from tenants.models import Membership
from tenants.roles import Role
from tests.tenants.agreements import Parties
from tests.tenants.told import told

WEEK = date(2026, 11, 9)
AFTER = datetime(2026, 11, 20, tzinfo=UTC)


def test_report_waits_is_sent_and_objected_to(parties: Parties, settings: Any) -> None:
    settings.REPORTS_NEED_APPROVAL = True
    with clock.travel(AFTER):
        report = reports.make("weekly", WEEK, "final")
        assert told("report.sent") == []
        reports.approve(report, by=parties.provider)
        sent = reports.send(report, by=parties.provider)
        member = Membership.objects.get(user=parties.client)
        reports.answer(sent, "objected", text="少了一天", by=member)

    assert [row[2] for row in told("report.waiting")] == [{Role.ACCOUNT_MANAGER}]
    assert [row[2] for row in told("report.sent")] == [{Role.CLIENT_ADMIN}]
    assert [(row[0], row[2]) for row in told("report.answered")] == [
        ("warning", {Role.ACCOUNT_MANAGER})
    ]


def test_report_that_is_two_hours_late_is_told_once(parties: Parties, settings: Any) -> None:
    settings.REPORTS_NEED_APPROVAL = True
    with clock.travel(datetime(2026, 11, 10, tzinfo=UTC)):
        due.plan()
    with clock.travel(datetime(2026, 11, 16, 4, tzinfo=UTC)):
        tasks.make_reports()
        tasks.make_reports()

    assert [row[0] for row in told("report.overdue")] == ["critical"]


def test_mail_that_fails_for_two_hours_is_told_once(parties: Parties, settings: Any) -> None:
    ReportRecipient.objects.create(name="王经理", email="wang@qinghe.example")
    with clock.travel(AFTER):
        reports.make("weekly", WEEK, "final")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    row = ReportDelivery.objects.get(channel="mail")
    at = AFTER
    while at < AFTER + timedelta(hours=5):
        with clock.travel(at):
            report_mails.deliver(row.pk)
        if at < AFTER + timedelta(hours=2):
            assert told("report.not_mailed") == []
        row.refresh_from_db()
        assert row.due_at is not None
        at = row.due_at

    assert [row[2] for row in told("report.not_mailed")] == [{Role.ACCOUNT_MANAGER}]
