"""What the client API accepts."""

import uuid
from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers

from conversations.models import FeedbackReason, Satisfaction, SurveyPart
from conversations.satisfaction import COMMENT_LENGTH
from conversations.services.identity import Introduction


class ProfileInput(serializers.Serializer[Any]):
    """What a page tells of its visitor."""

    name = serializers.CharField(max_length=60, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True)
    email = serializers.EmailField(required=False, allow_blank=True)


class SessionInput(serializers.Serializer[Any]):
    """A device that presents itself (protocols §3.2)."""

    channel_key = serializers.CharField(max_length=80)
    device_id = serializers.CharField(max_length=64, required=False, default="")
    identity_token = serializers.CharField(max_length=4000, required=False, allow_blank=True)
    user_id = serializers.CharField(max_length=120, required=False, allow_blank=True)
    user_hash = serializers.CharField(max_length=128, required=False, allow_blank=True)
    profile = ProfileInput(required=False)
    locale = serializers.CharField(max_length=20, required=False, allow_blank=True)
    attributes = serializers.DictField(required=False)
    notice_version = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    ticket = serializers.CharField(max_length=400, required=False, allow_blank=True)


class IdentifyInput(serializers.Serializer[Any]):
    """A visitor who logs in on the client's page."""

    identity_token = serializers.CharField(max_length=4000, required=False, allow_blank=True)
    user_id = serializers.CharField(max_length=120, required=False, allow_blank=True)
    user_hash = serializers.CharField(max_length=128, required=False, allow_blank=True)
    profile = ProfileInput(required=False)


class RefreshInput(serializers.Serializer[Any]):
    """The token that buys new ones."""

    refresh_token = serializers.CharField(max_length=200)


class AttachmentIds(serializers.ListField):
    """The ids of uploads that go with a message."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{
                "child": serializers.UUIDField(),
                "default": list,
                # The service says how many a message may carry; this bounds the request.
                "max_length": 50,
                **kwargs,
            }
        )


class MessageInput(serializers.Serializer[Any]):
    """A message to be sent (protocols §3.3)."""

    client_msg_id = serializers.CharField(max_length=64)
    type = serializers.ChoiceField(choices=["text", "image", "file"], default="text")
    text = serializers.CharField(allow_blank=True, trim_whitespace=False, default="")
    attachments = AttachmentIds()
    quote = serializers.UUIDField(required=False, allow_null=True, default=None)
    context = serializers.DictField(required=False, default=dict)  # type: ignore[assignment]  # a field


class HistoryInput(serializers.Serializer[Any]):
    """Which part of a conversation is asked for."""

    after_seq = serializers.IntegerField(min_value=0, required=False)
    before_seq = serializers.IntegerField(min_value=0, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=100, default=50)


class ReadInput(serializers.Serializer[Any]):
    """How far somebody has read."""

    up_to_seq = serializers.IntegerField(min_value=0)


class TypingInput(serializers.Serializer[Any]):
    """Whether somebody is writing."""

    on = serializers.BooleanField()


class HandoffInput(serializers.Serializer[Any]):
    """The wish for a person."""

    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class FeedbackInput(serializers.Serializer[Any]):
    """A judgement of one answer."""

    helpful = serializers.BooleanField()
    comment = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    reason = serializers.ChoiceField(
        choices=FeedbackReason.choices, required=False, allow_blank=True, default=""
    )


class RatingInput(serializers.Serializer[Any]):
    """A visitor's answer about one part of an inquiry; a missing comment leaves it as it is."""

    part = serializers.ChoiceField(choices=SurveyPart.choices)
    score = serializers.ChoiceField(choices=Satisfaction.choices)
    comment = serializers.CharField(max_length=COMMENT_LENGTH, required=False, allow_blank=True)


class NoticeInput(serializers.Serializer[Any]):
    """Which privacy notice was read."""

    version = serializers.IntegerField(min_value=1)


def introduction(data: dict[str, Any]) -> Introduction:
    """Return the validated presentation of a device as the contacts service takes it."""
    return Introduction(
        device_id=data.get("device_id") or uuid.uuid4().hex,
        identity_token=data.get("identity_token") or "",
        user_id=data.get("user_id") or "",
        user_hash=data.get("user_hash") or "",
        profile=data.get("profile"),
        locale=data.get("locale") or "",
        attributes=data.get("attributes"),
        notice_version=data.get("notice_version"),
    )


def first_attempt(context: dict[str, Any]) -> datetime | None:
    """Return when the device first tried to send, if it says so plausibly (ms since 1970)."""
    value = context.get("first_attempt")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None
