"""Every promise at a glance: the promised figures of the other sections, gathered."""

from collections.abc import Sequence
from dataclasses import replace

from django.utils.translation import gettext as _

from reporting.sections import Section

KEY = "summary"


def of(sections: Sequence[Section]) -> Section:
    """Return the section that repeats each figure with a promise, in the order of the report."""
    return Section(
        key=KEY,
        title=_("Promises at a glance"),
        figures=[
            replace(
                figure, key=f"{section.key}.{figure.key}", clause=figure.clause or section.clause
            )
            for section in sections
            for figure in section.figures
            if figure.target is not None
        ],
    )
