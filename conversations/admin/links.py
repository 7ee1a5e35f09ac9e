"""Links from a row to the conversation it is about."""

from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _


def conversation_link(conversation_id: Any, text: str = "") -> SafeString | str:
    """Return a link to the conversation's page; a dash where there is none."""
    if conversation_id is None:
        return "–"
    return format_html(
        '<a class="y-link" href="{}">{}</a>',
        reverse("admin:conversations_conversation_change", args=[conversation_id]),
        text or _("Conversation"),
    )
