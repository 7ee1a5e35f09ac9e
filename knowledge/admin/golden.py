"""The golden questions: kept by editors, tried after every change and before publishing."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from knowledge.models import GoldenQuestion, GoldenState
from knowledge.services import golden
from tenants.admin_base import TenantAdmin, actor_of, badge, moment

STATE_TONES = {
    GoldenState.UNTRIED: "",
    GoldenState.RIGHT: "ok",
    GoldenState.WRONG: "warn",
    GoldenState.UNWANTED: "breach",
}


@admin.register(GoldenQuestion)
class GoldenQuestionAdmin(TenantAdmin):
    """Keeps the golden questions and tries them."""

    capabilities = {
        "view": "knowledge.view",
        "add": "knowledge.change",
        "change": "knowledge.change",
        "delete": "knowledge.change",
    }
    list_display = ("standing", "text", "expected", "led_to", "when")
    list_display_links = ("text",)
    list_filter = (("state", ChoicesDropdownFilter),)
    list_filter_submit = True
    list_select_related = ("entry",)
    search_fields = ("text", "entry__question")
    search_help_text = _("Words of the visitor or of the standard question")
    autocomplete_fields = ("entry",)
    fields = ("text", "entry")
    actions_list = ("try_page",)
    empty_text = _(
        "Words of visitors whose right answer you know, fifty or more: they are tried after every "
        "change, and publishing stops where they would fare worse."
    )

    def save_model(
        self, request: HttpRequest, obj: GoldenQuestion, form: Any, change: bool
    ) -> None:
        golden.save(obj, by=actor_of(request).user)

    @action(
        description=_("Try them now"), url_path="try", permissions=["change"], icon="play_arrow"
    )
    def try_page(self, request: HttpRequest) -> HttpResponse:
        """Try all golden questions and say how they fare."""
        back = HttpResponseRedirect(reverse("admin:knowledge_goldenquestion_changelist"))
        trial = golden.run()
        if not trial.questions:
            messages.info(request, gettext("There are no golden questions yet."))
            return back
        text = trial_text(trial)
        all_right = trial.right == trial.questions
        (messages.success if all_right else messages.warning)(request, text)
        return back

    @display(description=_("state"), ordering="state")
    def standing(self, row: GoldenQuestion) -> SafeString:
        state = GoldenState(row.state)
        label = state.label
        if row.is_worse:
            note = gettext("right until now")
            return badge(f"{label} · {note}", "breach")
        return badge(label, STATE_TONES[state])

    @display(description=_("entry"), ordering="entry__question")
    def expected(self, row: GoldenQuestion) -> str:
        return row.entry.question if row.entry else gettext("For people")

    @display(description=_("leads to"))
    def led_to(self, row: GoldenQuestion) -> str | SafeString:
        if not row.found:
            return gettext("People") if row.tried_at else "–"
        url = f"{reverse('admin:knowledge_entry_changelist')}?{urlencode({'q': row.found})}"
        return format_html('<a class="y-link" href="{}">{}</a>', url, row.found)

    @display(description=_("tried at"), ordering="tried_at")
    def when(self, row: GoldenQuestion) -> str:
        return moment(row.tried_at) or "–"


def trial_text(trial: golden.Trial) -> str:
    """Return in words how the golden questions fared."""
    return gettext(
        "Golden questions: %(right)s of %(questions)s right with the entries as they are now, "
        "%(before)s with what visitors hear; %(worse)s would be worse."
    ) % {
        "right": trial.right,
        "questions": trial.questions,
        "before": trial.right_before,
        "worse": len(trial.worse),
    }
