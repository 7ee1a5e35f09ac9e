"""Do one thing to many conversations, each by itself."""

import uuid
from collections.abc import Sequence
from typing import Any

from conversations.models import Conversation
from conversations.services import endings
from conversations.services.wrap_ups import Account
from conversations.states import CloseReason
from tenants.errors import DomainError, NotFoundError
from tenants.models import Membership

MOST = 100


def close(
    conversation_ids: Sequence[uuid.UUID], *, by: Membership, account: Account | None = None
) -> list[dict[str, Any]]:
    """Close each conversation as endings.close() does, in its own transaction; return how each went.

    In the order asked for: id, ok, and of those that stay open code and detail. One that cannot be
    closed keeps no other from it.
    """
    return [_close(each, by, account) for each in dict.fromkeys(conversation_ids)]


def _close(conversation_id: uuid.UUID, by: Membership, account: Account | None) -> dict[str, Any]:
    try:
        endings.close(conversation_id, by=by, account=account, reason=CloseReason.BULK)
    except Conversation.DoesNotExist:
        return _refused(conversation_id, NotFoundError())
    except DomainError as error:
        return _refused(conversation_id, error)
    return {"id": str(conversation_id), "ok": True, "code": None, "detail": None}


def _refused(conversation_id: uuid.UUID, error: DomainError) -> dict[str, Any]:
    return {"id": str(conversation_id), "ok": False, "code": error.code, "detail": error.detail}
