"""Plans for rectification: those that were open in the period, and what they have come to."""

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from conversations.survey_figures import MonthFigures
from reporting.models import RectificationPlan
from reporting.sections import Column, Figure, Period, Section, Table, Unit
from reporting.services import rectification
from reporting.services.sections import days_of


def build(period: Period, previous: Period | None) -> Section:
    """Return the section of plans after months of low satisfaction (R76)."""
    rows = list(_open_in(period).order_by("triggered_at"))
    return Section(
        key="rectification",
        title=_("Rectification plans"),
        clause=rectification.CLAUSE,
        figures=[
            Figure(
                key="plans",
                title=_("Plans open in the period"),
                unit=Unit.COUNT,
                value=len(rows),
                clause=rectification.CLAUSE,
                previous=_open_in(previous).count() if previous else None,
                rows="reporting_rectificationplan",
                filters=days_of(period),
            )
        ],
        tables=[
            Table(
                "plans",
                _("Plans"),
                [
                    Column("months", _("Low months")),
                    Column("scores", _("Scores")),
                    Column("state", _("State")),
                    Column("due_at", _("Due at")),
                    Column("owner", _("Person in charge")),
                    Column("target_date", _("To be done by")),
                    Column("effect", _("Month after")),
                    Column("measures", _("Measures")),
                ],
                [_row(row, period) for row in rows],
                empty=_("No plan was open in this period."),
            )
        ],
    )


def _open_in(period: Period) -> QuerySet[RectificationPlan]:
    return RectificationPlan.objects.filter(
        rectification.open_between(period.start_at, period.end_at)
    )


def _row(row: RectificationPlan, period: Period) -> list[str | None]:
    due = rectification.due_at(row)
    return [
        str(row),
        " · ".join(row.scores),
        row.get_state_display(),
        due.astimezone(period.zone).isoformat(timespec="seconds") if due else None,
        row.owner,
        row.target_date.isoformat() if row.target_date else None,
        _shown(rectification.effect(row)),
        row.measures,
    ]


def _shown(found: MonthFigures) -> str:
    return f"{found.month:%Y-%m}: {found.bot.shown} ({found.bot.responses})"
