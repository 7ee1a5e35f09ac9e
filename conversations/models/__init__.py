"""What is said, by whom, and through which entrance."""

from conversations.models.channel import Channel, ChannelKind, ChannelStatus
from conversations.models.contact import Consent, Contact, ContactSession
from conversations.models.conversation import Conversation, Handoff, Inquiry
from conversations.models.message import (
    TEXT_LENGTH,
    AuthorKind,
    BotDecision,
    DecisionOutcome,
    Feedback,
    Message,
    MessageKind,
    Note,
)
from conversations.models.mismatch import (
    MismatchFinder,
    MismatchKind,
    MismatchOwner,
    MismatchReport,
)
from conversations.models.presence import Presence, PresenceStatus
from conversations.models.topic_phrase import PhraseKind, PhraseTopic, TopicPhrase

__all__ = [
    "TEXT_LENGTH",
    "AuthorKind",
    "BotDecision",
    "Channel",
    "ChannelKind",
    "ChannelStatus",
    "Consent",
    "Contact",
    "ContactSession",
    "Conversation",
    "DecisionOutcome",
    "Feedback",
    "Handoff",
    "Inquiry",
    "Message",
    "MessageKind",
    "MismatchFinder",
    "MismatchKind",
    "MismatchOwner",
    "MismatchReport",
    "Note",
    "PhraseKind",
    "PhraseTopic",
    "Presence",
    "PresenceStatus",
    "TopicPhrase",
]
