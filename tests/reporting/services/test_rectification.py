"""Two adjacent months below the target open a plan, due in 7 working days (R76, T9)."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.db import transaction
from django.test import Client

from conversations.models import Channel, ContactSession, Inquiry, Rating, SurveyInvite
from conversations.satisfaction import WINDOW
from conversations.services import survey_terms
from reporting import tasks
from reporting.models import PlanState, RectificationPlan
from reporting.periods import period
from reporting.services import rectification, sections_rectification
from reporting.services.rectification import (
    Judged,
    PlanIncompleteError,
    PlanStepError,
    RemarkMissingError,
)
from tenants import clock
from tenants.models import Breach, LedgerEntry, Notification, Obligation, Tenant, User
from tenants.services import ledger, obligations
from tenants.tasks import find_breaches, warn_early
from tests.conversations.doors import send
from tests.tenants.agreements import Parties
from tests.world import admit

SEPTEMBER, OCTOBER, NOVEMBER = (date(2026, month, 1) for month in (9, 10, 11))
# 30 answers that come to 84 and to 86.
LOW, HIGH = [100] * 6 + [80] * 24, [100] * 9 + [80] * 21


class Year:
    """Plays months of rated inquiries."""

    def __init__(self, visitor: ContactSession) -> None:
        with clock.travel(datetime(2026, 6, 1, tzinfo=UTC)):
            self.opened: Inquiry = send(visitor, "你好").message.inquiry  # type: ignore[assignment]
        SurveyInvite.objects.all().delete()
        self.number = 1

    def play(self, month: date, scores: list[int], *, inquiries: int = 30) -> None:
        at = datetime(month.year, month.month, 20, 4, tzinfo=UTC)
        with clock.travel(at), transaction.atomic():
            kept = survey_terms.month_at(at)[0]
        for place in range(max(inquiries, len(scores))):
            self.number += 1
            row = Inquiry.objects.create(
                conversation=self.opened.conversation, number=self.number, opened_at=at, last_at=at
            )
            invite = SurveyInvite.objects.create(
                inquiry=row,
                month=kept,
                is_invited=True,
                drawn_at=at,
                ended_at=at,
                has_bot_part=True,
                sent_at=at,
                opens_at=at,
                expires_at=at + WINDOW,
            )
            if place < len(scores):
                Rating.objects.create(invite=invite, part="bot", score=scores[place], given_at=at)


@pytest.fixture
def year(parties: Parties, channel: Channel) -> Year:
    return Year(admit(channel, "v").session)


def follow(at: datetime) -> RectificationPlan | None:
    with clock.travel(at):
        return rectification.follow()


def dues(plan: RectificationPlan) -> list[datetime | None]:
    return [each.due_at for each in rectification.promises(plan)]


# 48 hours after October, in Shanghai: the 2nd of November at 24:00.
FINAL = datetime(2026, 11, 2, 16, tzinfo=UTC)


def test_plan_opens_once_the_second_month_is_final(year: Year) -> None:
    year.play(SEPTEMBER, LOW)
    year.play(OCTOBER, LOW)

    assert follow(FINAL - timedelta(seconds=1)) is None
    plan = follow(FINAL)
    assert plan is not None
    assert (plan.months, plan.scores) == (["2026-09-01", "2026-10-01"], ["84.00", "84.00"])
    assert plan.triggered_at == FINAL
    # From Tuesday the 3rd: the 4th to the 6th, the 9th to the 12th; at 24:00.
    assert dues(plan) == [datetime(2026, 11, 12, 16, tzinfo=UTC)]
    assert follow(FINAL + timedelta(days=1)) is None
    assert RectificationPlan.objects.count() == 1
    assert Notification.objects.filter(kind="plan.triggered").count() == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (LOW, HIGH),
        (HIGH, LOW),
        # Exactly 85 is kept.
        (LOW, [100] * 8 + [80] * 24),
        # Fewer than 30 inquiries: a neutral month is not a low one.
        (LOW, [20] * 10),
    ],
)
def test_other_months_open_none(year: Year, first: list[int], second: list[int]) -> None:
    year.play(SEPTEMBER, first)
    year.play(OCTOBER, second, inquiries=len(second))

    assert follow(FINAL + timedelta(days=1)) is None


def test_low_months_that_are_not_adjacent_open_none(year: Year) -> None:
    year.play(SEPTEMBER, LOW)
    year.play(OCTOBER, HIGH)
    year.play(NOVEMBER, LOW)

    assert follow(datetime(2026, 12, 5, tzinfo=UTC)) is None


def test_too_few_answers_wait_for_the_sample(year: Year) -> None:
    year.play(SEPTEMBER, LOW)
    year.play(OCTOBER, [20] * 10, inquiries=40)

    assert follow(FINAL + timedelta(days=1)) is None


def test_third_low_month_amends_the_open_plan(year: Year, parties: Parties) -> None:
    year.play(SEPTEMBER, LOW)
    year.play(OCTOBER, LOW)
    plan = follow(FINAL)
    assert plan is not None
    with clock.travel(FINAL + timedelta(days=2)):
        submitted(plan, parties)
        rectification.accept(plan, by=parties.client)
    year.play(NOVEMBER, LOW)

    amended = follow(datetime(2026, 12, 3, tzinfo=UTC))

    assert amended == plan
    assert (amended.state, amended.months[-1]) == (PlanState.RETURNED, "2026-11-01")
    assert RectificationPlan.objects.count() == 1
    # Final at 24:00 of Wednesday the 2nd, which begins the 3rd: the 4th, the 7th to the 11th, the 14th.
    assert dues(amended) == [
        datetime(2026, 11, 12, 16, tzinfo=UTC),
        datetime(2026, 12, 14, 16, tzinfo=UTC),
    ]
    states = [each.obligation.state for each in rectification.promises(amended)]
    assert states == ["met", "running"]
    assert follow(datetime(2026, 12, 3, 1, tzinfo=UTC)) is None
    with clock.travel(datetime(2026, 12, 14, 16, tzinfo=UTC)):
        submitted(amended, parties)
    assert not any(each.is_open for each in rectification.promises(amended))
    assert not Breach.objects.exists()
    assert ledger.verify()[1] is None


def test_plan_written_anew_has_a_clock_of_its_own(
    year: Year,
    parties: Parties,
    client_as: Callable[[User], Client],
) -> None:
    year.play(SEPTEMBER, LOW)
    year.play(OCTOBER, LOW)
    plan = follow(FINAL)
    assert plan is not None
    year.play(NOVEMBER, LOW)
    # Nobody wrote the first one, and it is to be written anew by now.
    amended = follow(datetime(2026, 12, 3, tzinfo=UTC))
    assert amended is not None
    first, second = dues(amended)
    assert first is not None
    assert second is not None
    halfway = datetime(2026, 12, 9, tzinfo=UTC)

    with clock.travel(halfway):
        find_breaches()
        warn_early()
        page = client_as(parties.provider).get(
            f"/admin/reporting/rectificationplan/{plan.pk}/change/"
        )
    with clock.travel(second + timedelta(seconds=1)):
        find_breaches()
        submitted(amended, parties)

    text = page.content.decode()
    assert "2026-11-13 00:00" in text
    assert "2026-12-15 00:00" in text
    early = Notification.objects.filter(kind="obligation.running_out")
    assert ["50" in row.title for row in early] == [True]
    breaches = Breach.objects.filter(obligation__kind="rectification").order_by("due_at")
    assert [row.due_at for row in breaches] == [first, second]
    assert {row.actual_at for row in breaches} == {second + timedelta(seconds=1)}
    assert Notification.objects.filter(kind="obligation.rectification").count() == 2


@pytest.mark.parametrize(
    ("final", "due"),
    [
        ("2026-05-01", "2026-05-13"),
        ("2026-09-01", "2026-09-10"),
        ("2026-10-01", "2026-10-15"),
        ("2025-10-01", "2025-10-16"),
        ("2025-02-01", "2025-02-12"),
    ],
)
def test_both_clocks_run_to_the_dates_of_the_calendar(
    in_tenant: Tenant, final: str, due: str
) -> None:
    at = datetime.combine(date.fromisoformat(final), time(), in_tenant.zone)
    months = [date(2024, number, 1) for number in (1, 2, 3)]
    low = [Judged(month, Fraction(80), Fraction(85), at) for month in months]

    rectification._trigger(low[0], low[1])
    plan = rectification._trigger(low[1], low[2])

    expected = datetime.combine(date.fromisoformat(due), time(), in_tenant.zone)
    assert dues(plan) == [expected + timedelta(days=1)] * 2


def test_clock_of_an_amendment_waits_for_unknown_holidays(
    year: Year, parties: Parties, in_tenant: Tenant
) -> None:
    months = [date(2026, number, 1) for number in (10, 11, 12)]
    low = [
        Judged(month, Fraction(80), Fraction(85), datetime(2026, 12, 29, tzinfo=UTC))
        for month in months
    ]
    rectification._trigger(low[0], low[1])

    plan = rectification._trigger(low[1], low[2])

    assert dues(plan) == [None, None]
    assert all(each.is_open for each in rectification.promises(plan))


def submitted(plan: RectificationPlan, parties: Parties) -> RectificationPlan:
    return rectification.submit(
        plan,
        measures="补充退换货条目，调整阈值，每周复盘。",
        owner="方经理",
        target_date=date(2026, 12, 1),
        by=parties.provider,
    )


def test_plan_goes_its_way_and_a_late_one_is_a_breach(year: Year, parties: Parties) -> None:
    year.play(SEPTEMBER, LOW)
    year.play(OCTOBER, LOW)
    plan = follow(FINAL)
    assert plan is not None
    (due,) = dues(plan)
    assert due is not None
    with pytest.raises(PlanIncompleteError):
        rectification.submit(plan, measures="改", owner="", target_date=None, by=parties.provider)
    with clock.travel(due + timedelta(seconds=1)):
        obligations.sweep(Obligation.objects.get(subject_id=plan.pk).pk)
        submitted(plan, parties)
    with pytest.raises(RemarkMissingError):
        rectification.give_back(plan, remark=" ", by=parties.client)
    rectification.give_back(plan, remark="没有时间表", by=parties.client)
    submitted(plan, parties)
    rectification.accept(plan, by=parties.client)
    with pytest.raises(PlanStepError):
        rectification.accept(plan, by=parties.client)
    closed = rectification.close(plan, by=parties.client)

    assert closed.closed_at is not None
    breach = Breach.objects.get(subject_id=plan.pk)
    assert (breach.due_at, breach.actual_at) == (due, due + timedelta(seconds=1))
    steps = LedgerEntry.objects.filter(kind="plan.moved").order_by("position")
    assert [row.data["state"] for row in steps] == [
        "submitted",
        "returned",
        "submitted",
        "executing",
        "closed",
    ]


def test_the_report_tells_plan_and_effect(year: Year, in_tenant: Tenant) -> None:
    year.play(SEPTEMBER, LOW)
    year.play(OCTOBER, LOW)
    with clock.travel(FINAL):
        tasks.follow_satisfaction()
    year.play(NOVEMBER, HIGH)

    section = sections_rectification.build(period("monthly", NOVEMBER, in_tenant.zone), None)

    assert section.figures[0].value == 1
    row = section.tables[0].rows[0]
    assert row[:2] == ["2026-09 · 2026-10", "84.00 · 84.00"]
    assert row[5] == "2026-11: 86.00 (30)"
    assert section.tables[1].rows == [
        ["2026-09 · 2026-10", "2026-11-13T00:00:00+08:00", None, "计时中"]
    ]
    assert RectificationPlan.objects.get().target == Decimal("85.00")
