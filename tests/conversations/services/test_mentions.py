"""Colleagues called in notes: who can be, who hears, what is unread."""

import uuid
from collections.abc import Callable

import pytest

from conversations.models import ContactSession, Conversation, Mention, Note
from conversations.services import desk, mentions
from tenants.errors import NotFoundError
from tenants.models import LedgerEntry, Membership, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conversations.doors import send


@pytest.fixture
def row(in_tenant: Tenant, visitor: ContactSession) -> Conversation:
    return send(visitor, "在吗").message.conversation


def test_a_note_calls_whom_it_names(
    row: Conversation, agent: Membership, colleague: Membership
) -> None:
    note, _created = desk.note(
        row.pk, "@周舟 看一下", by=agent, client_msg_id="n1", mentions=[colleague.pk, agent.pk]
    )

    mention = Mention.objects.get()
    assert (mention.note, mention.member, mention.conversation) == (note, colleague, row)
    assert (mentions.unread(colleague), mentions.unread(agent)) == (1, 0)
    facts = LedgerEntry.objects.latest("position").data
    assert facts["mentions"] == [str(colleague.pk)]


def test_the_same_note_calls_once(
    row: Conversation, agent: Membership, colleague: Membership
) -> None:
    for _time in range(2):
        desk.note(row.pk, "看", by=agent, client_msg_id="n1", mentions=[colleague.pk] * 2)

    assert Mention.objects.count() == 1


@pytest.mark.parametrize("who", ["nobody", "an editor", "gone", "a stranger"])
def test_only_colleagues_with_a_seat_can_be_called(
    row: Conversation,
    agent: Membership,
    colleague: Membership,
    tenant: Tenant,
    other_tenant: Tenant,
    make_member: Callable[..., User],
    member_of: Callable[[User, Tenant], Membership],
    who: str,
) -> None:
    if who == "nobody":
        key = uuid.uuid4()
    elif who == "an editor":
        key = member_of(make_member(tenant, Role.KNOWLEDGE_EDITOR), tenant).pk
    elif who == "gone":
        key = colleague.pk
        Membership.objects.filter(pk=key).update(is_active=False)
    else:
        with tenant_scope(other_tenant):
            key = member_of(make_member(other_tenant), other_tenant).pk

    with pytest.raises(NotFoundError):
        desk.note(row.pk, "看", by=agent, client_msg_id="n1", mentions=[key])
    assert (Note.objects.count(), Mention.objects.count()) == (0, 0)


def test_what_was_seen_is_no_longer_unread_and_others_keep_theirs(
    row: Conversation, agent: Membership, colleague: Membership
) -> None:
    for number in range(3):
        desk.note(row.pk, "看", by=agent, client_msg_id=f"a{number}", mentions=[colleague.pk])
    desk.note(row.pk, "好", by=colleague, client_msg_id="c", mentions=[agent.pk])
    latest = list(mentions.latest(colleague))

    left = mentions.mark_read(colleague, [latest[0].pk, mentions.latest(agent)[0].pk])

    assert left == 2
    assert mentions.unread(agent) == 1
    assert mentions.mark_read(colleague) == 0
    assert [mention.note.number for mention in latest] == [3, 2, 1]
