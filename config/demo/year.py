"""A believable year of one tenant, played through the real services with the clock set back.

Every day stories happen, visitors rate, promises are swept, the day is counted, and whatever report
is due is made and sent, as the schedule would have done it.
"""

import json
import random
import time as stopwatch
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from config.demo.contract import agree_between
from config.demo.history import CONTENT, play
from config.demo.seed import DATA, SHOPS, stock
from conversations.models import Channel, Contact
from knowledge.models import EntryVersion
from reporting.models import RectificationPlan, Report, ReportKind
from reporting.services import due, evidence, figures, proving, rectification, reports
from tenants import clock
from tenants.models import Membership, Obligation, ObligationState, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services import breach_alerts, obligations
from tenants.services.onboarding import create_tenant

Say = Callable[[str], None]

_SHOP = SHOPS[0]
_ROLES = (Role.ACCOUNT_MANAGER, Role.CLIENT_ADMIN, Role.SUPERVISOR, Role.AGENT, Role.AGENT)
# When the schedule is awake: it counts the day before, makes what is due at 09:00 and at 18:00.
_WAKES = (time(1, 30), time(9, 1), time(18, 1))
# In these months people are less content.
_BAD_MONTHS = (4, 5)
_ANNOYED = (100, 80, 60, 60, 40, 20)


@dataclass
class Outcome:
    """What a played year came to; `faults` is empty where all of it holds."""

    stories: int = 0
    reports: dict[str, int] = field(default_factory=dict)
    plans: int = 0
    figures_proved: int = 0
    # Figures that no row of the evidence gives.
    figures_unproven: list[str] = field(default_factory=list)
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


def simulate(slug: str, *, months: int, a_day: int, seed: int, say: Say) -> Outcome:
    """Make the tenant and let so many months up to today happen; return what came of it.

    The tenant is a demonstration: it is marked as one everywhere. Raises IntegrityError where the
    slug is taken.
    """
    begun = stopwatch.monotonic()
    dice = random.Random(seed)  # noqa: S311 -- a repeatable play, no secret
    zone_day = clock.now().date()
    first = _months_before(zone_day, months)
    start = datetime.combine(first, time(8), tzinfo=clock.now().tzinfo)
    with clock.travel(start):
        tenant = create_tenant(
            slug=slug,
            name=_SHOP["name"],
            language=_SHOP["language"],
            time_zone=_SHOP["time_zone"],
            is_demo=True,
        )
    outcome = Outcome()
    with tenant_scope(tenant):
        with clock.travel(start):
            _people(tenant)
            agree_between(tenant, _member(Role.ACCOUNT_MANAGER), _member(Role.CLIENT_ADMIN))
            channel = stock(_SHOP, say)
        _live(tenant, channel, first, a_day, dice, outcome, say)
        _check(tenant, outcome, say)
    outcome.seconds = round(stopwatch.monotonic() - begun, 1)
    return outcome


def _live(
    tenant: Tenant,
    channel: Channel,
    first: date,
    a_day: int,
    dice: random.Random,
    outcome: Outcome,
    say: Say,
) -> None:
    stories = json.loads((DATA / _SHOP["stories"]).read_text(encoding="utf-8"))
    versions = {version.question: version for version in EntryVersion.objects.all()}
    agents = list(Membership.objects.filter(role=Role.AGENT))
    today = clock.now().astimezone(tenant.zone).date()
    day = first
    while day < today:
        for wake in _WAKES:
            with clock.travel(datetime.combine(day, wake, tenant.zone)):
                _keep_house()
        for at in _hours(day, a_day, tenant, dice):
            person = Contact.objects.create(
                channel=channel,
                locale="zh-CN",
                is_demo=True,
                created_at=at,
                last_seen_at=at,
            )
            scores = _ANNOYED if day.month in _BAD_MONTHS else CONTENT
            story = dice.choice(stories)
            play(story, person, channel, at, versions, agents, dice, scores=scores)
            outcome.stories += 1
        if day.day == 1:
            say(f"{day:%Y-%m}: {outcome.stories} conversations, {Report.objects.count()} reports")
        day += timedelta(days=1)
    _keep_house()


def _keep_house() -> None:
    """What the schedule does for the tenant in scope, at the instant travelled to."""
    late = Obligation.objects.filter(state=ObligationState.RUNNING, due_at__lt=clock.now())
    obligations.sweep_all(list(late.values_list("pk", flat=True)))
    breach_alerts.tell_waiting()
    figures.catch_up()
    due.plan()
    reports.make_due()
    due.find_overdue()
    rectification.follow()


def _hours(day: date, count: int, tenant: Tenant, dice: random.Random) -> Iterator[datetime]:
    """Yield when the day's visitors come, two hours at most from one to the next."""
    opens = datetime.combine(day, time(8), tenant.zone)
    busy = count if day.weekday() < 5 else max(count // 2, 1)
    step = timedelta(hours=13) / busy
    for number in range(busy):
        yield opens + step * number + timedelta(seconds=dice.uniform(0, 0.5) * step.seconds)


def _check(tenant: Tenant, outcome: Outcome, say: Say) -> None:
    """Compare the reports with each other and with their evidence."""
    latest: dict[tuple[str, date], Report] = {}
    for report in Report.objects.order_by("version"):
        latest[report.kind, report.period_start] = report
    for each in ReportKind:
        outcome.reports[each.value] = sum(kind == each for kind, _first in latest)
    outcome.plans = RectificationPlan.objects.count()
    by_day: dict[str, int] = {}
    for (kind, _first), report in sorted(latest.items(), key=lambda item: item[0][0]):
        section = _section(report, "volume")
        labels, values = section["series"][0]["labels"], section["series"][0]["values"]
        stated = next(each["value"] for each in section["figures"] if each["key"] == "inquiries")
        if sum(values) != stated:
            outcome.faults.append(f"{report}: its parts add up to {sum(values)}, not {stated}")
        if kind == ReportKind.ANNUAL:
            continue
        for label, value in zip(labels, values, strict=True):
            if by_day.setdefault(label, value) != value:
                outcome.faults.append(f"{report}: {label} is {value}, elsewhere {by_day[label]}")
    # Each version has its own evidence: what was found out later is in the later one.
    made = list(Report.objects.order_by("made_at", "version"))
    unproven: set[str] = set()
    for number, report in enumerate(made, 1):
        with evidence.open_pack(report) as pack:
            verdict = proving.verify(pack)
        outcome.figures_proved += verdict.figures
        unproven |= {*verdict.unproven}
        outcome.faults += [f"{report}: {each.reason}" for each in verdict.findings]
        if number % 20 == 0:
            say(f"{number} of {len(made)} reports proved")
    outcome.figures_unproven = sorted(unproven)


def _section(report: Report, key: str) -> dict[str, Any]:
    sections: list[dict[str, Any]] = report.data["sections"]["zh-hans"]
    return next(each for each in sections if each["key"] == key)


def _people(tenant: Tenant) -> None:
    for number, role in enumerate(_ROLES):
        user = User.objects.create_user(f"{role}{number}@{tenant.slug}.example", None)
        Membership.objects.create(user=user, role=role, display_name=f"{role.label} {number}")


def _member(role: Role) -> User:
    return Membership.objects.select_related("user").filter(role=role)[0].user


def _months_before(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)
