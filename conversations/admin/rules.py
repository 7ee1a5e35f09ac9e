"""Rules: an event, conditions, actions, and on what they would have applied."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.decorators import action, display

from conversations.admin.rule_forms import ActionForm, ConditionForm, PartsFormSet
from conversations.models import EventKind, Rule, RuleAction, RuleCondition
from conversations.services import rules
from tenants.admin_base import TenantAdmin, TenantForm, actor_of, badge, moment, second


class RuleForm(TenantForm):
    """A rule; how long a wait must be is asked for waits alone."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        waits = cleaned.get("event") == EventKind.WAITING
        if waits and not cleaned.get("waiting_seconds") and "waiting_seconds" not in self.errors:
            self.add_error("waiting_seconds", gettext("Say how many seconds the visitor waits."))
        if not waits:
            cleaned["waiting_seconds"] = None
        return cleaned


class PartInline(TabularInline):
    """Parts of a rule, changed by whoever may change the rule."""

    formset = PartsFormSet
    extra = 0

    def _may(self, request: HttpRequest, verb: str) -> bool:
        actor = getattr(request, "actor", None)
        return bool(actor and actor.tenant and actor.can(f"rule.{verb}"))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "view")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change")


class ConditionInline(PartInline):
    """The conditions, which must all hold."""

    model = RuleCondition
    form = ConditionForm
    fields = ("field", "operator", "channel", "tag", "choice", "value")
    verbose_name_plural = _("conditions, which must all hold")


class ActionInline(PartInline):
    """The actions, done in their order."""

    model = RuleAction
    form = ActionForm
    fields = (
        "position",
        "kind",
        "member",
        "audience",
        "by_mail",
        "endpoint",
        "tag",
        "group",
        "text",
    )
    verbose_name_plural = _("actions, done in their order")


@admin.register(Rule)
class RuleAdmin(TenantAdmin):
    """Keeps rules with their conditions and actions, and tries them on the last days."""

    capabilities = {
        "view": "rule.view",
        "add": "rule.change",
        "change": "rule.change",
        "delete": "rule.change",
    }
    form = RuleForm
    inlines = (ConditionInline, ActionInline)
    list_display = ("state", "name", "event_name", "position", "changed_at", "updated_by")
    list_display_links = ("name",)
    list_filter = (("event", ChoicesDropdownFilter), ("is_active", BooleanRadioFilter))
    list_filter_submit = True
    list_select_related = ("updated_by",)
    search_fields = ("name",)
    fields = ("name", "is_active", "event", "waiting_seconds", "position", "stops")
    actions = ()
    actions_detail = ("try_page",)
    empty_text = _(
        "A rule does by itself what somebody would do each time: when a conversation is handed to "
        "people at night, tell the supervisors; when a visitor writes “refund”, leave a note."
    )

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:
        rules.save_rule(obj, by=actor_of(request).user)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if any(formset.has_changed() for formset in formsets):
            rules.record_parts(form.instance, by=actor_of(request).user)

    def delete_model(self, request: HttpRequest, obj: Rule) -> None:
        rules.delete_rule(obj, by=actor_of(request).user)

    @action(description=_("Try it"), url_path="try", permissions=["view"], icon="science")
    def try_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show to which conversations of the last seven days the rule would have applied."""
        rule = self.get_object(request, object_id)
        if not isinstance(rule, Rule):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        trial = rules.try_out(rule)
        hits = [
            {
                "at": second(hit.at),
                "who": hit.conversation.contact.display_name,
                "channel": hit.conversation.channel.name,
                "said": hit.conversation.last_text,
                "url": reverse(
                    "admin:conversations_conversation_change", args=[hit.conversation.pk]
                ),
            }
            for hit in trial.hits
        ]
        return self.page(
            request,
            "admin/conversations/rule_trial.html",
            {
                "title": gettext("Where “%(name)s” would have applied") % {"name": rule},
                "event": _event_name(rule),
                "looked_at": trial.looked_at,
                "hits": hits,
                "most": rules.MOST_SHOWN,
                "back_url": reverse("admin:conversations_rule_change", args=[rule.pk]),
            },
        )

    @display(description=_("in use"), ordering="is_active")
    def state(self, rule: Rule) -> SafeString:
        return badge(gettext("yes"), "ok") if rule.is_active else badge(gettext("no"))

    @display(description=_("event"), ordering="event")
    def event_name(self, rule: Rule) -> str:
        return _event_name(rule)

    @display(description=_("changed at"), ordering="updated_at")
    def changed_at(self, rule: Rule) -> str:
        return moment(rule.updated_at)


def _event_name(rule: Rule) -> str:
    if rule.event == EventKind.WAITING:
        return gettext("Visitor waits longer than %(seconds)s s") % {
            "seconds": rule.waiting_seconds
        }
    return rule.get_event_display()
