"""Load a year's holidays from the State Council's notice, and miss one that is not there (R1, R2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from tenants import clock, worktime
from tenants.errors import DomainError
from tenants.models import CalendarDay, CalendarYear, LedgerEntry, User
from tenants.services import contract_alerts, ledger
from tenants.services.calendars import midnight
from tenants.services.ledger import Event

# The calendar is China's, whatever zone a tenant is in.
ZONE = ZoneInfo("Asia/Shanghai")
# A notice with fewer days off is no whole year: there are at least eleven by law.
FEWEST_DAYS_OFF = 11
_ALARM_MONTH = 11
# The Chinese signs are those of the notice: to, rest, duty.
_LINE = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:\s*(?:\.\.|~|\u81f3)\s*(\d{4}-\d{2}-\d{2}))?"
    r"\s+(?:(off|\u4f11)|work|\u73ed)(?:\s+(.+))?"
)


class UnreadableDayError(DomainError):
    """A line that names no days."""

    code = "unreadable_day"
    message = _("“%(line)s” cannot be read. Write for example: 2027-02-05..2027-02-11 off Holiday")


class IncompleteYearError(DomainError):
    """The days cannot be a whole year's notice."""

    code = "incomplete_year"
    message = _(
        "These days are no whole notice: a year has at least %(least)s days off, each within the "
        "year or the December before it, and each stands there once."
    )


class ProofNeededError(DomainError):
    """A year without notice number or source."""

    code = "proof_needed"
    message = _("Give the number of the State Council's notice and where it can be read.")


@dataclass(frozen=True)
class NamedDay:
    """Whether a day is off, and on what occasion."""

    is_off: bool
    name: str = ""


def read_days(text: str) -> dict[date, NamedDay]:
    """Return the days that lines such as "2027-01-01..2027-01-03 off New Year" name.

    `off` is a day off, `work` a make-up day, or the Chinese signs for them; blank lines are skipped. Raises
    UnreadableDayError for any other line, and for a day named twice.
    """
    days: dict[date, NamedDay] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        found = _LINE.fullmatch(line)
        try:
            assert found is not None
            first = date.fromisoformat(found[1])
            last = date.fromisoformat(found[2] or found[1])
        except (AssertionError, ValueError) as error:
            raise UnreadableDayError(line=line[:60]) from error
        span = range((last - first).days + 1)
        each = [first + timedelta(days=offset) for offset in span]
        if not 0 < len(each) <= 31 or days.keys() & set(each):
            raise UnreadableDayError(line=line[:60])
        days |= dict.fromkeys(each, NamedDay(found[3] is not None, (found[4] or "")[:60]))
    return days


def load_year(
    year: int,
    *,
    notice_number: str,
    source_url: str,
    days: Mapping[date, NamedDay],
    by: User | None,
) -> CalendarYear:
    """Write a year's calendar by hand; a year that is there is replaced as a whole.

    It holds at once and wins over the library; open deadlines follow within a minute, each change
    in its tenant's ledger. Raises ProofNeededError, IncompleteYearError. A year that the library
    knows may be corrected by single days.
    """
    if not notice_number.strip() or not source_url.strip():
        raise ProofNeededError
    check(year, days)
    with transaction.atomic():
        row, _made = CalendarYear.objects.update_or_create(
            year=year,
            defaults={
                "notice_number": notice_number.strip(),
                "source_url": source_url.strip(),
                "loaded_at": clock.now(),
                "loaded_by": by,
            },
        )
        row.days.all().delete()
        # A December day may stand in the notice of the year after it: the later word counts.
        CalendarDay.objects.filter(date__in=list(days)).delete()
        CalendarDay.objects.bulk_create(
            CalendarDay(year=row, date=day, is_off=each.is_off, name=each.name)
            for day, each in sorted(days.items())
        )
    return row


def is_known(year: int) -> bool:
    """Return whether working days of this year can be counted."""
    return worktime.is_published(year) or CalendarYear.objects.filter(year=year).exists()


def missing_year() -> int | None:
    """Return the year to load now: the running one, from 1 November on the next; None if known."""
    today = clock.now().astimezone(ZONE).date()
    wanted = [today.year, today.year + 1] if today.month >= _ALARM_MONTH else [today.year]
    return next((year for year in wanted if not is_known(year)), None)


def note_missing(year: int) -> bool:
    """Write into the ledger of the tenant in scope that the year is missing; once a day.

    Returns whether it was written now.
    """
    with transaction.atomic():
        now = clock.now()
        today = midnight(now.astimezone(ZONE).date(), ZONE)
        entries = LedgerEntry.objects.filter(
            kind="calendar.missing", subject=str(year), at__gte=today
        )
        if entries.exists():
            return False
        ledger.append(Event("calendar.missing", year, {"year": year}, now))
        contract_alerts.calendar_missing(year)
    return True


def check(year: int, days: Mapping[date, NamedDay]) -> None:
    """Raise IncompleteYearError unless these days can be this year's notice, or correct it."""
    off = sum(each.is_off for each in days.values())
    fewest = 0 if worktime.is_published(year) else FEWEST_DAYS_OFF
    inside = all(day.year == year or (day.year, day.month) == (year - 1, 12) for day in days)
    if not days or off < fewest or not inside:
        raise IncompleteYearError(least=FEWEST_DAYS_OFF)
