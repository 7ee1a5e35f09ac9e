"""Looking back and putting aside: search over history, snoozing."""

from datetime import UTC
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import console, history_search, wire
from conversations.api.console import ConsoleView, HandlingView
from conversations.history_search import Question
from conversations.services import snoozes


class SearchInput(serializers.Serializer[Any]):
    """What is looked for, and where."""

    q = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    channel = serializers.UUIDField(required=False, default=None)
    agent = serializers.UUIDField(required=False, default=None)
    since = serializers.DateTimeField(required=False, default=None, default_timezone=UTC)
    until = serializers.DateTimeField(required=False, default=None, default_timezone=UTC)


class SnoozeInput(serializers.Serializer[Any]):
    """Until when a conversation is put aside; null takes it up again."""

    until = serializers.DateTimeField(allow_null=True, default_timezone=UTC)


class SearchView(ConsoleView):
    """GET search: words in messages, notes and contacts."""

    def get(self, request: Request) -> Response:
        data = self.valid(SearchInput, query=True)
        asked = Question(
            words=data["q"],
            channel_id=data["channel"],
            agent_id=data["agent"],
            since=data["since"],
            until=data["until"],
            seen=console.seen_by(self.actor),
        )
        return Response(history_search.find(asked))


class SnoozeView(HandlingView):
    """POST conversations/{id}/snooze."""

    def post(self, request: Request, pk: str) -> Response:
        row = console.conversation(pk, self.actor)
        until = self.valid(SnoozeInput)["until"]
        if until is None:
            changed = snoozes.end(row.pk, by=self.member)
        else:
            changed = snoozes.snooze(row.pk, until, by=self.member)
        return Response(wire.row_object(changed))
