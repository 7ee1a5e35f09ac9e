"""Months played with real rows: who asked what, and what came of it."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from conversations.models import (
    BotDecision,
    Channel,
    Contact,
    Conversation,
    Handoff,
    Inquiry,
    Message,
    MismatchReport,
    Rating,
    SurveyInvite,
)
from conversations.services import survey_terms
from knowledge.models import EntryVersion
from reporting.models import CommonQuestionCatalogue, Question
from reporting.sections import Period
from reporting.services import catalogues, figures, labels
from tenants import clock
from tenants.models import Obligation, User

ZONE = ZoneInfo("Asia/Shanghai")
MONTH = date(2026, 9, 1)
PERIOD = Period(MONTH, date(2026, 10, 1), ZONE)
SHIPPING, EXCHANGE, INVOICE = (
    "下单之后多长时间发货？",
    "尺码不合适可以换货吗？",
    "能开增值税专用发票吗？",
)
COMMON = (SHIPPING, EXCHANGE, INVOICE)
UNCOMMON = "你们仓库的面积有多大"
# The first minutes after the played month. The 1st to the 7th are holidays: the 8th is the first
# working day, and Saturday the 10th makes up for one.
OCTOBER = datetime(2026, 10, 1, 0, 40, tzinfo=ZONE)


def at(day: int, hour: int = 10, minute: int = 0, second: int = 0) -> datetime:
    """Return an instant of the played month, in the tenant's zone."""
    return datetime(2026, 9, day, hour, minute, second, tzinfo=ZONE)


def total(metric: str = "auto_answer", dimension: str = "") -> tuple[int, int]:
    """Return the numerator and denominator that the played month has come to."""
    found = figures.total(PERIOD, metric, dimension)
    return found.part, found.whole


class Play:
    """One tenant's month: visitors by name, each with a conversation and its inquiries."""

    def __init__(self, channel: Channel, reviewer: User) -> None:
        self.channel = channel
        self.reviewer = reviewer
        self.people: dict[str, Conversation] = {}

    def sign_catalogue(self, *examples: str, day: int = 0) -> CommonQuestionCatalogue:
        """Put a catalogue in force from the given day of the month on."""
        signed_at = at(1) - timedelta(days=1) + timedelta(days=max(0, day - 1))
        with clock.travel(signed_at):
            row = catalogues.draft(
                [{"name": "售后流程", "examples": list(examples or COMMON)}], by=None
            )
            catalogues.submit(row, by=None)
            return catalogues.put_in_force(row, signed_at=signed_at)

    def talk(self, who: str, when: datetime, *, demo: bool = False) -> Conversation:
        """Return the visitor's conversation, with an inquiry that is open at that instant."""
        conversation = self.people.get(who)
        if conversation is None:
            contact = Contact.objects.create(
                channel=self.channel, created_at=when, last_seen_at=when
            )
            conversation = self.people[who] = Conversation.objects.create(
                channel=self.channel,
                contact=contact,
                created_at=when,
                last_at=when,
                is_demo=demo,
            )
        inquiry = conversation.inquiry
        if inquiry is None or when - inquiry.last_at >= timedelta(minutes=30):
            conversation.inquiry = Inquiry.objects.create(
                conversation=conversation,
                number=conversation.inquiries.count() + 1,
                opened_at=when,
                last_at=when,
            )
        assert conversation.inquiry is not None
        conversation.inquiry.last_at = when
        conversation.inquiry.save()
        return conversation

    def say(self, who: str, text: str, when: datetime, author: str, **fields: Any) -> Message:
        """Write one message at the end of the visitor's conversation."""
        conversation = self.talk(who, when)
        conversation.last_seq += 1
        conversation.last_at = when
        conversation.save()
        return Message.objects.create(
            conversation=conversation,
            inquiry=conversation.inquiry,
            seq=conversation.last_seq,
            author_kind=author,
            text=text,
            received_at=when,
            created_at=when,
            **fields,
        )

    def ask(
        self,
        who: str,
        text: str,
        when: datetime,
        outcome: str = "answered",
        *,
        entry: str = "",
        reason: str = "",
        before: tuple[str, ...] = (),
        demo: bool = False,
    ) -> Message | None:
        """Let the visitor ask and the assistant do what `outcome` says; return its reply."""
        self.talk(who, when, demo=demo)
        for words in before:
            self.say(who, words, when, "customer")
        question = self.say(who, text, when, "customer")
        if outcome == "silent":
            return None
        conversation = question.conversation
        decided = when + timedelta(seconds=1)
        BotDecision.objects.create(
            conversation=conversation,
            inquiry=conversation.inquiry,
            question=question,
            outcome=outcome,
            rule="gate",
            reason=reason or ("unknown" if outcome == "handoff" else ""),
            latency_ms=1,
            decided_at=decided,
        )
        if outcome == "answered":
            version = EntryVersion.objects.get(question=entry or text)
            return self.say(
                who, version.answer, decided, "bot", kind="answer", entry_version=version
            )
        if outcome == "handoff":
            self.hand_over(who, decided, seq=question.seq)
        kind = {"clarify": "clarify", "smalltalk": "smalltalk"}.get(outcome, "notice")
        return self.say(who, "……", decided, "bot", kind=kind)

    def hand_over(self, who: str, when: datetime, *, seq: int = 0) -> Handoff:
        """Let people have the conversation for five minutes; without `seq`, by the button."""
        conversation = self.talk(who, when)
        return Handoff.objects.create(
            conversation=conversation,
            inquiry=conversation.inquiry,
            trigger_seq=seq or conversation.last_seq,
            reason="asked",
            triggered_at=when,
            decided_at=when,
            delivered_at=when,
            ended_at=when + timedelta(minutes=5),
        )

    def report(self, question: str, *, owner: str = "provider") -> MismatchReport:
        """Report what an entry answers as wrong."""
        return MismatchReport.objects.create(
            entry_version=EntryVersion.objects.get(question=question),
            kind="configured",
            owner=owner,
            found_by="client",
            created_at=at(30),
        )

    def label(self, text: str, label: str, *, disputed: bool = False) -> None:
        """Let a person label every question of these words."""
        for row in Question.objects.order_by("asked_at"):
            if labels.words_of(row) == text:
                labels.relabel(row.pk, label, by=self.reviewer, disputed=disputed)

    def promise(self, kind: str, when: datetime, milliseconds: int | None, limit: int) -> None:
        """Write how one promise ended: so late, or never kept."""
        met = when + timedelta(milliseconds=milliseconds) if milliseconds is not None else None
        due = when + timedelta(seconds=limit)
        conversation = self.talk(f"p{when:%d%H%M%S}{kind}", when)
        Obligation.objects.create(
            kind=kind,
            clause="2.1",
            subject_id=conversation.pk,
            conversation_id=conversation.pk,
            started_at=when,
            due_at=due,
            met_at=met,
            state="met" if met is not None and met <= due else "breached",
        )

    def rate(self, score: int | None, when: datetime, *, excluded: str = "") -> None:
        """End an inquiry that the assistant answered, with the visitor's score, or without."""
        who = f"r{SurveyInvite.objects.count()}"
        conversation = self.talk(who, when)
        month, _events = survey_terms.month_at(when)
        assert conversation.inquiry is not None
        invite = SurveyInvite.objects.create(
            inquiry=conversation.inquiry,
            month=month,
            is_invited=True,
            drawn_at=when,
            ended_at=when,
            has_bot_part=True,
            sent_at=when,
            opens_at=when,
            expires_at=when + timedelta(hours=48),
        )
        if score is not None:
            Rating.objects.create(
                invite=invite, part="bot", score=score, given_at=when, excluded_reason=excluded
            )

    def end(self) -> None:
        """Count every day of the month, the night after it."""
        with clock.travel(datetime(2026, 10, 3, 3, tzinfo=ZONE)):
            figures.refresh(PERIOD)
