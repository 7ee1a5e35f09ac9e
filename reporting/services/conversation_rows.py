"""One row for each conversation of a report, from its evidence pack: what the workbook lists (R34)."""

import logging
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from reporting.models import Report
from reporting.services import evidence, proving

logger = logging.getLogger(__name__)

# A workbook with more is slow to open; the pack holds all of them.
MOST = 10_000
_COUNTED = ("failed", "default")


@dataclass
class ConversationRow:
    """What one conversation came to in the period; nothing of what was said, or by whom."""

    key: str
    channel: str
    opened_at: datetime
    inquiries: int = 0
    # Of its first inquiry in the period, in seconds; None where nobody replied.
    first_reply: float | None = None
    messages: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    unanswered: int = 0
    is_handed_over: bool = False
    score: int | None = None


@dataclass(frozen=True)
class Listed:
    """The first MOST conversations of a report, oldest first, how many it has, and its zone."""

    rows: list[ConversationRow]
    total: int
    zone: ZoneInfo


def of(report: Report) -> Listed | None:
    """Return the conversations that a report counted; None where it has no evidence pack."""
    if not report.evidence_path:
        return None
    try:
        with evidence.open_pack(report) as file, zipfile.ZipFile(file) as packed:
            return _listed(proving.Archive(packed), ZoneInfo(report.data["period"]["zone"]))
    except evidence.EvidenceLostError:
        logger.exception("The evidence pack of report %s is lost or changed", report.pk)
        return None


def _listed(pack: proving.Archive, zone: ZoneInfo) -> Listed:
    found: dict[str, ConversationRow] = {}
    everything: set[str] = set()
    of_inquiry: dict[str, str] = {}
    for row in pack.rows("inquiries.jsonl"):
        if row["is_test"]:
            continue
        key = row["conversation"]
        everything.add(key)
        if key not in found and len(found) < MOST:
            found[key] = ConversationRow(key, row["channel_name"], _instant(row["opened_at"]))
            found[key].first_reply = _seconds(row)
        if key in found:
            found[key].inquiries += 1
            of_inquiry[row["id"]] = key
    for row in pack.rows("messages.jsonl"):
        if row["conversation"] in found:
            found[row["conversation"]].messages[row["author"]] += 1
    for row in pack.rows("questions.jsonl"):
        if row["conversation_id"] in found and not row["is_same_again"]:
            found[row["conversation_id"]].answered += row["standing"] == "answered"
            found[row["conversation_id"]].unanswered += row["standing"] in _COUNTED
    for row in pack.rows("handoffs.jsonl"):
        if row["conversation_id"] in found:
            found[row["conversation_id"]].is_handed_over = True
    _rate(pack, found, of_inquiry)
    return Listed(list(found.values()), len(everything), zone)


def _rate(
    pack: proving.Archive, found: Mapping[str, ConversationRow], of_inquiry: Mapping[str, str]
) -> None:
    asked = {row["id"]: row["inquiry_id"] for row in pack.rows("invites.jsonl")}
    for row in pack.rows("ratings.jsonl"):
        key = of_inquiry.get(asked.get(row["invite_id"], ""))
        if key is not None and row["part"] == "bot" and not row["excluded_reason"]:
            found[key].score = row["score"]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _seconds(row: Mapping[str, Any]) -> float | None:
    if row["first_reply_at"] is None:
        return None
    return (_instant(row["first_reply_at"]) - _instant(row["opened_at"])).total_seconds()
