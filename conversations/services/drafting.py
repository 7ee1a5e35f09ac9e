"""Let the tenant's language model draft entries of what agents answered, for people to accept."""

import logging
import uuid
from datetime import timedelta

from conversations.dialogue import prompts
from conversations.dialogue.grounding import invented
from conversations.dialogue.prompts import UnusableError
from conversations.models import AuthorKind, Handoff, Message, MessageKind
from conversations.services import advice
from conversations.services.learning import UNANSWERED_REASONS
from knowledge.models import Proposal
from knowledge.queries import version_saying
from knowledge.services import proposals
from tenants import clock
from tenants.masking import masked
from tenants.services.subprocessors import UnavailableError

logger = logging.getLogger(__name__)

# Nobody waits for a draft, so the model may take its time.
SECONDS = 30.0
_BATCH = 20
# Older dealings are left: the knowledge base has moved on.
_FRESH = timedelta(days=7)
_WHO = {AuthorKind.CUSTOMER: "customer", AuthorKind.AGENT: "agent"}


def draft_new() -> list[Proposal]:
    """Draft entries of the hand-offs that ended and were not read yet; return the proposals.

    Only of those the assistant had no answer to. Each is read once; where the language model
    cannot be had the rest waits for the next call. People decide what becomes of a draft.
    """
    ended = Handoff.objects.filter(
        read_at=None,
        ended_at__gt=clock.now() - _FRESH,
        accepted_at__isnull=False,
        reason__in=UNANSWERED_REASONS,
    ).order_by("ended_at")[:_BATCH]
    drafted = []
    for handoff in ended:
        try:
            proposal = _draft(handoff)
        except UnavailableError as error:
            if not isinstance(error.__cause__, UnusableError):
                logger.info("No drafts now: the language model is %s", error.cause)
                break
            proposal = None
        Handoff.objects.filter(pk=handoff.pk).update(read_at=clock.now())
        if proposal is not None:
            drafted.append(proposal)
    return drafted


def _draft(handoff: Handoff) -> Proposal | None:
    said, question_id = _said(handoff)
    answers = [text for who, text in said if who == "agent"]
    # A standard answer that the agent chose teaches a phrasing, not an entry.
    if not answers or all(version_saying(text) for text in answers):
        return None
    shown = [(who, masked(text)) for who, text in said]
    draft, _model = advice.ask(prompts.draft(shown), prompts.drafted, seconds=SECONDS)
    if draft is None or invented(draft.answer, "\n".join(answers)):
        return None
    return proposals.propose_entry(draft.question, draft.answer, message_id=question_id)


def _said(handoff: Handoff) -> tuple[list[tuple[str, str]], uuid.UUID | None]:
    rows = Message.objects.filter(
        conversation=handoff.conversation_id,
        seq__gte=handoff.trigger_seq,
        created_at__lte=handoff.ended_at,
        kind=MessageKind.TEXT,
        author_kind__in=_WHO,
        withdrawn_at=None,
    ).order_by("seq")
    found = [(row.pk, _WHO[AuthorKind(row.author_kind)], row.words) for row in rows]
    return [(who, text) for _pk, who, text in found], found[0][0] if found else None
