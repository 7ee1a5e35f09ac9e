"""What came of conversations: said at closing, changed later, for many at once."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import console, wire
from conversations.api.console import HandlingView
from conversations.models import SUMMARY_LENGTH, Resolution
from conversations.services import bulk, endings, wrap_ups
from conversations.services.wrap_ups import Account


class WrapUpInput(serializers.Serializer[Any]):
    """An agent's account of an inquiry."""

    resolved = serializers.ChoiceField(choices=Resolution.choices)
    category_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    summary = serializers.CharField(
        max_length=SUMMARY_LENGTH, required=False, allow_blank=True, default=""
    )


class CloseInput(serializers.Serializer[Any]):
    """Closing, with or without an account."""

    wrap_up = WrapUpInput(required=False, allow_null=True, default=None)


class BulkCloseInput(CloseInput):
    """Closing several, all with the same account."""

    ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=bulk.MOST)


class CloseView(HandlingView):
    """POST conversations/{id}/close, with what came of it."""

    def post(self, request: Request, pk: str) -> Response:
        row = console.conversation(pk, self.actor)
        account = account_of(self.valid(CloseInput))
        return Response(wire.row_object(endings.close(row.pk, by=self.member, account=account)))


class WrapUpView(HandlingView):
    """POST conversations/{id}/wrap-up: say what came of it, also afterwards."""

    def post(self, request: Request, pk: str) -> Response:
        row = console.conversation(pk, self.actor)
        account = Account(**self.valid(WrapUpInput))
        return Response(wire.row_object(wrap_ups.save(row.pk, account, by=self.member)))


class BulkCloseView(HandlingView):
    """POST bulk/close: close several conversations, each by itself."""

    def post(self, request: Request) -> Response:
        data = self.valid(BulkCloseInput)
        return Response(
            {"results": bulk.close(data["ids"], by=self.member, account=account_of(data))}
        )


def account_of(data: dict[str, Any]) -> Account | None:
    """Return the account in validated values of CloseInput, if one was given."""
    return Account(**data["wrap_up"]) if data["wrap_up"] else None
