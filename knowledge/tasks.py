"""The knowledge base's own chores."""

import logging

from celery import shared_task
from django.conf import settings
from django.db.models import Q

from knowledge.models import MatchingSettings
from tenants.scoping import platform_scope, tenant_scope

logger = logging.getLogger(__name__)


@shared_task(name="knowledge.prepare_embedders", platform=True, alone_for=3600)
def prepare_embedders() -> None:
    """Let the second embedders read what was released since, and try those newly chosen."""
    from knowledge.services import embedding, matching  # noqa: PLC0415 -- leaf

    with platform_scope("tenants that chose a second embedder, of all tenants"):
        tenants = set(
            MatchingSettings.objects.using(settings.PLATFORM_DATABASE)
            .exclude(Q(embedder="") & Q(embedder_used={}))
            .values_list("tenant_id", flat=True)
        )
    for tenant_id in tenants:
        with tenant_scope(tenant_id):
            try:
                if embedding.is_due(matching.current()):
                    embedding.prepare()
            except Exception:
                # One tenant's embedder must not keep the others from theirs.
                logger.exception("Second embedder not prepared: tenant %s", tenant_id)


@shared_task(name="knowledge.try_golden_questions")
def try_golden_questions() -> None:
    """Try the tenant's golden questions with the entries as editors have them now."""
    from knowledge.services import golden  # noqa: PLC0415 -- leaf

    trial = golden.run()
    if trial.worse:
        logger.warning("Golden questions would fare worse: %s", len(trial.worse))
