"""Ask the tenant's language model about a decision: optional, bounded, never the last word."""

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from conversations.dialogue import advice, prompts
from conversations.dialogue.prompts import Prompt, UnusableError
from conversations.dialogue.types import Decision
from tenants.masking import masked
from tenants.models import SubprocessorKind
from tenants.services import subprocessors
from tenants.services.subprocessors import Connection, UnavailableError

logger = logging.getLogger(__name__)

T = TypeVar("T")

# For all that is asked about one question: the first reply is due after ten.
SECONDS = 6.0
# Less time is not worth another call.
_LEAST_SECONDS = 0.5
_QUESTION = 1000


def is_wanted(decision: Decision) -> bool:
    """Return whether the tenant wants its language model asked about this decision."""
    return advice.may_pick(decision) or advice.may_word(decision)


def taken(question: str, decision: Decision) -> Decision:
    """Return the decision after the language model was heard; `advice` in it tells how that went.

    Takes at most SECONDS, in this thread. Whatever goes wrong leaves the decision as it was: the
    model being absent, unapproved, slow, dead, or saying what nobody asked it for.
    """
    until = time.monotonic() + SECONDS
    said: dict[str, Any] = {}
    shown = masked(question)[:_QUESTION]
    if advice.may_pick(decision):
        offered = advice.candidates(decision)
        prompt = prompts.pick(shown, [(option.question, option.answer) for option in offered])

        def place(reply: Any) -> int | None:
            return prompts.picked(reply, len(offered))

        chosen, facts = _asked(prompt, place, until)
        said["pick"] = facts | ({"chosen": chosen} if facts["went"] == "well" else {})
        decision = advice.with_pick(decision, chosen)
    if advice.may_word(decision):
        assert decision.answer is not None
        prompt = prompts.wording(shown, decision.answer.answer)
        wording, facts = _asked(prompt, prompts.worded, until)
        if wording is not None:
            decision, found = advice.with_wording(decision, wording)
            facts |= {"went": "refused", "faults": list(found)} if found else {}
        said["wording"] = facts
    return replace(decision, advice=said)


def ask(prompt: Prompt, read: Callable[[Any], T], *, seconds: float) -> tuple[T, str]:
    """Return what the tenant's language model replied to a prompt, as `read` reads it, and its name.

    Raises UnavailableError; a reply that `read` cannot use counts as a failure of the service.
    """

    def work(connection: Connection) -> tuple[tuple[T, str], object]:
        found = connection.client.chat.completions.create(
            model=connection.model,
            messages=[
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.data},
            ],
            max_tokens=prompt.most_tokens,
            temperature=0,
            stream=False,
        )
        tokens = getattr(found.usage, "total_tokens", None)
        return (read(found.choices[0].message.content), connection.model), tokens

    return subprocessors.ask(
        SubprocessorKind.LANGUAGE_MODEL, work, seconds=seconds, most_tokens=prompt.cost
    )


def _asked(
    prompt: Prompt, read: Callable[[Any], T], until: float
) -> tuple[T | None, dict[str, Any]]:
    began = time.monotonic()
    facts: dict[str, Any] = {
        "went": "late",
        "prompt": f"{prompts.VERSION}:{_fingerprint(prompt)}",
    }
    result: T | None = None
    if until - began >= _LEAST_SECONDS:
        try:
            result, facts["model"] = ask(prompt, read, seconds=until - began)
            facts["went"] = "well"
        except UnavailableError as error:
            unusable = isinstance(error.__cause__, UnusableError)
            facts["went"] = "unusable" if unusable else error.cause
            logger.info("Language model not heard: %s", facts["went"])
    facts["ms"] = round((time.monotonic() - began) * 1000)
    return result, facts


def _fingerprint(prompt: Prompt) -> str:
    return hashlib.sha256(f"{prompt.system}\x00{prompt.data}".encode()).hexdigest()[:16]
