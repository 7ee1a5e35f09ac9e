"""Ask one question through the live pipeline."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from conversations.dialogue.types import Decision
from conversations.explanations import why
from conversations.services import bot
from knowledge.search import Answers
from tenants.models import Tenant
from tenants.scoping import tenant_scope


class Command(BaseCommand):
    help = "Ask a question as a visitor would, and show what is decided and why. Nothing is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("question", nargs="+", help="one or more questions")
        parser.add_argument("--tenant", required=True, help="the tenant's short name")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["tenant"]).first()
        if tenant is None:
            known = ", ".join(Tenant.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no tenant “{options['tenant']}”. Tenants: {known}.")
        with tenant_scope(tenant):
            for question in options["question"]:
                began = time.perf_counter()
                decision, answers = bot.explain(question)
                took = round((time.perf_counter() - began) * 1000, 1)
                shown = _shown(question, decision, answers, took)
                self.stdout.write(
                    json.dumps(shown, ensure_ascii=False) if options["json"] else _as_text(shown)
                )


def _shown(
    question: str, decision: Decision, answers: Answers | None, took: float
) -> dict[str, Any]:
    candidates = [
        {
            "question": found.question,
            "p": round(found.p, 4),
            "score": round(found.score, 4),
            "exact": found.exact,
        }
        for found in (answers.candidates if answers else ())
    ]
    return {
        "question": question,
        "outcome": str(decision.outcome),
        "rule": decision.rule,
        "reason": decision.reason,
        "why": why(bot.as_row(decision)),
        "answer": decision.wording or (decision.answer.answer if decision.answer else None),
        "entry": decision.answer.question if decision.answer else None,
        "choices": [choice.question for choice in decision.choices],
        "candidates": candidates,
        "thresholds": {
            "answer": answers.answer_threshold,
            "clarify": answers.clarify_threshold,
        }
        if answers
        else None,
        "release": str(answers.release_id) if answers and answers.release_id else None,
        "semantic": answers.semantic if answers else None,
        "latency_ms": took,
    }


def _as_text(shown: dict[str, Any]) -> str:
    lines = [f"{shown['question']}  →  {shown['outcome']} ({shown['rule']})", f"  {shown['why']}"]
    if shown["answer"]:
        lines.append(f"  {shown['answer']}")
    lines += [f"  ? {choice}" for choice in shown["choices"]]
    lines += [f"  {found['p']:.2f}  {found['question']}" for found in shown["candidates"]]
    lines.append(f"  {shown['latency_ms']} ms")
    return "\n".join(lines)
