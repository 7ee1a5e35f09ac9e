"""Groups of agents: who serves whom, and when."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from conversations import hours
from conversations.admin.group_forms import (
    LANGUAGES,
    ExceptionForm,
    GroupForm,
    GroupMemberForm,
    SpanFormSet,
    channel_choices,
)
from conversations.models import AgentGroup, GroupMember, HoursException, WorkingSpan
from conversations.services import groups
from conversations.states import HandoffReason
from tenants import clock
from tenants.actors import Actor
from tenants.admin_base import TenantAdmin, TenantForm, actor_of, badge, moment
from tenants.worktime import next_opening


class GroupInline(TabularInline):
    """Rows of a group: whoever may change the group may change them."""

    extra = 0
    form = TenantForm

    def _may(self, request: HttpRequest, capability: str) -> bool:
        actor = getattr(request, "actor", None)
        return isinstance(actor, Actor) and actor.tenant is not None and actor.can(capability)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request, "group.view")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request, "group.change")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request, "group.change")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request, "group.change")


class MemberInline(GroupInline):
    """The agents of a group."""

    model = GroupMember
    form = GroupMemberForm
    fields: Any = ("member", "skills", "languages", "capacity", "order")
    verbose_name_plural = _("Agents of the group")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if self._may(request, "group.change"):
            return self.fields
        return ("member", "skill_words", "language_names", "capacity", "order")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if self._may(request, "group.change") else ("skill_words", "language_names")

    @display(description=_("skills"))
    def skill_words(self, place: GroupMember) -> str:
        return _listed(place.skills)

    @display(description=_("languages"))
    def language_names(self, place: GroupMember) -> str:
        return _named(place.languages, dict(LANGUAGES))


class SpanInline(GroupInline):
    """The weekly hours."""

    model = WorkingSpan
    formset = SpanFormSet
    fields = ("weekday", "starts_at", "ends_at")
    verbose_name_plural = _("Weekly hours (none means around the clock)")


class ExceptionInline(GroupInline):
    """Days with other hours."""

    model = HoursException
    form = ExceptionForm
    formset = SpanFormSet
    fields = ("date", "name", "is_closed", "starts_at", "ends_at")
    verbose_name_plural = _("Exceptional days")


@admin.register(AgentGroup)
class AgentGroupAdmin(TenantAdmin):
    """Sets groups up; they are switched off, never deleted, because conversations went to them."""

    capabilities = {"view": "group.view", "add": "group.change", "change": "group.change"}
    form = GroupForm
    inlines = (MemberInline, SpanInline, ExceptionInline)
    list_display = ("state", "name", "served", "member_count", "asked_first", "default_mark")
    list_display_links = ("name",)
    search_fields = ("name",)
    ordering = ("order", "name")
    empty_text = _(
        "Without groups every agent looks after every visitor, around the clock. Add groups to "
        "share the work by reason, channel, language and working hours."
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        return rows.prefetch_related("spans", "exceptions").annotate(people=Count("members"))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        serves = ("reasons", "channels", "languages")
        if not self._edits(request, obj):
            serves = ("reason_names", "channel_names", "language_names")
        return [
            (None, {"fields": ("name", "is_active", "is_default", "order")}),
            (_("Whom it serves"), {"fields": serves}),
            (
                _("How its agents are asked"),
                {"fields": ("auto_assign", "strategy", "accept_seconds")},
            ),
            (_("Working hours"), {"fields": ("keeps_statutory_calendar",)}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if self._edits(request, obj):
            return ()
        return ("reason_names", "channel_names", "language_names")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_related(request, form, formsets, change)
            groups.record_saved(form.instance, by=actor_of(request).user)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        group = self.get_object(request, object_id)
        if isinstance(group, AgentGroup) and request.method == "GET":
            year = hours.unknown_year(group, clock.now())
            if year is not None:
                messages.warning(
                    request,
                    gettext(
                        "The public holidays of %(year)s with their make-up days are not known "
                        "yet: weekdays apply. Add its holidays as exceptional days meanwhile."
                    )
                    % {"year": year},
                )
        response: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        return response

    def _edits(self, request: HttpRequest, obj: Any) -> bool:
        return self.has_add_permission(request) if obj is None else self.may(request, "change")

    @display(description=_("state"))
    def state(self, group: AgentGroup) -> SafeString:
        if not group.is_active:
            return badge(gettext("out of use"))
        at = clock.now()
        opening = next_opening(hours.hours_of(group, timezone.get_current_timezone()), at)
        if opening == at:
            return badge(gettext("open"), "ok")
        if opening is None:
            return badge(gettext("never open"), "breach")
        return badge(gettext("closed until %(time)s") % {"time": moment(opening)}, "warn")

    @display(description=_("serves"))
    def served(self, group: AgentGroup) -> str:
        parts = [
            _named(group.reasons, dict(HandoffReason.choices), every=""),
            _named(group.channels, dict(channel_choices()) if group.channels else {}, every=""),
            _named(group.languages, dict(LANGUAGES), every=""),
        ]
        return " · ".join(part for part in parts if part) or gettext("all")

    @display(description=_("agents"), ordering="people")
    def member_count(self, group: Any) -> int:
        return int(group.people)

    @display(description=_("who is asked first"), ordering="strategy")
    def asked_first(self, group: AgentGroup) -> str:
        return group.get_strategy_display() if group.auto_assign else gettext("nobody by itself")

    @display(description=_("default group"), ordering="is_default")
    def default_mark(self, group: AgentGroup) -> SafeString | str:
        return badge(gettext("default"), "info") if group.is_default else ""

    @display(description=_("hand-off reasons"))
    def reason_names(self, group: AgentGroup) -> str:
        return _named(group.reasons, dict(HandoffReason.choices))

    @display(description=_("channels"))
    def channel_names(self, group: AgentGroup) -> str:
        return _named(group.channels, dict(channel_choices()))

    @display(description=_("languages"))
    def language_names(self, group: AgentGroup) -> str:
        return _named(group.languages, dict(LANGUAGES))


def _listed(words: list[str]) -> str:
    return gettext(", ").join(words) or "–"


def _named(codes: list[str], names: dict[Any, Any], *, every: str | None = None) -> str:
    if not codes:
        return gettext("all") if every is None else every
    return gettext(", ").join(str(names.get(code, code)) for code in codes)
