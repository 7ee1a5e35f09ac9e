"""Print what an installation's database says, without the server."""

import json
import sys
from typing import Any

import django


def main() -> None:
    """Print messages, decisions, promises and the ledger's state as JSON."""
    django.setup()

    from conversations.models import BotDecision, Conversation, Message  # noqa: PLC0415 -- apps must be loaded first
    from tenants.models import Breach, Obligation, Tenant  # noqa: PLC0415 -- apps must be loaded first
    from tenants.scoping import tenant_scope  # noqa: PLC0415 -- apps must be loaded first
    from tenants.services import ledger  # noqa: PLC0415 -- apps must be loaded first

    with tenant_scope(Tenant.objects.get()):
        decided = set(BotDecision.objects.values_list("question", flat=True))
        conversations: dict[str, Any] = {
            str(row.pk): {"last_seq": row.last_seq, "undecided": row.undecided_seq, "messages": []}
            for row in Conversation.objects.all()
        }
        for row in Message.objects.order_by("conversation", "seq"):
            conversations[str(row.conversation_id)]["messages"].append(
                {
                    "seq": row.seq,
                    "author": row.author_kind,
                    "kind": row.kind,
                    "client_msg_id": row.client_msg_id,
                    "decided": row.pk in decided,
                }
            )
        actual = dict(Breach.objects.values_list("obligation", "actual_at"))
        promises = [
            {
                "state": row.state,
                "due_at": row.due_at.timestamp(),
                "met_at": row.met_at.timestamp() if row.met_at else None,
                "breach": row.pk in actual,
                "actual_at": actual[row.pk].timestamp() if actual.get(row.pk) else None,
            }
            for row in Obligation.objects.all()
        ]
        length, fault = ledger.verify()
    sys.stdout.write(
        json.dumps(
            {
                "conversations": conversations,
                "promises": promises,
                "ledger": {"length": length, "fault": str(fault) if fault else None},
            }
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
