"""Read the members of a frame, which anybody may have written."""

import uuid

from django.utils.translation import gettext_lazy as _

from conversations.sockets import Frame
from tenants.errors import DomainError
from tenants.scoping import as_uuid

MAX_IDS = 50


class MalformedFrameError(DomainError):
    """The frame lacks a member, or one has the wrong type."""

    code = "malformed"
    status = 400
    message = _("The frame is incomplete: “%(member)s” is missing or wrong.")


def number(frame: Frame, member: str, default: int | None = None) -> int:
    """Return a whole number from 0 to 2³¹ - 1, or the default. Raises MalformedFrameError."""
    value = frame.get(member, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise MalformedFrameError(member=member)
    return value


def ids(frame: Frame, member: str) -> list[uuid.UUID]:
    """Return a list of ids, empty where there is none. Raises MalformedFrameError."""
    values = frame.get(member) or []
    if not isinstance(values, list) or len(values) > MAX_IDS:
        raise MalformedFrameError(member=member)
    found = [as_uuid(value) for value in values]
    if None in found:
        raise MalformedFrameError(member=member)
    return [each for each in found if each is not None]


def text(frame: Frame, member: str, *, limit: int, blank: bool = False) -> str:
    """Return a text of at most `limit` characters. Raises MalformedFrameError."""
    value = frame.get(member)
    if not isinstance(value, str) or len(value) > limit or not (value or blank):
        raise MalformedFrameError(member=member)
    return value
