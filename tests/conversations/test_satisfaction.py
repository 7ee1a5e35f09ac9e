"""The arithmetic of satisfaction, border by border (contract R71-R77, T9)."""

import random
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from conversations import satisfaction
from conversations.satisfaction import Standing, Tally

SHANGHAI = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("scores", "shown"),
    [
        ([100], "100.00"),
        ([20], "20.00"),
        ([100, 80, 60, 40, 20], "60.00"),
        ([80, 100], "90.00"),
        # 84.99999…, and 85 itself: the border that the contract hangs on.
        ([80] * 75 + [100] * 25, "85.00"),
        ([80] * 751 + [100] * 249, "84.98"),
        ([100, 80, 80], "86.66"),
        ([], "–"),
    ],
)
def test_score_is_the_mean_cut_off(scores: list[int], shown: str) -> None:
    assert satisfaction.tally(scores).shown == shown


def test_score_is_exact_until_it_is_shown() -> None:
    found = satisfaction.tally([100, 80, 80])

    assert found == Tally(3, Fraction(260, 3), {100: 1, 80: 2, 60: 0, 40: 0, 20: 0})


@pytest.mark.parametrize("score", [0, 10, 19, 50, 99, 101])
def test_scores_off_the_scale_are_refused(score: int) -> None:
    with pytest.raises(ValueError, match="no such scores"):
        satisfaction.tally([100, score])


@pytest.mark.parametrize(
    ("value", "places", "cut"),
    [
        (Fraction(85), 2, "85.00"),
        (Fraction(84999, 1000), 2, "84.99"),
        (Fraction(2, 3) * 100, 1, "66.6"),
        (Fraction(175, 2), 1, "87.5"),
    ],
)
def test_cut_never_rounds_up(value: Fraction, places: int, cut: str) -> None:
    assert str(satisfaction.cut(value, places)) == cut


@pytest.mark.parametrize(
    ("responses", "width"), [(30, "7.2"), (100, "3.9"), (400, "2.0"), (1, "39.2")]
)
def test_half_width_is_that_of_the_contract(responses: int, width: str) -> None:
    assert satisfaction.tally([80] * responses).half_width == Decimal(width)


def test_half_width_of_nothing_is_none() -> None:
    assert satisfaction.tally([]).half_width is None


@pytest.mark.parametrize(
    ("after", "opened"),
    [
        (timedelta(), True),
        (-TICK, False),
        (timedelta(hours=48), True),
        (timedelta(hours=48) + TICK, False),
    ],
)
def test_survey_is_open_for_48_hours(after: timedelta, opened: bool) -> None:
    assert satisfaction.is_open(AT, AT + after) is opened


def test_answer_may_be_changed_for_ten_minutes_within_the_window() -> None:
    early = satisfaction.editable_until(AT + timedelta(hours=1), AT)
    late = satisfaction.editable_until(AT + timedelta(hours=47, minutes=55), AT)

    assert early == AT + timedelta(hours=1, minutes=10)
    assert late == AT + timedelta(hours=48)


@pytest.mark.parametrize(
    ("responses", "inquiries", "standing"),
    [
        (0, 29, Standing.NEUTRAL),
        (29, 29, Standing.NEUTRAL),
        (29, 30, Standing.NEEDS_SAMPLING),
        (30, 30, Standing.ENOUGH),
        (0, 10_000, Standing.NEEDS_SAMPLING),
    ],
)
def test_month_is_neutral_short_or_enough(
    responses: int, inquiries: int, standing: Standing
) -> None:
    assert satisfaction.standing(responses, inquiries) == standing


def test_months_are_cut_in_the_tenants_zone() -> None:
    last = datetime(2026, 11, 30, 15, 59, 59, tzinfo=UTC)

    assert satisfaction.month_of(last, SHANGHAI) == date(2026, 11, 1)
    assert satisfaction.month_of(last + timedelta(seconds=1), SHANGHAI) == date(2026, 12, 1)
    start, end = satisfaction.month_bounds(date(2026, 12, 1), SHANGHAI)
    assert start == last + timedelta(seconds=1)
    assert end == datetime(2026, 12, 31, 16, tzinfo=UTC)


def test_four_responses_of_a_day_count_and_of_five_the_first() -> None:
    ids = [uuid.uuid4() for _ in range(5)]

    assert satisfaction.counted_from(ids[:4]) == ids[:4]
    assert satisfaction.counted_from(ids) == ids[:1]


def test_lot_falls_by_rate_and_stays_fallen() -> None:
    ids = [uuid.UUID(int=number) for number in range(20_000)]

    drawn = [satisfaction.is_drawn(each, "seed", Decimal("0.25")) for each in ids]

    assert 0.24 < sum(drawn) / len(drawn) < 0.26
    assert drawn == [satisfaction.is_drawn(each, "seed", Decimal("0.25")) for each in ids]
    assert drawn != [satisfaction.is_drawn(each, "other", Decimal("0.25")) for each in ids]


def test_lot_at_the_ends() -> None:
    ids = [uuid.UUID(int=number) for number in range(500)]

    assert all(satisfaction.is_drawn(each, "seed", Decimal(1)) for each in ids)
    assert not any(satisfaction.is_drawn(each, "seed", Decimal(0)) for each in ids)


def test_who_is_drawn_at_a_lower_rate_is_drawn_at_a_higher() -> None:
    ids = [uuid.UUID(int=number) for number in range(2000)]

    few = {each for each in ids if satisfaction.is_drawn(each, "seed", Decimal("0.1"))}
    more = {each for each in ids if satisfaction.is_drawn(each, "seed", Decimal("0.5"))}

    assert few < more


def test_sample_hangs_on_seed_and_ids_alone() -> None:
    ids = [uuid.UUID(int=number) for number in range(500)]
    shuffled = random.Random(1).sample(ids, len(ids))  # noqa: S311 -- any order will do

    sample = satisfaction.draw_sample(ids, "seed", 100)

    assert len(set(sample)) == 100
    assert sample == satisfaction.draw_sample(shuffled, "seed", 100)
    assert sample != satisfaction.draw_sample(ids, "other", 100)
    assert satisfaction.draw_sample(ids[:7], "seed", 100) == satisfaction.draw_sample(
        ids[:7], "seed", 7
    )


def test_sample_is_as_likely_to_hold_one_as_another() -> None:
    ids = [uuid.UUID(int=number) for number in range(20)]

    held = dict.fromkeys(ids, 0)
    for seed in range(4000):
        for each in satisfaction.draw_sample(ids, str(seed), 5):
            held[each] += 1

    # A quarter of 4,000 each; one in a million goes beyond five deviations of 27.
    assert max(abs(count - 1000) for count in held.values()) < 137


@pytest.mark.parametrize(
    ("size", "twice"), [(100, 20), (99, 20), (96, 20), (95, 19), (1, 1), (0, 0)]
)
def test_a_fifth_is_rated_twice_rounded_up(size: int, twice: int) -> None:
    assert satisfaction.rated_twice(size) == twice


@pytest.mark.parametrize(
    ("totals", "twice", "result"),
    [
        ([], False, None),
        ([90], False, Fraction(90)),
        ([90], True, None),
        ([90, 81], True, Fraction(171, 2)),
        ([90, 80], True, Fraction(85)),
        ([90, 79], True, None),
        ([90, 79, 60], True, Fraction(60)),
    ],
)
def test_raters_settle_an_item(totals: list[int], twice: bool, result: Fraction | None) -> None:
    assert satisfaction.settled(totals, twice=twice) == result
