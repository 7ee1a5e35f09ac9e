"""How rows are shown: to visitors no more than is theirs, to agents why."""

from datetime import UTC, datetime

import pytest
from django.utils import translation

from conversations import wire
from conversations.models import ContactSession, Conversation, Message
from conversations.services import desk, endings
from conversations.services.handoff import request_handoff
from knowledge.models import Release
from tenants.models import Membership, Tenant
from tests.conversations.conftest import KNOWN
from tests.conversations.doors import ask, send


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (datetime(2026, 11, 20, 4, 0, tzinfo=UTC), "2026-11-20T04:00:00.000Z"),
        (datetime(2026, 11, 20, 4, 0, 1, 999_999, tzinfo=UTC), "2026-11-20T04:00:01.999Z"),
    ],
)
def test_instants_are_utc_with_milliseconds(value: datetime | None, shown: str | None) -> None:
    assert wire.instant(value) == shown


def test_label_of_the_law_is_fixed() -> None:
    assert wire.AI_NOTICE == {
        "zh-CN": "您正在与 AI 智能助手对话，内容由 AI 生成",
        "en": "You are chatting with an AI assistant; its content is AI-generated",
    }
    assert wire.AI_BADGE == {"zh-CN": "AI 生成", "en": "AI-generated"}


def test_only_the_assistants_messages_carry_the_label(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession, agent: Membership
) -> None:
    conversation_id = ask(visitor, KNOWN).conversation_id
    request_handoff(conversation_id)
    desk.take(conversation_id, by=agent)
    desk.reply(conversation_id, "您好", by=agent, client_msg_id="r1")

    shown = [wire.message_object(row) for row in Message.objects.order_by("seq")]

    assert [(row["author"]["kind"], row.get("ai")) for row in shown] == [
        ("customer", None),
        ("bot", True),
        ("system", None),
        ("system", None),
        ("agent", None),
    ]
    assert [row["author"]["name"] for row in shown] == [None, "小应", None, None, "林晓"]


def test_row_is_unread_only_where_people_are_to_read_it(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    def unread() -> int:
        return wire.row_object(Conversation.objects.get())["unread"]

    conversation_id = send(visitor, "一").message.conversation_id
    with_assistant = unread()
    request_handoff(conversation_id)
    waiting = unread()
    desk.take(conversation_id, by=agent)
    taken = unread()
    send(visitor, "二", conversation_id=conversation_id)
    written = unread()
    endings.close(conversation_id, by=agent)

    assert (with_assistant, waiting, taken, written, unread()) == (0, 2, 0, 1, 0)


def test_nameless_contact_is_told_apart(in_tenant: Tenant, visitor: ContactSession) -> None:
    with translation.override("en"):
        shown = wire.contact_object(visitor.contact)

    mark = visitor.contact_id.hex[-6:].upper()
    assert shown == {"id": str(visitor.contact_id), "name": f"Visitor {mark}", "verified": False}
