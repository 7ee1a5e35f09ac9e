"""The log of rules: when each was tried, why it applied or not, what came of it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display

from conversations.admin.links import conversation_link
from conversations.models import ActionKind, ConditionField, ConditionOperator, RuleRun
from conversations.models.rule import CONDITION_CHOICES
from tenants.admin_base import ReadOnlyAdmin, badge, second
from tenants.admin_filters import period_on

_CHOICES = {code: label for _group, choices in CONDITION_CHOICES for code, label in choices}
# Why an action was not done, by the codes of errors.
_WENT = {
    "done": _("done"),
    "already_taken": _("not done: an agent has the conversation"),
    "conversation_closed": _("not done: the conversation is closed"),
    "wrong_state": _("not done: not possible in the conversation's state"),
    "member_cannot_handle": _("not done: the member may not handle conversations"),
    "opted_out": _("not done: the visitor opted out of profiling"),
    "tag_taken_off": _("not done: a colleague took the tag off"),
    "contact_erased": _("not done: the visitor's data was erased"),
    "not_found": _("not done: it is out of use"),
    "group_out_of_use": _("not done: the group is out of use"),
    "not_yours": _("not done: an agent has the conversation"),
}


@admin.register(RuleRun)
class RuleRunAdmin(ReadOnlyAdmin):
    """Shows each trial of each rule for 30 days."""

    capabilities = {"view": "rule.view"}
    list_display = ("applied", "rule_name", "event_name", "tried_at", "why", "went", "where")
    list_display_links = ("rule_name",)
    list_filter = (("matched", BooleanRadioFilter), period_on("at"))
    list_filter_submit = True
    list_select_related = ("rule", "event")
    search_fields = ("rule__name",)
    fields = ("applied", "rule_name", "event_name", "tried_at", "why", "went", "where")
    ordering = ("-at",)
    empty_text = _("No rule has been tried in the last 30 days.")

    def title_of(self, row: RuleRun) -> str:
        return f"{row.rule.name} {second(row.at)}"

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("tried_at",)

    @display(description=_("applied"))
    def applied(self, run: RuleRun) -> SafeString:
        return badge(gettext("yes"), "ok") if run.matched else badge(gettext("no"))

    @display(description=_("rule"))
    def rule_name(self, run: RuleRun) -> str:
        return run.rule.name

    @display(description=_("event"))
    def event_name(self, run: RuleRun) -> str:
        return run.event.get_kind_display()

    @display(description=_("tried at"), ordering="at")
    def tried_at(self, run: RuleRun) -> str:
        return second(run.at)

    @display(description=_("why"))
    def why(self, run: RuleRun) -> Any:
        if not run.checks:
            return gettext("It has no conditions.")
        return format_html_join("", "<p>{}</p>", ((_check(check),) for check in run.checks))

    @display(description=_("what was done"))
    def went(self, run: RuleRun) -> Any:
        lines = ((_outcome(outcome),) for outcome in run.outcomes)
        return format_html_join("", "<p>{}</p>", lines) or "–"

    @display(description=_("conversation"))
    def where(self, run: RuleRun) -> Any:
        return conversation_link(run.conversation_id)


def _check(check: dict[str, Any]) -> str:
    wanted = _CHOICES.get(f"{check['field']}:{check['wanted']}", check["wanted"])
    sentence = gettext("%(field)s %(operator)s “%(wanted)s”: %(held)s")
    return sentence % {
        "field": ConditionField(check["field"]).label,
        "operator": ConditionOperator(check["operator"]).label,
        "wanted": wanted,
        "held": gettext("holds") if check["held"] else gettext("does not hold"),
    }


def _outcome(outcome: dict[str, str]) -> str:
    kind = outcome["kind"]
    name = ActionKind(kind).label if kind in ActionKind.values else kind
    went = _WENT.get(outcome["went"], outcome["went"])
    return gettext("%(action)s: %(went)s") % {"action": name, "went": went}
