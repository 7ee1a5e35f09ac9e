"""The client API: what the widget and the client's apps call (protocols §3.2-3.3)."""

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core import signing
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from conversations import events, visitors, wire
from conversations.api import serializers
from conversations.api.authentication import ContactTokenAuthentication, absence, tenant_of
from conversations.api.parsers import SmallJSONParser
from conversations.models import Channel, ContactSession
from conversations.origins import may_embed, read_ticket
from conversations.services import blocks, contacts, endings, handoff, intake
from conversations.services.contacts import Admission, TokenExpiredError
from tenants.errors import DomainError, NotFoundError
from tenants.middleware import request_address
from tenants.scoping import as_uuid, tenant_scope

SESSIONS_PER_ADDRESS = 60


class OriginRefusedError(DomainError):
    """The page is not on the channel's list of allowed origins."""

    code = "origin_refused"
    status = 403
    message = _("This website may not use this channel.")


class OpenView(APIView):
    """A view that needs no token."""

    parser_classes = (SmallJSONParser,)


class ClientView(APIView):
    """A view for the visitor whose token the request carries."""

    parser_classes = (SmallJSONParser,)
    authentication_classes = (ContactTokenAuthentication,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if not isinstance(request.auth, ContactSession):
            raise TokenExpiredError

    @property
    def session(self) -> ContactSession:
        """The session of the token."""
        assert isinstance(self.request.auth, ContactSession)
        return self.request.auth


class SessionsView(OpenView):
    """POST /sessions: a device presents itself and gets its tokens."""

    def post(self, request: Request) -> Response:
        data = _valid(serializers.SessionInput, request)
        address = request_address(request)
        visitors.limit_address("session", address, SESSIONS_PER_ADDRESS)
        tenant = tenant_of(data["channel_key"])
        if tenant is None:
            raise absence(data["channel_key"], NotFoundError)
        with tenant_scope(tenant):
            channel = Channel.objects.filter(key=data["channel_key"]).first()
            if channel is None:
                raise NotFoundError
            _check_origin(request, channel, data.get("ticket") or "")
            blocks.refuse_address(address)
            who = serializers.introduction(data)
            who = replace(who, probe=_probe_of(request, channel))
            admission = contacts.admit(channel, who)
            return Response(_admitted(request, admission), status=201)


class RefreshView(OpenView):
    """POST /sessions/refresh: new tokens for a device that was here before."""

    def post(self, request: Request) -> Response:
        token = _valid(serializers.RefreshInput, request)["refresh_token"]
        address = request_address(request)
        visitors.limit_address("session", address, SESSIONS_PER_ADDRESS)
        tenant = tenant_of(token)
        if tenant is None:
            raise absence(token, TokenExpiredError)
        with tenant_scope(tenant):
            blocks.refuse_address(address)
            return Response(_admitted(request, contacts.refresh(token)))


class CurrentSessionView(ClientView):
    """DELETE /sessions/current: the visitor logs out of the client's app."""

    def delete(self, request: Request) -> Response:
        contacts.revoke(self.session)
        return Response(status=204)


class IdentifyView(ClientView):
    """POST /sessions/identify: the anonymous visitor has logged in on the client's page."""

    def post(self, request: Request) -> Response:
        data = _valid(serializers.IdentifyInput, request)
        session = contacts.identify(self.session, serializers.introduction(data))
        return Response(
            {"contact_id": str(session.contact_id), "verified": session.contact.verified}
        )


class NoticeView(ClientView):
    """POST /notices/accept: the visitor has read the privacy notice."""

    def post(self, request: Request) -> Response:
        version = _valid(serializers.NoticeInput, request)["version"]
        if version != self.session.channel.notice_version:
            raise visitors.NoticeOutdatedError(extra={"notice": visitors.notice(self.session)})
        contacts.accept_notice(self.session, version)
        return Response(status=204)


class ConfigView(ClientView):
    """GET /config: looks, words and features of the channel."""

    def get(self, request: Request) -> Response:
        return Response(visitors.config(self.session))


class ConversationsView(ClientView):
    """GET and POST /conversations: the visitor's own, newest first; the open one or a new one."""

    def get(self, request: Request) -> Response:
        limit = _valid(serializers.HistoryInput, request, query=True)["limit"]
        rows = (
            self.session.contact.conversations.select_related("channel", "contact", "agent")
            .filter(channel=self.session.channel)
            .order_by("-created_at")
        )
        before = as_uuid(request.query_params.get("before"))
        if before:
            rows = rows.filter(pk__lt=before)
        page = list(rows[: limit + 1])
        return Response(
            {
                "conversations": [wire.conversation_object(row) for row in page[:limit]],
                "has_more": len(page) > limit,
            }
        )

    def post(self, request: Request) -> Response:
        conversation = intake.open_conversation(
            self.session.contact, self.session.channel, fresh=True
        )
        return Response(wire.conversation_object(conversation), status=201)


class ConversationView(ClientView):
    """GET /conversations/{id}."""

    def get(self, request: Request, pk: str) -> Response:
        return Response(wire.conversation_object(visitors.own_conversation(self.session, pk)))


class MessagesView(ClientView):
    """GET and POST /conversations/{id}/messages: history, and the visitor's next words."""

    def get(self, request: Request, pk: str) -> Response:
        conversation = visitors.own_conversation(self.session, pk)
        window = _valid(serializers.HistoryInput, request, query=True)
        # Who asks for what comes after N has got everything up to N.
        visitors.delivered(conversation, window.get("after_seq") or 0)
        return Response(visitors.history(conversation, **window))

    def post(self, request: Request, pk: str) -> Response:
        conversation = visitors.own_conversation(self.session, pk)
        data = _valid(serializers.MessageInput, request)
        received = visitors.send(
            self.session,
            client_msg_id=data["client_msg_id"],
            text=data["text"],
            context=data["context"],
            address=request_address(request),
            first_attempt=serializers.first_attempt(data["context"]),
            conversation_id=conversation.pk,
            attachments=data["attachments"],
            quote=data["quote"],
        )
        return Response(
            wire.message_object(received.message), status=201 if received.created else 200
        )


class ReadView(ClientView):
    """POST /conversations/{id}/read."""

    def post(self, request: Request, pk: str) -> Response:
        conversation = visitors.own_conversation(self.session, pk)
        visitors.read(
            self.session, conversation, _valid(serializers.ReadInput, request)["up_to_seq"]
        )
        return Response(status=204)


class TypingView(ClientView):
    """POST /conversations/{id}/typing."""

    def post(self, request: Request, pk: str) -> Response:
        conversation = visitors.own_conversation(self.session, pk)
        on = _valid(serializers.TypingInput, request)["on"]
        events.announce_visitor_typing(conversation.pk, on=on)
        return Response(status=204)


class HandoffView(ClientView):
    """POST /conversations/{id}/handoff: a person, please."""

    def post(self, request: Request, pk: str) -> Response:
        conversation = visitors.own_conversation(self.session, pk)
        note = _valid(serializers.HandoffInput, request)["reason"]
        return Response(
            wire.conversation_object(handoff.request_handoff(conversation.pk, note=note))
        )


class ResumeView(ClientView):
    """POST /conversations/{id}/resume: rather the assistant than waiting for a person."""

    def post(self, request: Request, pk: str) -> Response:
        conversation = visitors.own_conversation(self.session, pk)
        return Response(wire.conversation_object(endings.resume_by_contact(conversation.pk)))


class CloseView(ClientView):
    """POST /conversations/{id}/close: the visitor is done."""

    def post(self, request: Request, pk: str) -> Response:
        conversation = visitors.own_conversation(self.session, pk)
        return Response(wire.conversation_object(endings.close_by_contact(conversation.pk)))


class FeedbackView(ClientView):
    """POST /messages/{id}/feedback: was this answer of help?"""

    def post(self, request: Request, pk: str) -> Response:
        message_id = as_uuid(pk)
        if message_id is None:
            raise NotFoundError
        data = _valid(serializers.FeedbackInput, request)
        visitors.judge(self.session, message_id, **data)
        return Response(status=204)


class MissingView(OpenView):
    """Any other path of the API: not there."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFoundError


def _valid(
    serializer_class: type[Serializer[Any]], request: Request, *, query: bool = False
) -> dict[str, Any]:
    serializer = serializer_class(data=request.query_params if query else request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _probe_of(request: Request, channel: Channel) -> str:
    header = request.headers.get("X-Yingda-Probe", "")
    return import_string(settings.PROBE_VERIFIER)(header, channel.key) if header else ""


def _check_origin(request: Request, channel: Channel, ticket: str) -> None:
    origin = request.headers.get("Origin")
    if ticket:
        try:
            read_ticket(ticket, channel)
        except signing.BadSignature:
            raise OriginRefusedError from None
    elif origin is not None and not may_embed(origin, channel, request.get_host()):
        raise OriginRefusedError


def _admitted(request: Request, admission: Admission) -> dict[str, Any]:
    session = admission.session
    conversation = intake.current_conversation(session.contact, session.channel)
    scheme = "wss" if request.is_secure() else "ws"
    return {
        "contact_id": str(session.contact_id),
        "verified": session.contact.verified,
        "token": admission.token,
        "expires_at": wire.instant(session.expires_at),
        "refresh_token": admission.refresh_token,
        "conversation": wire.conversation_object(conversation) if conversation else None,
        "ws_url": f"{scheme}://{request.get_host()}/ws/client/v1",
        "config": visitors.config(session),
    }
