"""Roles as data: what each may see and do, in one table."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """A person's place in one tenant."""

    ACCOUNT_MANAGER = "account_manager", _("Account manager")
    CLIENT_ADMIN = "client_admin", _("Client administrator")
    KNOWLEDGE_EDITOR = "knowledge_editor", _("Knowledge editor")
    SUPERVISOR = "supervisor", _("Supervisor")
    AGENT = "agent", _("Agent")
    CLIENT_READONLY = "client_readonly", _("Client, read only")


# Capabilities are `noun.verb`; `view` is needed for every other verb of its noun.
_KNOWLEDGE_READ = frozenset({"knowledge.view"})
_KNOWLEDGE = _KNOWLEDGE_READ | {"knowledge.change", "knowledge.publish"}
_CONVERSATIONS_READ = frozenset({"conversation.view", "contact.view"})
_SERVICE_READ = frozenset(
    {
        "channel.view",
        "ledger.view",
        "lexicon.view",
        "mismatch.view",
        "obligation.view",
        "subprocessor.view",
    }
)

CAPABILITIES: dict[str, frozenset[str]] = {
    Role.ACCOUNT_MANAGER: _KNOWLEDGE
    | _CONVERSATIONS_READ
    | _SERVICE_READ
    | {
        "admin.enter",
        "channel.change",
        "lexicon.change",
        "membership.change",
        "membership.view",
        "mismatch.change",
        "subprocessor.change",
        "tenant.view",
    },
    Role.CLIENT_ADMIN: _KNOWLEDGE
    | _CONVERSATIONS_READ
    | _SERVICE_READ
    | {
        "admin.enter",
        "channel.change",
        "console.enter",
        "conversation.handle",
        "lexicon.change",
        "membership.change",
        "membership.view",
        "subprocessor.approve",
        "tenant.view",
    },
    Role.KNOWLEDGE_EDITOR: _KNOWLEDGE | {"admin.enter"},
    Role.SUPERVISOR: _KNOWLEDGE_READ
    | _CONVERSATIONS_READ
    | _SERVICE_READ
    | {"admin.enter", "console.enter", "conversation.handle", "membership.view"},
    Role.AGENT: frozenset(
        {"console.enter", "conversation.handle", "conversation.view", "contact.view"}
    ),
    Role.CLIENT_READONLY: _KNOWLEDGE_READ
    | _CONVERSATIONS_READ
    | _SERVICE_READ
    | {"admin.enter", "membership.view", "tenant.view"},
}

# A platform operator runs the installation: everything but talking to a client's visitors, and
# agreeing in the client's name.
OPERATOR_CAPABILITIES: frozenset[str] = frozenset().union(*CAPABILITIES.values()) - {
    "conversation.handle",
    "subprocessor.approve",
}
