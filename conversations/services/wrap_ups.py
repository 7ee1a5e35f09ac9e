"""Keep what came of each inquiry, as its agent says."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from conversations import events
from conversations.models import (
    SUMMARY_LENGTH,
    Conversation,
    DeskSettings,
    WrapUp,
    WrapUpCategory,
    WrapUpDemand,
)
from conversations.services import messages
from conversations.states import ConversationStatus, NotYoursError
from tenants import clock
from tenants.errors import DomainError, NotFoundError
from tenants.models import Membership, User
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.ledger import Event


class WrapUpNeededError(DomainError):
    """The tenant wants to know what came of a conversation before it is closed."""

    code = "wrap_up_needed"
    status = 422
    message = _("Please say whether the visitor was helped before you close the conversation.")


@dataclass(frozen=True)
class Account:
    """What an agent says of an inquiry: a category or none, resolved or not, and words."""

    resolved: str
    category_id: uuid.UUID | None = None
    summary: str = ""


def settings() -> DeskSettings:
    """Return how the tenant's agents work, made with the product's defaults if nobody chose."""
    row, _created = DeskSettings.objects.get_or_create(tenant_id=active_tenant_id())
    return row


def demand() -> str:
    """Return whether closing demands a wrap-up; asks for no row to be made."""
    chosen = DeskSettings.objects.values_list("wrap_up", flat=True).first()
    return str(chosen or WrapUpDemand.OPTIONAL)


def categories() -> list[WrapUpCategory]:
    """Return the categories on offer, in their order."""
    return list(WrapUpCategory.objects.filter(is_active=True))


def ensure_written(conversation: Conversation) -> None:
    """Raise WrapUpNeededError where the tenant demands an account and none is written yet."""
    if demand() != WrapUpDemand.REQUIRED:
        return
    if not WrapUp.objects.filter(inquiry=conversation.inquiry_id).exists():
        raise WrapUpNeededError


def record(
    conversation: Conversation, account: Account, *, by: Membership, at: datetime
) -> list[Event]:
    """Write the account of a locked conversation's latest inquiry; return the ledger events.

    A second account replaces the first. Raises NotFoundError for a category that is not offered.
    """
    inquiry = conversation.inquiry
    if inquiry is None:
        return []
    category = None
    if account.category_id is not None:
        category = WrapUpCategory.objects.filter(pk=account.category_id, is_active=True).first()
        if category is None:
            raise NotFoundError
    row = WrapUp.objects.filter(inquiry=inquiry).first() or WrapUp(inquiry=inquiry)
    row.conversation = conversation
    row.category = category
    row.resolved = account.resolved
    row.summary = account.summary.replace("\x00", "").strip()[:SUMMARY_LENGTH]
    row.by = by
    row.at = at
    row.save()
    inquiry.wrap_up = row
    facts = {
        "conversation": conversation.pk,
        "by": by.pk,
        "category": category.pk if category else None,
        "resolved": row.resolved,
        "summary_sha256": ledger.fingerprint(row.summary),
    }
    return [Event("wrap_up.written", inquiry.pk, facts, at)]


def save(conversation_id: uuid.UUID, account: Account, *, by: Membership) -> Conversation:
    """Write or change the account of the latest inquiry, also after it has ended.

    Its agent may while somebody has the conversation, any agent else. Raises NotYoursError,
    NotFoundError.
    """
    with transaction.atomic():
        conversation = messages.lock_conversation(conversation_id)
        if conversation.status == ConversationStatus.HUMAN and conversation.agent_id != by.pk:
            raise NotYoursError
        ledger.append(*record(conversation, account, by=by, at=clock.now()))
        events.announce_conversation(conversation, to_visitor=False)
    return conversation


def save_settings(row: DeskSettings, *, by: User) -> DeskSettings:
    """Write how the tenant's agents work; before and after stand in the ledger."""
    with transaction.atomic():
        before = DeskSettings.objects.select_for_update().get(pk=row.pk).wrap_up
        row.save()
        facts = {"by": by.pk, "old": before, "new": row.wrap_up}
        ledger.append(Event("desk_settings.changed", row.pk, facts))
    return row


def save_category(row: WrapUpCategory, *, by: User) -> WrapUpCategory:
    """Write a category; it is switched off, never removed, because accounts rest on it."""
    with transaction.atomic():
        row.save()
        facts = {"by": by.pk, "name": row.name, "active": row.is_active}
        ledger.append(Event("wrap_up_category.changed", row.pk, facts))
    return row
