"""How sure the assistant must be, as one page."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from knowledge.models import MatchingSettings
from knowledge.retrieval.gate import ANSWER_THRESHOLD, CLARIFY_THRESHOLD
from knowledge.retrieval.synonyms import parsed
from knowledge.services import matching
from tenants.admin_base import LinesField, TenantAdmin, TenantForm, actor_of, moment

MOST_SYNONYMS = 500


class SynonymsField(LinesField):
    """Pairs of words, shown as lines that say which words mean the same."""

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list) or any(isinstance(pair, str) for pair in value):
            return super().prepare_value(value)
        words: dict[str, list[str]] = {}
        for word, meaning in value:
            words.setdefault(meaning, []).append(word)
        return "\n".join(f"{', '.join(own)} = {meaning}" for meaning, own in words.items())


class MatchingForm(TenantForm):
    """What people choose; an empty threshold shows the product's default."""

    synonyms = SynonymsField(
        label=_("synonyms"),
        required=False,
        rows=8,
        help_text=MatchingSettings._meta.get_field("synonyms").help_text,
    )

    class Meta:
        model = MatchingSettings
        fields = matching.CHOSEN

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        defaults = (ANSWER_THRESHOLD, CLARIFY_THRESHOLD)
        for name, default in zip(matching.THRESHOLDS, defaults, strict=True):
            if name in self.fields:
                self.fields[name].widget.attrs |= {"placeholder": default, "step": "0.01"}

    def clean_synonyms(self) -> list[list[str]]:
        pairs, bad = parsed(self.cleaned_data["synonyms"])
        if bad is not None:
            raise forms.ValidationError(
                _(
                    "“%(line)s” cannot be read. Write each word of two letters or more once, as in "
                    "fridge, cooler = refrigerator."
                )
                % {"line": bad}
            )
        if len(pairs) > MOST_SYNONYMS:
            raise forms.ValidationError(
                _("At most %(count)s words can be listed.") % {"count": MOST_SYNONYMS}
            )
        return pairs


@admin.register(MatchingSettings)
class MatchingSettingsAdmin(TenantAdmin):
    """Changes the tenant's one row; its list leads there."""

    capabilities = {"view": "knowledge.view", "change": "knowledge.publish"}
    form = MatchingForm
    fieldsets = (
        (_("How sure the assistant must be"), {"fields": matching.THRESHOLDS}),
        (_("Your visitors' own words"), {"fields": ("synonyms",)}),
        (
            _("What it learned from your visitors"),
            {
                "description": _(
                    "Once 200 answers were judged, by visitors or by what agents answered "
                    "instead, the assistant corrects its certainty by them."
                ),
                "fields": ("slope", "bias", "outcomes", "learned_at"),
            },
        ),
        (None, {"fields": ("changed_at", "changed_by")}),
    )
    readonly_fields = ("slope", "bias", "outcomes", "learned_at", "changed_at", "changed_by")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        row = matching.current()
        return HttpResponseRedirect(
            reverse("admin:knowledge_matchingsettings_change", args=[row.pk])
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
        matching.change(obj, by=actor_of(request).user)

    @display(description=_("calibrated at"))
    def learned_at(self, row: MatchingSettings) -> str:
        return moment(row.calibrated_at) or "–"

    @display(description=_("changed at"))
    def changed_at(self, row: MatchingSettings) -> str:
        return moment(row.updated_at)

    @display(description=_("changed by"))
    def changed_by(self, row: MatchingSettings) -> str:
        return str(row.updated_by or "–")
