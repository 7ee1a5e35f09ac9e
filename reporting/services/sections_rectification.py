"""Plans for rectification: those that were open in the period, and what they have come to."""

from datetime import datetime

from django.utils.translation import gettext as _

from conversations.survey_figures import MonthFigures
from reporting.models import RectificationPlan
from reporting.sections import Column, Figure, Period, Section, Table, Unit
from reporting.services import rectification
from reporting.services.rectification import PlanPromise
from reporting.services.sections import days_of


def build(period: Period, previous: Period | None) -> Section:
    """Return the section of plans after months of low satisfaction (R76)."""
    rows = list(rectification.open_in(period).order_by("triggered_at"))
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
                previous=rectification.open_in(previous).count() if previous else None,
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
                    Column("owner", _("Person in charge")),
                    Column("target_date", _("To be done by")),
                    Column("effect", _("Month after")),
                    Column("measures", _("Measures")),
                ],
                [_row(row) for row in rows],
                empty=_("No plan was open in this period."),
            ),
            Table(
                "plan_promises",
                _("When plans were to be handed in"),
                [
                    Column("months", _("Low months")),
                    Column("due_at", _("Due at")),
                    Column("kept_at", _("Submitted at")),
                    Column("state", _("State")),
                ],
                [_promised(each, period) for row in rows for each in rectification.promises(row)],
                empty=_("No plan was open in this period."),
            ),
        ],
    )


def _row(row: RectificationPlan) -> list[str | None]:
    return [
        str(row),
        " · ".join(row.scores),
        row.get_state_display(),
        row.owner,
        row.target_date.isoformat() if row.target_date else None,
        _shown(rectification.effect(row)),
        row.measures,
    ]


def _promised(promise: PlanPromise, period: Period) -> list[str | None]:
    row = promise.obligation
    return [
        str(promise),
        _moment(row.due_at, period),
        _moment(row.met_at, period),
        row.get_state_display(),
    ]


def _moment(at: datetime | None, period: Period) -> str | None:
    return at.astimezone(period.zone).isoformat(timespec="seconds") if at else None


def _shown(found: MonthFigures) -> str:
    return f"{found.month:%Y-%m}: {found.bot.shown} ({found.bot.responses})"
