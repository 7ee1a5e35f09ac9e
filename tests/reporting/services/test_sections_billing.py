"""What a month used, and the credit its availability proposes at every border (I4, I5)."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from conversations.models import Channel
from reporting.availability import Availability, Span
from reporting.periods import period
from reporting.services import figures, sections_all, sections_billing, uptime
from reporting.services.uptime import Measured
from tenants import clock
from tenants.models import Tenant
from tenants.services import contracts
from tests.tenants.agreements import Parties, draft_contract, draft_terms
from tests.world import admit, write

NOVEMBER = date(2026, 11, 1)
# 30 days; a share of them down, exactly.
TOTAL = timedelta(days=30)


def measured(monkeypatch: pytest.MonkeyPatch, down: timedelta | None) -> None:
    found = None if down is None else Availability(TOTAL, down, down, timedelta())
    start = datetime.fromisoformat("2026-11-01T00:00:00+08:00")
    span = Span(start, start + TOTAL)
    monkeypatch.setattr(
        uptime, "measured", lambda _start, _end: Measured(span, found, [], [], [], "second")
    )


@pytest.mark.parametrize(
    ("down", "share", "amount"),
    [
        # 0.5 % of 30 days is 216 minutes.
        (timedelta(minutes=216), 0.0, "0.00"),
        (timedelta(minutes=216, seconds=1), 0.1, "100.00"),
        (timedelta(minutes=432), 0.1, "100.00"),
        (timedelta(minutes=432, seconds=1), 0.25, "250.00"),
        (timedelta(minutes=2160), 0.25, "250.00"),
        (timedelta(minutes=2160, seconds=1), 0.4, "400.00"),
    ],
)
def test_credit_at_every_border(
    parties: Parties,
    monkeypatch: pytest.MonkeyPatch,
    in_tenant: Tenant,
    down: timedelta,
    share: float,
    amount: str,
) -> None:
    with clock.travel(datetime.fromisoformat("2026-10-20T00:00:00+08:00")):
        terms = draft_terms(
            draft_contract(), monthly_fee=Decimal("1000"), credit_cap=Decimal("0.4")
        )
        parties.sign(terms)
    measured(monkeypatch, down)

    section = sections_billing.build_credits(period("monthly", NOVEMBER, in_tenant.zone), None)

    row = section.tables[0].rows[0]
    assert row[0] == "2026-11"
    assert row[2:] == [share, amount]
    contracts.forget()


def test_unmeasured_and_partial_months_propose_nothing(
    in_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(monkeypatch, None)
    month = period("monthly", NOVEMBER, in_tenant.zone)
    assert list(sections_billing.proposals(month)) == []
    measured(monkeypatch, timedelta())
    week = period("weekly", date(2026, 11, 9), in_tenant.zone)
    assert list(sections_billing.proposals(week)) == []
    assert [row.amount for row in sections_billing.proposals(month)] == [None]


def test_usage_counts_what_was_dealt_with(in_tenant: Tenant, channel: Channel) -> None:
    for number, day in enumerate((3, 3, 9)):
        with clock.travel(datetime.fromisoformat(f"2026-11-0{day}T10:00:00+08:00")):
            write(admit(channel, f"v{number}"), "几天发货？")
    month = period("monthly", NOVEMBER, in_tenant.zone)
    with clock.travel(datetime.fromisoformat("2026-12-02T00:00:00+08:00")):
        figures.make_ready(month)
        section = sections_billing.build_usage(month, None)

    values: dict[str, Any] = {figure.key: figure.value for figure in section.figures}
    assert (values["inquiries"], values["channels"]) == (3, 1)
    assert [row[:2] for row in section.tables[0].rows] == [["2026-11-03", 2], ["2026-11-09", 1]]


@pytest.mark.parametrize(("kind", "has"), [("weekly", False), ("monthly", True)])
def test_only_months_are_billed(in_tenant: Tenant, kind: str, has: bool) -> None:
    first = NOVEMBER if kind == "monthly" else date(2026, 11, 2)
    found = sections_all.build_all(kind, period(kind, first, in_tenant.zone), None)

    assert ("credits" in {section.key for section in found}) is has
