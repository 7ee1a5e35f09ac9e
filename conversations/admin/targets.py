"""The client's own systems that conversations are handed to, and the log of what was sent."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminPasswordWidget

from conversations.adapters.base import CAUSES
from conversations.models import HandoffTarget, TargetKind
from conversations.services import delivery, targets
from tenants import clock, outward, webhooks
from tenants.admin_base import TenantAdmin, TenantForm, actor_of, badge, moment
from tenants.secrets import SecretUnreadableError


def _secret(label: Any, help_text: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        strip=True,
        max_length=400,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=help_text,
    )


class TargetForm(TenantForm):
    """A target; its secrets are written here and shown nowhere."""

    new_signing_secret = _secret(
        _("secret that signs what we send"),
        _("whsec_ and base64. Kept sealed and never shown again. Empty: it stays as it is."),
    )
    new_inbound_secret = _secret(
        _("secret that signs what comes back"),
        _(
            "The one before is still accepted, so that it can be changed over there without haste. "
            "Empty: it stays as it is."
        ),
    )
    new_token = _secret(
        _("API token"), _("Kept sealed and never shown again. Empty: it stays as it is.")
    )

    class Meta:
        model = HandoffTarget
        fields = (
            "kind",
            "name",
            "base_url",
            "status",
            "masks_contact",
            "chatwoot_account",
            "chatwoot_inbox",
            "chatwoot_team",
            "zendesk_email",
        )
        help_texts = {
            "masks_contact": _(
                "Of phone number and e-mail address hardly anything is sent, and personal numbers "
                "are masked in what was written."
            )
        }

    def clean_base_url(self) -> str:
        url: str = self.cleaned_data["base_url"]
        reason = outward.why_refused(url)
        if reason:
            raise forms.ValidationError(reason)
        return url

    def clean_new_signing_secret(self) -> str:
        secret: str = self.cleaned_data["new_signing_secret"]
        if secret:
            _check_standard(secret)
        return secret

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        kind = self.cleaned_data.get("kind") or self.instance.kind
        inbound = self.cleaned_data.get("new_inbound_secret")
        if inbound and kind == TargetKind.WEBHOOK:
            try:
                _check_standard(inbound)
            except forms.ValidationError as error:
                self.add_error("new_inbound_secret", error)
        needed: tuple[str, ...] = ()
        if kind == TargetKind.CHATWOOT:
            needed = ("chatwoot_account", "chatwoot_inbox")
        elif kind == TargetKind.ZENDESK:
            needed = ("zendesk_email",)
        for name in needed:
            if not self.cleaned_data.get(name):
                self.add_error(name, gettext("This kind of system needs it."))
        if kind != TargetKind.WEBHOOK and not (
            self.cleaned_data.get("new_token") or self.instance.sealed_token
        ):
            self.add_error("new_token", gettext("This kind of system needs it."))
        return cleaned


@admin.register(HandoffTarget)
class HandoffTargetAdmin(TenantAdmin):
    """Sets targets up; they are switched off, never deleted, because hand-offs went there."""

    capabilities = {"view": "target.view", "add": "target.change", "change": "target.change"}
    form = TargetForm
    list_display = ("state", "name", "kind_name", "base_url", "circuit", "heard")
    list_display_links = ("name",)
    actions_detail = ("ping_page", "secrets_page")
    change_form_outer_before_template = "admin/conversations/target_addresses.html"
    empty_text = _(
        "Without a target, visitors who need a person wait in the agent console here. Add your own "
        "system (webhook, Chatwoot, Zendesk) and hand-offs go there; the console takes over "
        "whenever it does not answer."
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        changes = self.may(request, "change" if obj else "add")
        kind = obj.kind if obj else None
        where = ["name", "kind", "base_url", "status", "masks_contact"]
        state = [(_("State"), {"fields": ("state", "circuit", "heard")})] if obj else []
        parts: list[Any] = [(None, {"fields": where})]
        if kind in (None, TargetKind.CHATWOOT):
            numbers = ("chatwoot_account", "chatwoot_inbox", "chatwoot_team")
            parts.append((_("Chatwoot"), {"fields": numbers}))
        if kind in (None, TargetKind.ZENDESK):
            parts.append((_("Zendesk"), {"fields": ("zendesk_email",)}))
        if changes:
            secrets = ["new_inbound_secret"]
            if kind in (None, TargetKind.WEBHOOK):
                secrets.insert(0, "new_signing_secret")
            if kind != TargetKind.WEBHOOK:
                secrets.append("new_token")
            parts.append((_("Secrets"), {"fields": secrets}))
        return [*parts, *state]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("state", "circuit", "heard", *(("kind",) if obj else ()))

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, **kwargs)
        if not self.may(request, "change" if obj else "add"):
            for name in ("new_signing_secret", "new_inbound_secret", "new_token"):
                form.base_fields.pop(name, None)
        return form

    def save_model(self, request: HttpRequest, obj: HandoffTarget, form: Any, change: bool) -> None:
        inbound = form.cleaned_data.get("new_inbound_secret")
        signing = form.cleaned_data.get("new_signing_secret") or None
        if not change and obj.kind == TargetKind.WEBHOOK:
            signing = signing or webhooks.new_secret()
            inbound = inbound or webhooks.new_secret()
        targets.save_target(
            obj,
            by=actor_of(request).user,
            signing_secret=signing,
            inbound_secrets=[inbound, *_last_secret(obj)] if inbound else None,
            token=form.cleaned_data.get("new_token") or None,
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        target = self.get_object(request, object_id)
        context = _addresses(request, target) if isinstance(target, HandoffTarget) else {}
        response: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )
        return response

    @action(
        description=_("Send test"), url_path="ping", permissions=["change"], icon="network_check"
    )
    def ping_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then send a test, and say how it went."""
        target = self.get_object(request, object_id)
        if not isinstance(target, HandoffTarget):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method == "POST":
            _tell(request, delivery.ping(target))
            return HttpResponseRedirect(_page_of(target))
        return self.page(
            request,
            "admin/confirm_page.html",
            {
                "title": gettext("Send a test to %(name)s?") % {"name": target},
                "lead": gettext(
                    "The system is called as for a hand-off, without a visitor. A good answer also "
                    "ends the pause after failures."
                ),
                "facts": [(gettext("address"), target.base_url)],
                "submit_label": gettext("Send test"),
                "cancel_url": _page_of(target),
            },
        )

    @action(description=_("New secrets"), url_path="secrets", permissions=["change"], icon="key")
    def secrets_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then make new secrets and show them, this once."""
        target = self.get_object(request, object_id)
        if not isinstance(target, HandoffTarget):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method == "POST":
            signing, inbound = webhooks.new_secret(), webhooks.new_secret()
            targets.save_target(
                target,
                by=actor_of(request).user,
                signing_secret=signing,
                inbound_secrets=[inbound, *_last_secret(target)],
            )
            self.log_change(request, target, gettext("New secrets."))
            shown = never_cache(self.page)(
                request,
                "admin/conversations/target_secrets.html",
                {
                    "title": gettext("The new secrets of %(name)s") % {"name": target},
                    "signing": signing if target.kind == TargetKind.WEBHOOK else "",
                    "inbound": inbound,
                    "back_url": _page_of(target),
                },
            )
            assert isinstance(shown, HttpResponse)
            return shown
        return self.page(
            request,
            "admin/confirm_page.html",
            {
                "title": gettext("Make new secrets for %(name)s?") % {"name": target},
                "lead": gettext(
                    "What we send is signed with the new one at once; what comes back may be signed "
                    "with the present one until the next change."
                ),
                "submit_label": gettext("Make new secrets"),
                "variant": "danger",
                "cancel_url": _page_of(target),
            },
        )

    @display(description=_("status"), ordering="status")
    def state(self, target: HandoffTarget) -> SafeString:
        if target.is_active:
            return badge(target.get_status_display(), "ok")
        reason = target.get_disabled_reason_display()
        words = (
            f"{target.get_status_display()}: {reason}" if reason else target.get_status_display()
        )
        return badge(words, "breach")

    @display(description=_("kind"), ordering="kind")
    def kind_name(self, target: HandoffTarget) -> str:
        return target.get_kind_display()

    @display(description=_("connection"))
    def circuit(self, target: HandoffTarget) -> SafeString:
        if target.rests_until and target.failures >= targets.FAILURES:
            if target.rests_until > clock.now():
                return badge(
                    gettext("Left alone until %(moment)s") % {"moment": moment(target.rests_until)},
                    "breach",
                )
            return badge(gettext("The next hand-off tries"), "warn")
        if target.failures:
            words = gettext("%(count)s hand-offs in a row not acknowledged")
            return badge(words % {"count": target.failures}, "warn")
        return badge(gettext("Good"), "ok")

    @display(description=_("last success"), ordering="last_success_at")
    def heard(self, target: HandoffTarget) -> str:
        return moment(target.last_success_at) or "–"


def cause_in_words(cause: str) -> str:
    """Return a cause of the log as people read it."""
    return str(CAUSES.get(cause, cause))


def _tell(request: HttpRequest, went: delivery.Went) -> None:
    facts = {"ms": went.duration_ms, "status": went.http_status or "–"}
    if not went.cause:
        words = gettext("It answered in %(ms)s ms (HTTP %(status)s).") % facts
        messages.success(request, words)
        return
    words = gettext("The test failed after %(ms)s ms (HTTP %(status)s): %(cause)s.")
    messages.error(request, words % {**facts, "cause": cause_in_words(went.cause)})


def _check_standard(secret: str) -> None:
    try:
        webhooks.headers(secret, "msg_1", b"")
    except ValueError:
        raise forms.ValidationError(
            gettext("Enter whsec_ and 24 to 64 bytes in base64."), code="secret"
        ) from None


def _last_secret(target: HandoffTarget) -> list[str]:
    try:
        return target.inbound_secrets[:1]
    except SecretUnreadableError:
        return []


def _page_of(target: HandoffTarget) -> str:
    return reverse("admin:conversations_handofftarget_change", args=[target.pk])


def _addresses(request: HttpRequest, target: HandoffTarget) -> dict[str, Any]:
    """What goes into the other system's settings."""
    base = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
    events = reverse("conversations:hook-events", args=[target.key])
    return {
        "target": target,
        "has_public_url": bool(settings.PUBLIC_URL),
        "events_url": f"{base}{events}" if target.kind != TargetKind.WEBHOOK else "",
        "calls_url": f"{base}{events.removesuffix('events')}" + "{handoff_id}/",
        "is_zendesk": target.kind == TargetKind.ZENDESK,
    }
