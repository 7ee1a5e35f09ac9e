"""Spans of time as people say them."""

from datetime import timedelta

import pytest
from django.utils import translation

from tenants.durations import in_words


@pytest.mark.parametrize(
    ("span", "words"),
    [
        ({"seconds": 0}, "0 s"),
        ({"seconds": 59.99}, "59 s"),
        ({"seconds": 60}, "1 min"),
        ({"seconds": 125}, "2 min 5 s"),
        ({"minutes": 60}, "1 h"),
        ({"hours": 23, "minutes": 59, "seconds": 59}, "23 h 59 min"),
        ({"hours": 24}, "1 day"),
        ({"days": 2, "hours": 3, "minutes": 59}, "2 days 3 h"),
        ({"seconds": -125}, "2 min 5 s"),
    ],
)
def test_the_largest_two_units_rounded_down(span: dict[str, float], words: str) -> None:
    with translation.override("en"):
        assert in_words(timedelta(**span)) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.234, "0.23 s"), (9.999, "9.99 s"), (60, "1 min")]
)
def test_precise_spans_are_never_rounded_up(seconds: float, words: str) -> None:
    with translation.override("en"):
        assert in_words(timedelta(seconds=seconds), precise=True) == words
