"""What a month's surveys and samples came to (R73, R74)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.db.models import Count, Q, Sum

from conversations.models import QAItem, Rating, SurveyInvite, SurveyPart
from conversations.satisfaction import (
    Standing,
    Tally,
    cut,
    month_bounds,
    response_rate,
    standing,
    tally,
)
from tenants.models import Tenant
from tenants.scoping import active_tenant_id


@dataclass(frozen=True)
class MonthFigures:
    """One calendar month of the tenant's zone, by the end of the inquiries.

    `inquiries` are those in which the assistant answered; `asked` those of them that were sent a
    survey. Tests and demonstrations are in none of the figures. `sample` is the mean result of the
    sampled inquiries that are rated, never mixed with the survey's `bot`.
    """

    month: date
    inquiries: int
    asked: int
    bot: Tally
    human: Tally
    excluded: int
    sampled: int
    sample: Fraction | None

    @property
    def standing(self) -> Standing:
        """What the month is good for; a sample of thirty makes up for missing answers."""
        return standing(max(self.bot.responses, self.sampled), self.inquiries)

    @property
    def response_rate(self) -> Decimal | None:
        """How many percent of those asked about the assistant gave an answer that counts."""
        rate = response_rate(self.bot.responses, self.asked)
        return None if rate is None else cut(rate * 100, 1)

    @property
    def sample_shown(self) -> str:
        """The sample's mean with two decimals, cut off; a dash for none."""
        return "–" if self.sample is None else str(cut(self.sample))


def month_figures(month: date) -> MonthFigures:
    """Return the figures of one month, in a fixed number of queries."""
    start, end = month_bounds(month, Tenant.objects.get(pk=active_tenant_id()).zone)
    ended = SurveyInvite.objects.filter(
        ended_at__gte=start, ended_at__lt=end, is_test=False
    ).order_by()
    counts = ended.aggregate(
        inquiries=Count("pk", filter=Q(has_bot_part=True)),
        asked=Count("pk", filter=Q(has_bot_part=True, sent_at__isnull=False)),
    )
    given = list(
        Rating.objects.filter(invite__ended_at__gte=start, invite__ended_at__lt=end)
        .order_by()
        .values_list("part", "score", "excluded_reason")
    )
    rated = (
        QAItem.objects.filter(sample__month=month.replace(day=1), result__isnull=False)
        .order_by()
        .aggregate(count=Count("pk"), total=Sum("result"))
    )
    return MonthFigures(
        month=month.replace(day=1),
        inquiries=counts["inquiries"],
        asked=counts["asked"],
        bot=tally(_counted(given, SurveyPart.BOT)),
        human=tally(_counted(given, SurveyPart.HUMAN)),
        excluded=sum(1 for _part, _score, reason in given if reason),
        sampled=rated["count"],
        sample=Fraction(rated["total"]) / rated["count"] if rated["count"] else None,
    )


def _counted(given: Iterable[tuple[str, int, str]], part: str) -> list[int]:
    return [score for of, score, reason in given if of == part and not reason]
