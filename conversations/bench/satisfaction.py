"""A rehearsal of satisfaction: inquiries of every outcome through the services, in one month."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from conversations.dialogue.types import Decision, Option, Outcome
from conversations.models import (
    Channel,
    Contact,
    Message,
    Satisfaction,
    SurveyInvite,
)
from conversations.services import bot, desk, endings, handoff, intake, ratings, surveys
from conversations.services.intake import Inbound
from knowledge.models import Category, Entry, EntryVersion, Release
from knowledge.services import releases
from tenants import clock, terms
from tenants.models import Membership, User
from tenants.roles import Role

# What may become of an inquiry, and how often.
OUTCOMES: Mapping[str, int] = {
    "answered": 40,
    "silent": 15,
    "handed_off": 15,
    "angry": 15,
    "agent_alone": 5,
    "unanswered": 10,
}
# A survey asks about these; in the others nobody answered anything.
ASKABLE = ("answered", "silent", "handed_off", "angry", "agent_alone")
_BATCH = 100


class Rehearsal:
    """A tenant's visitors, assistant and agent, in the tenant in scope; outcomes by a fixed lot."""

    def __init__(self, channel: Channel, *, chance: int = 1) -> None:
        self.channel = channel
        self.chance = random.Random(chance)  # noqa: S311 -- a rehearsal, to be repeated
        self.agent = Membership.objects.create(
            user=User.objects.create_user("agent@rehearsal.example"),
            role=Role.AGENT,
            display_name="Agent",
        )
        self.version, self.release = _released()

    def run(self, inquiries: int) -> Iterator[tuple[str, SurveyInvite]]:
        """Play so many inquiries, each of a visitor of its own; yield outcome and lot of each."""
        names, weights = list(OUTCOMES), list(OUTCOMES.values())
        for start in range(0, inquiries, _BATCH):
            played = []
            # Many in one transaction: the disk is not what is tried here.
            with transaction.atomic():
                for number in range(start, min(start + _BATCH, inquiries)):
                    outcome = self.chance.choices(names, weights)[0]
                    inquiry_id = self._play(outcome, number)
                    played.append((outcome, inquiry_id))
            lots = {
                invite.inquiry_id: invite
                for invite in SurveyInvite.objects.filter(
                    inquiry__in=[inquiry_id for _outcome, inquiry_id in played]
                ).select_related("month__terms")
            }
            for outcome, inquiry_id in played:
                yield outcome, lots[inquiry_id]

    def answer(self, invite: SurveyInvite) -> int | None:
        """Let a visitor answer a survey or not; return the score about the assistant, if any."""
        if self.chance.random() < 0.4:
            return None
        score = self.chance.choice(Satisfaction.values)
        assert invite.opens_at is not None
        with clock.travel(invite.opens_at):
            for part in invite.parts:
                ratings.rate(invite, part, score)
        return score if invite.has_bot_part else None

    def _play(self, outcome: str, number: int) -> UUID:
        at = clock.now()
        visitor = Contact.objects.create(channel=self.channel, created_at=at, last_seen_at=at)
        message = self._write(visitor, f"{number}")
        conversation_id, inquiry_id = message.conversation_id, message.inquiry_id
        assert inquiry_id is not None
        if outcome in ("agent_alone", "unanswered"):
            self._conclude(message, _hand_off("unknown"))
        else:
            self._conclude(message, self._answer())
        if outcome == "handed_off":
            handoff.request_handoff(conversation_id)
        elif outcome == "angry":
            self._conclude(self._write(visitor, f"{number} !"), _hand_off("complaint"))
        if outcome in ("handed_off", "agent_alone"):
            desk.take(conversation_id, by=self.agent)
            desk.reply(conversation_id, "…", by=self.agent, client_msg_id=conversation_id.hex)
            endings.close(conversation_id, by=self.agent)
        elif outcome == "silent":
            later = at + terms.INQUIRY_IDLE
            with clock.travel(later):
                surveys.end_idle(inquiry_id, idle_since=later - terms.INQUIRY_IDLE)
        else:
            endings.close_by_contact(conversation_id)
        return inquiry_id

    def _write(self, visitor: Contact, text: str) -> Message:
        return intake.receive(visitor, self.channel, Inbound(client_msg_id=text, text=text)).message

    def _conclude(self, message: Message, decision: Decision) -> None:
        reply = bot.conclude(
            message,
            message.conversation.epoch,
            decision,
            release_id=self.release.pk,
            latency_ms=1,
        )
        assert reply is not None

    def _answer(self) -> Decision:
        option = Option(str(self.version.pk), self.version.question, self.version.answer, 0.95)
        return Decision(Outcome.ANSWER, rule="gate.answer", answer=option)


def counts(played: Iterator[tuple[str, bool]]) -> dict[str, tuple[int, int]]:
    """Return how many of each outcome were and were not in the lot: outcome -> (in, out)."""
    tally = Counter(played)
    return {
        outcome: (tally[outcome, True], tally[outcome, False])
        for outcome in OUTCOMES
        if tally[outcome, True] + tally[outcome, False]
    }


def mid_month(now: datetime, *, back: int) -> datetime:
    """Return the middle of the month `back` months before this one: no zone's month ends there."""
    day = now.replace(day=15, hour=12, minute=0, second=0, microsecond=0)
    for _number in range(back):
        day = (day.replace(day=1) - timedelta(days=1)).replace(day=15)
    return day


def _hand_off(reason: str) -> Decision:
    return Decision(Outcome.HANDOFF, rule="topic", reason=reason)


def _released() -> tuple[EntryVersion, Release]:
    category = Category.objects.create(name="Rehearsal")
    Entry.objects.create(category=category, question="Question", answer="Answer")
    release = releases.publish(by=None)
    return EntryVersion.objects.get(), release
