"""Files, withdrawals and delivery marks over the real sockets."""

import uuid
from collections.abc import Callable
from io import BytesIO

import pytest

from conversations.models import Channel, Conversation, Message
from conversations.services import attachments, desk
from conversations.services.attachments import Sender
from conversations.services.contacts import Admission
from conversations.services.handoff import request_handoff
from conversations.services.withdrawal import withdraw
from tenants.models import Membership, Tenant
from tests.conversations.doors import send
from tests.conversations.test_consumers import (
    HOST,
    connected,
    cookie_of,
    fresh,
    inside,
    seated,
)
from tests.conversations.uploading import picture

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["fresh"]


@pytest.fixture
def admission(channel: Channel, admit: Callable[..., Admission]) -> Admission:
    return admit(channel)


@pytest.fixture
def seat(agent: Membership) -> tuple[tuple[bytes, bytes], ...]:
    return (HOST, (b"origin", b"http://testserver"), cookie_of(agent))


@pytest.fixture
async def held(tenant: Tenant, admission: Admission, agent: Membership) -> Conversation:
    def take() -> Conversation:
        room = request_handoff(send(admission.session, "转人工").message.conversation_id)
        return desk.take(room.pk, by=agent)

    return await inside(tenant, take)


async def test_picture_goes_by_socket_to_both_sides(
    tenant: Tenant,
    admission: Admission,
    held: Conversation,
    seat: tuple[tuple[bytes, bytes], ...],
) -> None:
    kept = await inside(
        tenant,
        attachments.receive,
        BytesIO(picture()),
        "照片.png",
        sender=Sender(contact=admission.session.contact),
    )
    desk_phone = await seated(seat)
    await desk_phone.send("watch", conversation_id=str(held.pk), last_seq=held.last_seq)
    phone = await connected(admission)

    await phone.send(
        "message.send",
        client_msg_id="m-1",
        conversation_id=str(held.pk),
        type="image",
        attachments=[str(kept.pk)],
        quote=str(await inside(tenant, lambda: Message.objects.get(seq=1).pk)),
    )

    heard = await phone.hear_all({"t": "ack", "client_msg_id": "m-1"}, {"t": "message.created"})
    (own,) = [each["message"] for each in heard if each["t"] == "message.created"]
    seen = (await desk_phone.hear_until("message.created"))[-1]["message"]
    for message in (own, seen):
        assert (message["type"], message["text"]) == ("image", "")
        assert [each["id"] for each in message["attachments"]] == [str(kept.pk)]
        assert message["quote"]["excerpt"] == "转人工"
    await phone.hang_up()
    await desk_phone.hang_up()


@pytest.mark.parametrize(
    "members",
    [
        {"attachments": "no list"},
        {"attachments": ["no id"]},
        {"attachments": [str(uuid.uuid4())] * 51},
        {"text": "x", "quote": "no id"},
    ],
)
async def test_frames_that_name_no_files_properly_are_malformed(
    admission: Admission, members: dict[str, object]
) -> None:
    phone = await connected(admission)

    await phone.send("message.send", client_msg_id="m-1", **members)

    assert (await phone.hear())["code"] == "malformed"
    await phone.hang_up()


async def test_somebody_elses_upload_is_refused_by_socket(
    tenant: Tenant, admission: Admission
) -> None:
    phone = await connected(admission)

    await phone.send("message.send", client_msg_id="m-1", attachments=[str(uuid.uuid4())])

    refusal = await phone.hear()
    assert (refusal["code"], refusal["client_msg_id"]) == ("attachment_unavailable", "m-1")
    assert not await inside(tenant, Message.objects.exists)
    await phone.hang_up()


async def test_withdrawal_reaches_those_who_listen_and_those_who_come_back(
    tenant: Tenant,
    admission: Admission,
    agent: Membership,
    held: Conversation,
    seat: tuple[tuple[bytes, bytes], ...],
) -> None:
    message, _created = await inside(
        tenant, desk.reply, held.pk, "说错了", by=agent, client_msg_id="r-1"
    )
    phone = await connected(admission)
    desk_phone = await seated(seat)
    await desk_phone.send("watch", conversation_id=str(held.pk), last_seq=message.seq)
    # Answered in order, so the group has been joined once this comes.
    await desk_phone.send("ping")
    await desk_phone.hear_until("pong")
    await desk_phone.send("unwatch", conversation_id=str(uuid.uuid4()))

    await inside(tenant, withdraw, held.pk, message.pk, by=agent)

    heard = (await phone.hear_until("message.updated"))[-1]["message"]
    assert (heard["id"], heard["text"]) == (str(message.pk), "")
    assert heard["withdrawn_at"] is not None
    await phone.hang_up()
    late = await connected(admission)
    await late.send("resume", conversation_id=str(held.pk), last_seq=message.seq)
    again = (await late.hear_until("message.updated"))[-1]["message"]
    assert (again["id"], again["text"]) == (str(message.pk), "")
    await late.hang_up()
    await desk_phone.hang_up()


async def test_agents_hear_what_was_delivered(
    tenant: Tenant,
    admission: Admission,
    agent: Membership,
    held: Conversation,
    seat: tuple[tuple[bytes, bytes], ...],
) -> None:
    first, _created = await inside(
        tenant, desk.reply, held.pk, "您好", by=agent, client_msg_id="r-1"
    )
    desk_phone = await seated(seat)
    await desk_phone.send("watch", conversation_id=str(held.pk), last_seq=first.seq - 1)
    await desk_phone.hear_until("message.created")
    phone = await connected(admission)

    await phone.send("resume", conversation_id=str(held.pk), last_seq=first.seq)
    by_resume = (await desk_phone.hear_until("delivered"))[-1]
    second, _created = await inside(
        tenant, desk.reply, held.pk, "请看", by=agent, client_msg_id="r-2"
    )
    await phone.send("delivered", up_to_seq=second.seq)
    by_frame = (await desk_phone.hear_until("delivered"))[-1]

    assert (by_resume["up_to_seq"], by_frame["up_to_seq"]) == (first.seq, second.seq)
    assert by_frame["conversation_id"] == str(held.pk)
    await phone.hang_up()
    await desk_phone.hang_up()
