"""How sure the assistant must be, as one page."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from knowledge import embedders
from knowledge.models import MatchingSettings
from knowledge.retrieval.gate import ANSWER_THRESHOLD, CLARIFY_THRESHOLD
from knowledge.retrieval.synonyms import parsed
from knowledge.services import matching
from tenants.admin_base import LinesField, TenantAdmin, TenantForm, actor_of, moment
from tenants.models import SubprocessorKind
from tenants.services import subprocessors
from tenants.services.subprocessors import CAUSES

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
        if "embedder" in self.fields:
            self.fields["embedder"] = self._embedder_field()
        for name, default in zip(matching.THRESHOLDS, defaults, strict=True):
            if name in self.fields:
                self.fields[name].widget.attrs |= {"placeholder": default, "step": "0.01"}

    def _embedder_field(self) -> forms.ChoiceField:
        offered = [("", _("None")), *embedders.choices()]
        chosen = self.instance.embedder
        if chosen and chosen not in dict(offered):
            # What is gone by now is still what was chosen.
            offered.append((chosen, chosen))
        return forms.ChoiceField(
            label=_("second embedder"),
            choices=offered,
            required=False,
            widget=UnfoldAdminSelectWidget,
            help_text=MatchingSettings._meta.get_field("embedder").help_text,
        )

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
        (_("Second embedder"), {"fields": ("embedder", "embedder_state")}),
        (
            _("Language model"),
            {
                "description": _(
                    "Only while a language model is registered and approved under Subprocessors. "
                    "It gets what visitors write with contact data masked, at most six seconds, "
                    "and never the last word."
                ),
                "fields": matching.OF_MODEL,
            },
        ),
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
    readonly_fields = (
        "embedder_state",
        "slope",
        "bias",
        "outcomes",
        "learned_at",
        "changed_at",
        "changed_by",
    )

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
        changed = matching.change(obj, by=actor_of(request).user)
        wanted = any(getattr(changed, name) for name in matching.OF_MODEL)
        if wanted and subprocessors.current(SubprocessorKind.LANGUAGE_MODEL) is None:
            messages.warning(
                request,
                gettext(
                    "No language model is approved yet, so none is asked. The account manager "
                    "registers one under Subprocessors, a client administrator approves it there."
                ),
            )

    @display(description=_("how it stands"))
    def embedder_state(self, row: MatchingSettings) -> str:
        return embedder_standing(row)

    @display(description=_("calibrated at"))
    def learned_at(self, row: MatchingSettings) -> str:
        return moment(row.calibrated_at) or "–"

    @display(description=_("changed at"))
    def changed_at(self, row: MatchingSettings) -> str:
        return moment(row.updated_at)

    @display(description=_("changed by"))
    def changed_by(self, row: MatchingSettings) -> str:
        return str(row.updated_by or "–")


def embedder_standing(row: MatchingSettings) -> str:
    """Return in words how far the tenant's second embedder is, and how it did."""
    report = row.embedder_report
    figures = {
        side: {
            "top1": round(report[side]["top1"] * 100, 1),
            "auroc": round(report[side]["auroc"] * 100, 1),
        }
        for side in ("before", "after")
        if side in report
    }
    compared = ""
    if "after" in figures:
        compared = gettext(
            "Right at first, of your own phrasings: %(top1)s%% with it, %(before)s%% without; "
            "certainty %(auroc)s%% and %(before_auroc)s%%."
        ) % {
            **figures["after"],
            "before": figures["before"]["top1"],
            "before_auroc": figures["before"]["auroc"],
        }
    if row.embedder and report.get("name") not in (None, row.embedder):
        return gettext("It is about to read the knowledge base.")
    sentences = {
        "reading": gettext("It is reading the knowledge base: %(done)s of %(total)s texts.")
        % {"done": report.get("done", 0), "total": report.get("total", 0)},
        "used": gettext("It takes part."),
        "silent": gettext("It takes no part now: %(why)s. Answers are found without it.")
        % {"why": CAUSES.get(report.get("why", ""), gettext("its files cannot be used"))},
    }
    refused = {
        "few": gettext("It takes no part: at least 20 phrasings are needed to try it."),
        "worse": gettext("It takes no part: with it, answers would be worse."),
    }
    state = report.get("state", "")
    said = refused.get(report.get("why", "")) if state == "refused" else sentences.get(state)
    if said is None:
        said = gettext("It is about to read the knowledge base.") if row.embedder else "–"
    return f"{said} {compared}".strip()
