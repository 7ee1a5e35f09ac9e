"""Prove that who is asked hangs on nothing, and that windows, scale and samples are exact."""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.core.management.base import BaseCommand
from django.db import IntegrityError, transaction

from conversations.bench.chisquare import independence
from conversations.bench.rehearsal import open_channel
from conversations.bench.satisfaction import ASKABLE, Rehearsal, counts, mid_month
from conversations.models import Rating, SurveyInvite, SurveyPart
from conversations.satisfaction import EDITABLE, SCORES, WINDOW, draw_sample, month_of
from conversations.services import quality, ratings, survey_terms, surveys
from conversations.survey_figures import month_figures
from tenants import clock, throwaway
from tenants.errors import DomainError
from tenants.models import LedgerEntry
from tenants.scoping import tenant_scope
from tenants.services import ledger
from tenants.services.onboarding import create_tenant

INQUIRIES = 10_000
RATE = Decimal("0.3")
LEAST_P = 0.01
_TICK = timedelta(microseconds=1)
_OFF_SCALE = (0, 1, 10, 19, 21, 30, 50, 70, 90, 99, 101, 120)


class Command(BaseCommand):
    """Play a month of inquiries with every outcome and look at who was asked."""

    help = (
        "In a throw-away database, play inquiries of every outcome through the services; exit 1 if "
        "the invitation hangs on the outcome (chi-squared, p <= 0.01 in two months), a window or "
        "the scale is not exact, the figures differ, or a sample cannot be drawn again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--inquiries", type=int, default=INQUIRIES, help="to play in a month")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        throwaway.enter()
        began = time.monotonic()
        tenant = create_tenant(slug="rehearsal", name="Rehearsal")
        with tenant_scope(tenant):
            terms = survey_terms.latest()
            terms.rate = RATE
            survey_terms.change(terms, by=None)
            rehearsal = Rehearsal(open_channel())
            months = [self._month(rehearsal, options["inquiries"], back=2)]
            if not months[0]["independent"]:
                # One in a hundred fair months looks unfair. Two in a row would be no accident.
                months.append(self._month(rehearsal, options["inquiries"], back=1))
            at = mid_month(clock.now(), back=2)
            found = {
                "inquiries": options["inquiries"],
                "months": months,
                "independent": months[-1]["independent"],
                "borders_wrong": [*_borders(at), *_scale(at)],
                "sample": _sample(at),
                "ledger_faults": int(ledger.verify()[1] is not None),
                "seconds": round(time.monotonic() - began, 1),
            }
        self._print(found, as_json=options["json"])
        exact = all(month["figures_equal"] for month in months) and found["sample"]["equal"]
        if found["borders_wrong"] or found["ledger_faults"] or not exact:
            sys.exit(1)
        if not found["independent"]:
            sys.exit(1)

    def _month(self, rehearsal: Rehearsal, inquiries: int, *, back: int) -> dict[str, Any]:
        at = mid_month(clock.now(), back=back)
        with clock.travel(at):
            played = list(rehearsal.run(inquiries))
            scores = [
                score
                for _outcome, invite in played
                if invite.sent_at is not None and (score := rehearsal.answer(invite)) is not None
            ]
        drawn = counts((outcome, invite.is_invited) for outcome, invite in played)
        asked = counts(
            (outcome, invite.sent_at is not None)
            for outcome, invite in played
            if outcome in ASKABLE
        )
        chi, freedom, p = independence(list(drawn.values()))
        asked_chi, asked_freedom, asked_p = independence(list(asked.values()))
        figures = month_figures(month_of(at, rehearsal.channel.tenant.zone))
        mean = Fraction(sum(scores), len(scores)) if scores else None
        return {
            "drawn": drawn,
            "chi_squared": round(chi, 3),
            "freedom": freedom,
            "p": round(p, 4),
            "asked": asked,
            "asked_chi_squared": round(asked_chi, 3),
            "asked_freedom": asked_freedom,
            "asked_p": round(asked_p, 4),
            "independent": min(p, asked_p) > LEAST_P,
            "score": figures.bot.shown,
            "answers": figures.bot.responses,
            "response_rate": str(figures.response_rate),
            "figures_equal": (figures.bot.score, figures.bot.responses) == (mean, len(scores)),
        }

    def _print(self, found: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(found, indent=2))
            return
        for month in found["months"]:
            for outcome, (inside, outside) in month["drawn"].items():
                self.stdout.write(f"{outcome}: {inside} invited, {outside} not")
            for name in ("p", "asked_p", "score", "answers", "response_rate", "figures_equal"):
                self.stdout.write(f"{name}={month[name]}")
        for name in ("independent", "borders_wrong", "sample", "ledger_faults", "seconds"):
            self.stdout.write(f"{name}={found[name]}")


def _borders(at: datetime) -> list[str]:
    """Try the windows at both ends and one microsecond beyond; return what went wrong."""
    with clock.travel(at):
        unanswered = list(
            SurveyInvite.objects.filter(
                sent_at__isnull=False, has_bot_part=True, ratings=None
            ).select_related("month__terms")[:6]
        )
    wrong = []
    first, last, late, early, edited, stale = unanswered
    for name, invite, shift, taken in (
        ("opening", first, timedelta(), True),
        ("48 h", last, WINDOW, True),
        ("48 h and 1 us", late, WINDOW + _TICK, False),
        ("1 us before", early, -_TICK, False),
    ):
        assert invite.opens_at is not None
        if _rated(invite, 80, invite.opens_at + shift) != taken:
            wrong.append(name)
    for name, invite, shift, taken in (
        ("10 min", edited, EDITABLE, True),
        ("10 min and 1 us", stale, EDITABLE + _TICK, False),
    ):
        assert invite.opens_at is not None
        _rated(invite, 80, invite.opens_at)
        if _rated(invite, 20, invite.opens_at + shift) != taken:
            wrong.append(name)
    with clock.travel(at):
        if not _refused(lambda: surveys.draw(first.inquiry, at=at)):
            wrong.append("a second lot")
    return wrong


def _scale(at: datetime) -> list[str]:
    invite = SurveyInvite.objects.filter(sent_at__isnull=False).first()
    wrong = []
    for score in (*SCORES, *_OFF_SCALE):

        def write(score: int = score) -> None:
            Rating.objects.filter(invite=invite).delete()
            Rating.objects.create(invite=invite, part=SurveyPart.BOT, score=score, given_at=at)

        if _refused(write, undo=True) == (score in SCORES):
            wrong.append(f"score {score}")
    return wrong


def _sample(at: datetime) -> dict[str, Any]:
    """Draw a sample of the month, draw it again, and once more with another seed."""
    with clock.travel(at + timedelta(days=40)):
        sample = quality.create_sample(at.date().replace(day=1), size=100, by=None)
        again = quality.is_reproduced(sample)
        other = draw_sample(quality.population_of(sample.month), "other", sample.size)
    items = list(sample.items.order_by("position").values_list("inquiry", flat=True))
    steps = LedgerEntry.objects.filter(subject=str(sample.pk)).order_by("position")
    return {
        "items": len(items),
        "of": sample.population,
        "rated_twice": sample.items.filter(rated_twice=True).count(),
        "equal": again
        and other != items
        and list(steps.values_list("kind", flat=True)) == ["sample.seeded", "sample.drawn"],
    }


def _rated(invite: SurveyInvite, score: int, at: datetime) -> bool:
    with clock.travel(at):
        try:
            return ratings.rate(invite, SurveyPart.BOT, score).score == score
        except DomainError:
            return False


def _refused(write: Callable[[], object], *, undo: bool = False) -> bool:
    try:
        with transaction.atomic():
            write()
            transaction.set_rollback(undo)
    except IntegrityError:
        return True
    return False
