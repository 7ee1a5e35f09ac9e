"""The test bench: ask the assistant as a visitor would, and see why it answers so."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from unfold.widgets import UnfoldAdminTextareaWidget

from conversations import explanations
from conversations.admin.decisions import OUTCOME_TONES, candidates_context
from conversations.dialogue.types import Decision
from conversations.models import DecisionOutcome
from conversations.services import bot, phrases
from knowledge.search import Answers
from tenants.admin_base import actor_of, badge

QUESTION_LENGTH = 1000


class QuestionForm(forms.Form):
    """What a visitor might write."""

    question = forms.CharField(
        label=_("What a visitor might write"),
        max_length=QUESTION_LENGTH,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "autofocus": True}),
    )


@sensitive_post_parameters("question")
def test_bench(request: HttpRequest) -> HttpResponse:
    """Show what the assistant would do about some words, with the active release; writes nothing."""
    actor = actor_of(request)
    if actor.tenant is None or not actor.can("knowledge.view"):
        raise PermissionDenied
    form = QuestionForm(request.POST or None)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": gettext("Test bench"),
        "form": form,
        "submit_label": gettext("Ask"),
    }
    if request.method == "POST" and form.is_valid():
        context |= _explained(*bot.explain(form.cleaned_data["question"]))
    return TemplateResponse(request, "admin/conversations/test_bench.html", context)


def _explained(decision: Decision, answers: Answers | None) -> dict[str, Any]:
    candidates = [
        {"question": found.question, "answer": found.answer, "p": found.p, "exact": found.exact}
        for found in (answers.candidates if answers else ())
    ]
    row = bot.as_row(decision)
    outcome = DecisionOutcome(decision.outcome)
    return {
        "outcome": badge(outcome.label, OUTCOME_TONES[outcome]),
        "why": explanations.why(row),
        "reply": _reply(decision),
        "choices": [choice.question for choice in decision.choices],
        "asked_knowledge": answers is not None,
        "no_release": answers is not None and answers.release_id is None,
        "words_only": answers is not None and bool(answers.release_id) and not answers.semantic,
        **candidates_context(row, candidates),
    }


def _reply(decision: Decision) -> str:
    if decision.answer is not None:
        return decision.wording or decision.answer.answer
    if decision.reason:
        return phrases.handed_off(decision.reason, position=None)
    if decision.choices:
        return phrases.clarify()
    return phrases.small_talk(decision.reply, gettext("the assistant"))
