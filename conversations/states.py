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
    ConversationStatus.HUMAN: frozenset(
        {ConversationStatus.WAITING, ConversationStatus.BOT, ConversationStatus.CLOSED}
    ),
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


class HandoffState(models.TextChoices):
    """How far a hand-off is (protocols §5.1)."""

    CREATED = "created", _("To be delivered")
    DELIVERING = "delivering", _("Being delivered")
    DELIVERED = "delivered", _("Delivered")
    ACCEPTED = "accepted", _("Taken")
    CLOSED = "closed", _("Over")
    FALLBACK_CONSOLE = "fallback_console", _("In our console instead")
    WITHDRAWN = "withdrawn", _("Taken back from the target")
    FAILED = "failed", _("Delivery given up, in our console")


_S = HandoffState
HANDOFF_MOVES: dict[str, frozenset[str]] = {
    _S.CREATED: frozenset(
        {_S.DELIVERING, _S.DELIVERED, _S.FALLBACK_CONSOLE, _S.WITHDRAWN, _S.CLOSED}
    ),
    _S.DELIVERING: frozenset({_S.DELIVERED, _S.FALLBACK_CONSOLE, _S.WITHDRAWN, _S.CLOSED}),
    _S.DELIVERED: frozenset({_S.ACCEPTED, _S.FALLBACK_CONSOLE, _S.WITHDRAWN, _S.CLOSED}),
    # Acceptance again: of several agents there, or here, one after the other.
    _S.ACCEPTED: frozenset({_S.ACCEPTED, _S.FALLBACK_CONSOLE, _S.WITHDRAWN, _S.CLOSED}),
    # A slow retry may still bring it to the target while nobody here has taken it.
    _S.FALLBACK_CONSOLE: frozenset({_S.DELIVERED, _S.ACCEPTED, _S.WITHDRAWN, _S.FAILED, _S.CLOSED}),
    _S.FAILED: frozenset({_S.ACCEPTED, _S.WITHDRAWN, _S.CLOSED}),
    _S.WITHDRAWN: frozenset({_S.WITHDRAWN, _S.CLOSED}),
    _S.CLOSED: frozenset(),
}


class CloseReason(models.TextChoices):
    """Why a conversation was closed."""

    VISITOR = "visitor", _("Ended by the visitor")
    AGENT = "agent", _("Closed by an agent")
    IDLE = "idle", _("Nobody wrote any more")
    RULE = "rule", _("Closed by a rule")
    BULK = "bulk", _("Closed together with others")
