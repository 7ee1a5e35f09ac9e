"""The package in words, for systems whose agents read text (protocols §5.3, §5.4)."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _


def as_text(data: Mapping[str, Any], *, limit: int) -> str:
    """Return summary, visitor, reason, the last messages and the links; at most `limit` signs."""
    customer, channel, reason = data["customer"], data["channel"], data["reason"]
    contact = [customer["phone"], customer["email"], customer["user_id"]]
    verified = _("verified") if customer["verified"] else _("not verified")
    head = [
        _("Handed over by the assistant: %(reason)s") % {"reason": reason["label"]},
        _("Visitor: %(name)s (%(facts)s)")
        % {"name": customer["name"], "facts": ", ".join([verified, *filter(None, contact)])},
        _("Channel: %(name)s") % {"name": channel["name"]},
    ]
    if reason["detail"]:
        head.append(_("Note: %(note)s") % {"note": reason["detail"]})
    head += [
        _("Close in the knowledge base: %(question)s (%(percent)s%%)")
        % {"question": candidate["question"], "percent": round(candidate["p"] * 100)}
        for candidate in reason["candidates"]
    ]
    tail = [_("Whole transcript: %(url)s") % {"url": data["transcript"]["full_url"]}]
    tail = tail if data["transcript"]["full_url"] else []
    lines = [as_line(message) for message in data["transcript"]["messages"]]
    text = "\n".join([*head, "", *lines, "", *tail])
    while len(text) > limit and lines:
        lines.pop(0)
        text = "\n".join([*head, "", "…", *lines, "", *tail])
    return text[:limit]


def as_line(message: Mapping[str, Any]) -> str:
    """Return one message with its time and author."""
    return f"[{message['at'][11:19]}] {message['author_name']}: {message['text']}"


def title(data: Mapping[str, Any]) -> str:
    """Return what the ticket or conversation is called."""
    return _("[From the assistant] %(reason)s – %(name)s") % {
        "reason": data["reason"]["label"],
        "name": data["customer"]["name"],
    }


def ending(kind: str) -> str:
    """Return what colleagues over there read when the hand-off is over or taken back."""
    if kind == "withdrawn":
        return _("Please do not answer: this visitor is looked after elsewhere now.")
    return _("The conversation has ended.")
