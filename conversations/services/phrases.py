"""The assistant's own sentences, in the visitor's language."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversations.explanations import sentence_space
from conversations.models import Contact
from conversations.states import HandoffReason

# By the names of dialogue.smalltalk.
SMALL_TALK = {
    "greeting": gettext_lazy("Hello! I am %(assistant)s. What can I do for you?"),
    "thanks": gettext_lazy("You are welcome! Is there anything else I can help you with?"),
    "goodbye": gettext_lazy("Goodbye! I am here whenever you need me."),
    "fine": gettext_lazy("All right. Just write if you need anything else."),
    "who": gettext_lazy("I am %(assistant)s, an AI assistant, here for you around the clock."),
    "chat": gettext_lazy("Thank you! Just tell me what you would like to know."),
    "describe": gettext_lazy(
        "I cannot look at pictures, listen to voice or open files. Could you tell me in words?"
    ),
    "say_more": gettext_lazy("Could you tell me a little more about what you would like to know?"),
    "outside_offer": gettext_lazy(
        "This seems to lie outside what we do here. Shall a person look at it?"
    ),
    "outside_decline": gettext_lazy(
        "This lies outside what we do here, so I cannot help with it. I am glad to help with anything "
        "about our services."
    ),
}


@contextmanager
def language_of(contact: Contact) -> Iterator[None]:
    """Speak the contact's language inside the block."""
    with translation.override("en" if contact.locale.lower().startswith("en") else "zh-hans"):
        yield


def anybody() -> str:
    """Return how somebody is addressed who gave no name."""
    return _("dear customer")


def small_talk(name: str, assistant: str) -> str:
    """Return the reply to small talk of this name (see dialogue.smalltalk)."""
    return str(SMALL_TALK[name] % {"assistant": assistant})


def clarify() -> str:
    """Return the sentence above a choice of questions."""
    return _("Which of these do you mean?")


def none_of_these() -> str:
    """Return the label of the button that leads from a choice to a person."""
    return _("None of these, talk to a person")


def talk_to_a_person() -> str:
    """Return the label of the button that leads to a person."""
    return _("Talk to a person")


def received() -> str:
    """Return the confirmation sent while an answer takes longer than usual."""
    return _("I have received your question and am looking into it. One moment, please.")


def handed_off(
    reason: str,
    *,
    position: int | None,
    elsewhere: bool = False,
    away: str = "",
) -> str:
    """Return what the visitor hears when the conversation goes to people.

    `elsewhere`: to another system, which has not acknowledged it yet. `away` is what is said in the
    place of a position where nobody works just now.
    """
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
    if away:
        return f"{opening}{sentence_space()}{away}"
    place = (
        _("You are number %(position)s in the queue; everything you wrote has been passed on.")
        if position
        else _("Everything you wrote has been passed on.")
    )
    if elsewhere:
        place = _("Everything you wrote is being passed on.")
    return f"{opening}{sentence_space()}{place % {'position': position}}"


def away(opens_at: datetime, ticket: str = "") -> str:
    """Return what a visitor hears outside working hours; the instant is in the tenant's zone.

    `ticket` is the number under which the request is kept.
    """
    time = opens_at.strftime("%Y-%m-%d %H:%M")
    if ticket:
        return _(
            "Your request is recorded as ticket %(number)s. Our colleagues are back at %(time)s and "
            "will see to it then. You can go back to the AI assistant meanwhile."
        ) % {"number": ticket, "time": time}
    return _(
        "Our colleagues are back at %(time)s and will answer then; everything you wrote is kept. "
        "You can go back to the AI assistant meanwhile."
    ) % {"time": time}


def requeued() -> str:
    """Return the line that announces that the agent has gone and another one is looked for."""
    return _("The connection to your agent was lost. A colleague will take over; please wait.")


def transferred() -> str:
    """Return the line that announces that a colleague takes over."""
    return _("You are being transferred to a colleague, who can read everything you wrote.")


def failed_over(position: int | None, *, away: str = "") -> str:
    """Return what the visitor hears when another system did not take the conversation.

    `away` is what is said in the place of a position where nobody works just now.
    """
    words = _(
        "Your request could not be delivered to the usual place, so our own colleagues take it over."
    )
    if away:
        return f"{words}{sentence_space()}{away}"
    place = _("You are number %(position)s in the queue.") if position else ""
    return f"{words}{sentence_space()}{place % {'position': position}}" if place else words


def delivered_late() -> str:
    """Return what the visitor hears when another system has taken the conversation after all."""
    return _("Your request has now reached the colleagues who look after it.")


def agent_joined(name: str) -> str:
    """Return the line that announces an agent."""
    return _("%(name)s has joined the conversation. You are now talking to a person.") % {
        "name": name
    }


def returned() -> str:
    """Return the line that announces that the assistant has the word again."""
    return _("The conversation is back with the AI assistant.")


def ended() -> str:
    """Return the last line of a conversation that does not go on."""
    return _("The conversation has been ended.")


def closed(by_agent: bool) -> str:
    """Return the last line of a conversation."""
    if by_agent:
        return _("The conversation has been ended. Write again at any time.")
    return _("You have ended the conversation.")


def withdrawn() -> str:
    """Return what lists show in the place of a message that its agent took back."""
    return _("(message withdrawn)")


def still_there() -> str:
    """Return the line that reminds a silent visitor, where the tenant wrote none."""
    return _("Are you still there? Just write if you need anything else.")


def about_to_close(minutes: int) -> str:
    """Return the line that comes before an idle conversation is closed."""
    return _(
        "We have not heard from you for a while. This conversation will be closed in %(minutes)s "
        "minutes; a word from you keeps it open."
    ) % {"minutes": minutes}
