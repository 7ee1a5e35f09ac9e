"""What a month used, and what it proposes to credit: figures only, money moves outside (I4, I5)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction

from django.db.models import Sum
from django.utils.translation import gettext as _

from conversations.models import Attachment, AuthorKind, Channel, ChannelStatus
from conversations.satisfaction import month_bounds
from reporting import metrics, periods
from reporting.sections import Column, Figure, Period, Section, Table, Unit
from reporting.services import figures, uptime
from reporting.services.sections import count, days_of, name_of, timeline
from tenants.models import Membership, SubprocessorUse
from tenants.roles import CAPABILITIES
from tenants.services import contracts

SEATS = [role for role, granted in CAPABILITIES.items() if "console.enter" in granted]


@dataclass(frozen=True)
class Proposal:
    """What a month's availability proposes: `share` of the fee, `amount` where a fee is agreed."""

    month: date
    availability: Fraction
    share: Decimal
    amount: Decimal | None


def build_usage(period: Period, previous: Period | None) -> Section:
    """Return the section of what was used: the meter, without prices (I4)."""
    counted = {**days_of(period), "counted": "yes"}
    stored = Attachment.objects.filter(removed_at=None).aggregate(size=Sum("size"))["size"] or 0
    return Section(
        key="usage",
        title=_("Usage"),
        figures=[
            count(
                "inquiries",
                name_of("inquiries"),
                period,
                previous,
                rows="conversations_inquiry",
                filters=counted,
            ),
            count(
                "bot_replies",
                _("Replies of the assistant"),
                period,
                previous,
                metric="messages",
                source="messages",
                dimension=f"author:{AuthorKind.BOT.value}",
                rows="conversations_message",
                filters={**counted, "author_kind__exact": AuthorKind.BOT.value},
            ),
            Figure(
                "tokens",
                _("Tokens of language models"),
                Unit.COUNT,
                _tokens(period),
                rows="tenants_subprocessor",
            ),
            Figure(
                "channels",
                _("Channels in use"),
                Unit.COUNT,
                Channel.objects.filter(status=ChannelStatus.ACTIVE).count(),
                rows="conversations_channel",
                filters={"status__exact": ChannelStatus.ACTIVE.value},
            ),
            Figure(
                "seats",
                _("Seats"),
                Unit.COUNT,
                Membership.objects.filter(is_active=True, role__in=SEATS).count(),
                rows="tenants_membership",
                filters={"is_active__exact": "1", "role__in": ",".join(SEATS)},
            ),
            Figure(
                "storage",
                _("Files kept"),
                Unit.BYTES,
                stored,
                rows="conversations_attachment",
                filters={"counted": "yes"},
            ),
        ],
        tables=[_over_time(period)],
        notes=[
            _("Channels, seats and files are those of the moment the report was made."),
            _("Usage is metered only; prices, invoices and taxes are settled outside."),
        ],
    )


def build_credits(period: Period, previous: Period | None) -> Section:
    """Return the section of proposed service credits, by whole calendar month (I5)."""
    rows = list(proposals(period))
    terms = contracts.terms_at(period.end_at - timedelta(microseconds=1))
    return Section(
        key="credits",
        title=_("Service credits proposed"),
        clause="2.2(2)",
        tables=[
            Table(
                "credits",
                _("Proposed credits"),
                [
                    Column("month", _("Month")),
                    Column("availability", _("Availability, net"), Unit.SHARE),
                    Column("share", _("Share of the month's fee"), Unit.SHARE),
                    Column("amount", _("Amount")),
                ],
                [
                    [
                        f"{row.month:%Y-%m}",
                        float(row.availability),
                        float(row.share),
                        "–" if row.amount is None else f"{row.amount:.2f}",
                    ]
                    for row in rows
                ],
                empty=_("No whole calendar month was measured in this period."),
            ),
            Table(
                "tiers",
                _("Agreed tiers"),
                [
                    Column("at_least", _("Availability from"), Unit.SHARE),
                    Column("share", _("Share of the month's fee"), Unit.SHARE),
                ],
                [[float(tier.at_least), float(tier.share)] for tier in terms.credit_tiers],
            ),
        ],
        notes=[
            _("A proposal that both parties confirm; money moves outside of this system."),
            _("Claims are possible within %(days)s days; at most %(cap)s of the month's fee.")
            % {
                "days": terms.credit_claim_days,
                "cap": metrics.shown_percent(Fraction(terms.credit_cap)),
            },
        ],
    )


def proposals(period: Period) -> Iterator[Proposal]:
    """Yield what each whole calendar month of the period proposes; none for an unmeasured month."""
    for month in periods.months(period):
        if month < period.first or figures.next_month(month) > period.end:
            continue
        start, end = month_bounds(month, period.zone)
        found = uptime.measured(start, end).figures
        if found is None or found.net is None:
            continue
        terms = contracts.terms_at(end - timedelta(microseconds=1))
        tiers = terms.credit_tiers
        share = next(tier.share for tier in tiers if metrics.reaches(found.net, tier.at_least))
        share = min(share, terms.credit_cap)
        fee = terms.monthly_fee
        amount = None if fee is None else (fee * share).quantize(Decimal("0.01"), ROUND_FLOOR)
        yield Proposal(month, found.net, share, amount)


def _tokens(period: Period) -> int:
    months = periods.months(period)
    used = SubprocessorUse.objects.filter(month__in=months).aggregate(tokens=Sum("tokens"))
    return int(used["tokens"] or 0)


def _over_time(period: Period) -> Table:
    labels, asked = timeline(period, "inquiries")
    _same, said = timeline(period, "messages", f"author:{AuthorKind.BOT.value}")
    by_day = len(labels) == period.days
    return Table(
        "usage_over_time",
        _("By day") if by_day else _("By month"),
        [
            Column("day", _("Day") if by_day else _("Month")),
            Column("inquiries", _("Inquiries"), Unit.COUNT),
            Column("bot_replies", _("Replies of the assistant"), Unit.COUNT),
        ],
        [
            [label, questions.whole, replies.whole]
            for label, questions, replies in zip(labels, asked, said, strict=True)
            if questions.whole or replies.whole
        ],
        empty=_("Nobody wrote in this period."),
    )
