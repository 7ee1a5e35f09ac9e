"""What threatens to fail this month, as facts; whoever tells people reads them (R11, R62)."""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from conversations.survey_figures import month_figures
from reporting import metrics
from reporting.sections import Period
from reporting.services import figures
from tenants import clock
from tenants.models import Tenant
from tenants.scoping import active_tenant_id
from tenants.services import contracts


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
    target = contracts.terms_at(clock.now()).auto_answer_target
    if not metrics.is_warned(found.part, found.whole, target):
        return None
    value = Fraction(found.part, found.whole)
    return Warned("auto_answer", period.first, value, found.part, found.whole, Fraction(target))


def satisfaction_at_risk() -> Warned | None:
    """Return the month's satisfaction so far if it is less than two points above the target."""
    month = _month_to_date().first
    bot = month_figures(month).bot
    line = contracts.terms_at(clock.now()).satisfaction_target + metrics.WARNED_ABOVE
    if bot.score is None or bot.score >= line:
        return None
    total = sum(value * count for value, count in bot.distribution.items())
    return Warned("satisfaction", month, bot.score, total, bot.responses, Fraction(line))


def _month_to_date() -> Period:
    zone = Tenant.objects.get(pk=active_tenant_id()).zone
    today = clock.now().astimezone(zone).date()
    return Period(today.replace(day=1), today + timedelta(days=1), zone)
