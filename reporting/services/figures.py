"""Add up what happened: each day once, and longer periods from their days (R34)."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import BooleanField, Count, ExpressionWrapper, Min, Q
from django.db.models.functions import ExtractHour

from conversations.models import Conversation, Handoff, Inquiry, Message
from reporting.judging import Facts, Standing, judge
from reporting.models import DailyFigure, Question, QuestionStanding
from reporting.sections import Period
from reporting.services import questions
from reporting.services.reading import bounds
from tenants import clock
from tenants.models import Obligation, ObligationKind, ObligationState, Tenant
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.ledger import Event

ROLLED = "day"
# Questions asked again within a day, and what was found wrong, are known only later.
_AGAIN = 2
_MOST_DAYS = 400
_COUNTED = (QuestionStanding.ANSWERED, QuestionStanding.FAILED, QuestionStanding.DEFAULT)
_OF_QUESTIONS = ("auto_answer", "resolved", "questions", "demand", "label")


@dataclass
class Sum:
    """Days added up: `part` of `whole`, and how often each value occurred."""

    part: int = 0
    whole: int = 0
    detail: Counter[int] = field(default_factory=Counter)
    missing: int = 0

    def add(self, part: int, whole: int, detail: Mapping[str, int]) -> None:
        """Add one day's figure."""
        self.part += part
        self.whole += whole
        for value, count in detail.items():
            if value == "none":
                self.missing += count
            else:
                self.detail[int(value)] += count


_Rows = dict[tuple[str, str], DailyFigure]


def roll_up(day: date) -> int:
    """Count one day of the tenant in scope; return how many figures it has.

    Reads the day's rows once and writes its figures in one transaction in place of those before.
    Running it again gives the same, or what is known by now. Source: R34.
    """
    tenant = Tenant.objects.get(pk=active_tenant_id())
    start, end = bounds(day, tenant.zone)
    with transaction.atomic():
        for earlier in sorted(questions.collect(day)):
            recount(earlier)
        rows: _Rows = {}
        _count_dealings(rows, start, end, tenant)
        _count_promises(rows, start, end, tenant)
        _count_questions(rows, day)
        _put(rows, ROLLED, whole=1)
        _write(rows, day)
        facts = {"day": day.isoformat(), "figures": len(rows), "sha256": _fingerprint(rows)}
        ledger.append(Event("day.rolled", f"{tenant.pk}:{day:%Y-%m-%d}", facts))
    return len(rows)


def recount(day: date) -> None:
    """Add up a day's questions again after a label has changed; nothing else is read."""
    rows: _Rows = {}
    _count_questions(rows, day)
    # Those of demonstrations stand among what is left out.
    left_out = Q(metric="excluded", dimension="questions")
    DailyFigure.objects.filter(Q(metric__in=_OF_QUESTIONS) | left_out, day=day).delete()
    now = clock.now()
    for row in rows.values():
        row.day, row.made_at = day, now
    DailyFigure.objects.bulk_create(rows.values(), batch_size=500)


def catch_up(until: date | None = None) -> list[date]:
    """Roll up every past day that was not, and the last ones again; return the days done.

    Past are those before `until`, without it today. Nothing is skipped because a night's run was.
    """
    today = until or _today()
    begun = _begun()
    if begun is None or begun >= today:
        return []
    first = max(begun, today - timedelta(days=_MOST_DAYS))
    complete = _complete(first, today)
    days = [first + timedelta(days=number) for number in range((today - first).days)]
    wanted = [day for day in days if day not in complete or day >= today - timedelta(days=_AGAIN)]
    for day in wanted:
        roll_up(day)
    return wanted


def refresh(period: Period) -> None:
    """Roll up every day of a period again that has begun: what was found out since counts."""
    last = min(period.end, _today() + timedelta(days=1))
    for number in range(max(0, (last - period.first).days)):
        roll_up(period.first + timedelta(days=number))


def make_ready(period: Period) -> None:
    """Roll up the days of the period that have begun and are not complete, today among them."""
    today = _today()
    complete = _complete(period.first, period.end)
    begun = _begun()
    for number in range(period.days):
        day = period.first + timedelta(days=number)
        if begun is not None and begun <= day <= today and day not in complete:
            roll_up(day)


def total(period: Period, metric: str, dimension: str = "") -> Sum:
    """Return a figure of the whole period, added up from its days."""
    return by_dimension(period, metric).get(dimension, Sum())


def by_dimension(period: Period, metric: str, prefix: str = "") -> dict[str, Sum]:
    """Return a figure of the period by its parts; those whose name begins with `prefix`."""
    found: dict[str, Sum] = defaultdict(Sum)
    for _day, dimension, part, whole, detail in _rows(period, metric):
        if dimension.startswith(prefix):
            found[dimension].add(part, whole, detail)
    return dict(found)


def by_day(period: Period, metric: str, dimension: str = "") -> dict[date, Sum]:
    """Return a figure for each day of the period; a day without it is an empty sum."""
    found = {period.first + timedelta(days=number): Sum() for number in range(period.days)}
    for day, of, part, whole, detail in _rows(period, metric):
        if of == dimension:
            found[day].add(part, whole, detail)
    return found


def next_month(month: date) -> date:
    """Return the first day of the month after."""
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def _rows(period: Period, metric: str) -> Iterable[tuple[date, str, int, int, dict[str, int]]]:
    return (
        DailyFigure.objects.filter(day__gte=period.first, day__lt=period.end, metric=metric)
        .order_by("day", "dimension")
        .values_list("day", "dimension", "part", "whole", "detail")
    )


def _today() -> date:
    zone = Tenant.objects.get(pk=active_tenant_id()).zone
    return clock.now().astimezone(zone).date()


def _begun() -> date | None:
    first = Conversation.objects.aggregate(first=Min("created_at"))["first"]
    zone = Tenant.objects.get(pk=active_tenant_id()).zone
    return first.astimezone(zone).date() if first else None


def _complete(first: date, end: date) -> set[date]:
    """Return the days that were rolled up after they were over."""
    zone = Tenant.objects.get(pk=active_tenant_id()).zone
    marks = DailyFigure.objects.filter(day__gte=first, day__lt=end, metric=ROLLED)
    return {
        day
        for day, made_at in marks.order_by().values_list("day", "made_at")
        if made_at >= bounds(day, zone)[1]
    }


def _put(
    rows: _Rows,
    metric: str,
    dimension: str = "",
    *,
    part: int = 0,
    whole: int = 0,
    value: str = "",
) -> None:
    row = rows.setdefault(
        (metric, dimension), DailyFigure(metric=metric, dimension=dimension[:80], detail={})
    )
    row.part += part
    row.whole += whole
    if value:
        row.detail[value] = row.detail.get(value, 0) + 1


def _write(rows: _Rows, day: date) -> None:
    now = clock.now()
    for row in rows.values():
        row.day, row.made_at = day, now
    DailyFigure.objects.filter(day=day).delete()
    DailyFigure.objects.bulk_create(rows.values(), batch_size=500)


def _fingerprint(rows: _Rows) -> str:
    content = sorted(
        [row.metric, row.dimension, row.part, row.whole, sorted(row.detail.items())]
        for row in rows.values()
    )
    return ledger.fingerprint(json.dumps(content, separators=(",", ":")))


def _count_dealings(rows: _Rows, start: datetime, end: datetime, tenant: Tenant) -> None:
    opened = Inquiry.objects.filter(
        opened_at__gte=start, opened_at__lt=end, conversation__is_probe=False
    ).order_by()
    for channel, is_demo, hour, count in (
        opened.annotate(hour=ExtractHour("opened_at", tzinfo=tenant.zone))
        .values_list("conversation__channel", "conversation__is_demo", "hour")
        .annotate(Count("pk"))
    ):
        if is_demo and not tenant.is_demo:
            _put(rows, "excluded", "inquiries", whole=count)
            continue
        _put(rows, "inquiries", whole=count)
        _put(rows, "inquiries", f"channel:{channel}", whole=count)
        _put(rows, "inquiries", f"hour:{hour:02}", whole=count)
    counted = opened if tenant.is_demo else opened.filter(conversation__is_demo=False)
    visitors = counted.values("conversation__contact").distinct().count()
    _put(rows, "visitors", whole=visitors)
    said = Message.objects.filter(
        created_at__gte=start, created_at__lt=end, conversation__is_probe=False
    ).order_by()
    for channel, is_demo, author, agent, count in said.values_list(
        "conversation__channel", "conversation__is_demo", "author_kind", "agent"
    ).annotate(Count("pk")):
        if is_demo and not tenant.is_demo:
            _put(rows, "excluded", "messages", whole=count)
            continue
        _put(rows, "messages", whole=count)
        _put(rows, "messages", f"channel:{channel}", whole=count)
        _put(rows, "messages", f"author:{author}", whole=count)
        if agent:
            _put(rows, "agent", f"messages:{agent}", whole=count)


def _count_promises(rows: _Rows, start: datetime, end: datetime, tenant: Tenant) -> None:
    demo: set[Any] = set()
    if not tenant.is_demo:
        demo = set(
            Conversation.objects.filter(is_demo=True, last_at__gte=start)
            .order_by()
            .values_list("pk", flat=True)
        )
    for kind in (ObligationKind.FIRST_REPLY, ObligationKind.HANDOFF):
        found = (
            Obligation.objects.filter(kind=kind, started_at__gte=start, started_at__lt=end)
            .exclude(state=ObligationState.VOID)
            .order_by()
        )
        for conversation, started_at, met_at, state in found.values_list(
            "conversation_id", "started_at", "met_at", "state"
        ):
            if conversation in demo:
                _put(rows, "excluded", kind, whole=1)
            elif state == ObligationState.RUNNING:
                _put(rows, f"{kind}_running", whole=1)
            else:
                value = _milliseconds(met_at - started_at) if met_at else "none"
                _put(rows, kind, part=int(state == ObligationState.MET), whole=1, value=value)
    taken = Handoff.objects.filter(triggered_at__gte=start, triggered_at__lt=end).order_by()
    if not tenant.is_demo:
        taken = taken.filter(conversation__is_demo=False)
    for triggered_at, accepted_at, agent, reason in taken.values_list(
        "triggered_at", "accepted_at", "accepted_by", "reason"
    ):
        value = _milliseconds(accepted_at - triggered_at) if accepted_at else "none"
        _put(rows, "pick_up", part=int(bool(accepted_at)), whole=1, value=value)
        _put(rows, "handoff_reason", reason, whole=1)
        if agent:
            _put(rows, "agent", f"taken:{agent}", whole=1, value=value)


def _milliseconds(span: timedelta) -> str:
    # Up to the next whole one: no reply gets faster by being counted.
    return str(-(-span // timedelta(microseconds=1) // 1000))


def _count_questions(rows: _Rows, day: date) -> None:
    groups = (
        Question.objects.filter(day=day)
        .order_by()
        .values(
            "standing",
            "why",
            "label",
            "machine_label",
            "is_reviewed",
            "is_disputed",
            "is_unsolved",
            "is_handed_over",
            "is_wrong",
            "is_same_again",
            "is_test",
            "demand",
            "outcome",
            "channel_id",
            answered=ExpressionWrapper(Q(version__isnull=False), BooleanField()),
        )
        .annotate(count=Count("pk"))
    )
    for group in groups:
        _count_group(rows, group)


def _count_group(rows: _Rows, group: Mapping[str, Any]) -> None:
    count, standing = group["count"], group["standing"]
    _put(rows, "questions", f"why:{group['why']}", whole=count)
    if group["is_test"]:
        _put(rows, "excluded", "questions", whole=count)
        return
    if group["is_same_again"]:
        return
    _put(rows, "questions", whole=count)
    _put(rows, "label", group["label"], whole=count)
    _put(rows, "demand", group["demand"] or f"label:{group['label']}", whole=count)
    if group["is_reviewed"]:
        _put(rows, "label", "reviewed", whole=count)
        if group["label"] != group["machine_label"]:
            _put(rows, "label", "relabelled", whole=count)
    unlabelled = _unlabelled(group)
    if unlabelled != Standing.OUT:
        won = count if unlabelled == Standing.ANSWERED else 0
        _put(rows, "auto_answer", "unlabelled", part=won, whole=count)
    if standing not in _COUNTED:
        return
    won = count if standing == QuestionStanding.ANSWERED else 0
    _put(rows, "auto_answer", part=won, whole=count)
    _put(rows, "auto_answer", f"channel:{group['channel_id']}", part=won, whole=count)
    if standing == QuestionStanding.DEFAULT:
        _put(rows, "auto_answer", "default", whole=count)
    solved = 0 if group["is_unsolved"] else won
    _put(rows, "resolved", part=solved, whole=count)


def _unlabelled(group: Mapping[str, Any]) -> Standing:
    """Return where the question would count if no person had labelled anything."""
    standing, _why = judge(
        Facts(
            label=group["machine_label"],
            answered=bool(group["answered"]),
            silent=not group["outcome"],
            handed_over=group["is_handed_over"],
            wrong=group["is_wrong"],
        )
    )
    return standing
