"""The promises that run on a clock: the first reply, and the hand-off to people."""

from django.utils import timezone
from django.utils.translation import gettext as _

from conversations.states import HandoffReason
from reporting.sections import Column, Period, Section, Series, Table, Unit
from reporting.services import figures
from reporting.services.figures import Sum
from reporting.services.sections import ALL, days_of, quantiles, share, timeline
from tenants import terms
from tenants.models import Breach, ObligationKind

_BREACHES = 200
# Upper ends of the bars of the histogram, in seconds.
_BARS = (0.5, 1, 2, 3, 5, 10)


def build_first_reply(period: Period, previous: Period | None) -> Section:
    """Return the section of the first reply: kept, quantiles, histogram, every breach."""
    found = figures.total(period, "first_reply")
    before = figures.total(previous, "first_reply") if previous else None
    rows, filters = "tenants_obligation", _judged(ObligationKind.FIRST_REPLY, period)
    return Section(
        key="first_reply",
        title=_("First reply"),
        clause=terms.CLAUSE_FIRST_REPLY,
        figures=[
            share("first_reply", found, before, target=ALL, rows=rows, filters=filters),
            *quantiles(
                "first_reply_seconds", "first_reply", found, before, rows=rows, filters=filters
            ),
        ],
        series=[_kept("first_reply", period), _histogram(found)],
        tables=[_breaches(ObligationKind.FIRST_REPLY, period)],
        notes=_running("first_reply", period),
    )


def build_handoff(period: Period, previous: Period | None) -> Section:
    """Return the section of the hand-off; when an agent took it stands apart."""
    found = figures.total(period, "handoff")
    before = figures.total(previous, "handoff") if previous else None
    taken = figures.total(period, "pick_up")
    taken_before = figures.total(previous, "pick_up") if previous else None
    filters = _judged(ObligationKind.HANDOFF, period)
    reasons = figures.by_dimension(period, "handoff_reason")
    return Section(
        key="handoff",
        title=_("Hand-off to people"),
        clause=terms.CLAUSE_HANDOFF,
        figures=[
            share("handoff", found, before, target=ALL, rows="tenants_obligation", filters=filters),
            *quantiles(
                "pick_up_seconds",
                "pick_up",
                _without_missing(taken),
                _without_missing(taken_before) if taken_before else None,
                rows="conversations_handoff",
                filters={**days_of(period), "counted": "yes"},
            ),
        ],
        series=[_kept("handoff", period)],
        tables=[
            _breaches(ObligationKind.HANDOFF, period),
            Table(
                "handoff_reasons",
                _("Why people got it"),
                [Column("reason", _("Reason")), Column("count", _("Hand-offs"), Unit.COUNT)],
                [
                    [str(HandoffReason(reason).label), reasons[reason].whole]
                    for reason in sorted(reasons, key=lambda each: (-reasons[each].whole, each))
                ],
                empty=_("Nothing was handed to people in this period."),
            ),
        ],
        notes=[
            *_running("handoff", period),
            _("When an agent picks up is the client's staffing and not part of the promise."),
            _("Hand-offs that no agent has taken: %(count)s.") % {"count": taken.missing},
        ],
    )


def _judged(kind: ObligationKind, period: Period) -> dict[str, str]:
    return {**days_of(period), "kind__exact": str(kind), "counted": "yes"}


def _without_missing(found: Sum) -> Sum:
    return Sum(found.part, found.part, found.detail, 0)


def _kept(metric: str, period: Period) -> Series:
    labels, sums = timeline(period, metric)
    return Series(
        f"{metric}_over_time",
        _("Kept in time, over time"),
        Unit.SHARE,
        labels,
        [found.part / found.whole if found.whole else None for found in sums],
        target=float(ALL),
    )


def _histogram(found: Sum) -> Series:
    ends = [int(end * 1000) for end in _BARS]
    bars = [
        sum(
            count
            for value, count in found.detail.items()
            if (ends[place - 1] if place else -1) < value <= end
        )
        for place, end in enumerate(ends)
    ]
    later = sum(found.detail.values()) - sum(bars)
    return Series(
        "first_reply_histogram",
        _("Inquiries by the time to the first reply"),
        Unit.COUNT,
        [*(_("up to %(seconds)s s") % {"seconds": end} for end in _BARS), _("later"), _("never")],
        [*bars, later, found.missing],
        kind="bar",
    )


def _breaches(kind: ObligationKind, period: Period) -> Table:
    rows = Breach.objects.filter(
        obligation__kind=kind, started_at__gte=period.start_at, started_at__lt=period.end_at
    ).order_by("started_at", "pk")
    return Table(
        f"{kind}_breaches",
        _("Breaches"),
        [
            Column("started_at", _("Started at")),
            Column("due_at", _("Due at")),
            Column("actual_at", _("Kept late at")),
            Column("seconds", _("Took"), Unit.SECONDS),
            Column("conversation", _("Conversation")),
        ],
        [
            [
                _moment(row.started_at, period),
                _moment(row.due_at, period),
                _moment(row.actual_at, period) if row.actual_at else None,
                (row.actual_at - row.started_at).total_seconds() if row.actual_at else None,
                str(row.conversation_id or ""),
            ]
            for row in rows[:_BREACHES]
        ],
        empty=_("No promise of this kind was broken."),
    )


def _moment(at: object, period: Period) -> str:
    return timezone.localtime(at, period.zone).isoformat(timespec="milliseconds")  # type: ignore[arg-type]


def _running(metric: str, period: Period) -> list[str]:
    count = figures.total(period, f"{metric}_running").whole
    return [_("Clocks still running: %(count)s.") % {"count": count}] if count else []
