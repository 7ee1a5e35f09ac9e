"""How each kind of target is spoken to."""

from conversations.adapters.base import Adapter
from conversations.adapters.chatwoot import ChatwootAdapter
from conversations.adapters.webhook import WebhookAdapter
from conversations.adapters.zendesk import ZendeskAdapter

ADAPTERS: dict[str, type[Adapter]] = {
    "webhook": WebhookAdapter,
    "chatwoot": ChatwootAdapter,
    "zendesk": ZendeskAdapter,
}

__all__ = ["ADAPTERS", "Adapter"]
