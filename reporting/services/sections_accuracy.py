"""Whether answers are what the knowledge base says, and what changed in it."""

from collections import Counter
from datetime import date

from django.utils.translation import gettext as _

from conversations.models import MismatchKind, MismatchOwner, MismatchReport
from conversations.services import fidelity
from knowledge.models import Entry, Release
from reporting import audit_arithmetic, periods
from reporting.models import AccuracyAudit, AccuracyAuditItem, AuditFinding
from reporting.sections import Column, Figure, Period, Section, Table, Unit
from reporting.services import answer_audits
from reporting.services.figures import Sum
from reporting.services.sections import ALL, days_of, share


def build(period: Period, previous: Period | None) -> Section:
    """Return the section of clause 2.2(3): compared by machine, audited by hand, reported."""
    reports = MismatchReport.objects.filter(
        created_at__gte=period.start_at, created_at__lt=period.end_at
    )
    owners = Counter(reports.order_by().values_list("owner", flat=True))
    return Section(
        key="accuracy",
        title=_("Accuracy of the answers"),
        clause="2.2(3)",
        figures=[
            share(
                "accuracy",
                _compared(period),
                _compared(previous) if previous else None,
                target=ALL,
                rows="conversations_message",
                filters={**days_of(period), "standing": "compared"},
            ),
            share(
                "accuracy_audit",
                _audited(period),
                _audited(previous) if previous else None,
                rows="reporting_accuracyaudititem",
                filters={**days_of(period), "counted": "yes"},
            ),
            *(
                Figure(
                    key=f"mismatches_{owner.value}",
                    title=_("Mismatch reports, at fault: %(owner)s") % {"owner": owner.label},
                    unit=Unit.COUNT,
                    value=owners[owner.value],
                    metric="accuracy",
                    clause="2.2(3)",
                    rows="conversations_mismatchreport",
                    filters={**days_of(period), "owner__exact": owner.value},
                )
                for owner in MismatchOwner
            ),
        ],
        tables=[
            Table(
                "mismatches",
                _("Mismatch reports"),
                [
                    Column("created_at", _("Reported at")),
                    Column("version", _("Entry version")),
                    Column("kind", _("Kind")),
                    Column("owner", _("At fault")),
                    Column("replies", _("Replies"), Unit.COUNT),
                    Column("closed_at", _("Closed at")),
                ],
                [
                    [
                        row.created_at.astimezone(period.zone).isoformat(timespec="seconds"),
                        str(row.entry_version),
                        str(MismatchKind(row.kind).label),
                        str(MismatchOwner(row.owner).label),
                        row.affected_replies().count(),
                        row.closed_at.astimezone(period.zone).isoformat(timespec="seconds")
                        if row.closed_at
                        else None,
                    ]
                    for row in reports.select_related("entry_version").order_by("created_at")
                ],
                empty=_("No mismatch was reported in this period."),
            )
        ],
        notes=_audits(period),
    )


def build_knowledge(period: Period, previous: Period | None) -> Section:
    """Return the section of what the knowledge base holds and what was released."""
    releases = Release.objects.filter(
        created_at__gte=period.start_at, created_at__lt=period.end_at
    ).order_by("number")
    return Section(
        key="knowledge",
        title=_("Knowledge base"),
        clause="1.1(5)",
        figures=[
            Figure(
                key="entries",
                title=_("Entries"),
                unit=Unit.COUNT,
                value=Entry.objects.count(),
                rows="knowledge_entry",
            ),
            Figure(
                key="releases",
                title=_("Releases in the period"),
                unit=Unit.COUNT,
                value=releases.count(),
                rows="knowledge_release",
                filters=days_of(period),
            ),
        ],
        tables=[
            Table(
                "releases",
                _("Releases"),
                [
                    Column("number", _("Release")),
                    Column("created_at", _("Published at")),
                    Column("entries", _("Entries"), Unit.COUNT),
                    Column("note", _("Note")),
                ],
                [
                    [
                        str(row.number),
                        row.created_at.astimezone(period.zone).isoformat(timespec="seconds"),
                        row.items.count(),
                        row.note,
                    ]
                    for row in releases
                ],
                empty=_("Nothing was released in this period."),
            )
        ],
    )


def _compared(period: Period) -> Sum:
    found = fidelity.compare(since=period.start_at, until=period.end_at)
    return Sum(found.compared - found.mismatched, found.compared)


def _audited(period: Period) -> Sum:
    checked = AccuracyAuditItem.objects.filter(
        audit__month__gte=period.first.replace(day=1), audit__month__lt=period.end
    ).filter(finding__in=(AuditFinding.RIGHT, AuditFinding.WRONG))
    return Sum(checked.filter(finding=AuditFinding.RIGHT).count(), checked.count())


def _audits(period: Period) -> list[str]:
    """Return what the audits of the period's months came to, and what they allow to say (R90)."""
    found = {
        audit.month: audit
        for audit in AccuracyAudit.objects.filter(month__in=periods.months(period))
    }
    return [_came_to(month, found.get(month)) for month in periods.months(period)]


def _came_to(month: date, audit: AccuracyAudit | None) -> str:
    if audit is None:
        return _("No answers of %(month)s have been audited by hand.") % {"month": f"{month:%Y-%m}"}
    result = answer_audits.result(audit)
    told = {
        "month": audit,
        "checked": result.checked,
        "size": audit.size,
        "all": audit.population,
        "wrong": result.wrong,
        "seed": audit.seed,
    }
    if not result.checked:
        return (
            _(
                "Accuracy audit %(month)s: %(size)s of %(all)s answers drawn, seed %(seed)s, none "
                "checked yet."
            )
            % told
        )
    if result.is_whole:
        words = (
            _(
                "Accuracy audit %(month)s: all %(checked)s answers checked, %(wrong)s wrong; seed "
                "%(seed)s."
            )
            if result.checked == audit.size
            else _(
                "Accuracy audit %(month)s: all %(all)s answers of the month are in the sample, so "
                "this is a full count: %(checked)s checked, %(wrong)s wrong; seed %(seed)s."
            )
        )
        return words % told
    assert result.at_most is not None
    return _(
        "Accuracy audit %(month)s: %(checked)s of %(size)s drawn answers checked, %(wrong)s wrong; "
        "with 95 %% confidence at most %(bound)s of the month's %(all)s answers are. Seed %(seed)s."
    ) % {**told, "bound": audit_arithmetic.shown_bound(result.at_most)}
