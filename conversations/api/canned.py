"""Canned replies at the console: those that fit a conversation, and one's own."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import console
from conversations.api.console import HandlingView
from conversations.models import TEXT_LENGTH, CannedLanguage, CannedReply
from conversations.services import canned


class OwnReplyInput(serializers.Serializer[Any]):
    """A reply of one's own: a new one without `id`."""

    id = serializers.UUIDField(required=False, allow_null=True, default=None)
    shortcut = serializers.RegexField(r"^[^\s/{}]+$", max_length=30)
    title = serializers.CharField(max_length=80)
    text = serializers.CharField(max_length=TEXT_LENGTH)
    category = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    language = serializers.ChoiceField(
        choices=CannedLanguage.choices, required=False, allow_blank=True, default=""
    )


class ReplyIdInput(serializers.Serializer[Any]):
    """Which reply."""

    id = serializers.UUIDField()


class FittingView(HandlingView):
    """GET conversations/{id}/canned: what may be said here, with its variables filled."""

    def get(self, request: Request, pk: str) -> Response:
        row = console.conversation(pk, self.actor)
        values = canned.values_for(row, by=self.member)
        replies = canned.fitting(row, by=self.member)
        return Response(
            {
                "replies": [
                    {**_shown(reply), "filled": canned.filled(reply.text, values)}
                    for reply in replies
                ],
                "values": values,
            }
        )


class OwnRepliesView(HandlingView):
    """POST canned: write a reply of one's own."""

    def post(self, request: Request) -> Response:
        data = self.valid(OwnReplyInput)
        reply_id = data.pop("id")
        row = canned.save_own(data, by=self.member, reply_id=reply_id)
        return Response(_shown(row), status=200 if reply_id else 201)


class RemovedReplyView(HandlingView):
    """POST canned/remove: give up a reply of one's own."""

    def post(self, request: Request) -> Response:
        canned.remove_own(self.valid(ReplyIdInput)["id"], by=self.member)
        return Response(status=204)


class UsedReplyView(HandlingView):
    """POST canned/use: count a reply that was put into a conversation."""

    def post(self, request: Request) -> Response:
        canned.note_use(self.valid(ReplyIdInput)["id"], by=self.member)
        return Response(status=204)


def _shown(reply: CannedReply) -> dict[str, Any]:
    return {
        "id": str(reply.pk),
        "own": reply.owner_id is not None,
        "shortcut": reply.shortcut,
        "title": reply.title,
        "text": reply.text,
        "category": reply.category,
        "language": reply.language,
        "use_count": reply.use_count,
    }
