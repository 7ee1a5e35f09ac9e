"""Measure the answers: a knowledge base, questions with known answers, the live pipeline."""

import csv
import json
import time
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from conversations import evaluation
from conversations.evaluation import Judged, Question
from conversations.services import bot
from knowledge import resources
from knowledge.models import Entry, ProposalSource, ProposalState
from knowledge.resources import neutralise
from knowledge.services import imports, proposals, releases
from knowledge.services.imports import FileRefusedError, Table
from tenants import throwaway
from tenants.scoping import tenant_scope
from tenants.services.onboarding import create_tenant

COLUMNS = ("text", "expected", "kind")


def stated_figure(text: str) -> tuple[str, float]:
    """Return NAME=NUMBER as a pair. Raises ArgumentTypeError."""
    name, _, number = text.partition("=")
    try:
        return name.strip(), float(number)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not NAME=NUMBER, such as top1=0.87") from None


class Command(BaseCommand):
    """Build a tenant in a database of its own, ask every question there, print the figures."""

    help = (
        "Ask questions whose right answers are known, through the pipeline that visitors use, and "
        "print the figures. Uses a throw-away database. Exits 1 if a --require is missed."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--kb", type=Path, required=True, help="CSV or XLSX: category,question,phrasings,answer"
        )
        parser.add_argument(
            "--questions", type=Path, required=True, help="CSV or XLSX: text,expected,kind"
        )
        parser.add_argument(
            "--require",
            type=stated_figure,
            action="append",
            default=[],
            metavar="NAME=NUMBER",
            help="a figure to reach, such as top1=0.87 or exclusion_recall.legal=0.97",
        )
        parser.add_argument(
            "--learn",
            action="store_true",
            help="feed half of the questions back as reviewed phrasings, and judge the other half",
        )
        parser.add_argument("--details", type=Path, help="write each question's fate to this CSV")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        throwaway.enter()
        kb, questions = _read(options["kb"]), _questions(_read(options["questions"]))
        tenant = create_tenant(slug="evaluation", name="Evaluation")
        with tenant_scope(tenant):
            began = time.perf_counter()
            entries = self._build(kb)
            build_s = round(time.perf_counter() - began, 2)
            unknown = sorted({q.expected for q in questions if q.expected} - entries)
            if unknown:
                raise CommandError(f"No entry has the expected question “{unknown[0]}”.")
            judged = [_ask(question) for question in questions]
            learnt = self._learn(judged) if options["learn"] else {}
        found = evaluation.figures(judged) | learnt
        found |= {
            "rss_mb": throwaway.rss_mb(),
            "build_s": build_s,
            "curve": evaluation.curve(judged),
            "kinds": evaluation.kinds(judged),
        }
        try:
            short = evaluation.missed(found, dict(options["require"]))
        except (KeyError, TypeError) as error:
            raise CommandError(f"There is no figure {error}.") from error
        if options["details"]:
            _write_details(options["details"], judged)
        self.stdout.write(json.dumps(found) if options["json"] else _as_text(found))
        if short:
            raise CommandError("Falls short. " + "; ".join(short))

    def _build(self, kb: Table) -> set[str]:
        outcome = resources.run(kb, by=None)
        if outcome.problems:
            first = outcome.problems[0]
            raise CommandError(f"The knowledge base is refused: row {first.row}: {first.message}")
        release = releases.publish(by=None)
        return set(release.versions.values_list("question", flat=True))

    def _learn(self, judged: list[Judged]) -> dict[str, Any]:
        """Return how the second half of the questions in scope fares before and after the first.

        The first half passes through the review queue, as visitors' and agents' choices do.
        """
        taught, asked = evaluation.halves(judged)
        heard = {entry.question: entry for entry in Entry.objects.all()}
        for one in taught:
            entry = heard[one.question.expected]
            version = entry.versions.order_by("-number")[0]
            proposal = proposals.propose(
                one.question.text, source=ProposalSource.AGENT, version_id=version.pk
            )
            if proposal is not None and proposal.state == ProposalState.PENDING:
                proposals.accept(proposal, by=None)
        releases.publish(by=None)
        after = [_ask(one.question) for one in asked]
        return {
            "learnt": {
                "taught": len(taught),
                "judged": len(asked),
                "resolved_before": evaluation.figures(asked)["resolved"],
                "resolved_after": evaluation.figures(after)["resolved"],
                "answered_before": evaluation.figures(asked)["answered"],
                "answered_after": evaluation.figures(after)["answered"],
                "precision_after": evaluation.figures(after)["precision_answered"],
            }
        }


def _read(file: Path) -> Table:
    try:
        return imports.read_table(file.read_bytes())
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
    except FileRefusedError as error:
        raise CommandError(f"{file}: {error.detail}") from error


def _questions(table: Table) -> list[Question]:
    missing = [name for name in COLUMNS if name not in table.header]
    if missing:
        raise CommandError(f"The questions lack the column {missing[0]}: {', '.join(COLUMNS)}.")
    places = [table.header.index(name) for name in COLUMNS]
    return [Question(*(row[place].strip() for place in places)) for row in table.rows]


def _ask(question: Question) -> Judged:
    began = time.perf_counter()
    decision, answers = bot.explain(question.text)
    seconds = time.perf_counter() - began
    return Judged(
        question=question,
        outcome=decision.outcome,
        rule=decision.rule,
        answered_with=decision.answer.question if decision.answer else "",
        choices=tuple(choice.question for choice in decision.choices),
        candidates=tuple(found.question for found in answers.candidates) if answers else (),
        seconds=seconds,
        p=answers.candidates[0].p if answers and answers.candidates else 0.0,
    )


def _write_details(file: Path, judged: list[Judged]) -> None:
    with file.open("w", encoding="utf-8-sig", newline="") as output:
        writer = csv.writer(output)
        writer.writerow(("kind", "text", "expected", "outcome", "rule", "answered_with", "offered"))
        for one in judged:
            question = one.question
            offered = "|".join(one.choices or one.candidates[:3])
            row = (question.kind, question.text, question.expected)
            rest = (str(one.outcome), one.rule, one.answered_with, offered)
            writer.writerow([neutralise(cell) for cell in (*row, *rest)])


def _as_text(found: dict[str, Any]) -> str:
    rows = []
    for name, value in found.items():
        if name == "kinds":
            rows += [
                (kind, f"n {group['n']} · top1 {group['top1']} · resolved {group['resolved']}")
                for kind, group in value.items()
            ]
        elif name == "curve":
            rows += [
                (f"from {bound}", " · ".join(f"{key} {part}" for key, part in point.items()))
                for bound, point in value.items()
            ]
        elif isinstance(value, dict):
            rows.append((name, " · ".join(f"{key} {part}" for key, part in value.items())))
        else:
            rows.append((name, "-" if value is None else str(value)))
    width = max(len(name) for name, _value in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)
