"""How much was asked: inquiries, visitors, messages, by channel, day and hour; what is left out."""

from django.utils.translation import gettext as _

from conversations.models import Inquiry
from reporting.sections import Column, Figure, Period, Section, Series, Table, Unit
from reporting.services import figures
from reporting.services.sections import asked, channel_names, count, days_of, name_of, timeline
from tenants.models import Tenant
from tenants.scoping import active_tenant_id


def build(period: Period, previous: Period | None) -> Section:
    """Return the section of volumes."""
    labels, inquiries = timeline(period, "inquiries")
    hours = figures.by_dimension(period, "inquiries", "hour:")
    of_channel = figures.by_dimension(period, "inquiries", "channel:")
    said = figures.by_dimension(period, "messages", "channel:")
    names = channel_names()
    counted = {**days_of(period), "counted": "yes"}
    return Section(
        key="volume",
        title=_("Volumes"),
        clause="1.1(4)",
        figures=[
            count(
                "inquiries",
                name_of("inquiries"),
                period,
                previous,
                rows="conversations_inquiry",
                filters=counted,
            ),
            Figure(
                key="visitors",
                title=name_of("visitors"),
                unit=Unit.COUNT,
                value=_visitors(period),
                metric="visitors",
                previous=_visitors(previous) if previous else None,
                rows="conversations_contact",
                filters={"asked": "..".join(days_of(period).values())},
            ),
            count(
                "messages",
                name_of("messages"),
                period,
                previous,
                rows="conversations_message",
                filters=counted,
            ),
            asked(period, previous),
        ],
        series=[
            Series(
                "inquiries_over_time",
                _("Inquiries over time"),
                Unit.COUNT,
                labels,
                [found.whole for found in inquiries],
                kind="bar",
            ),
            Series(
                "inquiries_by_hour",
                _("Inquiries by hour of the day"),
                Unit.COUNT,
                [f"{hour:02}:00" for hour in range(24)],
                [
                    hours[name].whole if (name := f"hour:{hour:02}") in hours else 0
                    for hour in range(24)
                ],
                kind="bar",
            ),
        ],
        tables=[
            Table(
                "channels",
                _("By channel"),
                [
                    Column("channel", _("Channel")),
                    Column("inquiries", _("Inquiries"), Unit.COUNT),
                    Column("messages", _("Messages"), Unit.COUNT),
                ],
                [
                    [
                        names.get(key, key),
                        of_channel[key].whole if key in of_channel else 0,
                        said[key].whole if key in said else 0,
                    ]
                    for key in sorted({*of_channel, *said}, key=lambda each: names.get(each, each))
                ],
                empty=_("Nobody wrote in this period."),
            )
        ],
    )


def build_excluded(period: Period, previous: Period | None) -> Section:
    """Return the section of what is in no other figure."""
    days = days_of(period)
    left_out = {**days, "counted": "no"}
    tests = {**days, "why__exact": "test"}
    kinds = (
        (
            "inquiries",
            _("Inquiries of tests and demonstrations"),
            "conversations_inquiry",
            left_out,
        ),
        ("messages", _("Messages of tests and demonstrations"), "conversations_message", left_out),
        ("questions", _("Questions of tests and demonstrations"), "reporting_question", tests),
    )
    return Section(
        key="excluded",
        title=name_of("excluded"),
        figures=[
            *(
                count(
                    f"excluded_{kind}",
                    title,
                    period,
                    previous,
                    source="excluded",
                    dimension=kind,
                    rows=rows,
                    filters=filters,
                )
                for kind, title, rows, filters in kinds
            ),
            count(
                "collapsed",
                _("The same text again within 10 minutes"),
                period,
                previous,
                metric="questions",
                source="questions",
                dimension="why:same_again",
                rows="reporting_question",
                filters={**days_of(period), "why__exact": "same_again"},
            ),
        ],
        notes=[_("What is listed here is in no other figure of this report.")],
    )


def _visitors(period: Period) -> int:
    """Return how many contacts opened an inquiry: days do not add up to that."""
    opened = Inquiry.objects.filter(
        opened_at__gte=period.start_at,
        opened_at__lt=period.end_at,
        conversation__is_probe=False,
    )
    if not Tenant.objects.get(pk=active_tenant_id()).is_demo:
        opened = opened.filter(conversation__is_demo=False)
    found: int = opened.order_by().values("conversation__contact").distinct().count()
    return found
