"""Questions that nobody answered in time."""

from datetime import timedelta

from celery import shared_task
from django.db.models import Q

from conversations import in_hand
from conversations.models import Conversation, Message
from tenants import clock
from tenants.chores import due, safely
from tenants.scoping import active_tenant_id, tenant_scope

# A question undecided for this long was left behind: by a killed process, or a failed commit.
UNDECIDED = timedelta(seconds=3)


@shared_task(name="conversations.decide_undecided", platform=True, alone_for=5)
def decide_undecided() -> None:
    """Confirm and decide the questions that nobody decided (rule 2 of the architecture).

    Those this very process still has before it are left to it: deciding twice what is only slow
    makes everything slower. So are those for which a language model is being heard, for as long as
    that may take.
    """
    from conversations.services import bot  # noqa: PLC0415 -- leaf

    left_behind = [
        (active_tenant_id(), message_id)
        for conversation_id, undecided_seq in due(
            Conversation,
            ("pk", "undecided_seq"),
            Q(advice_until=None) | Q(advice_until__lt=clock.now()),
            undecided_since__lt=clock.now() - UNDECIDED,
        )
        for message_id in Message.objects.filter(
            conversation=conversation_id, seq=undecided_seq
        ).values_list("pk", flat=True)
        if not in_hand.holds(message_id)
    ]
    # All hear that they were heard before the first is thought about, which may take long.
    for work in (bot.confirm_receipt, bot.take_turn):
        for tenant_id, message_id in left_behind:
            with tenant_scope(tenant_id):
                safely(work, message_id)
