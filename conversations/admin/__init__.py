"""The admin pages about channels, contacts, conversations and the promises they start."""

from conversations.admin import (
    channels,
    contacts,
    conversations,
    decisions,
    mismatches,
    phrases,
    promises,
)

__all__ = [
    "channels",
    "contacts",
    "conversations",
    "decisions",
    "mismatches",
    "phrases",
    "promises",
]
