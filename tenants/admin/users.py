"""People and their passwords, as platform operators see them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import password_validation
from django.contrib.auth.forms import SetPasswordForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminPasswordWidget

from tenants.admin_base import OperatorAdmin, badge, moment
from tenants.models import User


class PasswordField(forms.CharField):
    """A password to set."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            strip=False,
            widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
            **kwargs,
        )


class UserForm(forms.ModelForm):  # type: ignore[type-arg]
    """A person; with a password only when they are new."""

    password = PasswordField(
        label=_("Initial password"),
        help_text=password_validation.password_validators_help_text_html(),
    )

    class Meta:
        model = User
        fields = ("email", "name", "is_active", "is_operator")

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        password = cleaned.get("password")
        if password:
            try:
                password_validation.validate_password(password, self.instance)
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned


class NewPasswordForm(SetPasswordForm):  # type: ignore[type-arg]
    """Twice the same new password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})


@admin.register(User)
class UserAdmin(OperatorAdmin):
    """Gives people an account and a password; what they may do, their memberships say."""

    form = UserForm
    list_display = ("state", "email", "name", "kind", "made_at", "last_seen")
    list_display_links = ("email",)
    list_filter = ("is_active", "is_operator")
    search_fields = ("email", "name")
    actions_detail = ("set_password",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        names = ("email", "name", "is_active", "is_operator")
        return (*names, "made_at", "last_seen") if obj else (*names, "password")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        own = ("is_active", "is_operator") if obj.pk == request.user.pk else ()
        return (*own, "made_at", "last_seen")

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, **kwargs)
        if obj is not None:
            form.base_fields.pop("password", None)
        return form

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return not lookup.startswith("password") and super().lookup_allowed(lookup, value, request)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.set_password(form.cleaned_data["password"])
        obj.save()

    @action(description=_("Set a new password"), url_path="password", permissions=["change"])
    def set_password(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show and take the form for somebody else's new password; it ends their sessions."""
        user = self.get_object(request, object_id)
        if user is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        form = NewPasswordForm(user, request.POST or None)
        if request.method == "POST" and form.is_valid():
            form.save()
            self.log_change(request, user, [{"changed": {"fields": ["password"]}}])
            messages.success(
                request, _("%(name)s has a new password and must sign in again.") % {"name": user}
            )
            return HttpResponseRedirect(reverse("admin:tenants_user_change", args=[user.pk]))
        return self.page(
            request,
            "admin/form_page.html",
            {
                "title": _("New password for %(name)s") % {"name": user},
                "lead": password_validation.password_validators_help_text_html(),
                "form": form,
                "submit_label": _("Set the password"),
                "cancel_url": reverse("admin:tenants_user_change", args=[user.pk]),
            },
        )

    @display(description=_("state"), ordering="is_active")
    def state(self, user: User) -> SafeString:
        return badge(_("Active"), "ok") if user.is_active else badge(_("Deactivated"), "breach")

    @display(description=_("kind"), ordering="is_operator")
    def kind(self, user: User) -> str:
        return gettext("Platform operator") if user.is_operator else gettext("Member")

    @display(description=_("created at"), ordering="created_at")
    def made_at(self, user: User) -> str:
        return moment(user.created_at)

    @display(description=_("last signed in"), ordering="last_login")
    def last_seen(self, user: User) -> str:
        return moment(user.last_login) or "–"
