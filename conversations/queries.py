"""Reading questions about conversations that several doors ask."""

from itertools import groupby

from conversations.models import AuthorKind, Conversation, Message, MessageKind
from conversations.states import ConversationStatus
from knowledge.retrieval.text import normalise

# How many of the visitor's last messages can make up one question.
LONGEST_RUN = 10
# How far back a repeated question is looked for, in messages of both sides.
_LOOKED_BACK = 20
# Shorter words, such as "why?", may well be said about different things.
_SHORT = 3


def queue_position(conversation: Conversation) -> int | None:
    """Return the conversation's place among those waiting for an agent, from 1; None if it is not."""
    if conversation.status != ConversationStatus.WAITING:
        return None
    return (
        1
        + Conversation.objects.filter(
            status=ConversationStatus.WAITING, waiting_since__lt=conversation.waiting_since
        ).count()
    )


def question_of(message: Message) -> str:
    """Return the question that ends with this message: the run of the visitor's words up to it.

    A confirmation of receipt does not end a run.
    """
    latest = (
        Message.objects.filter(conversation=message.conversation_id, seq__lte=message.seq)
        .exclude(kind=MessageKind.CONFIRMATION)
        .order_by("-seq")
        .values_list("author_kind", "text")[:LONGEST_RUN]
    )
    run = []
    for author_kind, text in latest:
        if author_kind != AuthorKind.CUSTOMER:
            break
        run.append(text)
    return "\n".join(reversed(run))


def asked_before(message: Message, question: str) -> int:
    """Return how many earlier questions of the conversation say the same as the one ending here.

    Spelling and politeness make no difference. Of the latest messages only; very short questions
    and those before any reply count as asked for the first time.
    """
    said = normalise(question)
    if message.seq <= 2 or len(said) <= _SHORT:
        return 0
    latest = (
        Message.objects.filter(conversation=message.conversation_id, seq__lte=message.seq)
        .exclude(kind=MessageKind.CONFIRMATION)
        .order_by("-seq")
        .values_list("author_kind", "text")[:_LOOKED_BACK]
    )
    runs = [
        "\n".join(text for _author, text in reversed(list(run)))
        for author_kind, run in groupby(latest, key=lambda row: row[0])
        if author_kind == AuthorKind.CUSTOMER
    ]
    return sum(normalise(run) == said for run in runs[1:])
