"""The assistant's own sentences, in the visitor's language."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import translation
from django.utils.translation import gettext as _

from conversations.models import Contact
from conversations.states import HandoffReason


@contextmanager
def language_of(contact: Contact) -> Iterator[None]:
    """Speak the contact's language inside the block."""
    with translation.override("en" if contact.locale.lower().startswith("en") else "zh-hans"):
        yield


def small_talk(name: str, assistant: str) -> str:
    """Return the reply to small talk of this name (see dialogue.smalltalk)."""
    replies = {
        "greeting": _("Hello! I am %(assistant)s. What can I do for you?"),
        "thanks": _("You are welcome! Is there anything else I can help you with?"),
        "goodbye": _("Goodbye! I am here whenever you need me."),
        "fine": _("All right. Just write if you need anything else."),
        "who": _("I am %(assistant)s, an AI assistant, here for you around the clock."),
        "chat": _("Thank you! Just tell me what you would like to know."),
        "say_more": _("Could you tell me a little more about what you would like to know?"),
    }
    return replies[name] % {"assistant": assistant}


def clarify() -> str:
    """Return the sentence above a choice of questions."""
    return _("Which of these do you mean?")


def none_of_these() -> str:
    """Return the label of the button that leads from a choice to a person."""
    return _("None of these, talk to a person")


def received() -> str:
    """Return the confirmation sent while an answer takes longer than usual."""
    return _("I have received your question and am looking into it. One moment, please.")


def handed_off(reason: str, *, position: int | None) -> str:
    """Return what the visitor hears when the conversation goes to people."""
    openings = {
        HandoffReason.ASKED: _("You are being transferred to a person."),
        HandoffReason.UNKNOWN: _("I have no reliable answer to this, so I am passing it on."),
        HandoffReason.UNCLEAR: _("I have not understood you yet, so I am passing this on."),
        HandoffReason.OFFTOPIC: _("This may lie outside what we do here, so I am passing it on."),
        HandoffReason.FAULT: _("Somebody has to look into this fault, so I am passing it on."),
        HandoffReason.REPEATED: _("I have not been able to settle this, so I am passing it on."),
        HandoffReason.LANGUAGE: _("I cannot read this language yet, so I am passing this on."),
        HandoffReason.FAILED: _("Something went wrong on our side, so I am passing this on."),
    }
    opening = openings.get(
        HandoffReason(reason), _("A colleague of ours should look after this in person.")
    )
    place = (
        _("You are number %(position)s in the queue; everything you wrote has been passed on.")
        if position
        else _("Everything you wrote has been passed on.")
    )
    return f"{opening}{_sentence_space()}{place % {'position': position}}"


def agent_joined(name: str) -> str:
    """Return the line that announces an agent."""
    return _("%(name)s has joined the conversation. You are now talking to a person.") % {
        "name": name
    }


def returned() -> str:
    """Return the line that announces that the assistant has the word again."""
    return _("The conversation is back with the AI assistant.")


def closed(by_agent: bool) -> str:
    """Return the last line of a conversation."""
    if by_agent:
        return _("The conversation has been ended. Write again at any time.")
    return _("You have ended the conversation.")


def _sentence_space() -> str:
    return " " if translation.get_language() == "en" else ""
