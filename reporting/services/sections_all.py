"""The sections of a report, in the order they are read."""

from collections.abc import Callable, Sequence

from reporting.models import ReportKind
from reporting.sections import Period, Section
from reporting.services import (
    sections_accuracy,
    sections_agents,
    sections_auto_answer,
    sections_availability,
    sections_billing,
    sections_content,
    sections_delivery,
    sections_promises,
    sections_rectification,
    sections_satisfaction,
    sections_summary,
    sections_volume,
)

SUMMARY = sections_summary.KEY

Builder = Callable[[Period, Period | None], Section]

# In report order. A builder reads in the tenant in scope and words in the active language.
BUILDERS: Sequence[Builder] = (
    sections_volume.build,
    sections_promises.build_first_reply,
    sections_auto_answer.build,
    sections_promises.build_handoff,
    sections_satisfaction.build,
    sections_rectification.build,
    sections_availability.build,
    sections_delivery.build,
    sections_accuracy.build,
    sections_content.build,
    sections_content.build_demand,
    sections_accuracy.build_knowledge,
    sections_agents.build,
    sections_volume.build_excluded,
)


# What is reckoned by the month, and says nothing about a week.
MONTHLY_BUILDERS: Sequence[Builder] = (
    sections_billing.build_usage,
    sections_billing.build_credits,
)


def build_all(kind: str, period: Period, previous: Period | None) -> list[Section]:
    """Return all sections of a report of this kind, what was promised at a glance first."""
    builders = [*BUILDERS, *(() if kind == ReportKind.WEEKLY else MONTHLY_BUILDERS)]
    sections = [build(period, previous) for build in builders]
    return [sections_summary.of(sections), *sections]
