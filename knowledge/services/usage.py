"""Take entries out of use, and back."""

import uuid
from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from knowledge.models import Entry
from tenants.models import User
from tenants.services import ledger
from tenants.services.ledger import Event

_BATCH = 500


def set_in_use(entry_ids: Collection[uuid.UUID], in_use: bool, *, by: User) -> int:
    """Take these entries out of use or back; return how many that changed.

    Visitors hear the difference after the next release.
    """
    ids = sorted(entry_ids)
    changed: list[uuid.UUID] = []
    with transaction.atomic():
        for start in range(0, len(ids), _BATCH):
            entries = Entry.objects.filter(pk__in=ids[start : start + _BATCH], is_active=not in_use)
            batch = list(entries.values_list("pk", flat=True))
            Entry.objects.filter(pk__in=batch).update(
                is_active=in_use, updated_by=by, updated_at=timezone.now()
            )
            changed += batch
        facts = {"by": by.pk, "in_use": in_use}
        ledger.append(*[Event("entry.changed", pk, facts) for pk in changed])
    return len(changed)
