"""The auto-answer rate with everything that decides it, and the resolution rate beside it."""

from datetime import date

from django.utils.translation import gettext as _

from reporting import metrics, periods
from reporting.models import LabelReview, QuestionLabels, QuestionWhy
from reporting.sections import Column, Figure, Period, Section, Series, Table, Unit
from reporting.services import catalogues, figures, label_audits
from reporting.services.sections import (
    agreed,
    channel_names,
    count,
    days_of,
    share,
    timeline,
)

ROWS = "reporting_question"


def build(period: Period, previous: Period | None) -> Section:
    """Return the section of clause 2.1(2): N and D, the labels and the change they made."""
    found = figures.total(period, "auto_answer")
    before = figures.total(previous, "auto_answer") if previous else None
    counted = {**days_of(period), "counted": "yes"}
    solved = figures.total(period, "resolved")
    return Section(
        key="auto_answer",
        title=_("Auto-answer rate"),
        clause="2.1(2)",
        figures=[
            share(
                "auto_answer",
                found,
                before,
                target=agreed(period).auto_answer_target,
                rows=ROWS,
                filters=counted,
            ),
            share(
                "resolved",
                solved,
                figures.total(previous, "resolved") if previous else None,
                rows=ROWS,
                filters=counted,
            ),
            count(
                "default_in",
                _("Counted as common until reviewed"),
                period,
                previous,
                metric="auto_answer",
                source="auto_answer",
                dimension="default",
                clause="2.1(2)",
                rows=ROWS,
                filters={**days_of(period), "standing__exact": "default"},
            ),
            count(
                "relabelled",
                _("Labels that people changed"),
                period,
                previous,
                metric="auto_answer",
                source="label",
                dimension="relabelled",
                clause="2.1(2)",
                rows=ROWS,
                filters=_relabelled(period),
            ),
            _change(period),
        ],
        series=[_over_time(period)],
        tables=[_by_channel(period), _labels(period), _reasons(period)],
        notes=[*_audit(period), _catalogue(period)],
    )


def _change(period: Period) -> Figure:
    """Return by how much people's labels moved the rate, in shares of 1."""
    now = figures.total(period, "auto_answer")
    without = figures.total(period, "auto_answer", "unlabelled")
    rate, bare = metrics.ratio(now.part, now.whole), metrics.ratio(without.part, without.whole)
    return Figure(
        key="label_change",
        title=_("Change that people's labels made"),
        unit=Unit.SHARE,
        value=None if rate is None or bare is None else float(rate - bare),
        metric="auto_answer",
        clause="2.1(2)",
        part=without.part,
        whole=without.whole,
        rows=ROWS,
        filters=_relabelled(period),
    )


def _relabelled(period: Period) -> dict[str, str]:
    return {**days_of(period), "standing": "relabelled"}


def _over_time(period: Period) -> Series:
    labels, sums = timeline(period, "auto_answer")
    return Series(
        "auto_answer_over_time",
        _("Auto-answer rate over time"),
        Unit.SHARE,
        labels,
        [found.part / found.whole if found.whole else None for found in sums],
        target=float(agreed(period).auto_answer_target),
    )


def _by_channel(period: Period) -> Table:
    found = figures.by_dimension(period, "auto_answer", "channel:")
    names = channel_names()
    return Table(
        "auto_answer_channels",
        _("By channel"),
        [
            Column("channel", _("Channel")),
            Column("answered", _("Answered"), Unit.COUNT),
            Column("questions", _("Common questions"), Unit.COUNT),
            Column("rate", _("Rate"), Unit.SHARE),
        ],
        [
            [
                names.get(key, key),
                found[key].part,
                found[key].whole,
                found[key].part / found[key].whole if found[key].whole else None,
            ]
            for key in sorted(found, key=lambda each: names.get(each, each))
        ],
        empty=_("No common question was asked in this period."),
    )


def _labels(period: Period) -> Table:
    found = figures.by_dimension(period, "label")
    return Table(
        "labels",
        _("Questions by label"),
        [Column("label", _("Label")), Column("count", _("Questions"), Unit.COUNT)],
        [
            [str(label.label), found[label.value].whole if label.value in found else 0]
            for label in QuestionLabels
        ],
    )


def _reasons(period: Period) -> Table:
    found = figures.by_dimension(period, "questions", "why:")
    return Table(
        "reasons",
        _("Why questions count or not"),
        [Column("why", _("Reason")), Column("count", _("Questions"), Unit.COUNT)],
        [
            [str(why.label), found[f"why:{why.value}"].whole if f"why:{why.value}" in found else 0]
            for why in QuestionWhy
        ],
    )


def _audit(period: Period) -> list[str]:
    """Return what the audits of the period's months came to, in the order of time (R61)."""
    by_month: dict[date, list[LabelReview]] = {month: [] for month in periods.months(period)}
    for audit in LabelReview.objects.filter(month__in=by_month).order_by("month", "number"):
        by_month[audit.month].append(audit)
    notes = []
    for month, audits in by_month.items():
        if not audits and label_audits.has_questions(month):
            notes.append(
                _("The labels of %(month)s have not been audited yet.")
                % {"month": f"{month:%Y-%m}"}
            )
        elif not audits:
            notes.append(
                _("Nobody asked anything in %(month)s: there are no labels to audit.")
                % {"month": f"{month:%Y-%m}"}
            )
        for audit in audits:
            notes += _came_to(audit)
    return notes


def _came_to(audit: LabelReview) -> list[str]:
    drawn = _(
        "Label audit %(month)s: %(size)s of %(all)s questions, seed %(seed)s, kappa %(kappa)s."
    ) % {
        "month": audit,
        "size": audit.size,
        "all": audit.population,
        "seed": audit.seed,
        "kappa": audit.kappa_shown,
    }
    if not audit.is_finished:
        return [drawn, _("Its reviewers are not through yet.")]
    if audit.is_failed:
        came = _(
            "%(agreed)s labelled alike. The agreement is below 0.8: all labels of the month are "
            "given again."
        ) % {"agreed": audit.agreed}
    else:
        came = _("%(agreed)s labelled alike, %(relabelled)s relabelled, %(disputed)s disputed.") % {
            "agreed": audit.agreed,
            "relabelled": audit.relabelled,
            "disputed": audit.disputed,
        }
    (part, whole), (part_after, whole_after) = audit.change["before"], audit.change["after"]
    moved = _(
        "With the audit the auto-answer rate went from %(before)s (%(part)s of %(whole)s) to "
        "%(after)s (%(part_after)s of %(whole_after)s)."
    ) % {
        "before": metrics.shown_percent(metrics.ratio(part, whole)),
        "part": part,
        "whole": whole,
        "after": metrics.shown_percent(metrics.ratio(part_after, whole_after)),
        "part_after": part_after,
        "whole_after": whole_after,
    }
    return [drawn, came, moved]


def _catalogue(period: Period) -> str:
    row = catalogues.in_force(period.first)
    if row is None:
        return _(
            "No catalogue of common questions is in force: every business question counts as "
            "common."
        )
    return _("Catalogue of common questions in force: %(version)s, fingerprint %(hash)s.") % {
        "version": row,
        "hash": row.content_hash,
    }
