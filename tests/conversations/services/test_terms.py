"""A visitor's promises come from the contract in force when they began."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from conversations.models import Channel
from conversations.services.handoff import request_handoff
from tenants import clock
from tenants.models import Obligation, Tenant, User
from tests.tenants.agreements import Parties, draft_contract, draft_terms
from tests.world import admit, write

# Midnight of 1 November 2026 in Shanghai: the contract begins.
FIRST = datetime(2026, 10, 31, 16, tzinfo=UTC)


def test_promises_name_the_terms_of_their_time(
    in_tenant: Tenant, channel: Channel, make_member: Callable[..., User]
) -> None:
    parties = Parties(make_member, in_tenant)
    with clock.travel(FIRST - timedelta(days=5)):
        parties.sign(draft_terms(draft_contract(), first_reply_seconds=6, handoff_seconds=40))

    for name, at in (("前", FIRST - timedelta(seconds=1)), ("后", FIRST)):
        with clock.travel(at):
            message = write(admit(channel, name), f"{name}：多久发货？")
            request_handoff(message.conversation_id)

    rows = Obligation.objects.order_by("started_at", "kind")
    assert [(row.kind, row.due_at - row.started_at, row.terms_version) for row in rows] == [
        ("first_reply", timedelta(seconds=10), "default"),
        ("handoff", timedelta(seconds=60), "default"),
        ("first_reply", timedelta(seconds=6), "HT-1 v1"),
        ("handoff", timedelta(seconds=40), "HT-1 v1"),
    ]
