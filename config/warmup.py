"""Make a new process ready before its first visitor: models and indexes, beside serving."""

import gc
import logging
import threading

from django.db import connection

from knowledge import search
from knowledge.retrieval.encoder import load_encoder
from tenants.models import Tenant, TenantStatus
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)


def start() -> None:
    """Load the encoder and the tenants' indexes in a thread of their own."""
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()


def _warm_up() -> None:
    try:
        load_encoder()
        for tenant in Tenant.objects.filter(status=TenantStatus.ACTIVE)[: search.KEPT_INDEXES]:
            with tenant_scope(tenant):
                search.answer_candidates("")
    except Exception:
        # Serving goes on: the first question of a tenant then builds its index.
        logger.exception("Warm-up failed")
    finally:
        connection.close()
        # What is loaded by now stays; without this, every full collection walks all of it.
        gc.collect()
        gc.freeze()
