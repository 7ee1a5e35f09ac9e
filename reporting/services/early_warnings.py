"""What threatens to fail this month, as facts; whoever tells people reads them (R11, R62)."""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from conversations.survey_figures import month_figures
from reporting import metrics
from reporting.sections import Period
from reporting.services import figures
from reporting.services.sections import AUTO_ANSWER
from tenants import clock
from tenants.models import Tenant
from tenants.scoping import active_tenant_id


@dataclass(frozen=True)
class Warned:
    """One promise at risk: `metric` so far this month, exact, of `whole` cases, and its line."""

    metric: str
    month: date
    value: Fraction
    part: int
    whole: int
    line: Fraction


def all_at_risk() -> list[Warned]:
    """Return every figure of the running month that threatens to fail."""
    return [each for each in (auto_answer_at_risk(), satisfaction_at_risk()) if each is not None]


def auto_answer_at_risk() -> Warned | None:
    """Return the month's auto-answer rate if it is below the target with 100 questions or more.

    As far as its days are counted: the roll-up does that every hour, and nothing here again.
    """
    period = _month_to_date()
    found = figures.total(period, "auto_answer")
    if not metrics.is_warned(found.part, found.whole, AUTO_ANSWER):
        return None
    value = Fraction(found.part, found.whole)
    return Warned(
        "auto_answer", period.first, value, found.part, found.whole, Fraction(AUTO_ANSWER)
    )


def satisfaction_at_risk() -> Warned | None:
    """Return the month's satisfaction so far if it is below 87."""
    month = _month_to_date().first
    bot = month_figures(month).bot
    if bot.score is None or bot.score >= metrics.WARNED_SCORE:
        return None
    total = sum(value * count for value, count in bot.distribution.items())
    return Warned("satisfaction", month, bot.score, total, bot.responses, metrics.WARNED_SCORE)


def _month_to_date() -> Period:
    zone = Tenant.objects.get(pk=active_tenant_id()).zone
    today = clock.now().astimezone(zone).date()
    return Period(today.replace(day=1), today + timedelta(days=1), zone)
