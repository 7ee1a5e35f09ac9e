"""When a group's people work, read from its rows."""

from collections import defaultdict
from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from conversations.models import AgentGroup, Conversation
from conversations.states import ConversationStatus
from tenants import clock
from tenants.models import Tenant
from tenants.scoping import active_tenant_id
from tenants.worktime import Hours, Span, is_published, next_opening

# From this month on the calendar of the next year should be known (the State Council's in November).
_WARN_FROM_MONTH = 12


def in_use() -> QuerySet[AgentGroup]:
    """Return the tenant's groups in use with their spans and exceptions, in their order."""
    return AgentGroup.objects.filter(is_active=True).prefetch_related("spans", "exceptions")


def zone() -> ZoneInfo:
    """Return the zone of the tenant in scope."""
    return ZoneInfo(Tenant.objects.values_list("time_zone", flat=True).get(pk=active_tenant_id()))


def hours_of(group: AgentGroup, in_zone: tzinfo | None = None) -> Hours:
    """Return the hours of a group, in the tenant's zone."""
    weekly: dict[int, list[Span]] = defaultdict(list)
    for span in group.spans.all():
        weekly[span.weekday].append(Span(span.starts_at, span.ends_at))
    exceptions: dict[date, list[Span]] = defaultdict(list)
    for day in group.exceptions.all():
        spans = exceptions[day.date]
        if not day.is_closed and day.starts_at is not None and day.ends_at is not None:
            spans.append(Span(day.starts_at, day.ends_at))
    return Hours(in_zone or zone(), weekly, exceptions, group.keeps_statutory_calendar)


def responsible(conversation: Conversation | None) -> AgentGroup | None:
    """Return the group in use that a conversation is with, else the default group, else None."""
    group_id = conversation.group_id if conversation is not None else None
    groups = list(in_use())
    own = [group for group in groups if group.pk == group_id]
    default = [group for group in groups if group.is_default]
    return next(iter([*own, *default]), None)


def opens_at(conversation: Conversation, at: datetime | None = None) -> datetime | None:
    """Return when people are back for a waiting visitor; None while they are there, or always.

    None, too, while another system has the conversation: its hours are not ours.
    """
    if conversation.status != ConversationStatus.WAITING or conversation.held_elsewhere:
        return None
    if conversation.group_id is None:
        return None
    at = at or clock.now()
    group = in_use().filter(pk=conversation.group_id).first()
    if group is None:
        return None
    opening = next_opening(hours_of(group), at)
    return None if opening == at else opening


def unknown_year(group: AgentGroup, at: datetime) -> int | None:
    """Return a year whose holidays the group would keep if they were known yet, or None."""
    if not group.keeps_statutory_calendar:
        return None
    today = at.astimezone(zone()).date()
    years = [today.year, *([today.year + 1] if today.month >= _WARN_FROM_MONTH else ())]
    return next((year for year in years if not is_published(year)), None)
