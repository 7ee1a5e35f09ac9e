"""Who is asked, when, and that nothing which happens in between matters (R72)."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from conversations.models import (
    AuthorKind,
    ContactSession,
    Conversation,
    Inquiry,
    Message,
    MessageKind,
    SurveyInvite,
    SurveyMonth,
    SurveyTerms,
)
from conversations.services import desk, endings, handoff, survey_terms, surveys
from conversations.survey_links import invite_of, token_of
from conversations.tasks import close_idle_inquiries
from knowledge.models import Release
from tenants import clock, terms
from tenants.models import LedgerEntry, Membership, Tenant
from tests.conversations.conftest import KNOWN
from tests.conversations.doors import ask, send


def invite() -> SurveyInvite:
    return SurveyInvite.objects.select_related("month__terms").latest("drawn_at")


def cards() -> list[Message]:
    return list(Message.objects.filter(kind=MessageKind.SURVEY).order_by("pk"))


def agree(rate: str, **fields: str) -> SurveyTerms:
    row = survey_terms.latest()
    row.rate = Decimal(rate)
    for name, value in fields.items():
        setattr(row, name, value)
    return survey_terms.change(row, by=None)


def test_lot_is_drawn_when_the_inquiry_opens(in_tenant: Tenant, visitor: ContactSession) -> None:
    message = send(visitor, "你好").message

    row = invite()
    month = SurveyMonth.objects.get()
    assert (row.inquiry_id, row.is_invited) == (message.inquiry_id, True)
    assert (row.sent_at, row.ended_at, row.message) == (None, None, None)
    opened = LedgerEntry.objects.get(kind="inquiry.opened")
    made = LedgerEntry.objects.get(kind="survey.month_opened")
    assert opened.data["invited"] is True
    assert made.data["seed_sha256"] == month.seed_sha256
    assert month.seed not in str(list(LedgerEntry.objects.values_list("data", flat=True)))
    assert made.position < opened.position


def test_next_message_of_the_inquiry_draws_nothing(
    in_tenant: Tenant, visitor: ContactSession
) -> None:
    send(visitor, "你好")
    send(visitor, "在吗")

    assert SurveyInvite.objects.count() == 1
    assert SurveyMonth.objects.count() == 1


def test_nobody_is_asked_before_the_end(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release
) -> None:
    ask(visitor, KNOWN)

    assert cards() == []


def test_visitor_who_ends_an_answered_conversation_is_asked_at_its_end(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release
) -> None:
    reply = ask(visitor, KNOWN)

    conversation = endings.close_by_contact(reply.conversation_id)

    (card,) = cards()
    row = invite()
    assert card.seq == conversation.last_seq
    assert card.author_kind == AuthorKind.SYSTEM
    assert card.text == row.month.terms.question_bot_zh
    assert [button["id"] for button in card.buttons] == ["100", "80", "60", "40", "20"]
    assert (row.message_id, row.parts, row.agent) == (card.pk, ["bot"], None)
    assert row.opens_at == row.sent_at == row.ended_at == card.inquiry.closed_at
    assert row.expires_at == row.opens_at + timedelta(hours=48)
    kinds = list(LedgerEntry.objects.order_by("position").values_list("kind", flat=True))
    assert kinds[-2:] == ["message.created", "survey.sent"]


def test_lists_go_on_showing_what_people_said(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release
) -> None:
    reply = ask(visitor, KNOWN)

    conversation = endings.close_by_contact(reply.conversation_id)

    stored = Conversation.objects.get(pk=conversation.pk)
    closing = Message.objects.get(conversation=conversation, seq=conversation.last_seq - 1)
    assert closing.kind == MessageKind.NOTICE
    assert (stored.last_text, stored.last_at) == (closing.text, closing.created_at)
    assert stored.last_seq == conversation.last_seq


def test_unanswered_inquiry_asks_nothing(in_tenant: Tenant, visitor: ContactSession) -> None:
    message = send(visitor, "你好").message
    handoff.request_handoff(message.conversation_id)

    endings.close_by_contact(message.conversation_id)

    row = invite()
    assert (cards(), row.parts, row.sent_at) == ([], [], None)
    assert row.ended_at is not None


def test_hand_off_and_anger_suppress_nothing(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release
) -> None:
    reply = ask(visitor, KNOWN)
    ask(visitor, "我要投诉你们，太差了！")

    endings.close_by_contact(reply.conversation_id)

    assert invite().parts == ["bot"]
    assert len(cards()) == 1


def test_agents_part_is_asked_about_apart(
    in_tenant: Tenant,
    visitor: ContactSession,
    knowledge: Release,
    agent: Membership,
    colleague: Membership,
) -> None:
    reply = ask(visitor, KNOWN)
    handoff.request_handoff(reply.conversation_id)
    desk.take(reply.conversation_id, by=agent)
    desk.reply(reply.conversation_id, "您好", by=agent, client_msg_id="1")

    endings.close(reply.conversation_id, by=agent)

    row = invite()
    assert (row.parts, row.agent) == (["bot", "human"], agent)
    assert cards()[0].text == row.month.terms.question_bot_zh


def test_agent_alone_is_asked_about_alone(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    message = send(visitor, "你好").message
    handoff.request_handoff(message.conversation_id)
    desk.take(message.conversation_id, by=agent)
    desk.reply(message.conversation_id, "您好", by=agent, client_msg_id="1")

    endings.close(message.conversation_id, by=agent)

    row = invite()
    assert row.parts == ["human"]
    assert cards()[0].text == row.month.terms.question_human_zh


def test_agent_who_took_but_wrote_nothing_has_no_part(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release, agent: Membership
) -> None:
    reply = ask(visitor, KNOWN)
    desk.take(reply.conversation_id, by=agent)

    endings.close(reply.conversation_id, by=agent)

    assert invite().parts == ["bot"]


def test_inquiry_that_falls_silent_is_asked_about(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release
) -> None:
    began = clock.now()
    with clock.travel(began):
        reply = ask(visitor, KNOWN)
    with clock.travel(began + terms.INQUIRY_IDLE - timedelta(microseconds=1)):
        close_idle_inquiries()
    assert cards() == []

    with clock.travel(began + terms.INQUIRY_IDLE):
        close_idle_inquiries()
        close_idle_inquiries()

    (card,) = cards()
    conversation = Conversation.objects.get(pk=reply.conversation_id)
    assert (card.seq, conversation.last_seq) == (reply.seq + 1, reply.seq + 1)
    assert conversation.last_text == reply.text[:120]
    assert Inquiry.objects.get().closed_at == began + terms.INQUIRY_IDLE


def test_visitor_who_comes_back_first_is_asked_about_the_inquiry_before(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release
) -> None:
    began = clock.now()
    with clock.travel(began):
        first = ask(visitor, KNOWN)

    with clock.travel(began + timedelta(minutes=31)):
        second = send(visitor, "能开增值税专用发票吗？").message

    (card,) = cards()
    assert (card.inquiry_id, card.seq) == (first.inquiry_id, second.seq - 1)
    assert second.inquiry_id != first.inquiry_id
    assert SurveyInvite.objects.count() == 2


def test_each_inquiry_of_a_conversation_is_asked_about_once(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release, agent: Membership
) -> None:
    for number in range(2):
        reply = ask(visitor, KNOWN)
        desk.take(reply.conversation_id, by=agent)
        endings.close(reply.conversation_id, by=agent)
        endings.close(reply.conversation_id, by=agent)
        assert len(cards()) == number + 1

    assert SurveyInvite.objects.filter(sent_at__isnull=False).count() == 2


def test_who_was_not_drawn_is_not_asked(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release
) -> None:
    agree("0")
    reply = ask(visitor, KNOWN)

    endings.close_by_contact(reply.conversation_id)

    row = invite()
    assert (cards(), row.is_invited, row.parts) == ([], False, ["bot"])


def test_terms_hold_from_the_next_month_on(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release
) -> None:
    at = datetime.fromisoformat("2026-11-20T04:00:00+00:00")
    with clock.travel(at):
        ask(visitor, KNOWN)
        agree("0.5", question_bot_zh="满意吗？")
    with clock.travel(at + timedelta(hours=1)):
        ask(visitor, KNOWN)
    with clock.travel(at + timedelta(days=20)):
        ask(visitor, KNOWN)

    months = SurveyMonth.objects.order_by("month").values_list("month", "rate", "terms__version")
    assert [(f"{month:%Y-%m}", rate, version) for month, rate, version in months] == [
        ("2026-11", Decimal(1), 1),
        ("2026-12", Decimal("0.5"), 2),
    ]
    seeds = set(SurveyMonth.objects.values_list("seed", flat=True))
    assert len(seeds) == 2


def test_sampling_alone_asks_no_visitor(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release
) -> None:
    agree("1", method="sampling")
    reply = ask(visitor, KNOWN)

    endings.close_by_contact(reply.conversation_id)

    assert cards() == []
    assert invite().has_bot_part


def test_english_visitor_is_asked_in_english(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release
) -> None:
    visitor.contact.locale = "en"
    visitor.contact.save()
    reply = ask(visitor, KNOWN)

    endings.close_by_contact(reply.conversation_id)

    assert cards()[0].text == invite().month.terms.question_bot_en
    assert cards()[0].buttons[0]["label"] == "Very satisfied"


def test_inquiry_without_a_lot_ends_quietly(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release
) -> None:
    reply = ask(visitor, KNOWN)
    SurveyInvite.objects.all().delete()

    endings.close_by_contact(reply.conversation_id)

    assert cards() == []
    assert Inquiry.objects.get().closed_at is not None


def test_link_is_known_by_its_signature_and_its_hash(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release
) -> None:
    reply = ask(visitor, KNOWN)
    endings.close_by_contact(reply.conversation_id)
    row = invite()
    token = token_of(row)

    assert invite_of(token) == row
    assert token not in str(SurveyInvite.objects.values().get())
    assert [
        invite_of(each) for each in (token[:-1], f"{token}x", token.replace("sv_", "sw_"), "")
    ] == [None] * 4
    SurveyInvite.objects.update(token_hash=None)
    assert invite_of(token) is None


def test_one_lot_for_an_inquiry(in_tenant: Tenant, visitor: ContactSession) -> None:
    send(visitor, "你好")

    with pytest.raises(IntegrityError), transaction.atomic():
        surveys.draw(Inquiry.objects.get(), at=clock.now())


def test_opening_an_inquiry_costs_three_queries_more_in_a_month_that_has_begun(
    in_tenant: Tenant, visitor: ContactSession, django_assert_num_queries: object
) -> None:
    message = send(visitor, "你好").message
    endings.close_by_contact(message.conversation_id)
    SurveyInvite.objects.all().delete()

    inquiry = Inquiry.objects.get()

    with django_assert_num_queries(3):  # type: ignore[operator]
        surveys.draw(inquiry, at=clock.now())
