"""What the admins of all apps share: permissions by capability, and one answer for "not there"."""

import copy
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import unquote
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from tenants.actors import Actor, overseen_by
from tenants.models import Tenant
from tenants.scoping import active_scope, active_tenant_id, tenant_scope

PAGE_ROWS = 50


def actor_of(request: HttpRequest) -> Actor:
    """Return who is asking. The admin site lets nobody in who is no actor."""
    actor = getattr(request, "actor", None)
    assert isinstance(actor, Actor)
    return actor


def moment(value: datetime | None) -> str:
    """Return the instant in the tenant's zone as people of the product read it; "" for None."""
    return timezone.localtime(value).strftime("%Y-%m-%d %H:%M") if value else ""


def second(value: datetime | None) -> str:
    """Return the instant like `moment`, with its seconds: where a promise is counted in them."""
    return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S") if value else ""


def badge(text: object, tone: str = "") -> SafeString:
    """Return a state as a small label; `tone` is "ok", "warn", "breach", "info" or nothing."""
    return format_html('<span class="y-badge y-badge-{}">{}</span>', tone or "plain", text)


class Titled:
    """A row under another title, for the frame of its page."""

    def __init__(self, row: Model, title: str) -> None:
        self._row = row
        self._title = title

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)

    def __str__(self) -> str:
        return self._title


class LinesField(forms.CharField):
    """A list of short texts, written one per line; blank lines and repeats are dropped."""

    widget = UnfoldAdminTextareaWidget

    def __init__(self, *, rows: int = 5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.attrs["rows"] = rows

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        lines = (line.strip() for line in str(super().to_python(value) or "").splitlines())
        return list(dict.fromkeys(line for line in lines if line))

    def validate(self, value: Any) -> None:
        forms.Field.validate(self, value)

    def run_validators(self, value: Any) -> None:
        """Lengths are the lines' business, not the whole text's."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(self.prepare_value(initial)) != self.to_python(data)


class TenantForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form whose uniqueness rules are asked within the tenant, which no form shows."""

    def _get_validation_exclusions(self) -> set[str]:
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return exclusions - {"tenant"}

    def _post_clean(self) -> None:
        if self.instance.tenant_id is None:
            self.instance.tenant_id = active_tenant_id()
        super()._post_clean()  # type: ignore[misc]


class PageMixin(ModelAdmin):
    """Renders pages of an admin's own inside the admin's frame."""

    def get_list_display_links(
        self, request: HttpRequest, list_display: Sequence[Any]
    ) -> list[Any]:
        # The toolkit labels a first column without link "Select record" on a phone.
        links = super().get_list_display_links(request, list_display) or ()
        return list(dict.fromkeys([list_display[0], *links]))

    def page(
        self, request: HttpRequest, template: str, context: Mapping[str, Any]
    ) -> TemplateResponse:
        """Return a page that looks like the admin's own ones."""
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request,
            template,
            {
                **self.admin_site.each_context(request),
                # Not "opts": with it the frame shows the model's name in place of the title.
                "model_admin": self,
                "is_popup": IS_POPUP_VAR in request.GET,
                **context,
            },
        )


class TenantAdmin(PageMixin):
    """The admin of a tenant's rows: who may do what is asked of the actor's capabilities.

    `capabilities` maps "view", "add", "change" and "delete" to one each; what is missing there
    nobody may do. Without a tenant in scope there is nothing to see. A row of another tenant and
    one that does not exist get the same answer, unless the person may see it there as a member:
    then they are told where it lies.
    """

    capabilities: Mapping[str, str] = {}
    form = TenantForm
    list_per_page = PAGE_ROWS
    list_max_show_all = 200

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Leave out the steps that the row is past, or not at yet."""
        found: list[Any] = super().get_actions_detail(request, object_id)
        row = self.get_object(request, str(object_id)) if found else None
        if row is None:
            return found
        prefix = f"{self.opts.app_label}_{self.opts.model_name}_"
        idle = {prefix + name for name in self.idle_steps(request, row)}
        return [each for each in found if each.action_name not in idle]

    def idle_steps(self, request: HttpRequest, row: Any) -> Collection[str]:
        """Return the names of the detail actions that lead nowhere for this row now."""
        return ()

    def may(self, request: HttpRequest, verb: str) -> bool:
        """Return whether the person may do this to rows of this kind, here."""
        capability = self.capabilities.get(verb)
        actor = getattr(request, "actor", None)
        if capability is None or not isinstance(actor, Actor) or actor.tenant is None:
            return False
        return actor.can(capability)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "view")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may(request, "view")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may(request, "delete")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what the page offers: a filter on any other column would read what no page shows."""
        if self.date_hierarchy and lookup.startswith(f"{self.date_hierarchy}__"):
            return bool(super().lookup_allowed(lookup, value, request))
        for item in self.get_list_filter(request):
            if lookup == getattr(item, "parameter_name", None):
                return True
            name = item if isinstance(item, str) else item[0] if isinstance(item, tuple) else ""
            if name and (lookup == name or lookup.startswith(f"{name}__")):
                return bool(super().lookup_allowed(lookup, value, request))
        return False

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Model | None:
        if active_scope() is None:
            return None
        found: Model | None = super().get_object(request, object_id, from_field)
        return found

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        if object_id is not None and not self.has_view_permission(request):
            # Their role here may not see such rows; their role where the row lies may.
            home = self._home_of(request, object_id)
            if home is not None:
                return self._elsewhere(request, home)
        shown: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
        return shown

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        home = self._home_of(request, object_id)
        if home is not None:
            return self._elsewhere(request, home)
        answer: HttpResponse = super()._get_obj_does_not_exist_redirect(request, opts, object_id)
        return answer

    def _home_of(self, request: HttpRequest, object_id: str) -> Tenant | None:
        """Return the other tenant in which the person may see the row as a member, if there is one."""
        here = actor_of(request)
        for actor in overseen_by(here.user):
            if actor.tenant is None or actor.tenant == here.tenant:
                continue
            there = copy.copy(request)
            there.actor, there.tenant = actor, actor.tenant  # type: ignore[attr-defined]
            with tenant_scope(actor.tenant):
                row = self.get_object(there, unquote(object_id))
                if row is not None and self.has_view_permission(there, row):
                    return actor.tenant
        return None

    def _elsewhere(self, request: HttpRequest, home: Tenant) -> HttpResponse:
        """Say in which tenant the row lies, and offer to go there."""
        here = actor_of(request).tenant
        told = {"name": self.opts.verbose_name, "tenant": home, "here": here}
        lead = (
            gettext("This %(name)s lies in %(tenant)s. You work in %(here)s now.")
            if here
            else gettext("This %(name)s lies in %(tenant)s. You have chosen no tenant yet.")
        )
        response = self.page(
            request,
            "admin/confirm_page.html",
            {
                "title": gettext("In another of your tenants"),
                "lead": lead % told,
                "action": reverse("tenants:switch"),
                "hidden": [("tenant", str(home.pk)), ("next", _address(request))],
                "submit_label": gettext("Switch to %(tenant)s and open it") % told,
                "cancel_url": reverse("admin:index"),
            },
        )
        response.status_code = 404
        return response


class ReadOnlyAdmin(TenantAdmin):
    """The admin of evidence: everybody who may see it sees all of it, nobody changes it."""

    show_full_result_count = False
    actions: Sequence[str] = ()

    def title_of(self, row: Any) -> str:
        """Return what the page of one row is called."""
        return str(row)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if row is not None:
            title = self.title_of(row)
            context |= {"original": Titled(row, title), "subtitle": title}
            context |= self.more_about(request, row)
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    def more_about(self, request: HttpRequest, row: Any) -> Mapping[str, Any]:
        """Return what the page of one row shows beside its fields."""
        return {}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class OperatorAdmin(PageMixin):
    """The admin of what belongs to the installation, not to a tenant: for platform operators."""

    list_per_page = PAGE_ROWS

    def may(self, request: HttpRequest) -> bool:
        """Return whether the person runs the installation."""
        actor = getattr(request, "actor", None)
        return isinstance(actor, Actor) and actor.user.is_operator

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Model | None:
        # The page of changes looks for the row before it asks who may see it.
        if not self.may(request):
            return None
        found: Model | None = super().get_object(request, object_id, from_field)
        return found

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.may(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def _address(request: HttpRequest) -> str:
    """Return where the person wanted to go; what they sent is not sent again."""
    return request.get_full_path() if request.method == "GET" else request.path
