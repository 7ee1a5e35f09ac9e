"""The knowledge base at the console: searched, and suggested."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import console
from conversations.api.console import ConsoleView, HandlingView
from conversations.services import standard_answers
from conversations.services.standard_answers import Found

_LONGEST_SEARCH = 200


class RefusedInput(serializers.Serializer[Any]):
    """A suggestion that was no help."""

    message_id = serializers.UUIDField()
    version_id = serializers.UUIDField()


class KnowledgeView(ConsoleView):
    """GET knowledge?q=: what the active release has to say."""

    def get(self, request: Request) -> Response:
        words = request.query_params.get("q", "").replace("\x00", "").strip()[:_LONGEST_SEARCH]
        return Response({"entries": [_shown(each) for each in standard_answers.find(words)]})


class SuggestionView(HandlingView):
    """GET and POST conversations/{id}/suggestion: what may answer the latest question."""

    def get(self, request: Request, pk: str) -> Response:
        suggestion = standard_answers.suggest(console.conversation(pk, self.actor))
        if suggestion is None:
            return Response({"message_id": None, "question": None, "entries": []})
        return Response(
            {
                "message_id": str(suggestion.question.pk),
                "question": suggestion.text,
                "entries": [_shown(each) for each in suggestion.found],
            }
        )

    def post(self, request: Request, pk: str) -> Response:
        row = console.conversation(pk, self.actor)
        data = self.valid(RefusedInput)
        standard_answers.refuse(row, data["message_id"], data["version_id"], by=self.member)
        return Response(status=204)


def _shown(found: Found) -> dict[str, Any]:
    version = found.version
    return {
        "version_id": str(version.pk),
        "category": version.category_name,
        "question": version.question,
        "answer": version.answer,
        "number": version.number,
        "percent": None if found.p is None else round(found.p * 100),
    }
