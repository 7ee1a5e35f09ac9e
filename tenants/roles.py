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


# Who looks after the agents: told where an agent stays silent.
SUPERVISING = frozenset({Role.SUPERVISOR, Role.CLIENT_ADMIN})
# Who acts for each party of the contract: told of what that party has to know, sign or decide.
FOR_PROVIDER = frozenset({Role.ACCOUNT_MANAGER})
FOR_CLIENT = frozenset({Role.CLIENT_ADMIN})
FOR_BOTH = FOR_PROVIDER | FOR_CLIENT

# Capabilities are `noun.verb`; `view` is needed for every other verb of its noun.
_KNOWLEDGE_READ = frozenset({"knowledge.view"})
_KNOWLEDGE = _KNOWLEDGE_READ | {"knowledge.change", "knowledge.publish"}
_CONVERSATIONS_READ = frozenset({"conversation.view", "contact.view"})
_SERVICE_READ = frozenset(
    {
        "alert.view",
        "availability.view",
        "canned.view",
        "channel.view",
        "figure.view",
        "group.view",
        "incident.view",
        "plan.view",
        "ledger.view",
        "lexicon.view",
        "mismatch.view",
        "obligation.view",
        "qa.view",
        "question.view",
        "report.view",
        "rule.view",
        "subprocessor.view",
        "survey.view",
        "target.view",
        "webhook.view",
        "wrapup.view",
    }
)
_DESK = frozenset({"canned.change", "wrapup.change"})

CAPABILITIES: dict[str, frozenset[str]] = {
    Role.ACCOUNT_MANAGER: _KNOWLEDGE
    | _CONVERSATIONS_READ
    | _SERVICE_READ
    | _DESK
    | {
        "admin.enter",
        "alert.change",
        "availability.claim",
        "availability.configure",
        "channel.change",
        "contract.change",
        "contract.sign",
        "contract.view",
        "group.change",
        "incident.handle",
        "incident.people",
        "plan.write",
        "lexicon.change",
        "membership.change",
        "membership.view",
        "mismatch.change",
        "qa.change",
        "qa.rate",
        "question.label",
        "report.approve",
        "report.change",
        "subject.view",
        "rule.change",
        "subprocessor.change",
        "survey.change",
        "target.change",
        "tenant.view",
        "ticket.configure",
        "ticket.view",
        "webhook.change",
    },
    Role.CLIENT_ADMIN: _KNOWLEDGE
    | _CONVERSATIONS_READ
    | _SERVICE_READ
    | _DESK
    | {
        "admin.enter",
        "alert.change",
        "availability.configure",
        "availability.decide",
        "channel.change",
        "console.enter",
        "contract.sign",
        "contract.view",
        "conversation.handle",
        "conversation.supervise",
        "group.change",
        "incident.people",
        "lexicon.change",
        "membership.change",
        "membership.view",
        "plan.decide",
        "qa.change",
        "qa.rate",
        "question.label",
        "report.answer",
        "contact.block",
        "contact.change",
        "contact.merge",
        "subject.handle",
        "subject.view",
        "rule.change",
        "subprocessor.approve",
        "survey.change",
        "target.change",
        "tenant.view",
        "ticket.configure",
        "ticket.handle",
        "ticket.view",
        "webhook.change",
    },
    Role.KNOWLEDGE_EDITOR: _KNOWLEDGE | {"admin.enter"},
    Role.SUPERVISOR: _KNOWLEDGE_READ
    | _CONVERSATIONS_READ
    | _SERVICE_READ
    | _DESK
    | {
        "admin.enter",
        "console.enter",
        "contact.block",
        "contact.change",
        "contact.merge",
        "conversation.handle",
        "conversation.supervise",
        "group.change",
        "membership.view",
        "qa.rate",
        "ticket.configure",
        "ticket.handle",
        "ticket.view",
    },
    Role.AGENT: _CONVERSATIONS_READ
    | {
        "console.enter",
        "contact.block",
        "contact.change",
        "conversation.handle",
        "ticket.handle",
        "ticket.view",
    },
    Role.CLIENT_READONLY: _KNOWLEDGE_READ
    | _CONVERSATIONS_READ
    | _SERVICE_READ
    | {"admin.enter", "contract.view", "membership.view", "tenant.view", "ticket.view"},
}

# A platform operator runs the installation: everything but dealing with a client's visitors and
# their data, and agreeing in the client's name.
OPERATOR_CAPABILITIES: frozenset[str] = frozenset().union(*CAPABILITIES.values()) - {
    "availability.decide",
    "plan.decide",
    "contact.block",
    "contact.change",
    "contact.merge",
    "conversation.handle",
    "incident.people",
    "report.answer",
    "subject.handle",
    "subprocessor.approve",
    "ticket.handle",
}
