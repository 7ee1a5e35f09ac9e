"""A person with a mark in everything that is kept of them, to prove that all of it is found."""

import uuid
from collections.abc import Sequence

import jwt

from conversations import visitors
from conversations.bench import canary_beside
from conversations.models import (
    Channel,
    Contact,
    ContactSession,
    Handoff,
    Message,
    MessageKind,
    MismatchFinder,
    MismatchKind,
    MismatchOwner,
    MismatchReport,
    Resolution,
    SubjectRequestKind,
)
from conversations.services import (
    blocks,
    bot,
    contacts,
    desk,
    endings,
    fidelity,
    handoff,
    intake,
    merging,
    profiles,
    subjects,
    ticket_desk,
    tickets,
)
from conversations.services.identity import Introduction
from conversations.services.intake import Inbound
from conversations.services.tickets import NewTicket
from conversations.services.wrap_ups import Account
from conversations.ticket_states import TicketOrigin
from knowledge.models import ProposalSource
from knowledge.services import proposals
from tenants import clock
from tenants.models import Membership

# In no knowledge base and in no text of ours.
CANARY = "KANARIE-QX7"


def plant(channel: Channel, *, by: Membership, question: str) -> Contact:
    """Let a verified person leave the mark wherever a person or a colleague can; return them.

    `question` is one that the knowledge base answers. Everything goes through the services that
    visitors and agents use.
    """
    session = contacts.admit(channel, _introduction(channel)).session
    reply = bot.take_turn(_write(session, question).pk)
    if reply is not None and reply.kind == MessageKind.ANSWER:
        visitors.judge(session, reply.pk, helpful=False, comment=CANARY)
        _report(reply)
    file_id = canary_beside.upload(session, CANARY)
    message = _write(session, f"{CANARY} {uuid.uuid4().hex[:6]}", [file_id])
    proposals.propose(
        f"Does {CANARY} come gift wrapped?",
        source=ProposalSource.UNANSWERED,
        message_id=message.pk,
    )
    _talk(session, message, by)
    _open_ticket(session, message, by)
    person: Contact = session.contact
    fields = {"name": CANARY, "phone": f"{CANARY} 555", "email": f"n@{CANARY}.example"}
    profiles.edit_contact(person, {**fields, "remark": CANARY}, by=by)
    profiles.add_note(person, CANARY, by=by)
    tag = profiles.named_tag("Regular", by=by)
    profiles.add_tag(person, tag, by=by, reason=CANARY)
    other = contacts.admit(channel, Introduction(device_id=CANARY, profile={"name": CANARY}))
    _write(other.session, CANARY)
    merging.merge_contacts(person, other.session.contact, by=by)
    entry = blocks.block_contact(person, by=by, reason=CANARY)
    blocks.lift_block(entry, by=by, reason=CANARY)
    _write(session, f"{CANARY} is back")
    handed = Handoff.objects.filter(conversation=message.conversation_id).latest("decided_at")
    canary_beside.hear_from_target(handed, CANARY)
    request = subjects.open_request(
        person, SubjectRequestKind.CORRECT, identity_check=CANARY, by=by
    )
    subjects.refuse_request(request, reason=CANARY, by=by)
    return Contact.objects.select_related("channel").get(pk=person.pk)


def _introduction(channel: Channel) -> Introduction:
    at = int(clock.now().timestamp())
    claims = {"sub": CANARY, "aud": channel.key, "iat": at, "exp": at + 300}
    profile = {"name": CANARY, "phone": CANARY, "email": f"t@{CANARY}.example"}
    return Introduction(
        device_id=CANARY,
        identity_token=jwt.encode({**claims, **profile}, channel.identity_secret, "HS256"),
        attributes={"address": CANARY},
    )


def _write(session: ContactSession, text: str, attachments: Sequence[uuid.UUID] = ()) -> Message:
    inbound = Inbound(
        client_msg_id=f"{CANARY}-{uuid.uuid4().hex}",
        text=text,
        context={"page": CANARY},
        attachments=attachments,
    )
    return intake.receive(session.contact, session.channel, inbound).message


def _talk(session: ContactSession, message: Message, by: Membership) -> None:
    conversation_id = message.conversation_id
    canary_beside.tell_systems(message, CANARY)
    handoff.request_handoff(conversation_id, note=CANARY)
    desk.take(conversation_id, by=by)
    file_id = canary_beside.upload_by_agent(message.conversation, CANARY, by=by)
    desk.reply(
        conversation_id,
        f"{CANARY}!",
        by=by,
        client_msg_id=uuid.uuid4().hex,
        attached=[file_id],
    )
    desk.note(conversation_id, CANARY, by=by, client_msg_id=uuid.uuid4().hex, mentions=[by.pk])
    account = Account(resolved=Resolution.YES, summary=CANARY)
    conversation = endings.close(conversation_id, by=by, account=account)
    canary_beside.rate(conversation, CANARY, by=by)
    canary_beside.review(conversation, CANARY, by=by)
    _write(session, f"{CANARY} again")
    # Uploaded, and never sent.
    canary_beside.upload(session, CANARY)


def _open_ticket(session: ContactSession, message: Message, by: Membership) -> None:
    asked = NewTicket(
        contact=session.contact,
        channel=session.channel,
        description=f"{CANARY} please",
        subject=CANARY,
        origin=TicketOrigin.CHAT,
        conversation=message.conversation,
        name=CANARY,
        phone=CANARY,
        email=f"t@{CANARY}.example",
        client_id=uuid.uuid4().hex,
    )
    ticket, _created = tickets.open_ticket(asked, by=by)
    ticket_desk.comment(ticket.pk, CANARY, by=by, is_public=True, client_id=uuid.uuid4().hex)


def _report(reply: Message) -> None:
    assert reply.entry_version is not None
    fidelity.save_report(
        MismatchReport(
            entry_version=reply.entry_version,
            kind=MismatchKind.CLIENT_TEXT,
            owner=MismatchOwner.CLIENT,
            found_by=MismatchFinder.VISITOR,
            message=reply,
            note=CANARY,
            fix=CANARY,
        ),
        by=None,
    )
