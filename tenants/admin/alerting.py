"""Whom alerts reach: group robots, and how the tenant wants to be told."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
)

from tenants.admin_base import TenantAdmin, TenantForm, actor_of, badge, moment
from tenants.alerting.words import KINDS, error_in_words
from tenants.errors import DomainError
from tenants.models import AlertLevel, AlertRobot, NotificationSettings
from tenants.roles import Role
from tenants.services import alert_robots, alert_settings


class RobotForm(TenantForm):
    """A robot; its address and secret are written here and shown nowhere."""

    new_address = forms.CharField(
        label=_("address"),
        required=False,
        max_length=500,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=_(
            "Copy the whole webhook address from the group's robot settings. Kept sealed and never "
            "shown again. Empty: it stays as it is."
        ),
    )
    new_secret = forms.CharField(
        label=_("secret"),
        required=False,
        max_length=200,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=_(
            "DingTalk and Feishu: choose the security setting “signature” and enter its secret. "
            "WeCom has none. Signed webhook: whsec_ and base64. Empty: it stays as it is."
        ),
    )
    kinds = forms.MultipleChoiceField(
        label=_("events"),
        choices=list(KINDS.items()),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=AlertRobot._meta.get_field("kinds").help_text,
    )

    class Meta:
        model = AlertRobot
        fields = ("kind", "name", "minimum_level", "kinds", "is_active")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        kind = data.get("kind") or self.instance.kind
        address, secret = data.get("new_address"), data.get("new_secret")
        if not address and self.instance._state.adding:
            self.add_error("new_address", _("A robot needs its address."))
        if not secret and self.instance._state.adding and kind == "webhook":
            self.add_error("new_secret", _("A signed webhook needs a secret."))
        for field, given in (
            ("new_address", (address or None, None)),
            ("new_secret", (None, secret or None)),
        ):
            try:
                alert_robots.check(kind, *given)
            except DomainError as error:
                self.add_error(field, error.detail)
        return data


@admin.register(AlertRobot)
class AlertRobotAdmin(TenantAdmin):
    """Keeps robots; one is switched off, not removed: the log names it."""

    capabilities = {"view": "alert.view", "add": "alert.change", "change": "alert.change"}
    form = RobotForm
    list_display = ("standing", "name", "kind", "minimum_level", "went")
    list_display_links = ("name",)
    actions = ()
    actions_detail = ("ring_page",)
    empty_text = _(
        "A robot brings alerts into a group of DingTalk, Feishu or WeCom, or to an address of your "
        "own. Missed promises arrive there within a minute."
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        edits = self.has_add_permission(request) if obj is None else self.may(request, "change")
        secret = ("new_address", "new_secret") if edits else ()
        shown = ("kind", "name", *secret, "minimum_level", "kinds", "is_active")
        return ("standing", *shown, "went") if obj else shown

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("kind", "standing", "went") if obj else ()

    def save_model(self, request: HttpRequest, obj: AlertRobot, form: Any, change: bool) -> None:
        alert_robots.save(
            obj,
            by=actor_of(request).user,
            address=form.cleaned_data.get("new_address") or None,
            secret=form.cleaned_data.get("new_secret") or None,
        )

    @action(
        description=_("Send a test message"), url_path="ring", permissions=["change"], icon="send"
    )
    def ring_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then send a test message and say how it went."""
        robot = self.get_object(request, object_id)
        if not isinstance(robot, AlertRobot):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        back = reverse("admin:tenants_alertrobot_change", args=[robot.pk])
        if request.method == "POST":
            outcome = alert_robots.ring(robot, by=actor_of(request).user)
            if outcome.is_fine:
                messages.success(request, gettext("The test message was accepted."))
            else:
                messages.error(
                    request,
                    gettext("The test message was not accepted: %(error)s.")
                    % {"error": error_in_words(outcome.error)},
                )
            return HttpResponseRedirect(back)
        return self.page(
            request,
            "admin/confirm_page.html",
            {
                "title": gettext("Send %(name)s a test message?") % {"name": robot},
                "lead": gettext("Everybody in the group will see it."),
                "submit_label": gettext("Send a test message"),
                "cancel_url": back,
            },
        )

    @display(description=_("state"), ordering="is_active")
    def standing(self, robot: AlertRobot) -> SafeString:
        if not robot.is_active:
            return badge(gettext("switched off"))
        failing = robot.failures > 0
        return badge(
            gettext("failing") if failing else gettext("in use"), "warn" if failing else "ok"
        )

    @display(description=_("latest error"))
    def went(self, robot: AlertRobot) -> str:
        return error_in_words(robot.last_error) if robot.last_error else "–"


class SettingsForm(TenantForm):
    """How the tenant is told; one choice for each role."""

    class Meta:
        model = NotificationSettings
        fields = ("quiet_from", "quiet_until")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for role in Role:
            name = f"mail_{role.value}"
            if name in self.fields:
                self.fields[name].initial = self.instance.mail_levels.get(role, AlertLevel.WARNING)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        self.instance.mail_levels = {
            role.value: data[f"mail_{role.value}"]
            for role in Role
            if data.get(f"mail_{role.value}")
        }
        return data


def _level_field(role: Role) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=role.label, choices=AlertLevel.choices, widget=UnfoldAdminSelectWidget
    )


SettingsForm.declared_fields.update({f"mail_{role.value}": _level_field(role) for role in Role})


@admin.register(NotificationSettings)
class NotificationSettingsAdmin(TenantAdmin):
    """Changes the tenant's one row; its list leads there."""

    capabilities = {"view": "alert.view", "change": "alert.change"}
    form = SettingsForm
    readonly_fields = ("levels", "changed_at", "changed_by")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        edits = self.may(request, "change")
        levels = tuple(f"mail_{role.value}" for role in Role) if edits else ("levels",)
        return [
            (_("Quiet hours"), {"fields": (("quiet_from", "quiet_until"),)}),
            (
                _("Mails from which urgency"),
                {
                    "fields": levels,
                    "description": _(
                        "Everybody finds all of it under the bell. Critical alerts are always mailed."
                    ),
                },
            ),
            (None, {"fields": ("changed_at", "changed_by")}),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        row = alert_settings.current()
        return HttpResponseRedirect(
            reverse("admin:tenants_notificationsettings_change", args=[row.pk])
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = {
            "show_save_and_continue": False,
            "show_save_and_add_another": False,
            **(extra_context or {}),
        }
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        alert_settings.change(obj, by=actor_of(request).user)

    @display(description=_("mails by role"))
    def levels(self, row: NotificationSettings) -> str:
        said = [
            f"{role.label}: {AlertLevel(row.mail_levels.get(role, AlertLevel.WARNING)).label}"
            for role in Role
        ]
        return gettext(", ").join(said)

    @display(description=_("changed at"))
    def changed_at(self, row: NotificationSettings) -> str:
        return moment(row.updated_at)

    @display(description=_("changed by"))
    def changed_by(self, row: NotificationSettings) -> str:
        return str(row.updated_by or "–")
