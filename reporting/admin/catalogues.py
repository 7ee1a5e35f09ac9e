"""The catalogue of common questions: drafted here, in force once both parties signed (R55)."""

import re
from collections.abc import Collection
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget

from reporting.models import CatalogueState, CommonQuestionCatalogue
from reporting.models.catalogue import EXAMPLE_LENGTH, validate_categories
from reporting.services import catalogues
from tenants.admin_base import TenantAdmin, TenantForm, actor_of, badge, moment
from tenants.errors import DomainError
from tenants.models import Approval, ApprovalKind


class CategoriesField(forms.CharField):
    """Categories as text: a name on its line, its example questions below, a blank line between."""

    widget = UnfoldAdminTextareaWidget({"rows": 18})

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n\n".join("\n".join([row["name"], *row["examples"]]) for row in value)

    def to_python(self, value: Any) -> list[dict[str, Any]]:  # type: ignore[override]
        found = []
        for block in re.split(r"\n\s*\n", str(super().to_python(value) or "").replace("\r", "")):
            lines = [line.strip() for line in block.splitlines() if line.strip()]
            if lines:
                found.append({"name": lines[0].rstrip(":："), "examples": lines[1:]})
        return found

    def validate(self, value: Any) -> None:
        forms.Field.validate(self, value)
        validate_categories(value)
        if any(len(each) > EXAMPLE_LENGTH for row in value for each in row["examples"]):
            raise forms.ValidationError(
                _("An example question has at most %(length)s characters."),
                params={"length": EXAMPLE_LENGTH},
            )

    def run_validators(self, value: Any) -> None:
        """Lengths are those of single questions, not of the whole text."""


class CatalogueForm(TenantForm):
    """A draft of the catalogue."""

    categories = CategoriesField(
        label=_("categories"),
        help_text=_(
            "The name of a category on a line, its example questions on the lines below, and a "
            "blank line before the next category."
        ),
    )

    class Meta:
        model = CommonQuestionCatalogue
        fields = ("categories",)


@admin.register(CommonQuestionCatalogue)
class CommonQuestionCatalogueAdmin(TenantAdmin):
    """Keeps every version of the catalogue; what was submitted never changes."""

    capabilities = {"view": "figure.view", "add": "contract.change", "change": "contract.change"}
    form = CatalogueForm
    list_display = ("name", "standing", "in_force_from", "made")
    list_filter = (("state", ChoicesDropdownFilter),)
    list_filter_submit = True
    actions_detail = ("submit_page", "next_page")
    empty_text = _(
        "Until both parties have signed a catalogue, every business question counts as common."
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ("categories",)
        told = ("name", "standing", "in_force_from", "content_hash", "made")
        return (*told, "categories" if self.has_change_permission(request, obj) else "listed")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", "standing", "in_force_from", "content_hash", "made", "listed")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("name", "in_force_from")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        fixed = obj is not None and obj.state != CatalogueState.DRAFT
        return not fixed and super().has_change_permission(request, obj)

    def idle_steps(self, request: HttpRequest, row: Any) -> Collection[str]:
        return ("submit_page",) if row.state != CatalogueState.DRAFT else ()

    def has_draft_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "change")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by, rows = actor_of(request).user, form.cleaned_data["categories"]
        if change:
            catalogues.change(obj, rows, by=by)
        else:
            made = catalogues.draft(rows, by=by)
            # The admin goes on with the row that the service has written.
            obj.pk, obj.version, obj.created_at = made.pk, made.version, made.created_at

    @action(
        description=_("Ask for signatures"), url_path="submit", permissions=["draft"], icon="draw"
    )
    def submit_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then fix the version and let both parties be asked to sign it."""
        row: Any = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method != "POST":
            return self._ask(
                request,
                row,
                gettext("Have %(name)s signed?") % {"name": row},
                gettext(
                    "An account manager signs for the provider and a client administrator for the "
                    "client. A submitted version never changes; in force it is from the day after "
                    "both have signed."
                ),
                gettext("Ask for signatures"),
            )
        try:
            catalogues.submit(row, by=actor_of(request).user)
        except DomainError as error:
            messages.error(request, error.detail)
            return HttpResponseRedirect(self._page_of(row))
        approval = Approval.objects.get(kind=ApprovalKind.QUESTION_CATALOGUE, about_id=row.pk)
        return HttpResponseRedirect(reverse("admin:tenants_approval_change", args=[approval.pk]))

    @action(
        description=_("Draft the next version"),
        url_path="next",
        permissions=["draft"],
        icon="content_copy",
    )
    def next_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then copy this version into a new draft."""
        row: Any = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method != "POST":
            return self._ask(
                request,
                row,
                gettext("Draft the version after %(name)s?") % {"name": row},
                gettext("The draft begins as a copy. What is in force stays so until then."),
                gettext("Draft the next version"),
            )
        return HttpResponseRedirect(
            self._page_of(catalogues.draft(row.categories, by=actor_of(request).user))
        )

    def _ask(
        self,
        request: HttpRequest,
        row: CommonQuestionCatalogue,
        title: str,
        lead: str,
        submit_label: str,
    ) -> HttpResponse:
        context = {
            "title": title,
            "lead": lead,
            "facts": [(gettext("version"), row), (gettext("categories"), len(row.categories))],
            "submit_label": submit_label,
            "cancel_url": self._page_of(row),
        }
        return self.page(request, "admin/confirm_page.html", context)

    def _page_of(self, row: CommonQuestionCatalogue) -> str:
        return reverse("admin:reporting_commonquestioncatalogue_change", args=[row.pk])

    @display(description=_("version"), ordering="version")
    def name(self, row: CommonQuestionCatalogue) -> str:
        return str(row)

    @display(description=_("state"), ordering="state")
    def standing(self, row: CommonQuestionCatalogue) -> str:
        tones = {CatalogueState.SIGNED: "ok", CatalogueState.SUBMITTED: "warn"}
        return badge(row.get_state_display(), tones.get(CatalogueState(row.state), ""))

    @display(description=_("categories"))
    def listed(self, row: CommonQuestionCatalogue) -> Any:
        lines = ((each["name"], " · ".join(each["examples"])) for each in row.categories)
        return format_html_join("", "<div><b>{}</b> {}</div>", lines)

    @display(description=_("created at"), ordering="created_at")
    def made(self, row: CommonQuestionCatalogue) -> str:
        return moment(row.created_at)
