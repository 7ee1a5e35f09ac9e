"""What rules do: one function an action, called by its kind.

Another room of the product adds an action by a member of `ActionKind` and an entry in `ACTIONS`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from conversations import events
from conversations.models import (
    ActionKind,
    Audience,
    AuthorKind,
    Conversation,
    MessageKind,
    NoticeKind,
    RuleAction,
    RuleRun,
)
from conversations.services import (
    deliveries,
    desk,
    endings,
    messages,
    notices,
    phrases,
    tagging,
    transfers,
)
from conversations.states import (
    AlreadyTakenError,
    CloseReason,
    ConversationClosedError,
    ConversationStatus,
)
from tenants.errors import DomainError
from tenants.services import ledger

VARIABLES = ("visitor", "channel", "brand", "agent")
_VARIABLE = re.compile(r"\{(\w*)\}")


class CannotHandleError(DomainError):
    """The member may not handle conversations any more."""

    code = "member_cannot_handle"
    status = 409
    message = _("This member may not handle conversations. Choose another one in the rule.")


@dataclass(frozen=True)
class Occasion:
    """Under what circumstances an action is done: which run, in which locked conversation, when."""

    run: RuleRun
    conversation: Conversation
    at: datetime


def unknown_variables(text: str) -> list[str]:
    """Return the names in braces that nothing is filled in for."""
    return [name for name in _VARIABLE.findall(text) if name not in VARIABLES]


def filled(text: str, conversation: Conversation) -> str:
    """Return the text with its variables filled in; an agent who is not there is nobody: ""."""
    values = {
        "visitor": conversation.contact.name,
        "channel": conversation.channel.name,
        "brand": conversation.channel.brand_name,
        "agent": conversation.agent.display_name if conversation.agent else "",
    }
    return _VARIABLE.sub(lambda found: values.get(found.group(1), found.group()), text)


def _assign(action: RuleAction, occasion: Occasion) -> None:
    member = action.member
    if member is None or not member.can("conversation.handle"):
        raise CannotHandleError
    if occasion.conversation.status == ConversationStatus.CLOSED:
        raise ConversationClosedError
    desk.take(occasion.conversation.pk, by=member)


def _note(action: RuleAction, occasion: Occasion) -> None:
    if action.member is None or not action.member.can("conversation.handle"):
        raise CannotHandleError
    desk.note(
        occasion.conversation.pk,
        filled(action.text, occasion.conversation),
        by=action.member,
        client_msg_id=_once(action, occasion),
    )


def _notify(action: RuleAction, occasion: Occasion) -> None:
    notices.tell(
        occasion.conversation,
        NoticeKind.RULE,
        at=occasion.at,
        text=filled(action.text, occasion.conversation) or occasion.run.rule.name,
        member=action.member if action.audience == Audience.MEMBER else None,
        for_supervisors=action.audience == Audience.SUPERVISORS,
        by_mail=action.by_mail,
    )


def _call(action: RuleAction, occasion: Occasion) -> None:
    assert action.endpoint is not None
    deliveries.queue(
        action.endpoint,
        occasion.run.event,
        occasion.conversation,
        message_id=f"msg_{_once(action, occasion)}",
        rule=occasion.run.rule,
    )


def _reply(action: RuleAction, occasion: Occasion) -> None:
    conversation = messages.lock_conversation(occasion.conversation.pk)
    if conversation.status == ConversationStatus.CLOSED:
        raise ConversationClosedError
    message, event = messages.say(
        conversation,
        filled(action.text, conversation),
        author_kind=AuthorKind.SYSTEM,
        kind=MessageKind.NOTICE,
        at=occasion.at,
    )
    messages.store(conversation)
    ledger.append(event)
    events.announce_conversation(conversation, to_visitor=False)
    events.announce_message(message)


def _close(_action: RuleAction, occasion: Occasion) -> None:
    conversation = messages.lock_conversation(occasion.conversation.pk)
    if conversation.status == ConversationStatus.HUMAN:
        # Nobody hangs up for an agent who is talking.
        name = conversation.agent.display_name if conversation.agent else ""
        raise AlreadyTakenError(name=name)
    endings.close_unattended(
        conversation,
        reason=CloseReason.RULE,
        sentence=lambda: phrases.closed(by_agent=True),
        at=occasion.at,
    )


def _tag(action: RuleAction, occasion: Occasion) -> None:
    assert action.tag is not None
    tagging.give_tag(
        occasion.conversation.contact,
        action.tag,
        conversation=occasion.conversation,
        reason=occasion.run.rule.name,
    )


def _send_to_group(action: RuleAction, occasion: Occasion) -> None:
    assert action.group is not None
    transfers.send_to_group(occasion.conversation.pk, action.group, rule=occasion.run.rule)


def _once(action: RuleAction, occasion: Occasion) -> str:
    return f"{occasion.run.pk.hex[-24:]}_{action.pk.hex[-24:]}"


ACTIONS: Mapping[str, Callable[[RuleAction, Occasion], None]] = {
    ActionKind.ASSIGN: _assign,
    ActionKind.NOTE: _note,
    ActionKind.NOTIFY: _notify,
    ActionKind.WEBHOOK: _call,
    ActionKind.REPLY: _reply,
    ActionKind.CLOSE: _close,
    ActionKind.TAG: _tag,
    ActionKind.GROUP: _send_to_group,
}
