"""The console's API about who looks after whom: offers, transfers, the supervisors' board."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import board, console, wire
from conversations.api.console import ConsoleView, HandlingView
from conversations.models import AgentGroup
from conversations.services import offers, transfers
from tenants.errors import DomainError, NotFoundError
from tenants.models import Membership


class TransferInput(serializers.Serializer[Any]):
    """To whom a conversation goes, and what colleagues should know."""

    to_member = serializers.UUIDField(required=False, allow_null=True, default=None)
    to_group = serializers.UUIDField(required=False, allow_null=True, default=None)
    note = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")
    client_msg_id = serializers.CharField(
        max_length=64, required=False, allow_blank=True, default=""
    )


class ReassignInput(serializers.Serializer[Any]):
    """Who shall have a conversation."""

    to_member = serializers.UUIDField()


class NoTargetError(DomainError):
    """A transfer names nobody, or both a person and a group."""

    code = "no_target"
    status = 422
    message = _("Choose one colleague or one group.")


class SupervisingView(ConsoleView):
    """A view for those who lead agents."""

    capability = "conversation.supervise"


class BoardView(SupervisingView):
    """GET board: queues, agents and today's promises."""

    def get(self, request: Request) -> Response:
        return Response(board.board(self.actor))


class TargetsView(HandlingView):
    """GET transfer-targets: the groups, and the colleagues who are there."""

    def get(self, request: Request) -> Response:
        return Response(board.targets(self.actor))


class DeclineView(HandlingView):
    """POST conversations/{id}/decline: let an offer ring at the next agent."""

    def post(self, request: Request, pk: str) -> Response:
        row = console.conversation(pk, self.actor)
        return Response(wire.row_object(offers.decline(row.pk, by=self.member)))


class TransferView(HandlingView):
    """POST conversations/{id}/transfer."""

    def post(self, request: Request, pk: str) -> Response:
        row = console.conversation(pk, self.actor)
        data = self.valid(TransferInput)
        if bool(data["to_member"]) == bool(data["to_group"]):
            raise NoTargetError
        moved = transfers.transfer(
            row.pk,
            by=self.member,
            to_member=handler(data["to_member"]) if data["to_member"] else None,
            to_group=_group(data["to_group"]) if data["to_group"] else None,
            note=data["note"],
            client_msg_id=data["client_msg_id"],
        )
        return Response(wire.row_object(moved))


class ReassignView(SupervisingView):
    """POST conversations/{id}/reassign."""

    def post(self, request: Request, pk: str) -> Response:
        by = self.member
        row = console.conversation(pk, self.actor)
        member = handler(self.valid(ReassignInput)["to_member"])
        return Response(wire.row_object(transfers.reassign(row.pk, to_member=member, by=by)))


class TakeOverView(SupervisingView):
    """POST conversations/{id}/take-over."""

    def post(self, request: Request, pk: str) -> Response:
        by = self.member
        row = console.conversation(pk, self.actor)
        return Response(wire.row_object(transfers.take_over(row.pk, by=by)))


def handler(member_id: Any) -> Membership:
    """Return the colleague who may look after visitors; NotFoundError for anybody else."""
    member = Membership.objects.filter(pk=member_id, is_active=True).first()
    if member is None or not member.can("conversation.handle"):
        raise NotFoundError
    return member


def _group(group_id: Any) -> AgentGroup:
    group = AgentGroup.objects.filter(pk=group_id, is_active=True).first()
    if group is None:
        raise NotFoundError
    return group
