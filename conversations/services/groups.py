"""Groups of agents: keep them, and choose the one that serves a conversation."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from conversations import hours
from conversations.models import AgentGroup, Conversation
from tenants.models import User
from tenants.services import ledger
from tenants.services.ledger import Event
from tenants.worktime import is_open


def choose(conversation: Conversation, reason: str, at: datetime) -> AgentGroup | None:
    """Return the group that serves the conversation, or None where no group does.

    Of the groups in use that serve its reason, channel and language: those whose people work now
    come first, then the tenant's order. The default group gets what no other one serves. One small
    query where a tenant has no groups.
    """
    groups = list(hours.in_use())
    if not groups:
        return None
    serving = [
        group for group in groups if not group.is_default and serves(group, conversation, reason)
    ]
    zone = hours.zone()
    serving.sort(key=lambda group: not is_open(hours.hours_of(group, zone), at))
    default = [group for group in groups if group.is_default]
    return next(iter([*serving, *default]), None)


def serves(group: AgentGroup, conversation: Conversation, reason: str) -> bool:
    """Return whether the group serves conversations like this one, handed off for this reason."""
    wanted = (
        (group.reasons, reason),
        (group.channels, str(conversation.channel_id)),
        (group.languages, language_of(conversation)),
    )
    return all(not listed or value in listed for listed, value in wanted)


def language_of(conversation: Conversation) -> str:
    """Return the visitor's language as groups name it: "zh-CN" or "en"."""
    return "en" if conversation.contact.locale.lower().startswith("en") else "zh-CN"


def record_saved(group: AgentGroup, *, by: User | None) -> None:
    """Write into the ledger how a group with its members and hours stands after people saved it."""
    with transaction.atomic():
        facts = {
            "by": by.pk if by else None,
            "active": group.is_active,
            "default": group.is_default,
            "auto_assign": group.auto_assign,
            "strategy": group.strategy,
            "accept_seconds": group.accept_seconds,
            "statutory": group.keeps_statutory_calendar,
            "serves": [group.reasons, group.channels, group.languages],
            "members": _sorted(
                group.members.values_list("member_id", "capacity", "skills", "languages")
            ),
            "spans": _sorted(group.spans.values_list("weekday", "starts_at", "ends_at")),
            "exceptions": _sorted(
                group.exceptions.values_list("date", "is_closed", "starts_at", "ends_at")
            ),
        }
        ledger.append(Event("group.changed", group.pk, facts))


def _sorted(rows: Iterable[tuple[Any, ...]]) -> list[list[str]]:
    return sorted([[str(value) for value in row] for row in rows])
