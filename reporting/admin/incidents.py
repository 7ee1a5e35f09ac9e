"""Incidents with their steps."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import BLANK_CHOICE_DASH, Q
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from reporting.admin.pages import HandledAdmin
from reporting.models import AuthorityWay, Incident, IncidentKind, IncidentLevel, OwnerParty
from reporting.services import affected, availability_settings, incidents
from tenants import clock
from tenants.admin_base import actor_of, badge, moment
from tenants.admin_filters import period_on, states
from tenants.models import User
from tenants.services import contracts

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


class AuthorityForm(forms.Form):
    """Which authority was told, and by what."""

    authority = forms.CharField(
        label=_("authority"),
        max_length=120,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Its name, with the office that took the report."),
    )
    way = forms.ChoiceField(
        label=_("told by"),
        choices=[*BLANK_CHOICE_DASH, *AuthorityWay.choices],
        widget=UnfoldAdminSelectWidget,
    )
    reference = forms.CharField(
        label=_("reference"),
        max_length=120,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("The number of the receipt or file, if there is one."),
    )


class PeopleForm(forms.Form):
    """Whom an incident concerns: those of a time, or everybody."""

    since = forms.SplitDateTimeField(label=_("from"), widget=UnfoldAdminSplitDateTimeWidget)
    until = forms.SplitDateTimeField(label=_("ends at"), widget=UnfoldAdminSplitDateTimeWidget)
    everybody = forms.BooleanField(
        label=_("everybody known by then"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("Where a whole store was open, it does not matter when somebody wrote."),
    )

    def clean(self) -> dict[str, Any]:
        """Refuse an end before the beginning."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        since, until = data.get("since"), data.get("until")
        if since and until and until <= since:
            self.add_error("until", gettext("The end lies before the beginning."))
        return data


@admin.register(Incident)
class IncidentAdmin(HandledAdmin):
    """Shows incidents with their clocks; the provider's people take the steps."""

    capabilities = {**HandledAdmin.capabilities, "people": "incident.people"}
    list_display = ("title", "badge_level", "standing", "since", "acknowledged", "restored")
    list_filter = (
        ("level", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        states(open=(_("Not restored"), Q(restored_at=None))),
        period_on("opened_at"),
    )
    list_filter_submit = True
    actions_detail = (
        "acknowledge_page",
        "tell_page",
        "restore_page",
        "explain_page",
        "authority_page",
        "people_page",
    )
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

    def idle_steps(self, request: HttpRequest, row: Any) -> Collection[str]:
        done = [("acknowledge_page", row.acknowledged_at), ("restore_page", row.restored_at)]
        idle = [name for name, at in done if at is not None]
        if row.authority_due_at is None or row.authority_told_at is not None:
            idle.append("authority_page")
        if row.kind != IncidentKind.SECURITY:
            idle.append("people_page")
        return idle

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"opened_at": clock.now(), **super().get_changeform_initial_data(request)}

    def has_people_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "people")

    def begin(self, row: Incident, *, by: User) -> Incident:
        return incidents.open_incident(
            title=row.title, level=row.level, kind=row.kind, at=row.opened_at, by=by
        )

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
            lead=gettext("P1 and P2 incidents are explained within %(days)s working days.")
            % {"days": contracts.terms_at(clock.now()).incident_report_working_days},
            label=gettext("Save"),
            done=gettext("Saved."),
            form_class=ExplanationForm,
            initial=lambda row: {
                "cause": row.cause,
                "owner_party": row.owner_party,
                "report": row.report,
            },
        )

    @action(
        description=_("Authority told"),
        url_path="authority",
        permissions=["handle"],
        icon="account_balance",
    )
    def authority_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask which one and by what, then note that the authority knows."""
        return self.step(
            request,
            object_id,
            lambda row, **given: incidents.tell_authority(
                row.pk, by=actor_of(request).user, **given
            ),
            title=gettext("Authority told"),
            lead=gettext(
                "The authority was told of this incident, now. Its clock ends. What you enter is "
                "kept in the ledger and never changed: no names of visitors."
            ),
            label=gettext("Authority told"),
            done=gettext("Noted."),
            form_class=AuthorityForm,
        )

    @action(
        description=_("People concerned"),
        url_path="people",
        permissions=["people"],
        icon="group",
    )
    def people_page(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Ask for the time, then send the list of the people concerned."""
        row = self.get_object(request, object_id)
        if not isinstance(row, Incident):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        first = {"since": row.opened_at, "until": row.restored_at or clock.now()}
        form = PeopleForm(request.POST or None, initial=first)
        if request.method == "POST" and form.is_valid():
            listed, count = affected.people(row, by=actor_of(request).user, **form.cleaned_data)
            if not count:
                listed.close()
                form.add_error(None, gettext("Nobody wrote in this time. Choose a longer one."))
                return self._ask_for_people(request, row, form)
            name = f"people-{timezone.localtime(row.opened_at):%Y-%m-%d}.csv"
            return FileResponse(
                listed,
                as_attachment=True,
                filename=name,
                content_type="text/csv; charset=utf-8",
                headers={"Cache-Control": "no-store"},
            )
        return self._ask_for_people(request, row, form)

    def _ask_for_people(
        self, request: HttpRequest, row: Incident, form: forms.Form
    ) -> HttpResponse:
        return self.page(
            request,
            "admin/form_page.html",
            {
                "title": gettext("People concerned"),
                "lead": gettext(
                    "A list with names and ways to reach them, for those who have to tell them. The "
                    "ledger keeps that you had it."
                ),
                "form": form,
                "submit_label": gettext("Download the list"),
                "cancel_url": self.page_of(row),
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
        at = _done_or_due(row.authority_told_at, row.authority_due_at)
        told = incidents.authority_of(row) if row.authority_told_at else None
        if told is None:
            return at
        parts = (at, told.authority, str(told.way.label), told.reference)
        return " · ".join(part for part in parts if part)

    @display(description=_("updates"))
    def told(self, row: Incident) -> SafeString | str:
        lines = [(moment(update.at), update.text) for update in row.updates.all()]
        return format_html_join("", "<p>{} · {}</p>", lines) or "–"


def _done_or_due(done: Any, due: Any) -> str:
    if done is not None:
        return moment(done)
    return gettext("due %(at)s") % {"at": moment(due)} if due is not None else "–"
