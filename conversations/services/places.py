"""Tell waiting visitors when their place in the queue has changed."""

import hashlib
from collections import defaultdict
from uuid import UUID

from django.core.cache import cache

from conversations import events
from conversations.queries import pick_ups, wait_estimate, waiting
from tenants.scoping import active_tenant_id

# Further back nobody counts the places they gained.
_TOLD = 200
_REMEMBERED_SECONDS = 600


def tell() -> int:
    """Announce the places of each queue that has moved since the last call; return how many.

    Nothing is written: who misses it hears the place with the conversation the next time.
    """
    queues: dict[UUID | None, list[tuple[UUID, UUID]]] = defaultdict(list)
    rows = waiting().order_by("waiting_since", "pk")
    for group_id, conversation_id, contact_id in rows.values_list("group", "pk", "contact"):
        queues[group_id].append((conversation_id, contact_id))
    return sum(_tell(group_id, queue[:_TOLD]) for group_id, queue in queues.items())


def _tell(group_id: UUID | None, queue: list[tuple[UUID, UUID]]) -> int:
    key = f"places:{active_tenant_id()}:{group_id}"
    order = hashlib.sha256(b"".join(pk.bytes for pk, _contact in queue)).hexdigest()
    if cache.get(key) == order:
        return 0
    cache.set(key, order, _REMEMBERED_SECONDS)
    latest = pick_ups(group_id)
    for position, (conversation_id, contact_id) in enumerate(queue, start=1):
        events.announce_place(
            contact_id,
            conversation_id,
            position=position,
            estimate=wait_estimate(position, latest),
        )
    return len(queue)
