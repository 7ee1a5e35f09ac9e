"""The evidence ledger, to read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from tenants.admin.ledger_words import EVENTS
from tenants.admin_base import ReadOnlyAdmin, moment
from tenants.admin_filters import period_on
from tenants.models import LedgerEntry

# Longer facts, such as ids and hashes, stand on the entry's own page.
SHORT_FACT = 24


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    """Every event, in order, as it was sealed."""

    capabilities = {"view": "ledger.view"}
    list_display = ("position", "when", "event", "short_facts", "subject")
    list_display_links = ("position",)
    list_filter = (period_on("at"),)
    list_filter_submit = True
    search_fields = ("^kind", "=subject")
    search_help_text = _("The beginning of an event's code, such as release, or a whole subject")
    fields = ("position", "at_full", "event", "subject", "facts", "previous_hash", "hash")
    ordering = ("-position",)
    empty_text = _("The ledger begins with the tenant.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("position",)

    def title_of(self, row: LedgerEntry) -> str:
        return f"{row.position} {EVENTS.get(row.kind, row.kind)}"

    @display(description=_("at"))
    def when(self, entry: LedgerEntry) -> str:
        return moment(entry.at)

    @display(description=_("at, in universal time"))
    def at_full(self, entry: LedgerEntry) -> str:
        return entry.at.isoformat(timespec="microseconds")

    @display(description=_("event"))
    def event(self, entry: LedgerEntry) -> SafeString:
        return format_html(
            '{} <span class="y-code y-muted">{}</span>', EVENTS.get(entry.kind, ""), entry.kind
        )

    @display(description=_("facts"))
    def short_facts(self, entry: LedgerEntry) -> Any:
        facts = ((name, _words(value)) for name, value in entry.data.items())
        return _listed([(name, words) for name, words in facts if len(words) <= SHORT_FACT]) or "–"

    @display(description=_("facts"))
    def facts(self, entry: LedgerEntry) -> Any:
        return _listed([(name, _words(value)) for name, value in entry.data.items()]) or "–"


def _listed(facts: list[tuple[str, str]]) -> SafeString:
    return format_html_join(
        "", '<span class="y-fact"><span class="y-muted">{}</span> {}</span> ', facts
    )


def _words(value: object) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return "–" if value is None or value == "" else str(value)
