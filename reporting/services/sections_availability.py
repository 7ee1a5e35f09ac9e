"""The section of a report about availability: figures, every interval, every exclusion."""

from datetime import datetime, timedelta, tzinfo
from fractions import Fraction

from django.utils.translation import gettext as _

from reporting import availability
from reporting.availability import Span
from reporting.models import ClaimDecision, ExclusionClaim, Incident
from reporting.sections import Column, Figure, Period, Section, Table, Unit, Verdict
from reporting.services import availability_settings, channel_weights, uptime
from reporting.services.sections import days_of
from reporting.services.uptime import CLAUSE, Measured

_INTERVALS = "reporting_downinterval"


def build(period: Period, previous: Period | None) -> Section:
    """Return the section of the period, for the tenant in scope (R78-R87)."""
    found = uptime.measured(period.start_at, period.end_at)
    before = uptime.measured(previous.start_at, previous.end_at) if previous else None
    return Section(
        key="availability",
        title=_("Availability"),
        clause=CLAUSE,
        figures=_figures(found, before, uptime.target_at(period.start_at), days_of(period)),
        tables=[
            _intervals(found, period.zone),
            _exclusions(found),
            _gaps(found),
            _incidents(period),
        ],
        notes=_notes(found, period),
    )


def _figures(
    found: Measured, before: Measured | None, target: Fraction, days: dict[str, str]
) -> list[Figure]:
    now = found.figures
    then = before.figures if before else None
    total = now.total.total_seconds() if now else None
    net = now.net if now else None
    verdict = Verdict.NEUTRAL
    if net is not None:
        verdict = Verdict.KEPT if net >= target else Verdict.MISSED
    shares = [
        ("net", _("Availability"), net, then.net if then else None, now.down_net if now else None),
        (
            "gross",
            _("Availability without exclusions"),
            now.gross if now else None,
            then.gross if then else None,
            now.down_gross if now else None,
        ),
        (
            "strict",
            _("Availability, excluded time taken out of the month too"),
            now.strict if now else None,
            then.strict if then else None,
            now.down_net if now else None,
        ),
    ]
    intervals = {**days, "counted": "yes"}
    made = []
    for key, title, value, earlier, down in shares:
        whole = total
        if key == "strict" and now is not None:
            whole = (now.total - now.excluded).total_seconds()
        made.append(
            Figure(
                key=f"availability_{key}",
                title=title,
                unit=Unit.SHARE,
                value=_number(value),
                metric=f"availability_{key}",
                clause=CLAUSE,
                part=whole - down.total_seconds()
                if whole is not None and down is not None
                else None,
                whole=whole,
                target=float(target) if key == "net" else None,
                verdict=verdict if key == "net" else Verdict.NEUTRAL,
                previous=_number(earlier),
                rows=_INTERVALS,
                filters=intervals,
            )
        )
    accepted = {**days, "decision__exact": ClaimDecision.ACCEPTED.value}
    allowed = availability.budget(found.period, target) if found.period else None
    spans: list[tuple[str, str, timedelta | None, str, dict[str, str]]] = [
        (
            "down_net",
            _("Down time that counts"),
            now.down_net if now else None,
            _INTERVALS,
            intervals,
        ),
        (
            "down_gross",
            _("Down time in all"),
            now.down_gross if now else None,
            _INTERVALS,
            intervals,
        ),
        (
            "excluded",
            _("Excluded time, accepted by the client"),
            now.excluded if now else None,
            "reporting_exclusionclaim",
            accepted,
        ),
        ("budget", _("Down time that the promise allows"), allowed, "", {}),
    ]
    made += [
        Figure(
            key=key,
            title=title,
            unit=Unit.SECONDS,
            value=span.total_seconds() if span is not None else None,
            metric=f"availability_{key}",
            clause=CLAUSE,
            rows=rows,
            filters=filters,
        )
        for key, title, span, rows, filters in spans
    ]
    return made


def _intervals(found: Measured, zone: tzinfo) -> Table:
    period = found.period
    rows: list[list[str | float | None]] = []
    for row in found.down:
        inside = availability.clip([Span(row.start_at, row.end_at)], period) if period else []
        evidence = [
            availability_settings.in_words(row.sources),
            *availability_settings.apart(row, zone),
        ]
        rows.append(
            [
                _instant(row.start_at),
                _instant(row.end_at),
                availability.length(inside).total_seconds(),
                " · ".join(evidence),
                row.cause or (row.incident.cause if row.incident else ""),
            ]
        )
    return Table(
        "down_intervals",
        _("Down time, every interval"),
        [
            Column("start", _("from")),
            Column("end", _("until")),
            Column("seconds", _("in the period"), Unit.SECONDS),
            Column("sources", _("evidence")),
            Column("cause", _("cause")),
        ],
        rows,
        empty=_("The service was not down in this period.") if found.period else _unmeasured(),
    )


def _exclusions(found: Measured) -> Table:
    return Table(
        "exclusions",
        _("Exclusions, claimed and decided"),
        [
            Column("start", _("from")),
            Column("end", _("until")),
            Column("kind", _("reason")),
            Column("decision", _("decision")),
            Column("decided", _("decided at")),
            Column("evidence", _("evidence")),
        ],
        [
            [
                _instant(claim.start_at),
                _instant(claim.end_at),
                claim.get_kind_display(),
                claim.get_decision_display(),
                _instant(claim.decided_at) if claim.decided_at else None,
                _proof(claim),
            ]
            for claim in found.claims
        ],
        empty=_("No exclusion was claimed; all down time counts."),
    )


def _proof(claim: ExclusionClaim) -> str:
    names = [file.name for file in claim.files.all()]
    return " · ".join([claim.evidence, *names])


def _gaps(found: Measured) -> Table:
    return Table(
        "prober_gaps",
        _("Gaps of the probers that do not count"),
        [
            Column("start", _("from")),
            Column("end", _("until")),
            Column("seconds", _("length"), Unit.SECONDS),
            Column("sources", _("what proves that the service was up")),
        ],
        [
            [
                _instant(row.start_at),
                _instant(row.end_at),
                row.seconds,
                availability_settings.in_words(row.sources),
            ]
            for row in found.gaps
        ],
        empty=_("The probers watched all the time.") if found.period else _unmeasured(),
    )


def _unmeasured() -> str:
    return _("Nothing was measured in this period.")


def _incidents(period: Period) -> Table:
    rows = Incident.objects.filter(
        opened_at__lt=period.end_at, opened_at__gte=period.start_at
    ).order_by("opened_at")
    return Table(
        "incidents",
        _("Incidents"),
        [
            Column("level", _("level")),
            Column("title", _("title")),
            Column("opened", _("since")),
            Column("acknowledged", _("acknowledged at")),
            Column("restored", _("restored at")),
            Column("seconds", _("time to restore"), Unit.SECONDS),
            Column("party", _("responsible")),
            Column("cause", _("cause")),
        ],
        [
            [
                row.level.upper(),
                row.title,
                _instant(row.opened_at),
                _instant(row.acknowledged_at) if row.acknowledged_at else None,
                _instant(row.restored_at) if row.restored_at else None,
                (row.restored_at - row.opened_at).total_seconds() if row.restored_at else None,
                row.get_owner_party_display(),
                row.cause,
            ]
            for row in rows
        ],
        empty=_("No incident in this period."),
    )


def _notes(found: Measured, period: Period) -> list[str]:
    if found.period is None:
        return [
            _(
                "No external prober watched in this period, so availability was not measured. "
                "That is no proof that the service was up."
            )
        ]
    notes = [
        _(
            "Time is judged in slots of 30 seconds. What nobody saw counts as down, unless our own "
            "processes ran through it and visitors were served in it or beside it."
        )
    ]
    if found.unit == "minute":
        notes.append(
            _(
                "Each outage counts as whole minutes, rounded up; one of less than a minute does not "
                "count."
            )
        )
    if any(row.parts for row in found.down):
        notes.append(
            _(
                "Where only some channels were down, the time counts by the share of the inquiries "
                "that came through them in the %(days)s days before."
            )
            % {"days": channel_weights.DAYS}
        )
    if any("no_evidence" in row.sources for row in found.down):
        notes.append(
            _("Some down time is counted because there is no evidence that the service was up.")
        )
    if found.period.start > period.start_at:
        notes.append(
            _("Measured from %(start)s on.")
            % {"start": f"{found.period.start.astimezone(period.zone):%Y-%m-%d %H:%M}"}
        )
    return notes


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _number(share: Fraction | None) -> float | None:
    return float(share) if share is not None else None
