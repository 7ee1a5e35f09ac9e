"""Weeks, months and years of reports (R31, Q13)."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from reporting import periods


def test_a_year_that_begins_on_any_day_has_a_year_before_it() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    period = periods.period("annual", date(2026, 11, 1), zone)
    assert (period.end, period.days) == (date(2027, 11, 1), 365)
    assert periods.before("annual", period.first, zone).first == date(2025, 11, 1)
    with pytest.raises(ValueError, match="no monthly period"):
        periods.period("monthly", date(2026, 11, 2), zone)
