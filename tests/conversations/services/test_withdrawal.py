"""An agent's second thoughts: two minutes, their own words, gone for both sides."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import pytest

from conversations import console, visitors, wire
from conversations.models import Channel, ContactSession, Conversation, Message
from conversations.services import attachments, desk, endings, phrases
from conversations.services.attachments import Sender
from conversations.services.contacts import Admission
from conversations.services.handoff import request_handoff
from conversations.services.withdrawal import TooLateError, withdraw
from conversations.states import NotYoursError
from tenants import clock
from tenants.errors import NotFoundError
from tenants.models import LedgerEntry, Membership
from tests.conversations.doors import ledger_kinds, send
from tests.conversations.uploading import picture

pytestmark = pytest.mark.usefixtures("in_tenant")

SECRET = "密码是 8412"


@pytest.fixture
def held(visitor: ContactSession, agent: Membership) -> Conversation:
    room = request_handoff(send(visitor, "转人工").message.conversation_id)
    return desk.take(room.pk, by=agent)


def the_row(conversation_id: uuid.UUID) -> Conversation:
    return Conversation.objects.select_related("channel", "contact").get(pk=conversation_id)


def reply(held: Conversation, agent: Membership, text: str = SECRET, **more: object) -> Message:
    message, _created = desk.reply(
        held.pk,
        text,
        by=agent,
        client_msg_id=uuid.uuid4().hex,
        **more,  # type: ignore[arg-type]
    )
    return message


def test_withdrawn_words_are_gone_for_both_sides_and_kept_in_the_row(
    held: Conversation, agent: Membership
) -> None:
    kept = attachments.receive(
        BytesIO(picture()), "机密.png", sender=Sender(member=agent, conversation=held)
    )
    message = reply(held, agent, attached=[kept.pk])

    withdrawn, done = withdraw(held.pk, message.pk, by=agent)

    assert (done, withdrawn.pk) == (True, message.pk)
    fresh = the_row(held.pk)
    for page in (visitors.history(fresh), console.history(fresh)):
        told = json.dumps(page, ensure_ascii=False)
        assert SECRET not in told
        assert "机密" not in told
        last = page["messages"][-1]
        assert (last["text"], last["attachments"]) == ("", [])
        assert last["withdrawn_at"] is not None
    assert Message.objects.get(pk=message.pk).text == SECRET
    with phrases.language_of(fresh.contact):
        assert fresh.last_text == phrases.withdrawn()
    assert ledger_kinds()[-1] == "message.withdrawn"
    assert LedgerEntry.objects.latest("position").data["seq"] == message.seq


def test_withdrawing_twice_is_withdrawing_once(held: Conversation, agent: Membership) -> None:
    message = reply(held, agent)
    withdraw(held.pk, message.pk, by=agent)

    _again, done = withdraw(held.pk, message.pk, by=agent)

    assert done is False
    assert ledger_kinds().count("message.withdrawn") == 1


@pytest.mark.parametrize(("seconds", "allowed"), [(119, True), (121, False)])
def test_two_minutes_and_no_more(
    held: Conversation, agent: Membership, seconds: int, allowed: bool
) -> None:
    message = reply(held, agent)

    with clock.travel(message.created_at + timedelta(seconds=seconds)):
        if allowed:
            withdraw(held.pk, message.pk, by=agent)
        else:
            with pytest.raises(TooLateError) as refusal:
                withdraw(held.pk, message.pk, by=agent)
            assert "2" in refusal.value.detail

    assert (Message.objects.get(pk=message.pk).withdrawn_at is not None) is allowed


def test_nobody_withdraws_what_others_said(
    held: Conversation, agent: Membership, colleague: Membership, visitor: ContactSession
) -> None:
    theirs = reply(held, agent)
    visitors_own = send(visitor, "我的话", conversation_id=held.pk).message
    system_line = Message.objects.filter(conversation=held, author_kind="system").latest("seq")

    with pytest.raises(NotYoursError):
        withdraw(held.pk, theirs.pk, by=colleague)
    for message in (visitors_own, system_line):
        with pytest.raises(NotYoursError):
            withdraw(held.pk, message.pk, by=agent)


def test_message_of_another_conversation_is_not_found(
    held: Conversation, agent: Membership, admit: Callable[..., Admission], channel: Channel
) -> None:
    other = send(admit(channel).session, "你好").message

    with pytest.raises(NotFoundError):
        withdraw(held.pk, other.pk, by=agent)
    with pytest.raises(NotFoundError):
        withdraw(other.pk, other.pk, by=agent)


def test_words_can_be_withdrawn_after_the_conversation_was_closed(
    held: Conversation, agent: Membership
) -> None:
    message = reply(held, agent)
    endings.close(held.pk, by=agent)

    withdrawn, done = withdraw(held.pk, message.pk, by=agent)

    assert done
    # The closing line came after it and is still the last.
    assert Conversation.objects.get(pk=held.pk).last_text != ""
    assert withdrawn.conversation.last_seq > message.seq


def test_quote_of_withdrawn_words_says_so(
    held: Conversation, agent: Membership, visitor: ContactSession
) -> None:
    message = reply(held, agent)
    quoting = send(visitor, "这个？", conversation_id=held.pk, quote=message.pk).message

    withdraw(held.pk, message.pk, by=agent)

    shown = wire.message_object(Message.objects.select_related("conversation").get(pk=quoting.pk))
    assert (shown["quote"]["excerpt"], shown["quote"]["withdrawn"]) == ("", True)


def test_who_was_away_hears_what_to_take_down(held: Conversation, agent: Membership) -> None:
    message = reply(held, agent)
    later = reply(held, agent, "请看这里")
    withdraw(held.pk, message.pk, by=agent)
    fresh = the_row(held.pk)

    for page in (
        visitors.history(fresh, after_seq=later.seq),
        console.history(fresh, after_seq=later.seq),
    ):
        assert page["messages"] == []
        assert [each["seq"] for each in page["withdrawn"]] == [message.seq]
    assert visitors.history(fresh, after_seq=message.seq - 1)["withdrawn"] == []


def test_delivered_lies_between_sent_and_read(held: Conversation, agent: Membership) -> None:
    message = reply(held, agent)

    def status() -> str:
        shown: str = visitors.history(the_row(held.pk))["messages"][-1]["status"]
        return shown

    assert status() == "sent"
    desk.mark_delivered(the_row(held.pk), message.seq)
    assert status() == "delivered"
    desk.mark_delivered(the_row(held.pk), message.seq - 1)
    assert status() == "delivered"
    desk.mark_read(held.pk, message.seq, by="customer")
    assert status() == "read"


def test_delivery_is_not_counted_while_no_person_speaks(visitor: ContactSession) -> None:
    message = send(visitor, "你好").message

    desk.mark_delivered(message.conversation, 1)

    assert Conversation.objects.get().contact_delivered_seq == 0


def test_delivery_of_what_was_never_said_is_cut(held: Conversation, agent: Membership) -> None:
    desk.mark_delivered(the_row(held.pk), 10_000)

    row = Conversation.objects.get()
    assert row.contact_delivered_seq == row.last_seq
