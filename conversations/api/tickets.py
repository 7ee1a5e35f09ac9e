"""Tickets in the client API: leave a message, follow what became of it."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import ticket_visitors
from conversations.api.views import ClientView
from conversations.models import COMMENT_LENGTH
from tenants.middleware import request_address


class TicketInput(serializers.Serializer[Any]):
    """A message to be seen to later, and how to reach who left it."""

    client_id = serializers.CharField(max_length=64)
    text = serializers.CharField(max_length=COMMENT_LENGTH)
    name = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    email = serializers.EmailField(required=False, allow_blank=True, default="")

    def validate_phone(self, value: str) -> str:
        """Refuse a telephone number with hardly a figure in it."""
        if value and sum(each.isdecimal() for each in value) < 5:
            raise serializers.ValidationError(_("Please check the phone number."))
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a message nobody could answer."""
        if not attrs["phone"] and not attrs["email"]:
            raise serializers.ValidationError(
                {"phone": _("Please give a phone number or an e-mail address.")}
            )
        return attrs


class CommentInput(serializers.Serializer[Any]):
    """A further word on a ticket."""

    client_id = serializers.CharField(max_length=64)
    text = serializers.CharField(max_length=COMMENT_LENGTH)


class TicketClientView(ClientView):
    """A view of the visitor's tickets."""

    def valid(self, serializer_class: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """Return the request's validated values."""
        serializer = serializer_class(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class TicketsView(TicketClientView):
    """GET and POST /tickets: the visitor's own, latest first; a new one."""

    def get(self, request: Request) -> Response:
        return Response({"tickets": ticket_visitors.own(self.session)})

    def post(self, request: Request) -> Response:
        data = self.valid(TicketInput)
        ticket, created = ticket_visitors.leave(
            self.session, address=request_address(request), **data
        )
        return Response(ticket, status=201 if created else 200)


class TicketView(TicketClientView):
    """GET /tickets/{number}."""

    def get(self, request: Request, pk: str) -> Response:
        return Response(ticket_visitors.read(self.session, pk))


class CommentsView(TicketClientView):
    """POST /tickets/{number}/comments."""

    def post(self, request: Request, pk: str) -> Response:
        data = self.valid(CommentInput)
        comment, created = ticket_visitors.comment(
            self.session, pk, address=request_address(request), **data
        )
        return Response(comment, status=201 if created else 200)
