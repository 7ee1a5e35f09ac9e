"""The knowledge base in an agent's hands: found, suggested, cited, refused."""

from collections.abc import Callable

import pytest

from conversations.models import ContactSession, Conversation, Message
from conversations.services import desk, fidelity, standard_answers
from conversations.services.handoff import request_handoff
from knowledge.models import EntryVersion, Proposal, Release
from knowledge.search import Answers
from tenants.errors import NotFoundError
from tenants.ids import new_id
from tenants.models import Membership, Tenant
from tests.conftest import KNOWLEDGE
from tests.conversations.conftest import ANSWER, KNOWN
from tests.conversations.doors import ask, ledger_kinds, send

OTHER = KNOWLEDGE[1][1]
Offered = Callable[..., Answers]


@pytest.fixture
def held(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession, agent: Membership
) -> Conversation:
    """A conversation that an agent has."""
    row = request_handoff(send(visitor, "东西什么时候能寄到我手上").message.conversation_id)
    return desk.take(row.pk, by=agent)


def version(question: str = KNOWN) -> EntryVersion:
    return EntryVersion.objects.get(question=question)


def test_what_is_meant_comes_before_what_only_holds_the_words(
    in_tenant: Tenant, knowledge: Release, offered: Offered
) -> None:
    offered((OTHER, 0.6))

    found = standard_answers.find("发货")

    assert [(each.version.question, each.p) for each in found] == [(OTHER, 0.6), (KNOWN, None)]


def test_nothing_asked_finds_nothing_by_likelihood(in_tenant: Tenant, knowledge: Release) -> None:
    assert all(each.p is None for each in standard_answers.find("  "))


def test_suggestions_are_for_the_latest_question_and_worth_a_look(
    held: Conversation, offered: Offered
) -> None:
    offered((KNOWN, 0.5), (OTHER, 0.1))

    suggestion = standard_answers.suggest(held)

    assert suggestion is not None
    assert suggestion.text == "东西什么时候能寄到我手上"
    assert [(each.version.question, each.p) for each in suggestion.found] == [(KNOWN, 0.5)]


def test_nothing_is_suggested_before_the_visitor_writes(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    row = Conversation(pk=new_id())

    assert standard_answers.suggest(row) is None


def test_a_standard_answer_sent_as_it_is_cites_its_version(
    held: Conversation, agent: Membership
) -> None:
    message, _created = desk.reply(
        held.pk, f" {ANSWER}\n", by=agent, client_msg_id="m1", version_id=version().pk
    )

    assert message.entry_version == version()
    assert (message.author_kind, message.kind, message.text) == ("agent", "text", ANSWER)


@pytest.mark.parametrize("text", [f"{ANSWER}请放心", "别的"])
def test_words_the_agent_changed_are_the_agents_own(
    held: Conversation, agent: Membership, text: str
) -> None:
    message, _created = desk.reply(
        held.pk, text, by=agent, client_msg_id="m1", version_id=version().pk
    )

    assert message.entry_version is None


def test_a_version_that_visitors_do_not_hear_is_not_cited(
    held: Conversation, agent: Membership
) -> None:
    old = version()
    stale = EntryVersion.objects.create(
        entry=old.entry,
        number=9,
        category_name="配送",
        question=KNOWN,
        answer=ANSWER,
        content_hash="9" * 64,
    )

    message, _created = desk.reply(
        held.pk, ANSWER, by=agent, client_msg_id="m1", version_id=stale.pk
    )

    assert message.entry_version is None


def test_an_agents_citation_teaches_and_disturbs_no_comparison(
    in_tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    agent: Membership,
    offered: Offered,
) -> None:
    offered((KNOWN, 0.05))
    asked = send(visitor, "东西什么时候能寄到我手上").message
    ask(visitor, "东西什么时候能寄到我手上呢")
    row = Conversation.objects.get()
    before = fidelity.compare()
    if row.status != "waiting_human":
        request_handoff(row.pk)
    desk.take(row.pk, by=agent)
    desk.reply(row.pk, ANSWER, by=agent, client_msg_id="m1", version_id=version().pk)

    assert asked.conversation_id == row.pk
    assert fidelity.compare() == before
    sources = set(Proposal.objects.values_list("source", "entry__question"))
    assert ("agent", KNOWN) in sources


def test_a_refused_suggestion_goes_to_the_editors_once(
    held: Conversation, agent: Membership
) -> None:
    question = Message.objects.get(author_kind="customer")

    for _time in range(2):
        standard_answers.refuse(held, question.pk, version().pk, by=agent)

    proposal = Proposal.objects.get()
    assert (proposal.source, proposal.entry, proposal.text, proposal.times) == (
        "unanswered",
        None,
        question.text,
        1,
    )
    assert ledger_kinds()[-1] == "suggestion.refused"


@pytest.mark.parametrize("which", ["message", "version"])
def test_only_the_visitors_message_and_a_known_version_can_be_refused(
    held: Conversation, agent: Membership, which: str
) -> None:
    question = Message.objects.get(author_kind="customer")
    notice = Message.objects.filter(author_kind="system").latest("seq")
    message, entry = (notice.pk, version().pk) if which == "message" else (question.pk, new_id())

    with pytest.raises(NotFoundError):
        standard_answers.refuse(held, message, entry, by=agent)
    assert Proposal.objects.count() == 0
