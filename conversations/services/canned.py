"""Keep canned replies, and fill what they leave open."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from conversations import page_track
from conversations.models import CannedReply, Conversation, Ticket
from conversations.services import phrases
from tenants.errors import DomainError, NotFoundError
from tenants.models import Membership, User
from tenants.services import ledger
from tenants.services.ledger import Event

# Of one agent; the team's are for people in the administration to keep short.
MOST_OWN = 200
_VARIABLE = re.compile(r"\{\{\s*([^{}]{1,40}?)\s*\}\}")


class ShortcutTakenError(DomainError):
    """Another reply of the same person stands under this word."""

    code = "shortcut_taken"
    status = 409
    message = _("You have a reply under this shortcut already. Please choose another word.")


class TooManyRepliesError(DomainError):
    """One agent keeps no more than this."""

    code = "too_many_replies"
    status = 409
    message = _("You have %(limit)s replies of your own already. Please remove one first.")


def fitting(conversation: Conversation, *, by: Membership) -> QuerySet[CannedReply]:
    """Return the replies in use that suit the visitor's language: the team's and `by`'s own.

    The most used stand first.
    """
    spoken = "en" if conversation.contact.locale == "en" else "zh-CN"
    return _visible(by).filter(is_active=True, language__in=("", spoken))


def values_for(conversation: Conversation, *, by: Membership) -> dict[str, str]:
    """Return what is known of the variables a reply may hold; unknown ones are not in it.

    A visitor without a name is addressed in a general way, in their language.
    """
    page = page_track.facts(conversation)
    with phrases.language_of(conversation.contact):
        visitor = conversation.contact.known("name") or phrases.anybody()
    known = {
        "visitor": visitor,
        "agent": by.display_name,
        "brand": conversation.channel.brand_name,
        "channel": conversation.channel.name,
        "order_no": page.get("order_no", ""),
        "product": page.get("product_id", ""),
        "phone": conversation.contact.phone,
        "ticket": _latest_ticket(conversation),
    }
    return {name: value for name, value in known.items() if value}


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return the text with its known variables filled; the others stay in their double braces."""
    return _VARIABLE.sub(lambda found: values.get(found[1].lower(), f"{{{{{found[1]}}}}}"), text)


def save_own(fields: Mapping[str, Any], *, by: Membership, reply_id: object = None) -> CannedReply:
    """Write a reply of the agent's own, a new one without `reply_id`; return it.

    Raises NotFoundError for one that is not theirs, ShortcutTakenError, TooManyRepliesError.
    """
    try:
        with transaction.atomic():
            if reply_id is None:
                if CannedReply.objects.filter(owner=by).count() >= MOST_OWN:
                    raise TooManyRepliesError(limit=MOST_OWN)
                row = CannedReply(owner=by)
            else:
                row = _own(reply_id, by)
            for name, value in fields.items():
                setattr(row, name, value)
            row.save()
            ledger.append(_changed(row, by.user_id))
    except IntegrityError:
        raise ShortcutTakenError from None
    return row


def remove_own(reply_id: object, *, by: Membership) -> None:
    """Remove a reply of the agent's own. Raises NotFoundError for any other."""
    with transaction.atomic():
        row = _own(reply_id, by)
        ledger.append(Event("canned.removed", row.pk, {"by": by.user_id}))
        row.delete()


def save_shared(row: CannedReply, *, by: User) -> CannedReply:
    """Write a reply of the whole team; the ledger keeps its text as a hash."""
    with transaction.atomic():
        row.save()
        ledger.append(_changed(row, by.pk))
    return row


def note_use(reply_id: object, *, by: Membership) -> None:
    """Count that an agent put the reply into a conversation. Raises NotFoundError."""
    if not _visible(by).filter(pk=_key(reply_id)).update(use_count=F("use_count") + 1):
        raise NotFoundError


def _latest_ticket(conversation: Conversation) -> str:
    tickets = Ticket.objects.filter(contact=conversation.contact_id).order_by("-created_at")
    return str(tickets.values_list("number", flat=True).first() or "")


def _visible(by: Membership) -> QuerySet[CannedReply]:
    own_or_shared = Q(owner=None) | Q(owner=by)
    found: QuerySet[CannedReply] = CannedReply.objects.filter(own_or_shared)
    return found.order_by("-use_count", "shortcut", "pk")


def _own(reply_id: object, by: Membership) -> CannedReply:
    row = CannedReply.objects.filter(pk=_key(reply_id), owner=by).first()
    if row is None:
        raise NotFoundError
    return row


def _key(value: object) -> uuid.UUID:
    try:
        return uuid.UUID(str(value))
    except ValueError:
        raise NotFoundError from None


def _changed(row: CannedReply, by: uuid.UUID | int | None) -> Event:
    facts = {
        "by": by,
        "own": row.owner_id is not None,
        "shortcut": row.shortcut,
        "text_sha256": ledger.fingerprint(row.text),
        "active": row.is_active,
    }
    return Event("canned.changed", row.pk, facts)
