"""Promises and breaches, to read: here, because each opens into its conversation."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from conversations.admin.counting import judged_promises
from conversations.admin.links import conversation_link
from tenants import clock
from tenants.admin_base import ReadOnlyAdmin, badge, second
from tenants.admin_filters import counted, period_on
from tenants.durations import in_words
from tenants.models import Breach, Obligation, ObligationState

STATE_TONES = {
    ObligationState.RUNNING: "info",
    ObligationState.WAITING: "warn",
    ObligationState.MET: "ok",
    ObligationState.BREACHED: "breach",
    ObligationState.VOID: "",
}


@admin.register(Obligation)
class ObligationAdmin(ReadOnlyAdmin):
    """Shows every promise with the time it had and the time it took."""

    capabilities = {"view": "obligation.view"}
    list_display = ("status", "promise", "clause", "time", "began_at", "kept_at", "where")
    list_display_links = ("promise",)
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        counted(judged_promises),
        period_on("started_at"),
    )
    list_filter_submit = True
    fields = (
        "status",
        "promise",
        "clause",
        "terms_version",
        "time",
        "began_at",
        "falls_due",
        "kept_at",
        "where",
    )
    ordering = ("-started_at",)
    empty_text = _("Each visitor's question starts a promise; it appears here with its deadline.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("began_at",)

    def title_of(self, row: Obligation) -> str:
        return f"{row.get_kind_display()} {second(row.started_at)}"

    @display(description=_("state"))
    def status(self, obligation: Obligation) -> SafeString:
        state = ObligationState(obligation.state)
        return badge(state.label, STATE_TONES[state])

    @display(description=_("promise"))
    def promise(self, obligation: Obligation) -> str:
        words = {"promise": obligation.get_kind_display()}
        if obligation.working_days is not None:
            words["days"] = str(obligation.working_days)
            return gettext("%(promise)s within %(days)s working days") % words
        assert obligation.due_at is not None
        words["limit"] = in_words(obligation.due_at - obligation.started_at)
        return gettext("%(promise)s within %(limit)s") % words

    @display(description=_("time"))
    def time(self, obligation: Obligation) -> str:
        if obligation.state == ObligationState.VOID:
            return "–"
        if obligation.due_at is None:
            return gettext("Waiting for the holiday notice")
        late_at = obligation.met_at or clock.now()
        if late_at > obligation.due_at:
            return gettext("%(span)s late") % {
                "span": in_words(late_at - obligation.due_at, precise=True)
            }
        if obligation.met_at is not None:
            return gettext("after %(span)s") % {
                "span": in_words(obligation.met_at - obligation.started_at, precise=True)
            }
        return gettext("%(span)s left") % {"span": in_words(obligation.due_at - late_at)}

    @display(description=_("started at"), ordering="started_at")
    def began_at(self, obligation: Obligation) -> str:
        return second(obligation.started_at)

    @display(description=_("due at"))
    def falls_due(self, obligation: Obligation) -> str:
        return second(obligation.due_at) or gettext("Waiting for the holiday notice")

    @display(description=_("met at"))
    def kept_at(self, obligation: Obligation) -> str:
        return second(obligation.met_at) or "–"

    @display(description=_("conversation"))
    def where(self, obligation: Obligation) -> Any:
        return conversation_link(obligation.conversation_id)


@admin.register(Breach)
class BreachAdmin(ReadOnlyAdmin):
    """Shows every missed promise, and whether it was kept late."""

    capabilities = {"view": "obligation.view"}
    list_display = ("status", "promise", "clause", "missed_by", "fell_due", "found_at", "where")
    list_display_links = ("promise",)
    list_filter = (("obligation__kind", ChoicesDropdownFilter), period_on("detected_at"))
    list_filter_submit = True
    list_select_related = ("obligation",)
    fields = (
        "status",
        "promise",
        "clause",
        "terms_version",
        "missed_by",
        "began_at",
        "fell_due",
        "found_at",
        "kept_at",
        "where",
    )
    ordering = ("-detected_at",)
    empty_text = _("No promise was missed.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("found_at",)

    def title_of(self, row: Breach) -> str:
        return f"{row.obligation.get_kind_display()} {second(row.due_at)}"

    @display(description=_("state"))
    def status(self, breach: Breach) -> SafeString:
        if breach.actual_at is not None:
            return badge(gettext("Kept late"), "warn")
        return badge(gettext("Not kept"), "breach")

    @display(description=_("promise"))
    def promise(self, breach: Breach) -> str:
        return breach.obligation.get_kind_display()

    @display(description=_("missed by"))
    def missed_by(self, breach: Breach) -> str:
        if breach.actual_at is None:
            return gettext("not kept yet")
        return in_words(breach.actual_at - breach.due_at, precise=True)

    @display(description=_("started at"))
    def began_at(self, breach: Breach) -> str:
        return second(breach.started_at)

    @display(description=_("due at"))
    def fell_due(self, breach: Breach) -> str:
        return second(breach.due_at)

    @display(description=_("detected at"), ordering="detected_at")
    def found_at(self, breach: Breach) -> str:
        return second(breach.detected_at)

    @display(description=_("kept late at"))
    def kept_at(self, breach: Breach) -> str:
        return second(breach.actual_at) or "–"

    @display(description=_("conversation"))
    def where(self, breach: Breach) -> Any:
        return conversation_link(breach.conversation_id)
