"""Whether conditions hold, as a table."""

from datetime import datetime, time
from typing import Any
from uuid import UUID

import pytest

from conversations.conditions import Facts, look, parsed_hours, parsed_words
from conversations.models import RuleCondition

WEB, REGULAR = UUID(int=1), UUID(int=3)
FACTS: dict[str, Any] = {
    "channel_id": WEB,
    "language": "zh-CN",
    "reason": "asked",
    "text": "我要退款，Refund please",
    "verified": False,
    "page": "https://shop.example.com/cart?x=1",
    "tags": frozenset({REGULAR}),
    "score": 40,
    # A Monday.
    "at": datetime(2026, 11, 23, 18, 0),  # noqa: DTZ001 -- conditions compare local times
}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"field": "channel", "channel_id": WEB}, True),
        ({"field": "channel", "channel_id": UUID(int=2)}, False),
        ({"field": "language", "choice": "language:zh-CN"}, True),
        ({"field": "language", "choice": "language:en"}, False),
        ({"field": "reason", "choice": "reason:asked"}, True),
        ({"field": "reason", "choice": "reason:legal"}, False),
        ({"field": "words", "value": "投诉，退款"}, True),
        ({"field": "words", "value": "REFUND"}, True),
        ({"field": "words", "value": "换货"}, False),
        ({"field": "words", "value": ""}, False),
        ({"field": "verified", "choice": "verified:no"}, True),
        ({"field": "verified", "choice": "verified:yes"}, False),
        ({"field": "hours", "value": "18:00-09:00"}, True),
        ({"field": "hours", "value": "09:00-18:00"}, False),
        ({"field": "hours", "value": "17:59-18:01"}, True),
        ({"field": "weekday", "choice": "weekday:0"}, True),
        ({"field": "weekday", "choice": "weekday:6"}, False),
        ({"field": "page", "value": "/cart*"}, True),
        ({"field": "page", "value": "/help*"}, False),
        ({"field": "score", "choice": "score:low"}, True),
        ({"field": "score", "choice": "score:fair"}, False),
        ({"field": "score", "choice": "score:high"}, False),
        ({"field": "tag", "tag_id": REGULAR}, True),
        ({"field": "tag", "tag_id": UUID(int=4)}, False),
    ],
)
@pytest.mark.parametrize("operator", ["is", "is_not"])
def test_condition(condition: dict[str, Any], operator: str, holds: bool) -> None:
    row = RuleCondition(operator=operator, **condition)
    facts = Facts(**FACTS)

    held, checks = look([_named(row)] if row.field in ("channel", "tag") else [row], facts)

    assert held is (holds if operator == "is" else not holds)
    assert [check["held"] for check in checks] == [held]


def _named(row: RuleCondition) -> RuleCondition:
    row._state.fields_cache[row.field] = None
    return row


@pytest.mark.parametrize(
    ("score", "held"),
    [(100, "high"), (80, "high"), (60, "fair"), (40, "low"), (20, "low"), (None, "")],
)
def test_every_score_is_of_one_kind(score: int | None, held: str) -> None:
    facts = Facts(**{**FACTS, "score": score})
    rows = [
        RuleCondition(field="score", operator="is", choice=f"score:{kind}")
        for kind in ("low", "fair", "high")
    ]

    assert "".join(row.choice.partition(":")[2] for row in rows if look([row], facts)[0]) == held


def test_all_must_hold() -> None:
    good = RuleCondition(field="language", operator="is", choice="language:zh-CN")
    bad = RuleCondition(field="words", operator="is", value="换货")

    assert look([], Facts(**FACTS)) == (True, [])
    assert look([good, bad], Facts(**FACTS))[0] is False
    assert look([good, bad], Facts(**FACTS))[1] == [
        {"field": "language", "operator": "is", "wanted": "zh-CN", "held": True},
        {"field": "words", "operator": "is", "wanted": "换货", "held": False},
    ]


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("9:00-18:00", (time(9), time(18))),
        (" 18:30 – 09:05 ", (time(18, 30), time(9, 5))),
        ("00:00-24:00", (time(0), time(0))),
        ("24:00-09:00", None),
        ("09:00-24:30", None),
        ("9-18", None),
        ("25:00-26:00", None),
        ("", None),
    ],
)
def test_hours(text: str, hours: object) -> None:
    assert parsed_hours(text) == hours


def test_midnight_to_midnight_is_the_whole_day() -> None:
    row = RuleCondition(field="hours", operator="is", value="00:00-24:00")

    for hour in (0, 12, 23):
        at = FACTS["at"].replace(hour=hour, minute=59)
        assert look([row], Facts(**{**FACTS, "at": at}))[0]


def test_words() -> None:
    assert parsed_words("退款,投诉， 退款、a b；\nc") == ["退款", "投诉", "a b", "c"]
