"""Addresses of the client's systems, and the log of what was sent to them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from conversations.admin.links import conversation_link
from conversations.models import (
    DeliveryState,
    EventKind,
    WebhookDelivery,
    WebhookEndpoint,
)
from conversations.services import deliveries, endpoints
from tenants import outward
from tenants.admin_base import ReadOnlyAdmin, TenantAdmin, TenantForm, actor_of, badge, second
from tenants.admin_filters import period_on

_ERRORS = {
    "timeout": _("no answer in time"),
    "unreachable": _("not reachable"),
    "address_refused": _("nothing may be sent to this address"),
    "secret_unreadable": _("its secret cannot be read; make a new one"),
}
_REASONS = {
    "gone": _("it answered 410: gone for good"),
    "failing": _("it has failed for more than a day"),
}


class EndpointForm(TenantForm):
    """An address; its events are ticked."""

    kinds = forms.MultipleChoiceField(
        label=_("events"),
        choices=[(kind.value, kind.label) for kind in endpoints.KINDS],
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=WebhookEndpoint._meta.get_field("kinds").help_text,
    )

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        reason = outward.why_refused(url)
        if reason:
            raise forms.ValidationError(reason)
        return url


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(TenantAdmin):
    """Keeps addresses; a secret is shown once, when it is made."""

    capabilities = {
        "view": "webhook.view",
        "add": "webhook.change",
        "change": "webhook.change",
        "delete": "webhook.change",
    }
    form = EndpointForm
    list_display = ("state", "name", "url", "kind_list", "failures")
    list_display_links = ("name",)
    search_fields = ("name", "url", "description")
    actions = ()
    actions_detail = ("ping_page", "rotate_page")
    empty_text = _(
        "A webhook tells one of your systems what happens here, as signed messages. See "
        "docs/webhooks.md for how they are checked."
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        edits = self.has_add_permission(request) if obj is None else self.may(request, "change")
        kinds = "kinds" if edits else "kind_list"
        return [
            (None, {"fields": ("name", "description", "url", "is_active")}),
            (_("What it hears"), {"fields": (kinds, "with_contents")}),
            *(
                [(_("How it stands"), {"fields": ("state", "failures", "old_secret")})]
                if obj
                else []
            ),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("kind_list", "state", "failures", "old_secret")

    def save_model(
        self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool
    ) -> None:
        secret = endpoints.save_endpoint(obj, by=actor_of(request).user)
        if secret is not None:
            request.new_secret = secret  # type: ignore[attr-defined]  # for the answer below

    def delete_model(self, request: HttpRequest, obj: WebhookEndpoint) -> None:
        endpoints.delete_endpoint(obj, by=actor_of(request).user)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._show_secret(request, obj, request.new_secret)  # type: ignore[attr-defined]

    @action(
        description=_("Send a test message"), url_path="ping", permissions=["change"], icon="send"
    )
    def ping_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then send a test message and say how it went."""
        endpoint = self.get_object(request, object_id)
        if not isinstance(endpoint, WebhookEndpoint):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        back = reverse("admin:conversations_webhookendpoint_change", args=[endpoint.pk])
        if request.method == "POST":
            delivery = endpoints.ping(endpoint, by=actor_of(request).user)
            fine = delivery.state == DeliveryState.DELIVERED
            say = messages.success if fine else messages.error
            say(request, gettext("Test message: %(outcome)s.") % {"outcome": outcome_of(delivery)})
            return HttpResponseRedirect(back)
        return self.page(
            request,
            "admin/confirm_page.html",
            {
                "title": gettext("Send %(name)s a test message?") % {"name": endpoint},
                "lead": gettext(
                    "A message of the kind “ping” is sent now, signed like all others. Its outcome "
                    "stands in the log."
                ),
                "submit_label": gettext("Send a test message"),
                "cancel_url": back,
            },
        )

    @action(description=_("New secret"), url_path="secret", permissions=["change"], icon="key")
    def rotate_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then make a new secret and show it, this once."""
        endpoint = self.get_object(request, object_id)
        if not isinstance(endpoint, WebhookEndpoint):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method == "POST":
            secret = endpoints.rotate_secret(endpoint, by=actor_of(request).user)
            self.log_change(request, endpoint, gettext("New secret."))
            return self._show_secret(request, endpoint, secret)
        return self.page(
            request,
            "admin/confirm_page.html",
            {
                "title": gettext("Make a new secret for %(name)s?") % {"name": endpoint},
                "lead": gettext(
                    "For 24 hours every message carries the signatures of both secrets, so that "
                    "your system can change over. Then the present one stops."
                ),
                "submit_label": gettext("Make a new secret"),
                "cancel_url": reverse(
                    "admin:conversations_webhookendpoint_change", args=[endpoint.pk]
                ),
            },
        )

    def _show_secret(
        self, request: HttpRequest, endpoint: WebhookEndpoint, secret: str
    ) -> HttpResponse:
        shown = never_cache(self.page)(
            request,
            "admin/conversations/channel_secret.html",
            {
                "title": gettext("The secret of %(name)s") % {"name": endpoint},
                "secret": secret,
                "back_url": reverse(
                    "admin:conversations_webhookendpoint_change", args=[endpoint.pk]
                ),
            },
        )
        assert isinstance(shown, HttpResponse)
        return shown

    @display(description=_("state"), ordering="is_active")
    def state(self, endpoint: WebhookEndpoint) -> SafeString:
        if endpoint.is_active:
            failing = endpoint.failures > 0
            return badge(
                gettext("failing") if failing else gettext("in use"), "warn" if failing else "ok"
            )
        reason = _REASONS.get(endpoint.disabled_reason)
        if reason is None:
            return badge(gettext("switched off"))
        return badge(gettext("switched off: %(reason)s") % {"reason": reason}, "breach")

    @display(description=_("events"))
    def kind_list(self, endpoint: WebhookEndpoint) -> str:
        labels = dict(EventKind.choices)
        return gettext(", ").join(str(labels.get(kind, kind)) for kind in endpoint.kinds) or "–"

    @display(description=_("old secret signs until"))
    def old_secret(self, endpoint: WebhookEndpoint) -> str:
        return second(endpoint.previous_until) or "–"


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """Shows each message of the last 30 days, and sends it again."""

    capabilities = {"view": "webhook.view", "change": "webhook.change"}
    list_display = ("standing", "kind", "endpoint", "made_at", "attempts", "outcome", "where")
    list_display_links = ("kind",)
    list_filter = (("state", ChoicesDropdownFilter), period_on("created_at"))
    list_filter_submit = True
    list_select_related = ("endpoint",)
    search_fields = ("message_id", "endpoint__name")
    fields = (
        "standing",
        "kind",
        "endpoint",
        "message_id",
        "made_at",
        "attempts",
        "outcome",
        "last_excerpt",
        "tried_at",
        "due_at",
        "received_at",
        "where",
        "body",
    )
    ordering = ("-created_at",)
    actions_detail = ("replay_page",)
    empty_text = _("No webhook has been sent in the last 30 days.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("made_at",)

    def has_replay_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "change")

    @action(description=_("Send again"), url_path="replay", permissions=["replay"], icon="replay")
    def replay_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then put the message into the queue again."""
        delivery = self.get_object(request, object_id)
        if not isinstance(delivery, WebhookDelivery):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        back = reverse("admin:conversations_webhookdelivery_change", args=[delivery.pk])
        if request.method == "POST":
            deliveries.replay(delivery, by_id=actor_of(request).user.pk)
            messages.success(request, gettext("It is sent again within seconds."))
            return HttpResponseRedirect(back)
        return self.page(
            request,
            "admin/confirm_page.html",
            {
                "title": gettext("Send this message again?"),
                "lead": gettext(
                    "The same message with the same id: a receiver that remembers ids takes it "
                    "only once."
                ),
                "submit_label": gettext("Send again"),
                "cancel_url": back,
            },
        )

    @display(description=_("state"), ordering="state")
    def standing(self, delivery: WebhookDelivery) -> SafeString:
        tones = {DeliveryState.DELIVERED: "ok", DeliveryState.FAILED: "breach"}
        tone = tones.get(DeliveryState(delivery.state), "warn" if delivery.attempts else "info")
        return badge(delivery.get_state_display(), tone)

    @display(description=_("outcome"))
    def outcome(self, delivery: WebhookDelivery) -> str:
        return outcome_of(delivery)

    @display(description=_("created at"), ordering="created_at")
    def made_at(self, delivery: WebhookDelivery) -> str:
        return second(delivery.created_at)

    @display(description=_("latest attempt"))
    def tried_at(self, delivery: WebhookDelivery) -> str:
        return second(delivery.attempted_at) or "–"

    @display(description=_("next attempt"))
    def due_at(self, delivery: WebhookDelivery) -> str:
        return second(delivery.next_at) or "–"

    @display(description=_("delivered at"))
    def received_at(self, delivery: WebhookDelivery) -> str:
        return second(delivery.delivered_at) or "–"

    @display(description=_("conversation"))
    def where(self, delivery: WebhookDelivery) -> Any:
        return conversation_link(delivery.conversation_id)


def outcome_of(delivery: WebhookDelivery) -> str:
    """Return in words how the latest attempt went."""
    if delivery.last_status is not None:
        return gettext("HTTP %(status)s") % {"status": delivery.last_status}
    return str(_ERRORS.get(delivery.last_error, delivery.last_error or "–"))
