"""Whether a rule's conditions hold for what happened: pure, given the facts."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

from conversations import page_patterns
from conversations.models import ConditionField, ConditionOperator, RuleCondition
from conversations.models.survey import Satisfaction

MOST_WORDS = 50
_HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*[-–~]\s*([01]?\d|2[0-4]):([0-5]\d)")


@dataclass(frozen=True)
class Facts:
    """What conditions look at.

    `at` is in the tenant's zone, `text` the visitor's latest words, `score` what they answered where
    the event is a rating.
    """

    channel_id: UUID
    language: str
    reason: str
    text: str
    verified: bool
    page: str
    tags: frozenset[UUID]
    score: int | None
    at: datetime


def parsed_hours(value: str) -> tuple[time, time] | None:
    """Return the two ends of hours written as 18:00-09:00; None for anything else.

    24:00 at the end is midnight.
    """
    found = _HOURS.fullmatch(value.strip())
    if found is None:
        return None
    start_hour, start_minute, end_hour, end_minute = map(int, found.groups())
    if end_hour == 24 and end_minute:
        return None
    return time(start_hour, start_minute), time(end_hour % 24, end_minute)


def parsed_words(value: str) -> list[str]:
    """Return the words of a list parted by commas or lines, without repeats."""
    words = (word.strip() for word in re.split(r"[,\uff0c\u3001;\uff1b\n]", value))
    return list(dict.fromkeys(word for word in words if word))


def look(conditions: Iterable[RuleCondition], facts: Facts) -> tuple[bool, list[dict[str, Any]]]:
    """Return whether all conditions hold, and of each what was wanted and whether it held."""
    checks = []
    for condition in conditions:
        wanted = condition.operator == ConditionOperator.IS
        held = _HOLDS[condition.field](condition, facts) == wanted
        checks.append(
            {
                "field": condition.field,
                "operator": condition.operator,
                "wanted": wanted_of(condition),
                "held": held,
            }
        )
    return all(check["held"] for check in checks), checks


def wanted_of(condition: RuleCondition) -> str:
    """Return what a condition compares with: a code, a channel's or tag's name or the words of its list."""
    if condition.field == ConditionField.CHANNEL:
        return condition.channel.name if condition.channel else ""
    if condition.field == ConditionField.TAG:
        return condition.tag.name if condition.tag else ""
    return _choice(condition) if condition.choice else condition.value


def _choice(condition: RuleCondition) -> str:
    return condition.choice.partition(":")[2]


def _is_within(hours: tuple[time, time], now: time) -> bool:
    start, end = hours
    if start < end:
        return start <= now < end
    # Over midnight; the same twice is the whole day.
    return now >= start or now < end


def _words(condition: RuleCondition, facts: Facts) -> bool:
    text = facts.text.casefold()
    return any(word.casefold() in text for word in parsed_words(condition.value))


def _score(condition: RuleCondition, facts: Facts) -> bool:
    if facts.score is None:
        return False
    if facts.score == Satisfaction.FAIR:
        return _choice(condition) == "fair"
    return _choice(condition) == ("high" if facts.score > Satisfaction.FAIR else "low")


def _hours(condition: RuleCondition, facts: Facts) -> bool:
    hours = parsed_hours(condition.value)
    return hours is not None and _is_within(hours, facts.at.time())


_HOLDS: Mapping[str, Callable[[RuleCondition, Facts], bool]] = {
    ConditionField.CHANNEL: lambda condition, facts: condition.channel_id == facts.channel_id,
    ConditionField.LANGUAGE: lambda condition, facts: _choice(condition) == facts.language,
    ConditionField.REASON: lambda condition, facts: _choice(condition) == facts.reason,
    ConditionField.WORDS: _words,
    ConditionField.VERIFIED: lambda condition, facts: (
        (_choice(condition) == "yes") == facts.verified
    ),
    ConditionField.HOURS: _hours,
    ConditionField.WEEKDAY: lambda condition, facts: _choice(condition) == str(facts.at.weekday()),
    ConditionField.PAGE: lambda condition, facts: (
        bool(facts.page) and page_patterns.matches(condition.value, facts.page)
    ),
    ConditionField.SCORE: _score,
    ConditionField.TAG: lambda condition, facts: condition.tag_id in facts.tags,
}
