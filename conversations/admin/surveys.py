"""Surveys: what is agreed about them, the lot of each month, and who was asked."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display

from conversations.admin.counting import EndedInMonthFilter
from conversations.admin.links import conversation_link
from conversations.models import SurveyInvite, SurveyMonth, SurveyTerms
from conversations.satisfaction import month_bounds
from conversations.services import survey_terms
from tenants import clock
from tenants.admin_base import ReadOnlyAdmin, TenantAdmin, actor_of, badge, moment
from tenants.admin_filters import counted, period_on


@admin.register(SurveyTerms)
class SurveyTermsAdmin(TenantAdmin):
    """Shows every version of the terms; a change is a new version, and none is removed."""

    capabilities = {"view": "survey.view", "add": "survey.change"}
    list_display = ("name", "method", "rate", "made_at", "created_by")
    list_select_related = ("created_by",)
    fields = survey_terms.FIELDS
    ordering = ("-version",)
    empty_text = _(
        "Until something else is agreed, every visitor whom the assistant answered is asked at the "
        "end, in the product's own words. What is agreed here holds from the next month on."
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        said = ("name", "made_at", "created_by") if obj else ()
        return (*said, *survey_terms.FIELDS)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", "made_at", "created_by") if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        current = survey_terms.latest()
        return {name: getattr(current, name) for name in survey_terms.FIELDS}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        row = survey_terms.change(obj, by=actor_of(request).user)
        obj.__dict__.update(row.__dict__)

    @display(description=_("version"), ordering="version")
    def name(self, row: SurveyTerms) -> str:
        return str(row)

    @display(description=_("created at"), ordering="created_at")
    def made_at(self, row: SurveyTerms) -> str:
        return moment(row.created_at)


@admin.register(SurveyMonth)
class SurveyMonthAdmin(ReadOnlyAdmin):
    """Shows under which seed each month's invitations were drawn."""

    capabilities = {"view": "survey.view"}
    list_display = ("name", "share", "agreed", "fingerprint", "made_at")
    list_select_related = ("terms",)
    fields = ("name", "share", "agreed", "fingerprint", "told_seed", "made_at")
    ordering = ("-month",)
    empty_text = _("A month appears here with its first inquiry.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("name",)

    @display(description=_("month"), ordering="month")
    def name(self, row: SurveyMonth) -> str:
        return str(row)

    @display(description=_("share invited"))
    def share(self, row: SurveyMonth) -> str:
        return f"{row.rate * 100:.1f}%"

    @display(description=_("terms"))
    def agreed(self, row: SurveyMonth) -> str:
        return str(row.terms)

    @display(description=_("fingerprint of the seed"))
    def fingerprint(self, row: SurveyMonth) -> str:
        return row.seed_sha256

    @display(description=_("seed"))
    def told_seed(self, row: SurveyMonth) -> str:
        _start, end = month_bounds(row.month, row.tenant.zone)
        if clock.now() < end:
            return gettext("Told when the month is over.")
        return row.seed

    @display(description=_("created at"))
    def made_at(self, row: SurveyMonth) -> str:
        return moment(row.created_at)


@admin.register(SurveyInvite)
class SurveyInviteAdmin(ReadOnlyAdmin):
    """Shows the lot of every inquiry: drawn when it opened, whatever became of it."""

    capabilities = {"view": "survey.view"}
    list_display = ("standing", "drawn", "ended", "parts_named", "answered_by", "until", "where")
    list_display_links = ("drawn",)
    list_filter = (
        ("is_invited", BooleanRadioFilter),
        ("has_bot_part", BooleanRadioFilter),
        ("has_human_part", BooleanRadioFilter),
        ("is_test", BooleanRadioFilter),
        counted(Q(has_bot_part=True, sent_at__isnull=False, is_test=False)),
        EndedInMonthFilter,
        period_on("drawn_at"),
    )
    list_filter_submit = True
    list_select_related = ("inquiry", "agent", "month")
    fields = (
        "standing",
        "drawn",
        "of_month",
        "ended",
        "parts_named",
        "answered_by",
        "until",
        "where",
    )
    ordering = ("-drawn_at", "-pk")
    empty_text = _("Each inquiry is drawn or not when it opens; its lot appears here.")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("ratings")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("drawn", "ended")

    def title_of(self, row: SurveyInvite) -> str:
        return moment(row.drawn_at)

    @display(description=_("state"))
    def standing(self, row: SurveyInvite) -> SafeString:
        if not row.is_invited:
            return badge(gettext("Not drawn"))
        if row.sent_at is None:
            return badge(gettext("Nothing to ask") if row.ended_at else gettext("Running"), "")
        if row.ratings.all():
            return badge(gettext("Answered"), "ok")
        over = row.expires_at is not None and clock.now() > row.expires_at
        return badge(gettext("Not answered") if over else gettext("Asked"), "" if over else "info")

    @display(description=_("drawn at"), ordering="drawn_at")
    def drawn(self, row: SurveyInvite) -> str:
        return moment(row.drawn_at)

    @display(description=_("month"))
    def of_month(self, row: SurveyInvite) -> str:
        return str(row.month)

    @display(description=_("ended at"), ordering="ended_at")
    def ended(self, row: SurveyInvite) -> str:
        return moment(row.ended_at) or "–"

    @display(description=_("asked about"))
    def parts_named(self, row: SurveyInvite) -> str:
        names: Mapping[str, str] = {"bot": gettext("Assistant"), "human": gettext("Human agent")}
        return ", ".join(names[part] for part in row.parts) or "–"

    @display(description=_("agent"))
    def answered_by(self, row: SurveyInvite) -> str:
        return str(row.agent or "–")

    @display(description=_("open until"))
    def until(self, row: SurveyInvite) -> str:
        return moment(row.expires_at) or "–"

    @display(description=_("conversation"))
    def where(self, row: SurveyInvite) -> Any:
        return conversation_link(row.inquiry.conversation_id)
