"""Planned work, with who was told of it."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from reporting.admin.pages import HandledAdmin
from reporting.models import MaintenanceWindow
from reporting.services import availability_alerts, maintenance
from tenants import clock
from tenants.admin_base import TenantForm, actor_of, badge, moment
from tenants.models import User
from tenants.services import notifications


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


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(HandledAdmin):
    """Announces planned work and calls it off."""

    list_display = ("title", "standing", "since", "until", "announced")
    actions_detail = ("cancel_page",)
    ordering = ("-start_at", "-pk")
    empty_text = _("No planned work. It is announced at least 72 hours before.")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ("title", "description", "start_at", "end_at")
        return ("title", "description", "standing", "since", "until", "announced", "notices")

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        return super().get_form(request, obj, form=MaintenanceForm, **kwargs)

    def begin(self, row: MaintenanceWindow, *, by: User) -> MaintenanceWindow:
        return maintenance.announce(
            title=row.title,
            description=row.description,
            start_at=row.start_at,
            end_at=row.end_at,
            by=by,
        )

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

    @display(description=_("ends at"))
    def until(self, row: MaintenanceWindow) -> str:
        return moment(row.end_at)

    @display(description=_("announced at"))
    def announced(self, row: MaintenanceWindow) -> str:
        return moment(row.announced_at)

    @display(description=_("who was told"))
    def notices(self, row: MaintenanceWindow) -> SafeString | str:
        lines = [
            (proof.to, proof.way, proof.words)
            for proof in notifications.proofs(availability_alerts.maintenance_key(row))
        ]
        return format_html_join("", "<p>{} · {} · {}</p>", lines) or gettext("nobody yet")
