"""Agents: who has the word, what they say, what only colleagues read."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from conversations.models import (
    ContactSession,
    Conversation,
    Handoff,
    Inquiry,
    Message,
    Note,
)
from conversations.services import bot, desk, endings, phrases
from conversations.services.desk import ReusedIdError
from conversations.services.handoff import request_handoff
from conversations.services.intake import EmptyMessageError, TooLongError
from conversations.states import (
    AlreadyTakenError,
    ConversationClosedError,
    NotYoursError,
    TransitionError,
)
from knowledge.models import Release
from tenants import clock
from tenants.models import Membership, Obligation, Tenant, User
from tenants.scoping import tenant_scope
from tenants.services import ledger
from tests.conversations.conftest import ANSWER, KNOWN
from tests.conversations.doors import at_once, clocks, ledger_kinds, send

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


@pytest.fixture
def waiting(in_tenant: Tenant, visitor: ContactSession) -> Conversation:
    with clock.travel(NOON):
        return request_handoff(send(visitor, "我想找人聊聊").message.conversation_id)


def test_taking_tells_the_visitor_who_joined(waiting: Conversation, agent: Membership) -> None:
    with clock.travel(NOON + timedelta(seconds=30)):
        taken = desk.take(waiting.pk, by=agent)

    said = Message.objects.latest("seq")
    handoff = Handoff.objects.get()
    with phrases.language_of(waiting.contact):
        assert said.text == phrases.agent_joined("林晓")
    assert (said.author_kind, said.kind, said.seq) == ("system", "notice", 3)
    assert (taken.status, taken.agent, taken.waiting_since) == ("human", agent, None)
    assert taken.handoff_reason == "asked"
    assert (handoff.accepted_by, handoff.accepted_at) == (agent, NOON + timedelta(seconds=30))
    assert taken.epoch == waiting.epoch + 1
    assert ledger_kinds()[-2:] == ["conversation.taken", "message.created"]


def test_taking_twice_changes_nothing(waiting: Conversation, agent: Membership) -> None:
    desk.take(waiting.pk, by=agent)

    assert desk.take(waiting.pk, by=agent).status == "human"
    assert Message.objects.count() == 3


def test_colleague_hears_who_was_faster(
    waiting: Conversation, agent: Membership, colleague: Membership
) -> None:
    desk.take(waiting.pk, by=agent)

    with pytest.raises(AlreadyTakenError) as refused:
        desk.take(waiting.pk, by=colleague)

    assert (refused.value.code, refused.value.status) == ("already_taken", 409)
    assert refused.value.params == {"name": "林晓"}
    assert Conversation.objects.get().agent == agent


@pytest.mark.django_db(transaction=True)
def test_of_agents_at_once_exactly_one_gets_it(
    in_tenant: Tenant,
    visitor: ContactSession,
    make_member: Callable[..., User],
    member_of: Callable[[User, Tenant], Membership],
) -> None:
    members = [
        member_of(make_member(in_tenant, email=f"a{number}@qinghe.example"), in_tenant)
        for number in range(6)
    ]
    conversation_id = send(visitor, "一").message.conversation_id
    request_handoff(conversation_id)

    results = at_once(6, lambda number: desk.take(conversation_id, by=members[number]))

    winners = [result for result in results if isinstance(result, Conversation)]
    losers = [result for result in results if isinstance(result, AlreadyTakenError)]
    assert (len(winners), len(losers)) == (1, 5)
    holder = Conversation.objects.get().agent
    assert holder is not None
    assert {loser.params["name"] for loser in losers} == {holder.display_name}
    assert Message.objects.filter(author_kind="system").count() == 2
    assert ledger.verify()[1] is None


def test_conversation_of_the_assistant_can_be_taken(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    conversation_id = send(visitor, "一").message.conversation_id

    taken = desk.take(conversation_id, by=agent)

    assert (taken.status, taken.undecided_seq, taken.epoch) == ("human", None, 2)
    assert Handoff.objects.count() == 0


def test_persons_reply_stops_the_clock_where_the_assistant_was_silent(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    with clock.travel(NOON):
        conversation_id = send(visitor, "一").message.conversation_id
    with clock.travel(NOON + timedelta(seconds=2)):
        desk.take(conversation_id, by=agent)
    joined = clocks("first_reply")

    with clock.travel(NOON + timedelta(seconds=9)):
        desk.reply(conversation_id, "您好", by=agent, client_msg_id="r1")

    assert joined == [("running", False)]
    promise = Obligation.objects.get()
    assert (promise.state, promise.met_at) == ("met", NOON + timedelta(seconds=9))


def test_closed_conversation_cannot_be_taken(waiting: Conversation, agent: Membership) -> None:
    endings.close(waiting.pk, by=agent)

    with pytest.raises(TransitionError) as refused:
        desk.take(waiting.pk, by=agent)

    assert (refused.value.code, refused.value.status) == ("wrong_state", 409)


def test_reply_is_stored_once_and_read_by_its_author(
    waiting: Conversation, agent: Membership
) -> None:
    desk.take(waiting.pk, by=agent)

    message, created = desk.reply(waiting.pk, " 您好，我是林晓。", by=agent, client_msg_id="r1")
    again, repeated = desk.reply(waiting.pk, "别的话", by=agent, client_msg_id="r1")

    assert (message.text, message.author_kind, message.agent) == (
        "您好，我是林晓。",
        "agent",
        agent,
    )
    assert (created, repeated, again.pk) == (True, False, message.pk)
    conversation = Conversation.objects.get()
    assert (conversation.last_seq, conversation.agent_read_seq) == (4, 4)


@pytest.mark.django_db(transaction=True)
def test_reply_sent_many_times_at_once_is_one_message(
    waiting: Conversation, agent: Membership
) -> None:
    desk.take(waiting.pk, by=agent)

    results = at_once(
        5, lambda _number: desk.reply(waiting.pk, "您好", by=agent, client_msg_id="r1")
    )

    assert sorted(created for _message, created in results) == [False] * 4 + [True]
    assert len({message.pk for message, _created in results}) == 1
    seqs = Message.objects.order_by("seq").values_list("seq", flat=True)
    assert list(seqs) == [1, 2, 3, 4]


def test_stored_reply_is_confirmed_though_the_conversation_has_ended_since(
    waiting: Conversation, agent: Membership
) -> None:
    desk.take(waiting.pk, by=agent)
    first, _created = desk.reply(waiting.pk, "您好", by=agent, client_msg_id="r1")
    endings.close_by_contact(waiting.pk)

    again, created = desk.reply(waiting.pk, "您好", by=agent, client_msg_id="r1")

    assert (again.pk, created) == (first.pk, False)
    with pytest.raises(ConversationClosedError):
        desk.reply(waiting.pk, "还在吗", by=agent, client_msg_id="r2")


def test_id_used_in_another_conversation_is_refused(
    waiting: Conversation, agent: Membership, channel, admit
) -> None:
    other = send(admit(channel).session, "二").message.conversation_id
    for conversation_id in (waiting.pk, other):
        desk.take(conversation_id, by=agent)
    desk.reply(waiting.pk, "您好", by=agent, client_msg_id="r1")
    desk.note(waiting.pk, "备注", by=agent, client_msg_id="n1")

    with pytest.raises(ReusedIdError):
        desk.reply(other, "您好", by=agent, client_msg_id="r1")
    with pytest.raises(ReusedIdError):
        desk.note(other, "备注", by=agent, client_msg_id="n1")


@pytest.mark.parametrize("state", ["bot", "waiting", "colleague", "closed"])
def test_only_the_agent_who_has_the_conversation_replies(
    in_tenant: Tenant,
    visitor: ContactSession,
    agent: Membership,
    colleague: Membership,
    state: str,
) -> None:
    conversation_id = send(visitor, "一").message.conversation_id
    if state != "bot":
        request_handoff(conversation_id)
    if state == "colleague":
        desk.take(conversation_id, by=colleague)
    if state == "closed":
        endings.close(conversation_id, by=colleague)
    before = Message.objects.count()

    with pytest.raises(ConversationClosedError if state == "closed" else NotYoursError):
        desk.reply(conversation_id, "抢话", by=agent, client_msg_id="r1")
    with pytest.raises(ConversationClosedError if state == "closed" else NotYoursError):
        endings.return_to_bot(conversation_id, by=agent)

    assert Message.objects.count() == before


def test_reply_has_words_and_an_end(waiting: Conversation, agent: Membership) -> None:
    desk.take(waiting.pk, by=agent)

    with pytest.raises(EmptyMessageError):
        desk.reply(waiting.pk, " \x00\n", by=agent, client_msg_id="r1")
    with pytest.raises(TooLongError):
        desk.reply(waiting.pk, "长" * 4001, by=agent, client_msg_id="r1")
    with pytest.raises(EmptyMessageError):
        desk.note(waiting.pk, "", by=agent, client_msg_id="n1")

    assert (Message.objects.count(), Note.objects.count()) == (3, 0)


def test_notes_have_their_own_gapless_numbers_and_no_seq(
    waiting: Conversation, agent: Membership, colleague: Membership
) -> None:
    first, _ = desk.note(waiting.pk, "客户很急", by=agent, client_msg_id="n1")
    again, repeated = desk.note(waiting.pk, "客户很急", by=agent, client_msg_id="n1")
    second, _ = desk.note(waiting.pk, "我来跟进", by=colleague, client_msg_id="n1")

    conversation = Conversation.objects.get()
    assert [(note.number, note.after_seq) for note in (first, second)] == [(1, 2), (2, 2)]
    assert (again.pk, repeated) == (first.pk, False)
    assert (conversation.last_seq, conversation.last_note, Note.objects.count()) == (2, 2, 2)
    assert "客户很急" not in str(ledger_kinds())


@pytest.mark.django_db(transaction=True)
def test_notes_at_once_leave_no_gap(waiting: Conversation, agent: Membership) -> None:
    results = at_once(
        6, lambda number: desk.note(waiting.pk, "备注", by=agent, client_msg_id=f"n{number}")
    )

    assert sorted(note.number for note, _created in results) == [1, 2, 3, 4, 5, 6]


def test_returned_conversation_is_the_assistants_again(
    waiting: Conversation, agent: Membership, knowledge: Release, visitor: ContactSession
) -> None:
    desk.take(waiting.pk, by=agent)

    returned = endings.return_to_bot(waiting.pk, by=agent)

    assert (returned.status, returned.agent, returned.handoff_reason) == ("bot", None, "")
    with phrases.language_of(waiting.contact):
        assert Message.objects.latest("seq").text == phrases.returned()
    assert Handoff.objects.get().ended_at is not None
    received = send(visitor, KNOWN, conversation_id=waiting.pk)
    reply = bot.take_turn(received.message.pk)
    assert reply is not None
    assert reply.text == ANSWER


def test_second_handoff_after_a_return_is_a_new_one(
    waiting: Conversation, agent: Membership
) -> None:
    desk.take(waiting.pk, by=agent)
    endings.return_to_bot(waiting.pk, by=agent)

    request_handoff(waiting.pk)

    assert Handoff.objects.count() == 2
    assert clocks("handoff") == [("met", False)] * 2


def test_agent_closes_conversation_inquiry_and_handoff(
    waiting: Conversation, agent: Membership
) -> None:
    desk.take(waiting.pk, by=agent)

    with clock.travel(NOON + timedelta(minutes=5)):
        closed = endings.close(waiting.pk, by=agent)

    at = NOON + timedelta(minutes=5)
    assert (closed.status, closed.closed_at, closed.closed_by_contact) == ("closed", at, False)
    assert (Inquiry.objects.get().closed_at, Handoff.objects.get().ended_at) == (at, at)
    with phrases.language_of(waiting.contact):
        assert Message.objects.latest("seq").text == phrases.closed(by_agent=True)
    assert endings.close(waiting.pk, by=agent).closed_at == at
    assert Message.objects.filter(author_kind="system").count() == 3


def test_colleague_cannot_close_what_somebody_has(
    waiting: Conversation, agent: Membership, colleague: Membership
) -> None:
    desk.take(waiting.pk, by=agent)

    with pytest.raises(NotYoursError):
        endings.close(waiting.pk, by=colleague)

    assert Conversation.objects.get().status == "human"


def test_visitor_ends_for_good(waiting: Conversation, agent: Membership) -> None:
    closed = endings.close_by_contact(waiting.pk)
    again = endings.close_by_contact(waiting.pk)

    assert (closed.status, closed.closed_by_contact, closed.agent) == ("closed", True, None)
    assert again.closed_at == closed.closed_at
    with phrases.language_of(waiting.contact):
        assert Message.objects.latest("seq").text == phrases.closed(by_agent=False)
    assert ledger_kinds().count("conversation.closed") == 1


def test_visitor_ends_what_an_agent_had_closed(waiting: Conversation, agent: Membership) -> None:
    endings.close(waiting.pk, by=agent)

    endings.close_by_contact(waiting.pk)

    assert Conversation.objects.get().closed_by_contact
    assert ledger_kinds().count("conversation.closed") == 2
    assert Message.objects.count() == 3


def test_read_marks_go_forward_only_and_not_past_the_end(waiting: Conversation) -> None:
    def marks() -> tuple[int, int]:
        row = Conversation.objects.get()
        return row.contact_read_seq, row.agent_read_seq

    assert marks() == (1, 0)
    for up_to, by, expected in (
        (2, "customer", (2, 0)),
        (1, "customer", (2, 0)),
        (3, "customer", (2, 0)),
        (1, "agent", (2, 1)),
        (2, "agent", (2, 2)),
        (0, "agent", (2, 2)),
    ):
        desk.mark_read(waiting.pk, up_to, by=by)
        assert marks() == expected


def test_foreign_conversation_is_not_there(
    tenant: Tenant,
    other_tenant: Tenant,
    agent: Membership,
    make_channel,
    admit,
) -> None:
    with tenant_scope(other_tenant):
        stranger = admit(make_channel(other_tenant)).session
        theirs = send(stranger, "一").message.conversation_id
    with tenant_scope(tenant):
        for conversation_id in (theirs, uuid.uuid4()):
            with pytest.raises(Conversation.DoesNotExist):
                desk.take(conversation_id, by=agent)
            with pytest.raises(Conversation.DoesNotExist):
                desk.note(conversation_id, "偷看", by=agent, client_msg_id="n")
