"""Account managers are told of figures that threaten to fail, once a day (R11, R62)."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from reporting import tasks
from reporting.services import early_warnings
from reporting.services.early_warnings import Warned
from tenants import clock
from tests.tenants.agreements import Parties
from tests.tenants.told import told

AFTER = datetime(2026, 11, 20, tzinfo=UTC)


def test_figure_at_risk_is_told_once_a_day(
    parties: Parties, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned = Warned("auto_answer", date(2026, 11, 1), Fraction(90, 100), 90, 100, Fraction(95, 100))
    monkeypatch.setattr(early_warnings, "all_at_risk", lambda: [warned])
    for hours in (0, 1, 25):
        with clock.travel(AFTER + timedelta(hours=hours)):
            tasks.warn_early()

    assert [row[1] for row in told("auto_answer.at_risk")] == ["本月指标有风险：自动解答率"] * 2
