"""What the assistant may say, and what it says now."""

from knowledge.models.entry import ANSWER_LENGTH, QUESTION_LENGTH, Category, Entry, Phrasing
from knowledge.models.release import (
    ActiveRelease,
    EntryVersion,
    Release,
    ReleaseItem,
    TextVector,
)

__all__ = [
    "ANSWER_LENGTH",
    "QUESTION_LENGTH",
    "ActiveRelease",
    "Category",
    "Entry",
    "EntryVersion",
    "Phrasing",
    "Release",
    "ReleaseItem",
    "TextVector",
]
