"""What the assistant may say, and what it says now."""

from knowledge.models.entry import ANSWER_LENGTH, QUESTION_LENGTH, Category, Entry, Phrasing
from knowledge.models.golden import GoldenQuestion, GoldenState
from knowledge.models.matching import MatchingSettings
from knowledge.models.proposal import Proposal, ProposalSource, ProposalState
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
    "GoldenQuestion",
    "GoldenState",
    "MatchingSettings",
    "Phrasing",
    "Proposal",
    "ProposalSource",
    "ProposalState",
    "Release",
    "ReleaseItem",
    "TextVector",
]
