"""What is accepted is stored once, in order, with its promises, or not at all."""

import json
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from conversations import visitors
from conversations.executor import close_pool
from conversations.models import (
    AuthorKind,
    ContactSession,
    Conversation,
    Inquiry,
    Message,
)
from conversations.services import desk, endings, intake
from conversations.services.handoff import request_handoff
from conversations.services.intake import EmptyMessageError, Received, TooLongError
from conversations.states import ConversationClosedError
from knowledge.models import Release
from tenants import clock
from tenants.errors import NotFoundError
from tenants.models import LedgerEntry, LedgerHead, Membership, Obligation, Tenant
from tenants.scoping import tenant_scope
from tenants.services import ledger
from tests.conversations.conftest import KNOWN
from tests.conversations.doors import at_once, clocks, ledger_kinds, send

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def test_first_message_opens_conversation_inquiry_and_clock(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    with clock.travel(NOON):
        received = send(visitor, "  你好，我的快递到哪了？  ")

    message = Message.objects.get()
    conversation = Conversation.objects.get()
    inquiry = Inquiry.objects.get()
    promise = Obligation.objects.get()
    assert (received.created, received.needs_turn, received.message) == (True, True, message)
    assert (message.seq, message.text, message.author_kind) == (
        1,
        "你好，我的快递到哪了？",
        "customer",
    )
    assert (message.received_at, message.inquiry, message.contact) == (
        NOON,
        inquiry,
        visitor.contact,
    )
    assert (conversation.status, conversation.undecided_seq, conversation.undecided_since) == (
        "bot",
        1,
        NOON,
    )
    assert (conversation.last_seq, conversation.contact_read_seq) == (1, 1)
    assert (inquiry.number, inquiry.opened_at, inquiry.closed_at) == (1, NOON, None)
    assert (promise.kind, promise.clause, promise.subject_id, promise.state) == (
        "first_reply",
        "2.1(1)",
        inquiry.pk,
        "running",
    )
    assert (promise.started_at, promise.due_at) == (NOON, NOON + timedelta(seconds=10))


def test_ledger_tells_what_happened_without_the_words(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    send(visitor, "我的手机号是 13800000000")

    told = json.dumps(list(LedgerEntry.objects.values_list("data", flat=True)))
    assert ledger_kinds() == [
        "conversation.opened",
        "message.created",
        "survey.terms_agreed",
        "survey.month_opened",
        "inquiry.opened",
        "obligation.started",
    ]
    assert "13800000000" not in told
    assert ledger.fingerprint("我的手机号是 13800000000") in told
    assert ledger.verify()[1] is None


def test_nothing_is_stored_if_the_ledger_cannot_be_written(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    LedgerHead.objects.all().delete()

    with pytest.raises(LedgerHead.DoesNotExist):
        send(visitor, KNOWN)

    assert (Message.objects.count(), Conversation.objects.count()) == (0, 0)
    assert (Inquiry.objects.count(), Obligation.objects.count()) == (0, 0)


def test_wait_before_the_message_is_stored_is_part_of_the_promise(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    arrived = NOON - timedelta(seconds=4)
    with clock.travel(NOON):
        message = send(visitor, KNOWN, received_at=arrived).message

    promise = Obligation.objects.get()
    assert (message.received_at, message.created_at) == (arrived, NOON)
    assert (promise.started_at, promise.due_at) == (arrived, arrived + timedelta(seconds=10))
    assert Inquiry.objects.get().opened_at == arrived


def test_wait_in_this_process_is_counted_from_arrival(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    before = clock.now()

    received = visitors.send(
        visitor,
        client_msg_id="m1",
        text=KNOWN,
        context={},
        address="127.0.0.1",
        arrived=time.monotonic() - 5,
    )

    waited = before - received.message.received_at
    assert timedelta(seconds=4) < waited < timedelta(seconds=5.1)


def test_same_id_again_gives_the_first_result(in_tenant: Tenant, visitor: ContactSession) -> None:
    first = send(visitor, "第一次", client_msg_id="m1")

    again = send(visitor, "改过的", client_msg_id="m1")

    assert (again.created, again.needs_turn) == (False, False)
    assert (again.message, again.message.text) == (first.message, "第一次")
    assert (Message.objects.count(), Conversation.objects.get().last_seq) == (1, 1)


def test_same_id_of_another_visitor_is_another_message(
    in_tenant: Tenant, visitor: ContactSession, admit, channel
) -> None:
    send(visitor, "一", client_msg_id="m1")

    other = send(admit(channel).session, "二", client_msg_id="m1")

    assert other.created
    assert Message.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_ten_copies_of_each_message_make_one_message_one_clock_one_reply(
    in_tenant: Tenant, knowledge: Release, channel, admit
) -> None:
    sessions = [admit(channel).session for _ in range(30)]
    ids = [uuid.uuid4().hex for _ in sessions]
    copies = [number for number in range(len(sessions)) for _ in range(10)]

    def deliver(thread: int) -> list[Received]:
        return [
            visitors.send(
                sessions[number],
                client_msg_id=ids[number],
                text=KNOWN,
                context={},
                address="127.0.0.1",
            )
            for number in copies[thread::20]
        ]

    batches = at_once(20, deliver)
    close_pool()

    received = [one for batch in batches for one in batch]
    assert sum(one.created for one in received) == 30
    assert {one.message.client_msg_id for one in received} == set(ids)
    assert Message.objects.filter(author_kind="customer", seq=1).count() == 30
    assert Message.objects.filter(author_kind="customer").count() == 30
    # On a busy machine a confirmation of receipt may have come before the answer.
    answers = Message.objects.filter(kind="answer").values_list("conversation")
    assert (answers.count(), answers.distinct().count()) == (30, 30)
    assert clocks("first_reply") == [("met", False)] * 30
    assert ledger.verify()[1] is None


@pytest.mark.django_db(transaction=True)
def test_seq_has_no_gap_when_many_write_at_once(in_tenant: Tenant, visitor: ContactSession) -> None:
    conversation = intake.open_conversation(visitor.contact, visitor.channel)

    def write(thread: int) -> list[int]:
        return [
            send(visitor, f"{thread}-{number}", conversation_id=conversation.pk).message.seq
            for number in range(3)
        ]

    batches = at_once(12, write)

    assert sorted(seq for batch in batches for seq in batch) == list(range(1, 37))
    seqs = Message.objects.order_by("seq").values_list("seq", flat=True)
    conversation.refresh_from_db()
    assert (list(seqs), conversation.last_seq) == (list(range(1, 37)), 36)
    assert (conversation.undecided_seq, Inquiry.objects.count()) == (36, 1)
    assert clocks("first_reply") == [("running", False)]
    assert ledger.verify()[1] is None


@pytest.mark.django_db(transaction=True)
def test_first_messages_at_once_open_one_conversation(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    received = at_once(8, lambda number: send(visitor, f"第{number}条"))

    assert sorted(one.message.seq for one in received) == list(range(1, 9))
    assert Conversation.objects.count() == 1


def test_three_quick_messages_start_one_clock(in_tenant: Tenant, visitor: ContactSession) -> None:
    for text in ("在吗", "我想问下", "几天能到"):
        received = send(visitor, text)

    assert clocks("first_reply") == [("running", False)]
    assert [received.alone, received.needs_turn] == [False, True]


@pytest.mark.parametrize(
    ("silence", "number"),
    [(timedelta(minutes=29, seconds=59), 1), (timedelta(minutes=30), 2)],
    ids=["just not idle", "idle"],
)
def test_inquiry_ends_after_thirty_minutes_of_silence(
    in_tenant: Tenant, visitor: ContactSession, silence: timedelta, number: int
) -> None:
    with clock.travel(NOON):
        send(visitor, "早上的问题")

    with clock.travel(NOON + silence):
        later = send(visitor, "后来的问题")

    assert later.message.inquiry.number == number
    ended = Inquiry.objects.get(number=1).closed_at
    assert ended == (NOON + silence if number == 2 else None)
    assert len(clocks("first_reply")) == number


def test_later_inquiry_never_reuses_the_old_clock(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    with clock.travel(NOON):
        send(visitor, "早上的问题")
    later = NOON + timedelta(days=5)

    with clock.travel(later):
        send(visitor, "五天后的问题")

    newest = Obligation.objects.latest("started_at")
    assert (newest.started_at, newest.due_at) == (later, later + timedelta(seconds=10))


def test_inquiry_closed_by_the_sweeper_is_followed_by_a_new_one(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    send(visitor, "一")
    Inquiry.objects.update(closed_at=clock.now())

    send(visitor, "二")

    assert list(Inquiry.objects.order_by("number").values_list("number", flat=True)) == [1, 2]


def test_message_after_the_visitor_ended_is_refused(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    sent = send(visitor, "一", client_msg_id="m1").message
    endings.close_by_contact(sent.conversation_id)

    with pytest.raises(ConversationClosedError) as refused:
        send(visitor, "二", conversation_id=sent.conversation_id)

    assert (refused.value.code, refused.value.status) == ("conversation_closed", 409)
    again = send(visitor, "一", client_msg_id="m1", conversation_id=sent.conversation_id)
    assert (again.created, again.message) == (False, sent)


def test_message_without_conversation_after_the_visitor_ended_opens_another(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    ended = send(visitor, "一").message
    endings.close_by_contact(ended.conversation_id)

    fresh = send(visitor, "二").message

    assert (fresh.seq, fresh.inquiry.number) == (1, 1)
    assert fresh.conversation_id != ended.conversation_id


def test_message_after_an_agent_ended_reopens_with_the_assistant(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    sent = send(visitor, "一").message
    desk.take(sent.conversation_id, by=agent)
    endings.close(sent.conversation_id, by=agent)

    again = send(visitor, "二", conversation_id=sent.conversation_id)

    conversation = Conversation.objects.get()
    assert (conversation.status, conversation.agent, conversation.closed_at) == ("bot", None, None)
    assert (again.message.inquiry.number, again.needs_turn) == (2, True)
    assert "conversation.reopened" in ledger_kinds()
    assert clocks("first_reply")[-1] == ("running", False)


@pytest.mark.parametrize("taken", [False, True], ids=["waiting", "with an agent"])
def test_message_to_people_is_appended_and_asks_nothing_of_the_assistant(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership, taken: bool
) -> None:
    with clock.travel(NOON):
        conversation_id = send(visitor, "一").message.conversation_id
        request_handoff(conversation_id)
        if taken:
            desk.take(conversation_id, by=agent)
    before = len(clocks("first_reply"))

    with clock.travel(NOON + timedelta(hours=1)):
        received = send(visitor, "二", conversation_id=conversation_id)

    assert (received.created, received.needs_turn) == (True, False)
    assert Conversation.objects.get().undecided_seq is None
    assert received.message.inquiry.number == 2
    assert len(clocks("first_reply")) == before


@pytest.mark.parametrize("text", ["", "   ", "\n\t ", "\x00"], ids=repr)
def test_empty_message_is_refused(in_tenant: Tenant, visitor: ContactSession, text: str) -> None:
    with pytest.raises(EmptyMessageError) as refused:
        send(visitor, text)

    assert (refused.value.code, refused.value.status) == ("invalid", 422)
    assert Conversation.objects.count() == 0


@pytest.mark.parametrize("length", [4000, 4001])
def test_message_has_a_longest_length(
    in_tenant: Tenant, visitor: ContactSession, length: int
) -> None:
    if length == 4000:
        assert send(visitor, "长" * length).created
        return
    with pytest.raises(TooLongError) as refused:
        send(visitor, "长" * length)
    assert (refused.value.code, refused.value.status) == ("too_large", 413)
    assert Message.objects.count() == 0


def test_nul_characters_are_dropped(in_tenant: Tenant, visitor: ContactSession) -> None:
    assert send(visitor, "有\x00货吗").message.text == "有货吗"


def test_conversation_of_somebody_else_is_not_there(
    in_tenant: Tenant, visitor: ContactSession, admit, channel
) -> None:
    theirs = send(visitor, "我的").message.conversation_id
    stranger = admit(channel).session

    for conversation_id in (theirs, uuid.uuid4()):
        with pytest.raises(NotFoundError):
            send(stranger, "偷看", conversation_id=conversation_id)

    assert Message.objects.count() == 1


def test_conversation_of_another_tenant_is_not_there(
    tenant: Tenant, other_tenant: Tenant, visitor: ContactSession, make_channel, admit
) -> None:
    with tenant_scope(tenant):
        theirs = send(visitor, "青禾的").message.conversation_id
    stranger = admit(make_channel(other_tenant)).session

    with tenant_scope(other_tenant), pytest.raises(NotFoundError):
        send(stranger, "云杉的", conversation_id=theirs)


def test_late_accepted_inquiry_keeps_its_first_attempt(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    tried = NOON - timedelta(minutes=4)
    with clock.travel(NOON):
        send(visitor, "断网时写的", first_attempt=tried)

    assert Inquiry.objects.get().first_attempt_at == tried
    opened = LedgerEntry.objects.get(kind="inquiry.opened")
    assert opened.data["late_ingest"] is True


def test_demo_contacts_have_demo_conversations(in_tenant: Tenant, visitor: ContactSession) -> None:
    visitor.contact.is_demo = True
    visitor.contact.save()

    send(visitor, "一")

    assert Conversation.objects.get().is_demo
    assert Message.objects.filter(author_kind=AuthorKind.CUSTOMER).count() == 1
