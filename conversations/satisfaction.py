"""The arithmetic of satisfaction: who is asked, when, and what the answers come to (R71-R77).

Pure: no table, no clock. Scores are whole numbers, results exact fractions until they are shown.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

# Very satisfied, satisfied, fair, dissatisfied, very dissatisfied (Q6).
SCORES = (100, 80, 60, 40, 20)
WINDOW = timedelta(hours=48)
EDITABLE = timedelta(minutes=10)
COMMENT_LENGTH = 500
# R77: of so many responses of one visitor on one day only the first counts.
REPEATED = 5
# R74: fewer responses need a sample, fewer inquiries make a neutral month.
FEWEST = 30
# R75.
RUBRIC_TOTAL = 100
# Of a sample, one item in so many is rated twice; further apart than this is a dispute.
SECOND_RATED = 5
DISPUTED_FROM = 10
# R73 reckons the half-width with this standard deviation.
_DEVIATION = 20
_Z95 = 1.96


def is_drawn(inquiry_id: UUID, seed: str, rate: Decimal) -> bool:
    """Return whether the inquiry is invited: its hash under the month's seed lies below `rate`.

    Nothing but the two goes in, so what becomes of the inquiry cannot matter. Source: R72.
    """
    place = int.from_bytes(_hash(seed, str(inquiry_id))[:8])
    return Fraction(place, 2**64) < Fraction(rate)


def draw_sample(ids: Iterable[UUID], seed: str, size: int) -> list[UUID]:
    """Return a simple random sample of `size` of the ids, all of them if there are no more.

    The same ids, in whatever order, and the same seed give the same sample in the same order.
    Source: R75.
    """
    return sorted(set(ids), key=lambda each: (_hash(seed, str(each)), each))[:size]


def rated_twice(size: int) -> int:
    """Return how many items of a sample, its first ones, get a second rater: 20 %, rounded up."""
    return -(-size // SECOND_RATED)


def is_open(opens_at: datetime, at: datetime) -> bool:
    """Return whether a survey takes answers at the instant `at`: 48 hours, both ends included."""
    return opens_at <= at <= opens_at + WINDOW


def editable_until(given_at: datetime, opens_at: datetime) -> datetime:
    """Return the last instant at which an answer may be changed: 10 minutes on, in the window."""
    return min(given_at + EDITABLE, opens_at + WINDOW)


def counted_from(responses: Sequence[UUID]) -> Collection[UUID]:
    """Return which of one visitor's responses of one day, in order, count (R77)."""
    return responses[:1] if len(responses) >= REPEATED else responses


def month_of(at: datetime, zone: tzinfo) -> date:
    """Return the first day of the calendar month in which the instant lies in this zone."""
    return at.astimezone(zone).date().replace(day=1)


def month_bounds(month: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the instant the month begins in the zone and the one the next month does."""
    start = month.replace(day=1)
    following = (start + timedelta(days=32)).replace(day=1)
    return datetime.combine(start, time.min, zone), datetime.combine(following, time.min, zone)


class Standing(StrEnum):
    """What a month's figures are good for (R74)."""

    ENOUGH = "enough"
    NEEDS_SAMPLING = "needs_sampling"
    NEUTRAL = "neutral"


@dataclass(frozen=True)
class Tally:
    """The answers about one part: score is the exact mean, None without any."""

    responses: int
    score: Fraction | None
    distribution: Mapping[int, int]

    @property
    def shown(self) -> str:
        """The score with two decimals, cut off, never rounded up; a dash for none."""
        return "–" if self.score is None else str(cut(self.score))

    @property
    def half_width(self) -> Decimal | None:
        """Half the width of the 95 % interval, to one decimal (R73: sd 20)."""
        if not self.responses:
            return None
        width = Decimal(_Z95 * _DEVIATION / math.sqrt(self.responses))
        return width.quantize(Decimal("0.1"), ROUND_HALF_UP)


def tally(scores: Iterable[int]) -> Tally:
    """Return what the answers come to: S = sum of scores / n. Source: R73."""
    counts = Counter(scores)
    unknown = counts.keys() - set(SCORES)
    if unknown:
        raise ValueError(f"no such scores: {sorted(unknown)}")
    total = counts.total()
    score = Fraction(sum(value * count for value, count in counts.items()), total or 1)
    return Tally(total, score if total else None, {value: counts[value] for value in SCORES})


def cut(value: Fraction, places: int = 2) -> Decimal:
    """Return the value with so many decimals, rounded down: 84.999 is not 85."""
    step = Decimal(1).scaleb(-places)
    return Decimal(math.floor(value * 10**places)).scaleb(-places).quantize(step, ROUND_FLOOR)


def response_rate(responses: int, asked: int) -> Fraction | None:
    """Return which share of those asked answered; None where nobody was asked."""
    return Fraction(responses, asked) if asked else None


def standing(responses: int, inquiries: int) -> Standing:
    """Return what a month with so many responses and eligible inquiries is good for (R74)."""
    if inquiries < FEWEST:
        return Standing.NEUTRAL
    return Standing.ENOUGH if responses >= FEWEST else Standing.NEEDS_SAMPLING


def is_disputed(first: int, second: int) -> bool:
    """Return whether two raters are so far apart that a third one decides (R75)."""
    return abs(first - second) > DISPUTED_FROM


def settled(totals: Sequence[int], *, twice: bool) -> Fraction | None:
    """Return what an item's raters, in order, come to; None while one of them is missing.

    One rater's word, or the mean of two that agree, or the third's where they do not.
    """
    if not totals or (twice and len(totals) < 2):
        return None
    if not twice:
        return Fraction(totals[0])
    if not is_disputed(totals[0], totals[1]):
        return Fraction(totals[0] + totals[1], 2)
    return Fraction(totals[2]) if len(totals) > 2 else None


def fingerprint(seed: str) -> str:
    """Return the SHA-256, in hex, by which a seed is told before it may be known."""
    return hashlib.sha256(seed.encode()).hexdigest()


def _hash(seed: str, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()
