"""What the visitor's pages told with their messages."""

from typing import Any

from conversations.models import AuthorKind, Conversation, Message

# Of what a page tells with a message, agents are shown this much.
_KEYS = ("page_title", "product_id", "order_no", "page")
_LOOKED_AT = 50
_SHOWN = 8


def facts(row: Conversation) -> dict[str, str]:
    """Return what the visitor's page told with their latest messages; a product is told once."""
    told: dict[str, str] = {}
    for context, _at in _told(row):
        for key in _KEYS:
            if context.get(key):
                told.setdefault(key, str(context[key]))
    return told


def pages(row: Conversation) -> list[dict[str, Any]]:
    """Return the pages from which the visitor wrote last, the latest first: page, title, at.

    Several messages in a row from one page are one visit; `at` is the last of them.
    """
    visits: list[dict[str, Any]] = []
    for context, at in _told(row):
        page, title = str(context.get("page") or ""), str(context.get("page_title") or "")
        if not (page or title):
            continue
        if not visits or (visits[-1]["page"], visits[-1]["title"]) != (page, title):
            visits.append({"page": page, "title": title, "at": at})
    return visits[:_SHOWN]


def _told(row: Conversation) -> list[tuple[dict[str, Any], Any]]:
    return list(
        Message.objects.filter(conversation=row, author_kind=AuthorKind.CUSTOMER)
        .order_by("-seq")
        .values_list("context", "created_at")[:_LOOKED_AT]
    )
