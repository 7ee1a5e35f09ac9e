"""The two sockets: of visitors and of agents."""

import asyncio
import time
import uuid
from functools import cached_property
from typing import Any

from conversations import console, events, frames, visitors, wire
from conversations.api.authentication import absence, tenant_of
from conversations.api.serializers import first_attempt
from conversations.hub import get_hub
from conversations.models import ContactSession, Conversation, Message
from conversations.origins import may_embed
from conversations.services import contacts, intake, presences
from conversations.services.contacts import TokenExpiredError
from conversations.services.intake import Received
from conversations.sockets import CLOSE_FORBIDDEN, CLOSE_RATE, Frame, Refused, SocketConsumer
from tenants.actors import Actor
from tenants.errors import NotFoundError
from tenants.net import client_address
from tenants.scoping import as_uuid, tenant_scope

# Further behind than this, a client fetches by REST instead (protocols §3.4).
REPLAY_LIMIT = 200
SOCKETS_PER_CONTACT = 3
# No frame holds a longer text; what is too long for a message is refused as such.
MAX_TEXT = 16 * 1024
# Somebody who was signed out, switched off or given another role is gone within this time (T45).
RECHECK_SECONDS = 4.0
CHECKS_PER_SIGN_OF_LIFE = 6


class VisitorConsumer(SocketConsumer):
    """A visitor's socket, `/ws/client/v1` (protocols §3.4)."""

    subprotocol = "cs.v1"
    auth_by_frame = True

    session: ContactSession
    conversation_id: uuid.UUID | None = None

    async def authenticate(self, token: str | None) -> bool:
        if not token:
            return False
        found = await self.db(_session_of, token)
        self.session = found
        self.tenant_id = found.tenant_id
        self.language = "en" if found.locale == "en" else "zh-hans"
        return True

    async def origin_allowed(self, origin: str | None) -> bool:
        if origin is None:
            return True
        return may_embed(origin, self.session.channel, self.header("host") or "")

    async def opened(self) -> None:
        group = events.contact_group(self.session.contact_id)
        hub = get_hub()
        if len(hub.members(group)) >= SOCKETS_PER_CONTACT:
            raise Refused(CLOSE_RATE)
        hub.join(group, self.socket)
        await hub.joined(group)
        self.send_frame(
            {
                "t": "ready",
                "session": {
                    "contact_id": str(self.session.contact_id),
                    "verified": self.session.contact.verified,
                },
                "server_time": wire.instant(await self.db(console.server_time)),
            }
        )
        current = await self.db(
            intake.current_conversation, self.session.contact, self.session.channel
        )
        if current is not None:
            self.conversation_id = current.pk

    async def on_resume(self, frame: Frame) -> None:
        """Join a conversation and hear what was missed since `last_seq`."""
        last_seq = frames.number(frame, "last_seq", 0)
        await self._renew()
        conversation = await self.db(
            visitors.own_conversation, self.session, frame.get("conversation_id")
        )
        self.conversation_id = conversation.pk
        self.send_frame(
            {
                "t": "conversation.updated",
                "conversation_id": str(conversation.pk),
                **await self.db(wire.conversation_object, conversation),
            }
        )
        if conversation.last_seq - last_seq > REPLAY_LIMIT or last_seq > conversation.last_seq:
            self.send_frame({"t": "resync_required", "conversation_id": str(conversation.pk)})
            return
        await self.db(visitors.delivered, conversation, last_seq)
        await self._replay(conversation, last_seq)

    async def on_message_send(self, frame: Frame) -> None:
        """Accept a message; `ack` says that it is committed."""
        arrived = time.monotonic()
        client_msg_id = frames.text(frame, "client_msg_id", limit=64)
        if "\x00" in client_msg_id:
            raise frames.MalformedFrameError(member="client_msg_id")
        frame.setdefault("text", "" if frame.get("attachments") else None)
        text = frames.text(frame, "text", limit=MAX_TEXT, blank=True)
        conversation_id = self.conversation_id
        if frame.get("conversation_id") is not None:
            conversation_id = as_uuid(frame["conversation_id"])
            if conversation_id is None:
                raise NotFoundError
        attachments = frames.ids(frame, "attachments")
        quote = frame.get("quote")
        if quote is not None and as_uuid(quote) is None:
            raise frames.MalformedFrameError(member="quote")
        context = frame.get("context")
        context = context if isinstance(context, dict) else {}
        session, received = await self.db(
            _send,
            self.session,
            client_msg_id=client_msg_id,
            text=text,
            context=context,
            address=self.address,
            first_attempt=first_attempt(context),
            conversation_id=conversation_id,
            attachments=attachments,
            quote=as_uuid(quote) if quote else None,
            arrived=arrived,
            acknowledge=self._acknowledge,
        )
        await self._take_over(session)
        self.conversation_id = received.message.conversation_id

    def _acknowledge(self, message: Message) -> None:
        frame = {
            "t": "ack",
            "client_msg_id": message.client_msg_id,
            "id": str(message.pk),
            "seq": message.seq,
            "conversation_id": str(message.conversation_id),
        }
        get_hub().hand(self.socket, frame)

    async def on_typing(self, frame: Frame) -> None:
        """Tell the agents that the visitor is writing."""
        if self.conversation_id is not None:
            await self.db(
                events.announce_visitor_typing,
                self.conversation_id,
                on=bool(frame.get("on")),
            )

    async def on_read(self, frame: Frame) -> None:
        """Note how far the visitor has read."""
        up_to = frames.number(frame, "up_to_seq")
        await self._renew()
        conversation = await self.db(
            visitors.own_conversation,
            self.session,
            frame.get("conversation_id") or self.conversation_id,
        )
        await self.db(visitors.read, self.session, conversation, up_to)

    async def on_delivered(self, frame: Frame) -> None:
        """Note how far the device has got what was said."""
        up_to = frames.number(frame, "up_to_seq")
        await self._renew()
        conversation = await self.db(
            visitors.own_conversation,
            self.session,
            frame.get("conversation_id") or self.conversation_id,
        )
        await self.db(visitors.delivered, conversation, up_to)

    async def _renew(self) -> None:
        # Since the handshake the token may have been revoked, or the contact identified.
        await self._take_over(await self.db(contacts.renewed, self.session))

    async def _take_over(self, session: ContactSession) -> None:
        before, self.session = self.session, session
        if session.contact_id != before.contact_id:
            hub, group = get_hub(), events.contact_group(session.contact_id)
            hub.leave(events.contact_group(before.contact_id), self.socket)
            hub.join(group, self.socket)
            await hub.joined(group)

    async def _replay(self, conversation: Conversation, last_seq: int) -> None:
        while True:
            page = await self.db(
                visitors.history, conversation, after_seq=last_seq, limit=REPLAY_LIMIT
            )
            for message in page["withdrawn"]:
                self.send_frame(
                    {
                        "t": "message.updated",
                        "conversation_id": str(conversation.pk),
                        "message": message,
                    }
                )
            for message in page["messages"]:
                self.send_frame(
                    {
                        "t": "message.created",
                        "conversation_id": str(conversation.pk),
                        "message": message,
                    }
                )
                last_seq = message["seq"]
            if not page["has_more"]:
                return

    @cached_property
    def address(self) -> str:
        """The visitor's network address, behind the trusted proxies."""
        peer = (self.scope.get("client") or ("", 0))[0]
        return client_address(str(peer), self.header("x-forwarded-for") or "")


class ConsoleConsumer(SocketConsumer):
    """An agent's socket, `/ws/console/v1/`, by the session cookie."""

    rate_frames = 60
    actor: Actor

    async def authenticate(self, token: str | None) -> bool:
        actor = await self.db(_actor_of, self.scope)
        if actor is None or actor.tenant is None or not actor.can("console.enter"):
            return False
        self.actor = actor
        self.watched: set[uuid.UUID] = set()
        self.tenant_id = actor.tenant.pk
        self.language = self.scope["yingda_language"]
        return True

    async def origin_allowed(self, origin: str | None) -> bool:
        # A cookie goes along with any page's handshake, so here a missing Origin is refused too.
        if origin is None:
            return False
        return await super().origin_allowed(origin)

    async def opened(self) -> None:
        self.heard: set[str] = set()
        await self._listen()
        if self.actor.membership is not None and self.actor.can("conversation.handle"):
            await self.db(presences.heard_from, self.actor.membership)
        self.send_frame(
            {
                "t": "ready",
                "member": console.member_object(self.actor),
                "server_time": wire.instant(await self.db(console.server_time)),
            }
        )
        self.spawn(self._stay())

    async def on_watch(self, frame: Frame) -> None:
        """Hear everything of one conversation, and what was missed since `last_seq`."""
        await self._still_allowed()
        last_seq = frames.number(frame, "last_seq", 0)
        conversation = await self.db(console.conversation, frame.get("conversation_id"), self.actor)
        group = events.desk_group(conversation.pk, self._language)
        get_hub().join(group, self.socket)
        await get_hub().joined(group)
        self.watched.add(conversation.pk)
        page = await self.db(
            console.history,
            conversation,
            after_seq=last_seq,
            after_note=frames.number(frame, "last_note", 0),
            limit=REPLAY_LIMIT,
        )
        if page["has_more"]:
            self.send_frame({"t": "resync_required", "conversation_id": str(conversation.pk)})
            return
        for message in page["withdrawn"]:
            self._tell(conversation, "message.updated", message=message)
        for message in page["messages"]:
            self._tell(conversation, "message.created", message=message)
        for note in page["notes"]:
            self._tell(conversation, "note.created", note=note)

    async def on_unwatch(self, frame: Frame) -> None:
        """Hear no more of one conversation."""
        conversation_id = as_uuid(frame.get("conversation_id"))
        if conversation_id in self.watched:
            self.watched.discard(conversation_id)
            get_hub().leave(events.desk_group(conversation_id, self._language), self.socket)
            await self._look(conversation_id, on=False)

    async def on_viewing(self, frame: Frame) -> None:
        """Tell the colleagues who watch the same conversation that one looks at it, or no longer."""
        await self._still_allowed()
        conversation_id = as_uuid(frame.get("conversation_id"))
        if conversation_id not in self.watched:
            raise NotFoundError
        await self._look(conversation_id, on=bool(frame.get("on")))

    async def closed(self, code: int) -> None:
        """Take the person out of what they looked at."""
        for conversation_id in tuple(self.watched):
            await self._look(conversation_id, on=False)

    async def on_typing(self, frame: Frame) -> None:
        """Tell the visitor that the agent is writing."""
        await self._still_allowed()
        if self.actor.membership is None:
            raise NotFoundError
        conversation = await self.db(console.conversation, frame.get("conversation_id"), self.actor)
        if conversation.agent_id == self.actor.membership.pk:
            await self.db(
                events.announce_agent_typing,
                conversation,
                name=self.actor.membership.display_name,
                on=bool(frame.get("on")),
            )

    @property
    def _language(self) -> str:
        return self.language or "zh-hans"

    async def _look(self, conversation_id: uuid.UUID, *, on: bool) -> None:
        # Operators look on from outside: they are nobody's colleague.
        if self.actor.membership is not None:
            await self.db(events.announce_viewing, conversation_id, self.actor.membership, on=on)

    async def _stay(self) -> None:
        """Look every few seconds whether the person may still be here (T45), and note presence."""
        checks = 0
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            if self.socket.gone or self.socket.closing:
                return
            try:
                await self._still_allowed()
            except Refused as refusal:
                self.close(refusal.close_code)
                return
            checks += 1
            if checks % CHECKS_PER_SIGN_OF_LIFE:
                continue
            if self.actor.membership is not None:
                await self.db(presences.heard_from, self.actor.membership)
            await self._listen()

    async def _listen(self) -> None:
        """Hear of the conversations of one's groups as they are now, and watch no others."""
        hub = get_hub()
        names = await self.db(console.audiences, self.actor, self._language)
        for name in self.heard - names:
            hub.leave(name, self.socket)
        for name in names - self.heard:
            hub.join(name, self.socket)
            await hub.joined(name)
        self.heard = names
        for gone in self.watched - await self.db(console.still_seen, self.actor, self.watched):
            self.watched.discard(gone)
            hub.leave(events.desk_group(gone, self._language), self.socket)

    async def _still_allowed(self) -> None:
        actor = await self.db(_actor_of, self.scope)
        same = actor is not None and actor.tenant is not None and actor.tenant.pk == self.tenant_id
        if actor is None or not same or not actor.can("console.enter"):
            raise Refused(CLOSE_FORBIDDEN)
        self.actor = actor

    def _tell(self, conversation: Conversation, kind: str, **members: Any) -> None:
        self.send_frame({"t": kind, "conversation_id": str(conversation.pk), **members})


def _send(session: ContactSession, **message: Any) -> tuple[ContactSession, Received]:
    session = contacts.renewed(session)
    return session, visitors.send(session, **message)


def _session_of(token: str) -> ContactSession:
    tenant = tenant_of(token)
    if tenant is None:
        raise absence(token, TokenExpiredError)
    with tenant_scope(tenant):
        return contacts.session_of(token)


def _actor_of(scope: dict[str, Any]) -> Actor | None:
    # The session is read anew: a person who was signed out or switched off must not stay.
    return console.actor_of_cookies(scope["cookies"])
