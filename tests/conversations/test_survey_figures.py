"""A month's figures, from rows to the two decimals that are shown (R73, R74)."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from conversations.models import (
    ContactSession,
    Inquiry,
    QAItem,
    QARubric,
    QASample,
    Rating,
    SurveyInvite,
    SurveyMonth,
)
from conversations.satisfaction import WINDOW, Standing
from conversations.survey_figures import month_figures
from tenants import clock
from tenants.models import Tenant
from tests.conversations.doors import send

# Half past noon in Shanghai; the month ends at 16:00 UTC of the 30th.
AT = datetime.fromisoformat("2026-11-20T04:30:00+00:00")
END = datetime.fromisoformat("2026-11-30T16:00:00+00:00")
NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)


@pytest.fixture
def opened(in_tenant: Tenant, visitor: ContactSession) -> Inquiry:
    with clock.travel(AT):
        inquiry: Inquiry = send(visitor, "你好").message.inquiry  # type: ignore[assignment]
    SurveyInvite.objects.all().delete()
    return inquiry


class Month:
    """Makes ended inquiries of one conversation."""

    def __init__(self, opened: Inquiry) -> None:
        self.opened = opened
        self.number = 1

    def inquiry(self, *scores: int, at: datetime = AT, sent: bool = True, **fields: Any) -> None:
        self.number += 1
        row = Inquiry.objects.create(
            conversation=self.opened.conversation, number=self.number, opened_at=at, last_at=at
        )
        window = {"sent_at": at, "opens_at": at, "expires_at": at + WINDOW} if sent else {}
        excluded = fields.pop("excluded_reason", "")
        invite = SurveyInvite.objects.create(
            inquiry=row,
            month=SurveyMonth.objects.get(),
            is_invited=sent,
            drawn_at=at,
            ended_at=at,
            **{"has_bot_part": True, **window, **fields},
        )
        for part, score in zip(("bot", "human"), scores, strict=False):
            Rating.objects.create(
                invite=invite, part=part, score=score, given_at=at, excluded_reason=excluded
            )


@pytest.fixture
def month(opened: Inquiry) -> Month:
    return Month(opened)


def test_empty_month_is_neutral(in_tenant: Tenant) -> None:
    figures = month_figures(NOVEMBER)

    assert (figures.inquiries, figures.asked, figures.bot.shown) == (0, 0, "–")
    assert (figures.response_rate, figures.standing) == (None, Standing.NEUTRAL)


def test_figures_of_a_month(month: Month) -> None:
    month.inquiry(100, 20)
    month.inquiry(80)
    month.inquiry(80)
    month.inquiry()
    month.inquiry(sent=False)
    month.inquiry(20, excluded_reason="staff")
    month.inquiry(20, is_test=True, excluded_reason="test")
    month.inquiry(has_bot_part=False, has_human_part=True)

    figures = month_figures(NOVEMBER)

    assert (figures.inquiries, figures.asked) == (6, 5)
    assert (figures.bot.shown, figures.bot.responses) == ("86.66", 3)
    assert (figures.human.shown, figures.human.responses) == ("20.00", 1)
    assert figures.bot.distribution == {100: 1, 80: 2, 60: 0, 40: 0, 20: 0}
    assert figures.response_rate == Decimal("60.0")
    assert figures.excluded == 2


def test_month_goes_by_the_end_of_the_inquiry_in_the_tenants_zone(month: Month) -> None:
    month.inquiry(100, at=END - timedelta(microseconds=1))
    month.inquiry(20, at=END)

    assert month_figures(NOVEMBER).bot.shown == "100.00"
    assert month_figures(DECEMBER).bot.shown == "20.00"


def test_sample_makes_up_for_missing_answers(month: Month) -> None:
    for _number in range(30):
        month.inquiry()
    assert month_figures(NOVEMBER).standing == Standing.NEEDS_SAMPLING

    rubric = QARubric.objects.create(version=1, created_at=AT)
    sample = QASample.objects.create(
        month=NOVEMBER, size=30, rubric=rubric, seed="s", created_at=AT
    )
    inquiries = SurveyInvite.objects.values_list("inquiry", flat=True)
    for position, inquiry in enumerate(inquiries, start=1):
        QAItem.objects.create(
            sample=sample,
            position=position,
            inquiry_id=inquiry,
            rated_twice=False,
            result=Decimal("90.5") if position > 1 else Decimal("90.0"),
        )

    figures = month_figures(NOVEMBER)
    assert (figures.standing, figures.sampled) == (Standing.ENOUGH, 30)
    assert figures.sample_shown == "90.48"
    assert figures.bot.shown == "–"


def test_figures_cost_as_much_for_many_as_for_one(
    month: Month, django_assert_num_queries: Any
) -> None:
    for _number in range(12):
        month.inquiry(100, 80)

    with django_assert_num_queries(4):
        month_figures(NOVEMBER)
