"""Incidents with their steps, and planned work."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from reporting.admin.pages import SteppedAdmin
from reporting.models import Incident, IncidentLevel, MaintenanceWindow, OwnerParty
from reporting.services import availability_settings, incidents, maintenance
from tenants import clock
from tenants.admin_base import TenantForm, actor_of, badge, moment
from tenants.admin_filters import period_on, states

_LEVEL_TONES = {
    IncidentLevel.P1: "breach",
    IncidentLevel.P2: "warn",
    IncidentLevel.P3: "info",
    IncidentLevel.P4: "",
}


class UpdateForm(forms.Form):
    """What is told about an incident."""

    text = forms.CharField(
        label=_("text"), max_length=2000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4})
    )


class ExplanationForm(forms.Form):
    """Why it happened, whose it is, and the report."""

    cause = forms.CharField(label=_("cause"), max_length=500, widget=UnfoldAdminTextInputWidget)
    owner_party = forms.ChoiceField(
        label=_("responsible"), choices=OwnerParty, widget=UnfoldAdminSelectWidget
    )
    report = forms.CharField(
        label=_("root cause report"),
        max_length=8000,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 10}),
        help_text=_("What happened when, why, what was done, and what keeps it from recurring."),
    )


class MaintenanceForm(TenantForm):
    """Planned work, announced in time."""

    def clean(self) -> dict[str, Any]:
        """Refuse what begins too soon or ends before it begins."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        start, end = data.get("start_at"), data.get("end_at")
        if start and end:
            if end <= start:
                self.add_error("end_at", gettext("The end lies before the beginning."))
            elif start - clock.now() < maintenance.notice():
                self.add_error(
                    "start_at",
                    maintenance.NoticeTooShortError(
                        hours=maintenance.notice() // timedelta(hours=1)
                    ).detail,
                )
        return data


@admin.register(Incident)
class IncidentAdmin(SteppedAdmin):
    """Shows incidents with their clocks; the provider's people take the steps."""

    capabilities = {
        "view": "incident.view",
        "add": "incident.handle",
        "handle": "incident.handle",
    }
    list_display = ("title", "badge_level", "standing", "since", "acknowledged", "restored")
    list_filter = (
        ("level", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        states(open=(_("Not restored"), Q(restored_at=None))),
        period_on("opened_at"),
    )
    list_filter_submit = True
    actions_detail = ("acknowledge_page", "tell_page", "restore_page", "explain_page")
    ordering = ("-opened_at", "-pk")
    empty_text = _(
        "No incident so far. Down time of more than 60 seconds opens one by itself; others are "
        "opened here."
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ("title", "level", "kind", "opened_at")
        steps = ("since", "acknowledged", "restored", "next_word", "reported", "authority")
        return (
            "badge_level",
            "kind",
            "standing",
            *steps,
            "owner_party",
            "cause",
            "report",
            "told",
        )

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("since",)

    def idle_steps(self, request: HttpRequest, row: Any) -> Collection[str]:
        done = [("acknowledge_page", row.acknowledged_at), ("restore_page", row.restored_at)]
        return [name for name, at in done if at is not None]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"opened_at": clock.now(), **super().get_changeform_initial_data(request)}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add")

    def has_handle_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "handle")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        opened = incidents.open_incident(
            title=obj.title,
            level=obj.level,
            kind=obj.kind,
            at=obj.opened_at,
            by=actor_of(request).user,
        )
        obj.__dict__.update(opened.__dict__)

    @action(
        description=_("Acknowledge"),
        url_path="acknowledge",
        permissions=["handle"],
        icon="visibility",
    )
    def acknowledge_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then note that somebody looks after it."""
        return self.step(
            request,
            object_id,
            lambda row: incidents.acknowledge(row.pk, by=actor_of(request).user),
            title=gettext("Acknowledge"),
            lead=gettext("You look after this incident from now on."),
            label=gettext("Acknowledge"),
            done=gettext("Acknowledged."),
        )

    @action(description=_("Tell"), url_path="tell", permissions=["handle"], icon="campaign")
    def tell_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Tell how it stands."""
        return self.step(
            request,
            object_id,
            lambda row, text: incidents.tell(row.pk, text, by=actor_of(request).user),
            title=gettext("Tell how it stands"),
            lead=gettext("Shown on the status page too: no names, no details of visitors.")
            if availability_settings.current().has_status_page
            else gettext(
                "Both parties are told. The status page is not public; Availability settings open "
                "it."
            ),
            label=gettext("Tell"),
            done=gettext("Told."),
            form_class=UpdateForm,
        )

    @action(description=_("Restored"), url_path="restore", permissions=["handle"], icon="check")
    def restore_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then note that the service works again."""
        return self.step(
            request,
            object_id,
            lambda row: incidents.restore(row.pk, by=actor_of(request).user),
            title=gettext("Restored"),
            lead=gettext("The service works again. The clock of restoration ends now."),
            label=gettext("Restored"),
            done=gettext("Noted."),
        )

    @action(description=_("Explain"), url_path="explain", permissions=["handle"], icon="article")
    def explain_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Keep cause and report."""
        return self.step(
            request,
            object_id,
            lambda row, **given: incidents.explain(row.pk, by=actor_of(request).user, **given),
            title=gettext("Cause and report"),
            lead=gettext("P1 and P2 incidents are explained within 3 working days."),
            label=gettext("Save"),
            done=gettext("Saved."),
            form_class=ExplanationForm,
            initial=lambda row: {
                "cause": row.cause,
                "owner_party": row.owner_party,
                "report": row.report,
            },
        )

    @display(description=_("level"), ordering="level")
    def badge_level(self, row: Incident) -> SafeString:
        return badge(row.get_level_display(), _LEVEL_TONES[IncidentLevel(row.level)])

    @display(description=_("state"))
    def standing(self, row: Incident) -> SafeString:
        if row.restored_at is None:
            late = row.restore_due_at is not None and clock.now() > row.restore_due_at
            words = gettext("Being handled") if row.acknowledged_at else gettext("Open")
            return badge(words, "breach" if late else "warn")
        if row.report_due_at is not None and row.reported_at is None:
            return badge(gettext("Restored, report to come"), "warn")
        return badge(gettext("Restored"), "ok")

    @display(description=_("since"), ordering="opened_at")
    def since(self, row: Incident) -> str:
        return moment(row.opened_at)

    @display(description=_("acknowledged"))
    def acknowledged(self, row: Incident) -> str:
        return _done_or_due(row.acknowledged_at, row.acknowledge_due_at)

    @display(description=_("restored"))
    def restored(self, row: Incident) -> str:
        return _done_or_due(row.restored_at, row.restore_due_at)

    @display(description=_("next update"))
    def next_word(self, row: Incident) -> str:
        return _done_or_due(None, row.update_due_at)

    @display(description=_("root cause report due"))
    def reported(self, row: Incident) -> str:
        return _done_or_due(row.reported_at, row.report_due_at)

    @display(description=_("authority told"))
    def authority(self, row: Incident) -> str:
        return _done_or_due(row.authority_told_at, row.authority_due_at)

    @display(description=_("updates"))
    def told(self, row: Incident) -> SafeString | str:
        lines = [(moment(update.at), update.text) for update in row.updates.all()]
        return format_html_join("", "<p>{} · {}</p>", lines) or "–"


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(SteppedAdmin):
    """Announces planned work and calls it off."""

    capabilities = {
        "view": "incident.view",
        "add": "incident.handle",
        "handle": "incident.handle",
    }
    list_display = ("title", "standing", "since", "until", "announced")
    actions_detail = ("cancel_page",)
    ordering = ("-start_at", "-pk")
    empty_text = _("No planned work. It is announced at least 72 hours before.")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ("title", "description", "start_at", "end_at")
        return ("title", "description", "standing", "since", "until", "announced")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("since",)

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        return super().get_form(request, obj, form=MaintenanceForm, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add")

    def has_handle_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "handle")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        window = maintenance.announce(
            title=obj.title,
            description=obj.description,
            start_at=obj.start_at,
            end_at=obj.end_at,
            by=actor_of(request).user,
        )
        obj.__dict__.update(window.__dict__)

    @action(description=_("Call off"), url_path="cancel", permissions=["handle"], icon="block")
    def cancel_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then call the work off."""
        return self.step(
            request,
            object_id,
            lambda row: maintenance.cancel(row.pk, by=actor_of(request).user),
            title=gettext("Call off"),
            lead=gettext("The status page no longer shows this work."),
            label=gettext("Call off"),
            done=gettext("Called off."),
        )

    @display(description=_("state"))
    def standing(self, row: MaintenanceWindow) -> SafeString:
        now = clock.now()
        if row.cancelled_at is not None:
            return badge(gettext("Called off"))
        if row.end_at <= now:
            return badge(gettext("Over"))
        return badge(gettext("Running") if row.start_at <= now else gettext("Planned"), "info")

    @display(description=_("from"), ordering="start_at")
    def since(self, row: MaintenanceWindow) -> str:
        return moment(row.start_at)

    @display(description=_("until"))
    def until(self, row: MaintenanceWindow) -> str:
        return moment(row.end_at)

    @display(description=_("announced at"))
    def announced(self, row: MaintenanceWindow) -> str:
        return moment(row.announced_at)


def _done_or_due(done: Any, due: Any) -> str:
    if done is not None:
        return moment(done)
    return gettext("due %(at)s") % {"at": moment(due)} if due is not None else "–"
