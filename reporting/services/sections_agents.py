"""What the agents did: hand-offs taken, how fast, and messages written."""

from fractions import Fraction

from django.utils.translation import gettext as _

from reporting import metrics
from reporting.sections import Column, Period, Section, Table, Unit
from reporting.services import figures
from tenants.models import Membership


def build(period: Period, previous: Period | None) -> Section:
    """Return the section about the agents."""
    found = figures.by_dimension(period, "agent")
    ids = {key.partition(":")[2] for key in found}
    names = {str(pk): name for pk, name in Membership.objects.values_list("pk", "display_name")}
    rows: list[list[str | float | None]] = []
    for pk in sorted(ids, key=lambda each: names.get(each, each)):
        taken, said = found.get(f"taken:{pk}"), found.get(f"messages:{pk}")
        middle = metrics.quantile(taken.detail, Fraction(1, 2)) if taken else None
        rows.append(
            [
                names.get(pk, pk),
                taken.whole if taken else 0,
                None if middle is None else middle / 1000,
                said.whole if said else 0,
            ]
        )
    return Section(
        key="agents",
        title=_("Agents"),
        clause="1.1(4)",
        tables=[
            Table(
                "agents",
                _("Agents"),
                [
                    Column("agent", _("Agent")),
                    Column("taken", _("Hand-offs taken"), Unit.COUNT),
                    Column("pick_up", _("Time until an agent took it"), Unit.SECONDS),
                    Column("messages", _("Messages"), Unit.COUNT),
                ],
                rows,
                empty=_("No agent was at work in this period."),
            )
        ],
    )
