"""What clients' systems call: acknowledgements, their agents' words, ends, transcripts (§5.2)."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conversations.adapters import ADAPTERS
from conversations.adapters.base import (
    ForgedError,
    Inbound,
    MalformedError,
    link,
    objects_in,
    word,
)
from conversations.api.authentication import tenant_of
from conversations.api.parsers import BodyTooLargeError
from conversations.models import Handoff, HandoffTarget, TargetStatus
from conversations.services import backchannel, packages, targets
from conversations.services.elsewhere import Ack
from tenants import outward, webhooks
from tenants.errors import ForbiddenError, NotFoundError
from tenants.ratelimit import spend
from tenants.scoping import tenant_scope
from tenants.secrets import SecretUnreadableError

LONGEST_BODY = 64 * 1024
# Other systems' own events carry whole objects of theirs.
LONGEST_EVENT = 256 * 1024
CALLS_PER_MINUTE = 600
_MOST_ATTACHMENTS = 10


class AckInput(serializers.Serializer[Any]):
    """What a system says about a hand-off it was given."""

    status = serializers.ChoiceField(choices=["accepted", "rejected", "queued"])
    external_id = serializers.CharField(max_length=120, required=False, allow_blank=True)
    external_url = serializers.CharField(max_length=400, required=False, allow_blank=True)
    agent = serializers.DictField(required=False)


class WordsInput(serializers.Serializer[Any]):
    """What an agent over there says to the visitor."""

    id = serializers.CharField(max_length=200)
    text = serializers.CharField(allow_blank=True, default="", trim_whitespace=False)
    agent = serializers.DictField(required=False)


class CloseInput(serializers.Serializer[Any]):
    """Whether the assistant goes on with the visitor."""

    resume_bot = serializers.BooleanField(default=False)
    resolution = serializers.CharField(required=False, allow_blank=True, max_length=1000)


class HookView(APIView):
    """A call of a client's system: its target by the unguessable key in the path, then its word."""

    authentication_classes = ()
    permission_classes = ()

    def within_target(
        self, request: Request, key: str, work: Callable[[HandoffTarget], Any]
    ) -> Any:
        """Return what `work` makes of the active target with this key, in its tenant's scope.

        NotFoundError for a key that is none, another installation's or a disabled target's.
        """
        tenant = tenant_of(key)
        if tenant is None:
            raise NotFoundError
        with tenant_scope(tenant):
            target = HandoffTarget.objects.filter(key=key, status=TargetStatus.ACTIVE).first()
            if target is None:
                raise NotFoundError
            spend(f"hook:{target.pk}", limit=CALLS_PER_MINUTE, seconds=60)
            return work(target)

    def signed(self, request: Request, target: HandoffTarget) -> dict[str, Any]:
        """Return the JSON object of a body that the target signed by Standard Webhooks."""
        body = read_body(request, LONGEST_BODY)
        check_signature(request, target, body)
        try:
            found = json.loads(body or b"{}")
        except (ValueError, RecursionError):
            raise ParseError from None
        if not isinstance(found, dict):
            raise ParseError
        return found

    def valid(
        self, serializer_class: type[serializers.Serializer[Any]], data: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the validated values."""
        serializer = serializer_class(data=data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class AckView(HookView):
    """POST {handoff}/ack."""

    def post(self, request: Request, key: str, pk: str) -> Response:
        def take(target: HandoffTarget) -> Response:
            body = self.signed(request, target)
            handoff = backchannel.handoff_of(target, pk)
            told = self.valid(AckInput, body)
            ack = Ack(
                status=told["status"],
                external_id=word(told.get("external_id"), 120),
                external_url=link(told.get("external_url")),
                agent=_name(told.get("agent")),
            )
            return Response({"state": backchannel.acknowledge(handoff, ack).state})

        return self.within_target(request, key, take)


class WordsView(HookView):
    """POST {handoff}/messages."""

    def post(self, request: Request, key: str, pk: str) -> Response:
        def take(target: HandoffTarget) -> Response:
            body = self.signed(request, target)
            handoff = backchannel.handoff_of(target, pk)
            told = self.valid(WordsInput, body)
            links = [link(item.get("url")) for item in objects_in(body.get("attachments"))]
            lines = [told["text"], *filter(None, links[:_MOST_ATTACHMENTS])]
            message, created = backchannel.relay(
                handoff,
                message_id=told["id"],
                text="\n".join(lines),
                agent=_name(told.get("agent")),
            )
            answer = {"status": "sent", "message_id": str(message.pk), "created": created}
            return Response(answer, status=202)

        return self.within_target(request, key, take)


class CloseView(HookView):
    """POST {handoff}/close."""

    def post(self, request: Request, key: str, pk: str) -> Response:
        def take(target: HandoffTarget) -> Response:
            body = self.signed(request, target)
            handoff = backchannel.handoff_of(target, pk)
            told = self.valid(CloseInput, body)
            closed = backchannel.close(handoff, resume_bot=told["resume_bot"])
            return Response({"closed": closed})

        return self.within_target(request, key, take)


class TranscriptView(HookView):
    """GET {handoff}/transcript?format=json|txt|html: signed, or by the link of the package."""

    # "format" is ours to read, not the framework's.
    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        return super().perform_content_negotiation(request, force=True)

    def get(self, request: Request, key: str, pk: str) -> HttpResponse:
        def show(target: HandoffTarget) -> HttpResponse:
            token = request.query_params.get("token", "")
            if not token:
                check_signature(request, target, b"")
            handoff = backchannel.handoff_of(target, pk)
            if token and not packages.opens(token, handoff):
                raise ForbiddenError
            until = request.query_params.get("until", "")
            asked = int(until) if until.isascii() and until.isdigit() and len(until) < 9 else None
            return _shown(request, handoff, asked)

        return self.within_target(request, key, show)


class EventsView(HookView):
    """POST events: what Chatwoot or Zendesk tells about all that happens in it."""

    def post(self, request: Request, key: str) -> Response:
        def take(target: HandoffTarget) -> Response:
            kind = ADAPTERS[target.kind]
            if not kind.has_events:
                raise NotFoundError
            body = read_body(request, LONGEST_EVENT)
            headers = {name.lower(): value for name, value in request.headers.items()}
            told = _told(target, headers, body)
            backchannel.take_events(target, told)
            return Response({"taken": len(told)})

        return self.within_target(request, key, take)


def read_body(request: Request, limit: int) -> bytes:
    """Return the raw body. Raises BodyTooLargeError past `limit` bytes, reading no more."""
    body: bytes = request._request.read(limit + 1)
    if len(body) > limit:
        raise BodyTooLargeError(limit=limit)
    return body


def check_signature(request: Request, target: HandoffTarget, body: bytes) -> None:
    """Raise ForbiddenError unless one of the target's secrets signed this lately."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        webhooks.check(target.inbound_secrets, headers, body)
    except (webhooks.SignatureError, SecretUnreadableError, ValueError):
        raise ForbiddenError from None


def _told(target: HandoffTarget, headers: Mapping[str, str], body: bytes) -> list[Inbound]:
    try:
        adapter = ADAPTERS[target.kind](targets.connection(target), outward.http_client())
        return adapter.events(headers, body)
    except (ForgedError, SecretUnreadableError):
        raise ForbiddenError from None
    except MalformedError:
        raise ParseError from None


def _name(agent: Any) -> str:
    return word(agent.get("name"), 60) if isinstance(agent, dict) else ""


def _shown(request: Request, handoff: Handoff, until: int | None) -> HttpResponse:
    handoff = Handoff.objects.select_related("target", "conversation__channel").get(pk=handoff.pk)
    told = packages.transcript(handoff, until=until)
    wanted = request.query_params.get("format", "json")
    response: HttpResponse
    if wanted == "html":
        context = {"messages": told, "handoff": handoff}
        response = render(request._request, "handoff/transcript.html", context)
    elif wanted == "txt":
        lines = [f"[{each['at']}] {each['author_name']}: {each['text']}" for each in told]
        response = HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")
    else:
        response = Response(
            {
                "handoff_id": str(handoff.pk),
                "conversation_id": str(handoff.conversation_id),
                "total": len(told),
                "sha256": packages.fingerprint(told),
                "messages": told,
            }
        )
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = "no-referrer"
    return response
