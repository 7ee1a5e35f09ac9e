"""Tickets in the console's API."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import console, console_tickets, ticket_wire
from conversations.api.console import ConsoleView
from conversations.models import COMMENT_LENGTH, DESCRIPTION_LENGTH, SUBJECT_LENGTH, TicketCategory
from conversations.services import ticket_desk, tickets
from conversations.services.tickets import NewTicket
from conversations.ticket_states import TicketOrigin, TicketPriority, TicketStatus
from tenants.errors import NotFoundError
from tenants.models import Membership


class ListInput(serializers.Serializer[Any]):
    """Which page of which list."""

    list = serializers.CharField(max_length=10, default="open")
    q = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    contact = serializers.UUIDField(required=False)
    offset = serializers.IntegerField(min_value=0, max_value=100_000, default=0)


class NewTicketInput(serializers.Serializer[Any]):
    """A ticket that an agent opens from a conversation."""

    client_id = serializers.CharField(max_length=64)
    conversation_id = serializers.CharField(max_length=64)
    subject = serializers.CharField(max_length=SUBJECT_LENGTH)
    description = serializers.CharField(max_length=DESCRIPTION_LENGTH)
    priority = serializers.ChoiceField(
        choices=TicketPriority.choices, default=TicketPriority.NORMAL
    )
    category = serializers.UUIDField(required=False, allow_null=True, default=None)
    assignee = serializers.UUIDField(required=False, allow_null=True, default=None)
    name = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    email = serializers.EmailField(required=False, allow_blank=True, default="")


class CommentInput(serializers.Serializer[Any]):
    """A remark, for the visitor or among colleagues."""

    client_id = serializers.CharField(max_length=64)
    text = serializers.CharField(max_length=COMMENT_LENGTH, trim_whitespace=False)
    is_public = serializers.BooleanField()


class StatusInput(serializers.Serializer[Any]):
    """The state a ticket shall have."""

    status = serializers.ChoiceField(choices=TicketStatus.choices)


class AssigneeInput(serializers.Serializer[Any]):
    """Who shall see to it; null for nobody."""

    assignee = serializers.UUIDField(allow_null=True)


class PriorityInput(serializers.Serializer[Any]):
    """How soon, and what kind of ticket it is; null for none."""

    priority = serializers.ChoiceField(choices=TicketPriority.choices)
    category = serializers.UUIDField(allow_null=True)


class MergeInput(serializers.Serializer[Any]):
    """The number of the ticket that goes on for both."""

    into = serializers.CharField(max_length=20)


class LookingView(ConsoleView):
    """A view that reads tickets."""

    capability = "ticket.view"


class HandlingView(ConsoleView):
    """A view that does something to tickets."""

    capability = "ticket.handle"


class DraftView(LookingView):
    """GET conversations/{id}/ticket-draft: a ticket as the conversation suggests it."""

    def get(self, request: Request, pk: str) -> Response:
        return Response(console_tickets.draft(console.conversation(pk, self.actor)))


class ChoicesView(LookingView):
    """GET tickets/choices: what a ticket may be given."""

    def get(self, request: Request) -> Response:
        return Response(console_tickets.choices())


class TicketListView(ConsoleView):
    """GET and POST tickets: the lists, and a new one from a conversation."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.capability = "ticket.view" if request.method == "GET" else "ticket.handle"
        super().initial(request, *args, **kwargs)

    def get(self, request: Request) -> Response:
        asked = self.valid(ListInput, query=True)
        return Response(
            console_tickets.rows(
                self.actor,
                asked["list"],
                search=asked["q"].replace("\x00", "").strip(),
                contact=asked.get("contact"),
                offset=asked["offset"],
            )
        )

    def post(self, request: Request) -> Response:
        data = self.valid(NewTicketInput)
        conversation = console.conversation(data["conversation_id"], self.actor)
        asked = NewTicket(
            contact=conversation.contact,
            channel=conversation.channel,
            conversation=conversation,
            origin=TicketOrigin.CHAT,
            category=_category(data["category"]),
            assignee=_member(data["assignee"]),
            client_id=f"desk:{data['client_id']}",
            **{
                name: data[name]
                for name in ("subject", "description", "priority", "name", "phone", "email")
            },
        )
        ticket, created = tickets.open_ticket(asked, by=self.member)
        return Response(ticket_wire.ticket_row(ticket), status=201 if created else 200)


class TicketView(LookingView):
    """GET tickets/{id}."""

    def get(self, request: Request, pk: str) -> Response:
        return Response(console_tickets.detail(console_tickets.ticket(pk)))


class CommentView(HandlingView):
    """POST tickets/{id}/comments."""

    def post(self, request: Request, pk: str) -> Response:
        row = console_tickets.ticket(pk)
        comment, created = ticket_desk.comment(row.pk, by=self.member, **self.valid(CommentInput))
        return Response(ticket_wire.comment_object(comment), status=201 if created else 200)


class StatusView(HandlingView):
    """POST tickets/{id}/status."""

    def post(self, request: Request, pk: str) -> Response:
        row = console_tickets.ticket(pk)
        status = TicketStatus(self.valid(StatusInput)["status"])
        return Response(
            ticket_wire.ticket_row(ticket_desk.change_status(row.pk, status, by=self.member))
        )


class AssigneeView(HandlingView):
    """POST tickets/{id}/assignee."""

    def post(self, request: Request, pk: str) -> Response:
        row = console_tickets.ticket(pk)
        assignee = _member(self.valid(AssigneeInput)["assignee"])
        return Response(
            ticket_wire.ticket_row(ticket_desk.assign(row.pk, assignee, by=self.member))
        )


class PriorityView(HandlingView):
    """POST tickets/{id}/priority."""

    def post(self, request: Request, pk: str) -> Response:
        row = console_tickets.ticket(pk)
        data = self.valid(PriorityInput)
        changed = ticket_desk.change_priority(
            row.pk,
            TicketPriority(data["priority"]),
            by=self.member,
            category=_category(data["category"]),
        )
        return Response(ticket_wire.ticket_row(changed))


class MergeView(HandlingView):
    """POST tickets/{id}/merge: the other one goes on for both."""

    def post(self, request: Request, pk: str) -> Response:
        row = console_tickets.ticket(pk)
        main = console_tickets.numbered(self.valid(MergeInput)["into"])
        return Response(ticket_wire.ticket_row(ticket_desk.merge(row.pk, main.pk, by=self.member)))


def _category(pk: Any) -> TicketCategory | None:
    if pk is None:
        return None
    found = TicketCategory.objects.filter(pk=pk).first()
    if found is None:
        raise NotFoundError
    return found


def _member(pk: Any) -> Membership | None:
    if pk is None:
        return None
    found = Membership.objects.select_related("user").filter(pk=pk, is_active=True).first()
    if found is None:
        raise NotFoundError
    return found
