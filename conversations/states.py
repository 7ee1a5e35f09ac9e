"""The states of a conversation, and which may follow which."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.errors import DomainError


class ConversationStatus(models.TextChoices):
    """Who has the word."""

    BOT = "bot", _("Assistant")
    WAITING = "waiting_human", _("Waiting for an agent")
    HUMAN = "human", _("With an agent")
    CLOSED = "closed", _("Closed")


MOVES: dict[str, frozenset[str]] = {
    ConversationStatus.BOT: frozenset({ConversationStatus.WAITING, ConversationStatus.CLOSED}),
    ConversationStatus.WAITING: frozenset(
        {ConversationStatus.HUMAN, ConversationStatus.BOT, ConversationStatus.CLOSED}
    ),
    ConversationStatus.HUMAN: frozenset({ConversationStatus.BOT, ConversationStatus.CLOSED}),
    ConversationStatus.CLOSED: frozenset({ConversationStatus.BOT}),
}


class TransitionError(DomainError):
    """The conversation is not in a state from which this is possible."""

    code = "wrong_state"
    status = 409
    message = _("This is not possible while the conversation is “%(status)s”.")


class AlreadyTakenError(DomainError):
    """Somebody else took the conversation first."""

    code = "already_taken"
    status = 409
    message = _("%(name)s has already taken this conversation.")


class NotYoursError(DomainError):
    """Only the agent who has the conversation may do this."""

    code = "not_yours"
    status = 409
    message = _("Take the conversation first: only its agent may do this.")


class ConversationClosedError(DomainError):
    """The visitor ended this conversation."""

    code = "conversation_closed"
    status = 409
    message = _("This conversation has ended. Please start a new one.")


class HandoffReason(models.TextChoices):
    """Why a conversation went to people."""

    ASKED = "asked", _("Asked for a person")
    UNKNOWN = "unknown", _("No answer in the knowledge base")
    UNCLEAR = "unclear", _("Not understood twice")
    COMPLAINT = "complaint", _("Major complaint")
    LEGAL = "legal", _("Legal dispute")
    PRIVACY = "privacy", _("Privacy or trade secret")
    OFFTOPIC = "offtopic", _("Not our business")
    FAULT = "fault", _("Technical fault to be examined")
    REPEATED = "repeated", _("Asked the same again")
    LANGUAGE = "language", _("Language not served")
    FAILED = "failed", _("The assistant failed")
