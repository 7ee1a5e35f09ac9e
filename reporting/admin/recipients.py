"""Who gets the reports by e-mail."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from reporting.models import ReportKind, ReportRecipient
from reporting.services import recipients
from tenants.admin_base import TenantAdmin, TenantForm, actor_of


class RecipientForm(TenantForm):
    """A person, and which reports they get."""

    kinds = forms.MultipleChoiceField(
        label=_("reports"), choices=ReportKind, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = ReportRecipient
        fields = ("name", "email", "kinds", "language", "is_active")


@admin.register(ReportRecipient)
class ReportRecipientAdmin(TenantAdmin):
    """Names who gets which reports."""

    capabilities = {"view": "report.view", "add": "report.change", "change": "report.change"}
    form = RecipientForm
    list_display = ("name", "email", "gets", "language", "is_active")
    search_fields = ("name", "email")
    fields = ("name", "email", "kinds", "language", "is_active")
    empty_text = _("Add the people who get the reports by e-mail.")

    @display(description=_("reports"))
    def gets(self, row: ReportRecipient) -> str:
        return ", ".join(str(ReportKind(kind).label) for kind in row.kinds)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        recipients.save(obj, by=actor_of(request).user)
