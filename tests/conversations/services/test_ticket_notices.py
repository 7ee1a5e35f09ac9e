"""Mails about tickets: to whom, in which language, once, and again where they fail."""

import smtplib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from conversations import tasks
from conversations.models import Channel, ContactSession, Ticket, TicketNotice
from conversations.services import ticket_desk, ticket_notices, ticket_sweeps
from conversations.services.contacts import Admission
from conversations.ticket_states import TicketStatus
from tenants import clock
from tenants.models import Membership, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conversations.doors import at_once
from tests.conversations.ticketing import EMAIL, MONDAY, open_one

BROKEN = f"{__name__}.BrokenBackend"


class BrokenBackend(EmailBackend):
    """A mail server that takes nothing."""

    error: Exception = smtplib.SMTPServerDisconnected("gone: li.lei@example.com")

    def send_messages(self, messages: Any) -> int:
        raise self.error


@pytest.fixture(autouse=True)
def _public(settings: Any) -> None:
    settings.PUBLIC_URL = "https://chat.example.com"
    settings.DEFAULT_FROM_EMAIL = "Yingda <no-reply@chat.example.com>"


def send(hours: float = 0) -> None:
    with clock.travel(MONDAY + timedelta(hours=hours)):
        tasks.send_ticket_notices()


def bodies(message: Any) -> list[str]:
    return [message.body, message.alternatives[0][0]]


def test_visitor_is_told_number_and_where_to_look(tenant: Tenant, visitor: ContactSession) -> None:
    with tenant_scope(tenant):
        ticket = open_one(visitor)

    send()
    send()

    (letter,) = mail.outbox
    assert letter.to == [EMAIL]
    assert letter.subject.startswith(f"[{ticket.number}] ")
    assert letter.extra_headers["Auto-Submitted"] == "auto-generated"
    link = f"https://chat.example.com/tickets/{visitor.channel.key}/?number={ticket.number}"
    for body in bodies(letter):
        assert link in body
        # Anybody could have given this address: what they wrote is not sent there.
        assert "冰箱" not in body
        assert "李雷" not in body
        assert "138" not in body
    with tenant_scope(tenant):
        notice = TicketNotice.objects.get()
        assert (notice.sent_at, notice.due_at, notice.attempts) == (MONDAY, None, 1)
        assert letter.extra_headers["Message-ID"] == f"<ticket-{notice.pk}@chat.example.com>"


def test_each_is_told_in_their_language(
    tenant: Tenant, channel: Channel, admit: Callable[..., Admission], agent: Membership
) -> None:
    session = admit(channel, locale="en").session
    with tenant_scope(tenant):
        open_one(session, assignee=agent, description="<b>冰箱</b>不制冷")

    send()

    by_address = {message.to[0]: message for message in mail.outbox}
    visitors, members = by_address[EMAIL], by_address[agent.user.email]
    assert "We have received your message" in visitors.subject
    assert "zh-CN" in members.alternatives[0][0]
    assert "<b>冰箱</b>不制冷" in members.body
    assert "&lt;b&gt;冰箱&lt;/b&gt;不制冷" in members.alternatives[0][0]
    assert "https://chat.example.com/console/#/t/" in members.body


def test_answer_goes_to_the_visitor_and_reply_to_the_assignee(
    tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    with tenant_scope(tenant):
        ticket = open_one(visitor)
        with clock.travel(MONDAY):
            ticket_desk.comment(ticket.pk, "明天上门", by=agent, is_public=True, client_id="c")
            ticket_desk.comment(ticket.pk, "客户很急", by=agent, is_public=False, client_id="d")
            ticket_desk.comment_by_contact(
                ticket.pk, "几点？", contact=visitor.contact, client_id="v"
            )
            ticket_desk.change_status(ticket.pk, TicketStatus.SOLVED, by=agent)

    send()

    told = sorted(
        (each.to[0], "明天上门" in each.body, "几点？" in each.body) for each in mail.outbox
    )
    assert told == [
        (agent.user.email, False, True),
        (EMAIL, False, False),
        (EMAIL, False, False),
        (EMAIL, True, False),
    ]
    assert not any("客户很急" in body for each in mail.outbox for body in bodies(each))


def test_no_header_can_be_smuggled_in(tenant: Tenant, visitor: ContactSession) -> None:
    visitor.channel.brand_name = "青禾\r\nBcc: x@evil.example"
    with tenant_scope(tenant):
        visitor.channel.save()
        open_one(visitor, description="标题\r\nBcc: y@evil.example\r\n\r\n正文")

    send()

    head = mail.outbox[0].message().as_bytes().partition(b"\n\n")[0]
    assert b"\nBcc" not in head
    assert mail.outbox[0].recipients() == [EMAIL]


def test_without_a_public_address_there_is_no_link(
    tenant: Tenant, visitor: ContactSession, settings: Any
) -> None:
    settings.PUBLIC_URL = ""
    with tenant_scope(tenant):
        open_one(visitor)

    send()

    assert all("http" not in body for body in bodies(mail.outbox[0]))


def test_mail_that_fails_is_tried_again_later_and_at_last_given_up(
    tenant: Tenant, visitor: ContactSession, settings: Any
) -> None:
    with tenant_scope(tenant):
        open_one(visitor)
    works, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, BROKEN

    send()
    with tenant_scope(tenant):
        failed = TicketNotice.objects.get()
    send(0.01)
    with tenant_scope(tenant):
        untouched = TicketNotice.objects.get().attempts
    for attempt in range(1, 12):
        send(24 * attempt)
    with tenant_scope(tenant):
        notice = TicketNotice.objects.get()

    assert failed.due_at == MONDAY + timedelta(minutes=2)
    assert failed.error == "SMTPServerDisconnected"
    assert untouched == 1
    assert (notice.attempts, notice.due_at, notice.sent_at) == (10, None, None)
    settings.EMAIL_BACKEND = works
    send(24 * 30)
    assert mail.outbox == []


def test_address_the_server_does_not_know_is_given_up_at_once(
    tenant: Tenant, visitor: ContactSession, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tenant_scope(tenant):
        open_one(visitor)
    settings.EMAIL_BACKEND = BROKEN
    refusal = smtplib.SMTPRecipientsRefused({EMAIL: (550, b"no such user")})
    monkeypatch.setattr(BrokenBackend, "error", refusal)

    send()

    with tenant_scope(tenant):
        notice = TicketNotice.objects.get()
        assert (notice.due_at, notice.error) == (None, "SMTPRecipientsRefused")


@pytest.mark.django_db(transaction=True)
def test_of_several_senders_one_sends(tenant: Tenant, visitor: ContactSession) -> None:
    with tenant_scope(tenant):
        open_one(visitor)
        notice = TicketNotice.objects.get()

        def work(_number: int) -> bool:
            with clock.travel(MONDAY):
                return ticket_notices.deliver(notice.pk)

        assert sorted(at_once(4, work)) == [False, False, False, True]
    assert len(mail.outbox) == 1


def test_what_a_dying_sender_left_is_sent_by_the_next(
    tenant: Tenant, visitor: ContactSession, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tenant_scope(tenant):
        open_one(visitor)
    works, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, BROKEN
    monkeypatch.setattr(BrokenBackend, "error", RuntimeError("killed"))
    send()
    settings.EMAIL_BACKEND = works

    send(0.01)
    before = len(mail.outbox)
    send(0.05)

    assert (before, len(mail.outbox)) == (0, 1)


def test_overdue_ticket_is_marked_once_and_its_people_told(
    tenant: Tenant,
    other_tenant: Tenant,
    visitor: ContactSession,
    agent: Membership,
    make_member: Callable[..., User],
) -> None:
    chief = make_member(tenant, Role.SUPERVISOR, name="班长")
    make_member(other_tenant, Role.SUPERVISOR)
    with tenant_scope(tenant):
        ticket = open_one(visitor, assignee=agent, priority="urgent")

    for hours in (0.99, 1, 2):
        with clock.travel(MONDAY + timedelta(hours=hours)):
            tasks.find_overdue_tickets()
            with tenant_scope(tenant):
                marked = Ticket.objects.get().overdue_since
        assert marked == (None if hours < 1 else MONDAY + timedelta(hours=1))
    with tenant_scope(tenant):
        overdue = TicketNotice.objects.filter(kind="overdue")
        assert set(overdue.values_list("address", flat=True)) == {agent.user.email, chief.email}
        with clock.travel(MONDAY + timedelta(hours=3)):
            ticket_desk.comment(ticket.pk, "抱歉", by=agent, is_public=True, client_id="c")
        assert Ticket.objects.get().overdue_since is None
        assert overdue.count() == 2
    with clock.travel(MONDAY + timedelta(days=1)):
        tasks.find_overdue_tickets()
    with tenant_scope(tenant):
        assert overdue.count() == 4


def test_solved_ticket_closes_after_seven_days(
    tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    with tenant_scope(tenant):
        ticket = open_one(visitor)
        with clock.travel(MONDAY):
            ticket_desk.change_status(ticket.pk, TicketStatus.SOLVED, by=agent)

    states = []
    for days in (6.99, 7):
        with clock.travel(MONDAY + timedelta(days=days)):
            tasks.close_solved_tickets()
        with tenant_scope(tenant):
            states.append(Ticket.objects.get().status)

    assert states == ["solved", "closed"]
    with tenant_scope(tenant):
        assert not ticket_sweeps.close_solved(ticket.pk)
        assert not ticket_sweeps.mark_overdue(ticket.pk)
