"""Whoever has to know is told, once, in the tenant's words (R11, R33-R35, R85, R87, I1, I2)."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from reporting import tasks
from reporting.availability import Burn
from reporting.models import DownInterval, ReportDelivery, ReportRecipient
from reporting.services import (
    catalogues,
    claims,
    due,
    early_warnings,
    incidents,
    maintenance,
    report_mails,
    reports,
    telling,
)
from reporting.services.early_warnings import Warned
from tenants import clock
from tenants.models import (
    Approval,
    Membership,
    Notification,
    NotificationRecipient,
    Party,
    Tenant,
    User,
)
from tenants.roles import Role
from tenants.services import approvals, contract_alerts
from tests.tenants.agreements import Parties

WEEK = date(2026, 11, 9)
AFTER = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def parties(in_tenant: Tenant, make_member: Callable[..., User]) -> Parties:
    return Parties(make_member, in_tenant)


def told(kind: str) -> list[tuple[str, str, set[str]]]:
    """What was told of this kind: level, title, and the roles of those who heard it."""
    return [
        (
            row.level,
            row.title,
            set(
                Membership.objects.filter(
                    user__in=NotificationRecipient.objects.filter(notification=row).values("user")
                ).values_list("role", flat=True)
            ),
        )
        for row in Notification.objects.filter(kind=kind).order_by("created_at")
    ]


def test_incident_from_opening_to_its_end(parties: Parties) -> None:
    incident = incidents.open_incident(title="回复变慢", level="p2", by=parties.provider)
    incidents.tell(incident.pk, "正在排查。", by=parties.provider)
    incidents.restore(incident.pk, by=parties.provider)

    everybody = {Role.ACCOUNT_MANAGER, Role.CLIENT_ADMIN}
    assert told("incident.opened") == [("critical", "P2 回复变慢", everybody)]
    assert told("incident.told") == [("info", "最新进展：回复变慢", everybody)]
    assert told("incident.restored") == [("info", "已恢复：回复变慢", everybody)]


def test_claim_is_the_clients_to_decide(parties: Parties) -> None:
    now = clock.now()
    interval = DownInterval.objects.create(
        start_at=now - timedelta(minutes=9),
        end_at=now - timedelta(minutes=5),
        sources=["probes"],
        found_at=now,
    )
    claim = claims.claim(
        interval.pk,
        kind="client",
        start_at=interval.start_at,
        end_at=interval.end_at,
        evidence="机房停电",
        by=parties.provider,
    )
    claims.decide(claim.pk, accepted=False, remark="没有通知", by=parties.client)

    assert [row[2] for row in told("availability.claimed")] == [{Role.CLIENT_ADMIN}]
    assert told("availability.decided") == [("info", "剔除申请已被拒绝", {Role.ACCOUNT_MANAGER})]


def test_planned_work_is_announced_and_called_off(parties: Parties) -> None:
    start = clock.now() + timedelta(days=4)
    window = maintenance.announce(
        title="升级",
        description="数据库升级",
        start_at=start,
        end_at=start + timedelta(hours=1),
        by=parties.provider,
    )
    maintenance.cancel(window.pk, by=parties.provider)

    assert [row[1] for row in told("maintenance.announced")] == ["计划维护：升级"]
    assert [row[1] for row in told("maintenance.cancelled")] == ["已取消：升级"]


def test_each_step_of_the_budget_is_told_once(parties: Parties) -> None:
    now = clock.now()
    for minutes in (60, 61, 120):
        spent = timedelta(minutes=minutes)
        telling.of_budget(Burn(timedelta(minutes=200), spent, timedelta()), now)
    telling.of_budget(Burn(timedelta(minutes=200), timedelta(minutes=9), timedelta(minutes=9)), now)
    telling.of_budget(
        Burn(timedelta(minutes=200), timedelta(minutes=9), timedelta(minutes=11)), now
    )

    titles = [row[1] for row in told("availability.budget")]
    assert [title[-3:] for title in titles] == ["25%", "50%"]
    assert [row[0] for row in told("availability.burning")] == ["critical"]


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


def test_figure_at_risk_is_told_once_a_day(
    parties: Parties, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned = Warned("auto_answer", date(2026, 11, 1), Fraction(90, 100), 90, 100, Fraction(95, 100))
    monkeypatch.setattr(early_warnings, "all_at_risk", lambda: [warned])
    for hours in (0, 1, 25):
        with clock.travel(AFTER + timedelta(hours=hours)):
            tasks.warn_early()

    assert [row[1] for row in told("auto_answer.at_risk")] == ["本月指标有风险：自动解答率"] * 2


def test_catalogue_is_in_force_once_both_have_signed(parties: Parties) -> None:
    row = catalogues.draft([{"name": "物流", "examples": ["几天发货？"]}], by=parties.provider)
    catalogues.submit(row, by=parties.provider)
    approval = Approval.objects.get(about_id=row.pk)
    tomorrow = clock.now().date() + timedelta(days=2)

    approvals.sign(approval, parties.provider, Party.PROVIDER)
    assert catalogues.in_force(tomorrow) is None
    approvals.sign(approval, parties.client, Party.CLIENT)

    assert catalogues.in_force(tomorrow) == row
    both = {Role.ACCOUNT_MANAGER, Role.CLIENT_ADMIN}
    assert [each[2] for each in told("approval.requested")] == [both]
    assert [each[1][:6] for each in told("approval.settled")] == ["双方已签署："]


def test_refusal_and_calendar_are_told(parties: Parties) -> None:
    row = catalogues.draft([{"name": "物流", "examples": ["几天发货？"]}], by=parties.provider)
    catalogues.submit(row, by=parties.provider)
    approval = Approval.objects.get(about_id=row.pk)
    approvals.refuse(approval, parties.client, Party.CLIENT, reason="缺少退货")
    contract_alerts.calendar_missing(2031)
    contract_alerts.calendar_missing(2031)
    contract_alerts.deadlines_changed(3)

    assert [each[0] for each in told("approval.settled")] == ["warning"]
    assert Notification.objects.get(kind="approval.settled").body == "缺少退货"
    assert len(told("calendar.missing")) == len(told("calendar.changed")) == 1
