"""What the agents of the demonstration have at hand; what is there already stays as it is."""

import json
from pathlib import Path

from django.db import transaction

from conversations.models import (
    AgentGroup,
    CannedReply,
    GroupMember,
    Tag,
    TicketCategory,
    WrapUpCategory,
)
from conversations.services import groups
from tenants.models import Membership
from tenants.roles import Role


def furnish(file: Path) -> None:
    """Make the group, ticket and wrap-up categories, canned replies and tags that are missing.

    In the tenant in scope, from a JSON file; a kind of which there is one already is left alone.
    """
    desk = json.loads(file.read_text(encoding="utf-8"))
    with transaction.atomic():
        if not AgentGroup.objects.exists():
            _group(desk["group"])
        if not TicketCategory.objects.exists():
            for fields in desk["ticket_categories"]:
                TicketCategory.objects.create(**fields)
        if not WrapUpCategory.objects.exists():
            for position, name in enumerate(desk["wrap_up_categories"]):
                WrapUpCategory.objects.create(name=name, position=position)
        if not CannedReply.objects.exists():
            for fields in desk["canned_replies"]:
                CannedReply.objects.create(**fields)
        if not Tag.objects.exists():
            for fields in desk["tags"]:
                Tag.objects.create(**fields)


def _group(name: str) -> None:
    """All agents, around the clock; nothing rings at them, they take what waits by hand."""
    group = AgentGroup.objects.create(name=name, is_default=True, auto_assign=False)
    for agent in Membership.objects.filter(role=Role.AGENT):
        GroupMember.objects.create(group=group, member=agent)
    groups.record_saved(group, by=None)
