"""The people of one tenant, as its administrators see them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminPasswordWidget

from tenants.actors import Actor
from tenants.admin_base import TenantAdmin, TenantForm, actor_of, badge, moment
from tenants.models import Membership, User
from tenants.roles import Role
from tenants.services import memberships


class MembershipForm(TenantForm):
    """A member's place; the roles on offer are those that `by`, who asks, may grant."""

    by: Actor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "role" in self.fields:
            self.fields["role"].choices = [  # type: ignore[attr-defined]
                (role.value, role.label) for role in Role if memberships.may_grant(role, by=self.by)
            ]


class NewMembershipForm(MembershipForm):
    """A person to let in, by e-mail."""

    email = forms.EmailField(
        label=_("e-mail address"), widget=UnfoldAdminEmailInputWidget(), max_length=254
    )
    password = forms.CharField(
        label=_("Initial password"),
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_(
            "At least 10 characters. Tell it to the person yourself; they change it after signing "
            "in. Somebody who already has an account keeps their own password."
        ),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        email, password = cleaned.get("email"), cleaned.get("password")
        if email and password:
            person = User(email=email, name=cleaned.get("display_name", ""))
            try:
                password_validation.validate_password(password, person)
            except ValidationError as error:
                self.add_error("password", error)
        if email and Membership.objects.filter(user__email=email.lower()).exists():
            self.add_error("email", memberships.AlreadyMemberError().detail)
        return cleaned


@admin.register(Membership)
class MembershipAdmin(TenantAdmin):
    """Lets people in, changes what they may do, shows them out; never deletes their traces."""

    capabilities = {
        "view": "membership.view",
        "add": "membership.change",
        "change": "membership.change",
    }
    list_display = ("state", "display_name", "email_address", "role_name", "since")
    list_display_links = ("display_name",)
    list_filter = ("is_active", "role")
    list_select_related = ("user",)
    search_fields = ("display_name", "user__email")
    search_help_text = _("Name or e-mail address")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return "email", "display_name", "role", "password"
        return "email_address", "display_name", "role", "is_active", "since"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        actor = actor_of(request)
        fixed = obj.user_id == actor.user.pk or not memberships.may_grant(obj.role, by=actor)
        return ("email_address", "since", *(("role", "is_active") if fixed else ()))

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        base = MembershipForm if obj is not None else NewMembershipForm
        form = super().get_form(request, obj, form=base, **kwargs)
        form.by = actor_of(request)
        return form

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        if change:
            memberships.change_member(
                obj,
                role=obj.role,
                display_name=obj.display_name,
                is_active=obj.is_active,
                by=actor_of(request),
            )
            return
        member = memberships.add_member(
            email=form.cleaned_data["email"],
            password=form.cleaned_data["password"],
            role=obj.role,
            display_name=obj.display_name,
            by=actor_of(request),
        )
        obj.pk, obj.user, obj._state.adding = member.pk, member.user, False

    def response_add(
        self, request: HttpRequest, obj: Membership, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.info(
            request,
            _(
                "%(name)s can sign in with the password you entered, or with their own if they "
                "had an account already."
            )
            % {"name": obj.display_name},
        )
        response: HttpResponse = super().response_add(request, obj, post_url_continue)
        return response

    @display(description=_("state"), ordering="is_active")
    def state(self, member: Membership) -> SafeString:
        return badge(_("Active"), "ok") if member.is_active else badge(_("Deactivated"), "breach")

    @display(description=_("e-mail address"), ordering="user__email")
    def email_address(self, member: Membership) -> str:
        return member.user.email

    @display(description=_("role"), ordering="role")
    def role_name(self, member: Membership) -> str:
        return member.get_role_display()

    @display(description=_("member since"), ordering="created_at")
    def since(self, member: Membership) -> str:
        return moment(member.created_at)
