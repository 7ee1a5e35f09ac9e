"""What the console needs besides conversations: colleagues, mentions, how the tenant works."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import wire
from conversations.api.console import ConsoleView, HandlingView
from conversations.models import Channel
from conversations.services import mentions, wrap_ups


class SeenInput(serializers.Serializer[Any]):
    """Which mentions were seen; all of them without `ids`."""

    ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, allow_null=True, default=None, max_length=200
    )


class DeskView(ConsoleView):
    """GET desk: colleagues, channels, how conversations are wrapped up, mentions unread."""

    def get(self, request: Request) -> Response:
        member = self.actor.membership
        return Response(
            {
                "people": [
                    {"id": str(person.pk), "name": person.display_name, "role": person.role}
                    for person in mentions.people()
                ],
                "channels": [
                    {"id": str(pk), "name": name}
                    for pk, name in Channel.objects.order_by("name").values_list("pk", "name")
                ],
                "wrap_up": {
                    "demand": wrap_ups.demand(),
                    "categories": [
                        {"id": str(each.pk), "name": each.name} for each in wrap_ups.categories()
                    ],
                },
                "mentions_unread": mentions.unread(member) if member else 0,
            }
        )


class MentionsView(HandlingView):
    """GET and POST mentions: where one was called, and that one has seen it."""

    def get(self, request: Request) -> Response:
        return Response(
            {
                "mentions": [wire.mention_object(each) for each in mentions.latest(self.member)],
                "unread": mentions.unread(self.member),
            }
        )

    def post(self, request: Request) -> Response:
        left = mentions.mark_read(self.member, self.valid(SeenInput)["ids"])
        return Response({"unread": left})
