"""What is learned from answers, and whether they were those of the sources."""

from datetime import timedelta

from celery import shared_task
from django.db.models import Q

from conversations.models import BotDecision
from knowledge.models import MatchingSettings
from tenants import clock
from tenants.chores import for_each, tenants_with
from tenants.models import Tenant, TenantStatus


@shared_task(name="conversations.recalibrate", platform=True, alone_for=600)
def recalibrate() -> None:
    """Read the assistant's certainty by what each tenant's visitors made of its answers."""
    from conversations.services import outcomes  # noqa: PLC0415 -- leaf

    lately = Q(decided_at__gt=clock.now() - timedelta(days=2))
    for_each(tenants_with(BotDecision, lately), outcomes.recalibrate)


@shared_task(name="conversations.compare_answers", platform=True, alone_for=3600)
def compare_answers() -> None:
    """Compare what the assistant answered since the last run with its sources (R89, R91)."""
    from conversations.services import fidelity  # noqa: PLC0415 -- leaf

    active = Tenant.objects.filter(status=TenantStatus.ACTIVE)
    for_each(active.values_list("pk", flat=True), fidelity.compare_new)


@shared_task(name="conversations.draft_entries", platform=True, alone_for=600)
def draft_entries() -> None:
    """Let language models draft entries of what agents answered, where tenants want that."""
    from conversations.services import drafting  # noqa: PLC0415 -- leaf

    for_each(tenants_with(MatchingSettings, Q(model_drafts=True)), drafting.draft_new)
