"""What visitors' reactions say about the assistant's certainty, and what follows from it."""

import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from conversations.models import BotDecision, Feedback, Message, MessageKind
from knowledge.services import calibration, matching

# Enough to judge by, and no more than a night's chore can read.
MOST = 5000


def judged(since: datetime | None = None) -> list[tuple[float, bool]]:
    """Return the certainty of first candidates with whether they were right, the newest first.

    An answer given is judged by the visitor's thumb; a choice by the button that was pressed: the
    first was right if it was the first. Phrasings met word for word say nothing. MOST at most.
    """
    return [*_by_thumb(since), *_by_button(since)][:MOST]


def recalibrate() -> bool:
    """Fit the tenant's calibration to its outcomes since the last fit; return whether it changed.

    What was certain then was read through the calibration of then, so the new one goes on top.
    """
    settings = matching.current()
    outcomes = judged(settings.calibrated_at)
    fitted = calibration.refit(outcomes)
    if fitted is None:
        return False
    slope, bias = fitted
    calibration.store(slope * settings.slope, bias + slope * settings.bias, len(outcomes))
    return True


Decided = dict[uuid.UUID, list[tuple[int, list[dict[str, Any]]]]]


def _decided(rule: str, since: datetime | None) -> Decided:
    """Return places and candidates of the newest decisions by a rule, by conversation."""
    rows = BotDecision.objects.filter(rule=rule).order_by("-decided_at")
    if since is not None:
        rows = rows.filter(decided_at__gt=since)
    found: Decided = defaultdict(list)
    for conversation, seq, candidates in rows.values_list(
        "conversation", "question__seq", "candidates"
    )[:MOST]:
        if candidates:
            found[conversation].append((seq, candidates))
    return found


def _last_before(
    decided: list[tuple[int, list[dict[str, Any]]]], seq: int
) -> list[dict[str, Any]] | None:
    before = [each for each in decided if each[0] < seq]
    return max(before, key=lambda each: each[0])[1] if before else None


def _by_thumb(since: datetime | None) -> Iterator[tuple[float, bool]]:
    decided = _decided("gate.answer", since)
    answers = (
        Message.objects.filter(conversation__in=decided, kind=MessageKind.ANSWER)
        .exclude(feedback="")
        .values_list("conversation", "seq", "feedback", "entry_version")
    )
    for conversation, seq, feedback, version in answers:
        candidates = _last_before(decided[conversation], seq)
        if candidates is None or candidates[0].get("exact"):
            continue
        # An answer that a button gave may stand between: it is no judgement of the first.
        if candidates[0]["version"] == str(version):
            yield candidates[0]["p"], feedback == Feedback.HELPFUL


def _by_button(since: datetime | None) -> Iterator[tuple[float, bool]]:
    decided = _decided("gate.clarify", since)
    pressed = BotDecision.objects.filter(rule="button", conversation__in=decided).values_list(
        "conversation", "question__seq", "question__context"
    )
    for conversation, seq, context in pressed:
        candidates = _last_before(decided[conversation], seq)
        if candidates is not None:
            yield candidates[0]["p"], candidates[0]["version"] == context.get("button")
