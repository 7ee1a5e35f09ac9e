"""The console's own API: session cookie, CSRF, capabilities."""

from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conversations import console, events, wire
from conversations.api.parsers import SmallJSONParser
from conversations.api.serializers import AttachmentIds, HistoryInput, ReadInput, TypingInput
from conversations.models import PresenceStatus
from conversations.services import desk, endings, notices, presences
from tenants import clock
from tenants.actors import Actor
from tenants.errors import DomainError, ForbiddenError
from tenants.models import Membership
from tenants.services import contracts


class SignedOutError(DomainError):
    """Nobody is signed in, or not in a tenant."""

    code = "signed_out"
    status = 401
    message = _("Please sign in again.")


class PresenceInput(serializers.Serializer[Any]):
    """What an agent says of themselves."""

    status = serializers.ChoiceField(choices=PresenceStatus.choices)


class WordsInput(serializers.Serializer[Any]):
    """A reply or a note."""

    client_msg_id = serializers.CharField(max_length=64)
    text = serializers.CharField(allow_blank=True, trim_whitespace=False)


class ReplyInput(WordsInput):
    """A reply, the entry version it says, if it does, the files it carries and what it quotes."""

    version_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    attachments = AttachmentIds()
    quote = serializers.UUIDField(required=False, allow_null=True, default=None)


class NoteInput(WordsInput):
    """A note, and the colleagues it calls."""

    mentions = serializers.ListField(
        child=serializers.UUIDField(), required=False, default=list, max_length=20
    )


class ReturnInput(serializers.Serializer[Any]):
    """A remark for colleagues when the assistant gets the word back."""

    note = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")
    client_msg_id = serializers.CharField(max_length=64, required=False, default="")


class DeskHistoryInput(HistoryInput):
    """Which part of a conversation and of its notes is asked for."""

    after_note = serializers.IntegerField(min_value=0, default=0)


class ConsoleView(APIView):
    """A view of the console; `capability` is what its caller must hold."""

    parser_classes = (SmallJSONParser,)
    authentication_classes = (SessionAuthentication,)
    capability = "console.enter"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        actor = getattr(request._request, "actor", None)
        if not isinstance(actor, Actor) or actor.tenant is None:
            raise SignedOutError
        if not actor.can("console.enter") or not actor.can(self.capability):
            raise ForbiddenError
        self.actor = actor

    @property
    def member(self) -> Membership:
        """The agent; operators, who are no members, may look but not handle."""
        if self.actor.membership is None:
            raise ForbiddenError
        return self.actor.membership

    def valid(
        self, serializer_class: type[serializers.Serializer[Any]], *, query: bool = False
    ) -> dict[str, Any]:
        """Return the request's validated values."""
        data = self.request.query_params if query else self.request.data
        serializer = serializer_class(data=data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class HandlingView(ConsoleView):
    """A view that does something to conversations."""

    capability = "conversation.handle"


class MeView(ConsoleView):
    """GET me: who sits here, where, and under which promises."""

    def get(self, request: Request) -> Response:
        tenant = self.actor.tenant
        assert tenant is not None
        status = (
            presences.heard_from(self.actor.membership)
            if self.actor.membership and self.actor.can("conversation.handle")
            else PresenceStatus.OFFLINE
        )
        agreed = contracts.terms_at(clock.now())
        return Response(
            {
                "member": console.member_object(self.actor),
                "tenant": {"name": tenant.name, "time_zone": tenant.time_zone},
                "presence": status,
                "rested": presences.was_rested(self.actor.membership),
                "groups": console.groups_of(self.actor),
                "colleagues": presences.colleagues(self.actor.membership),
                "server_time": wire.instant(clock.now()),
                "promises": {
                    "first_reply_seconds": int(agreed.first_reply.total_seconds()),
                    "handoff_seconds": int(agreed.handoff.total_seconds()),
                },
                "locale": get_language(),
            }
        )


class NoticesView(ConsoleView):
    """GET notices: what the caller should have heard in the last 15 minutes, latest first."""

    def get(self, request: Request) -> Response:
        found = notices.recent(self.actor.membership)
        return Response({"notices": [wire.notice_object(notice) for notice in found]})


class PresenceView(HandlingView):
    """POST presence."""

    def post(self, request: Request) -> Response:
        status = PresenceStatus(self.valid(PresenceInput)["status"])
        presence = presences.set_status(self.member, status)
        return Response({"status": presence.status})


class ConversationListView(ConsoleView):
    """GET conversations?list=&q=&before=."""

    def get(self, request: Request) -> Response:
        return Response(
            console.rows(
                self.actor,
                request.query_params.get("list", "all"),
                search=request.query_params.get("q", "").replace("\x00", "").strip()[:100],
                before=request.query_params.get("before", ""),
            )
        )


class ConversationDetailView(ConsoleView):
    """GET conversations/{id}."""

    def get(self, request: Request, pk: str) -> Response:
        return Response(console.detail(console.conversation(pk, self.actor), self.actor))


class MessageListView(HandlingView):
    """GET and POST conversations/{id}/messages."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method == "GET":
            self.capability = "conversation.view"
        super().initial(request, *args, **kwargs)

    def get(self, request: Request, pk: str) -> Response:
        row = console.conversation(pk, self.actor)
        return Response(console.history(row, **self.valid(DeskHistoryInput, query=True)))

    def post(self, request: Request, pk: str) -> Response:
        row = console.conversation(pk, self.actor)
        data = self.valid(ReplyInput)
        message, created = desk.reply(
            row.pk,
            data["text"],
            by=self.member,
            client_msg_id=data["client_msg_id"],
            attached=data["attachments"],
            quote=data["quote"],
            version_id=data["version_id"],
        )
        message.conversation = row if not created else message.conversation
        return Response(wire.desk_message_object(message, None), status=201 if created else 200)


class NoteListView(HandlingView):
    """POST conversations/{id}/notes."""

    def post(self, request: Request, pk: str) -> Response:
        row = console.conversation(pk, self.actor)
        data = self.valid(NoteInput)
        note, created = desk.note(
            row.pk,
            data["text"],
            by=self.member,
            client_msg_id=data["client_msg_id"],
            mentions=data["mentions"],
        )
        return Response(wire.note_object(note), status=201 if created else 200)


class TakeView(HandlingView):
    """POST conversations/{id}/take."""

    def post(self, request: Request, pk: str) -> Response:
        row = console.conversation(pk, self.actor)
        return Response(wire.row_object(desk.take(row.pk, by=self.member)))


class ReturnView(HandlingView):
    """POST conversations/{id}/return."""

    def post(self, request: Request, pk: str) -> Response:
        row = console.conversation(pk, self.actor)
        data = self.valid(ReturnInput)
        if data["note"].strip():
            desk.note(
                row.pk,
                data["note"],
                by=self.member,
                client_msg_id=data["client_msg_id"] or f"return-{row.pk.hex}-{row.epoch}",
            )
        return Response(wire.row_object(endings.return_to_bot(row.pk, by=self.member)))


class ReadView(HandlingView):
    """POST conversations/{id}/read: the agent has seen up to here."""

    def post(self, request: Request, pk: str) -> Response:
        row = console.conversation(pk, self.actor)
        if row.agent_id == self.member.pk:
            up_to_seq = min(self.valid(ReadInput)["up_to_seq"], row.last_seq)
            desk.mark_read(row.pk, up_to_seq, by="agent")
        return Response(status=204)


class TypingView(HandlingView):
    """POST conversations/{id}/typing."""

    def post(self, request: Request, pk: str) -> Response:
        row = console.conversation(pk, self.actor)
        if row.agent_id == self.member.pk:
            on = self.valid(TypingInput)["on"]
            events.announce_agent_typing(row, name=self.member.display_name, on=on)
        return Response(status=204)
