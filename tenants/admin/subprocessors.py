"""Services of other companies: registered by the provider, approved by the client."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminPasswordWidget

from tenants import outward
from tenants.admin_base import TenantAdmin, TenantForm, actor_of, badge, moment
from tenants.errors import DomainError
from tenants.models import Subprocessor
from tenants.services import subprocessors


class SubprocessorForm(TenantForm):
    """A service; its key is written here and shown nowhere."""

    new_key = forms.CharField(
        label=_("key of the service"),
        required=False,
        strip=True,
        max_length=400,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=_("Kept sealed and never shown again. Empty: the key stays as it is."),
    )

    class Meta:
        model = Subprocessor
        fields = ("kind", "name", "region", "filing", "base_url", "model", "monthly_tokens")

    def clean_base_url(self) -> str:
        url: str = self.cleaned_data["base_url"]
        reason = outward.why_refused(url)
        if reason:
            raise forms.ValidationError(reason)
        return url


@admin.register(Subprocessor)
class SubprocessorAdmin(TenantAdmin):
    """Registers services; each works only while the client's approval stands (L3)."""

    capabilities = {
        "view": "subprocessor.view",
        "add": "subprocessor.change",
        "change": "subprocessor.change",
        "approve": "subprocessor.approve",
    }
    form = SubprocessorForm
    list_display = ("state", "name", "purpose", "place", "model", "used")
    list_display_links = ("name",)
    actions_detail = ("approve_page", "withdraw_page")
    empty_text = _(
        "Nothing that visitors write leaves this installation. A language model or an embeddings "
        "service of another company can be registered here; it is used once the client approves it."
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        shown = ("kind", "name", "region", "filing", "base_url", "model")
        if obj is None:
            return (*shown, "new_key", "monthly_tokens")
        secret = ("new_key",) if self.has_change_permission(request, obj) else ()
        return ("state", *shown, *secret, "monthly_tokens", "used", "approved")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("kind", "state", "used", "approved") if obj else ()

    def has_approve_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "approve")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        was_approved = obj.is_approved
        key = form.cleaned_data.get("new_key") or None
        subprocessors.save(obj, by=actor_of(request).user, key=key)
        if was_approved and not obj.is_approved:
            messages.warning(
                request,
                gettext(
                    "The client approved something else. Nothing is sent to %(name)s until a "
                    "client administrator approves it as it stands now."
                )
                % {"name": obj.name},
            )

    @action(
        description=_("Approve"), url_path="approve", permissions=["approve"], icon="verified_user"
    )
    def approve_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then write the client's consent."""
        row: Any = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method == "POST":
            try:
                subprocessors.approve(row, by=actor_of(request).user)
            except DomainError as error:
                messages.error(request, error.detail)
            else:
                messages.success(
                    request, gettext("%(name)s may be used from now on.") % {"name": row.name}
                )
            return HttpResponseRedirect(self._page_of(row))
        return self._confirm(
            request,
            row,
            gettext("Approve %(name)s as a subprocessor?") % {"name": row.name},
            gettext(
                "What visitors write, with contact data masked, will be sent to this company for "
                "the purpose below. You agree in the name of your company; the consent is kept as "
                "evidence and ends with any change of what stands here."
            ),
            gettext("Approve"),
        )

    @action(
        description=_("Withdraw the approval"),
        url_path="withdraw",
        permissions=["approve"],
        icon="block",
    )
    def withdraw_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then end the client's consent."""
        row: Any = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method == "POST":
            subprocessors.withdraw(row, by=actor_of(request).user)
            messages.success(
                request, gettext("Nothing is sent to %(name)s any more.") % {"name": row.name}
            )
            return HttpResponseRedirect(self._page_of(row))
        return self._confirm(
            request,
            row,
            gettext("Withdraw the approval of %(name)s?") % {"name": row.name},
            gettext("The assistant goes on by itself; nothing is sent to this company any more."),
            gettext("Withdraw the approval"),
        )

    def _confirm(
        self, request: HttpRequest, row: Subprocessor, title: str, lead: str, label: str
    ) -> HttpResponse:
        return self.page(
            request,
            "admin/confirm_page.html",
            {
                "title": title,
                "lead": lead,
                "facts": [
                    (gettext("purpose"), row.get_kind_display()),
                    (gettext("company"), row.name),
                    (gettext("place"), row.get_region_display()),
                    (gettext("filing number"), row.filing or "–"),
                    (gettext("address of the service"), row.base_url),
                    (gettext("model"), row.model),
                ],
                "submit_label": label,
                "cancel_url": self._page_of(row),
            },
        )

    def _page_of(self, row: Subprocessor) -> str:
        return reverse("admin:tenants_subprocessor_change", args=[row.pk])

    @display(description=_("state"))
    def state(self, row: Subprocessor) -> SafeString:
        if row.is_approved:
            return badge(gettext("Approved"), "ok")
        return badge(gettext("To be approved by the client"), "warn")

    @display(description=_("purpose"), ordering="kind")
    def purpose(self, row: Subprocessor) -> str:
        return row.get_kind_display()

    @display(description=_("place"), ordering="region")
    def place(self, row: Subprocessor) -> str:
        return row.get_region_display()

    @display(description=_("this month"))
    def used(self, row: Subprocessor) -> str:
        use = subprocessors.used_this_month(row)
        shown = {
            "calls": use.calls,
            "failures": use.failures,
            "tokens": f"{use.tokens:,}",
            "budget": f"{row.monthly_tokens:,}" if row.monthly_tokens else "∞",
        }
        return (
            gettext("%(tokens)s of %(budget)s tokens in %(calls)s calls, %(failures)s failed")
            % shown
        )

    @display(description=_("approved"))
    def approved(self, row: Subprocessor) -> str:
        if row.approved_by is None:
            return "–"
        return f"{moment(row.approved_at)} · {row.approved_by}"
