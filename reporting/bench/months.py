"""Fill a tenant's past with dealings, in bulk: rows as the services leave them, without their work."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction

from conversations.models import (
    AuthorKind,
    BotDecision,
    Channel,
    Contact,
    Conversation,
    DecisionOutcome,
    Handoff,
    Inquiry,
    Message,
    MessageKind,
    Rating,
    SurveyInvite,
    SurveyMonth,
)
from conversations.satisfaction import WINDOW, month_of
from conversations.services import survey_terms
from knowledge.models import Entry, EntryVersion
from knowledge.services import entries, releases
from tenants import clock, terms
from tenants.ids import new_id
from tenants.models import Obligation, ObligationKind, ObligationState, Tenant
from tenants.scoping import tenant_scope
from tenants.services.onboarding import create_tenant

_ENTRIES = 40
_CHUNK = 1000
# Of so many inquiries one is handed over; one goes unanswered; one is rated.
_HANDED, _UNANSWERED, _RATED = 15, 40, 8
_STARTS = time(8)


@dataclass
class Shop:
    """A tenant with a channel and a released knowledge base."""

    tenant: Tenant
    channel: Channel
    versions: list[EntryVersion]


def open_shop(slug: str, *, at: datetime) -> Shop:
    """Make a tenant that began at `at`, with a channel and a released knowledge base."""
    with clock.travel(at):
        tenant = create_tenant(slug=slug, name=slug)
        with tenant_scope(tenant):
            channel = Channel.objects.create(name="Website")
            category = entries.category_named("Questions")
            for number in range(_ENTRIES):
                entries.save_entry(
                    Entry(
                        category=category,
                        question=f"How do I look after product number {number}?",
                        answer=f"Wipe product number {number} with a dry cloth and keep it out of the sun.",
                    ),
                    by=None,
                    phrasings=[],
                )
            releases.publish(by=None)
            return Shop(tenant, channel, list(EntryVersion.objects.order_by("question")))


def fill(shop: Shop, first: date, days: int, inquiries: int, *, seed: int = 1) -> None:
    """Let so many inquiries happen in the days from `first` on, spread over them; in scope."""
    dice = random.Random(seed)  # noqa: S311 -- a rehearsal, not a secret
    zone = shop.tenant.zone
    opens = datetime.combine(first, _STARTS, zone)
    for start in range(0, inquiries, _CHUNK):
        numbers = range(start, min(start + _CHUNK, inquiries))
        instants = [
            opens + timedelta(days=number * days // inquiries, seconds=dice.uniform(0, 14 * 3600))
            for number in numbers
        ]
        with transaction.atomic():
            _chunk(shop, list(zip(numbers, instants, strict=True)), dice)


def _chunk(shop: Shop, whens: list[tuple[int, datetime]], dice: random.Random) -> None:
    people = [
        Contact(id=new_id(), channel=shop.channel, created_at=at, last_seen_at=at)
        for number, at in whens
    ]
    talks = [
        Conversation(
            id=new_id(),
            channel=shop.channel,
            contact=person,
            created_at=at,
            last_at=at + timedelta(minutes=5),
            last_seq=2,
            closed_at=at + timedelta(minutes=35),
            status="closed",
        )
        for person, (_number, at) in zip(people, whens, strict=True)
    ]
    asked = [
        Inquiry(
            id=new_id(),
            conversation=talk,
            number=1,
            opened_at=at,
            last_at=at + timedelta(minutes=5),
            first_reply_at=at + timedelta(milliseconds=dice.randrange(200, 2500)),
            closed_at=at + timedelta(minutes=35),
        )
        for talk, (_number, at) in zip(talks, whens, strict=True)
    ]
    Contact.objects.bulk_create(people)
    Conversation.objects.bulk_create(talks)
    Inquiry.objects.bulk_create(asked)
    said: list[Message] = []
    decided: list[BotDecision] = []
    promised: list[Obligation] = []
    handed: list[Handoff] = []
    for inquiry, (number, at) in zip(asked, whens, strict=True):
        rows = _dealing(shop, inquiry, number, at)
        said += rows[0]
        decided.append(rows[1])
        promised += rows[2]
        handed += rows[3]
    Message.objects.bulk_create(said)
    BotDecision.objects.bulk_create(decided)
    Obligation.objects.bulk_create(promised)
    Handoff.objects.bulk_create(handed)
    invited = list(_invites(asked, whens, shop.tenant.zone))
    SurveyInvite.objects.bulk_create(invited)
    Rating.objects.bulk_create(
        Rating(
            invite=invite,
            part="bot",
            score=dice.choice((100, 100, 100, 80, 60)),
            given_at=invite.ended_at or whens[0][1],
        )
        for invite in invited
    )


def _dealing(
    shop: Shop, inquiry: Inquiry, number: int, at: datetime
) -> tuple[list[Message], BotDecision, list[Obligation], list[Handoff]]:
    version = shop.versions[number % len(shop.versions)]
    reply_at = inquiry.first_reply_at or at
    is_handed, is_unanswered = number % _HANDED == 0, number % _UNANSWERED == 1
    answered = not (is_handed or is_unanswered)
    question = Message(
        id=new_id(),
        conversation=inquiry.conversation,
        inquiry=inquiry,
        seq=1,
        author_kind=AuthorKind.CUSTOMER,
        text=version.question if answered else f"Could you have a look at order {number} of mine",
        received_at=at,
        created_at=at,
    )
    reply = Message(
        id=new_id(),
        conversation=inquiry.conversation,
        inquiry=inquiry,
        seq=2,
        author_kind=AuthorKind.BOT,
        kind=MessageKind.ANSWER if answered else MessageKind.NOTICE,
        text=version.answer if answered else "A colleague will take over.",
        entry_version=version if answered else None,
        received_at=reply_at,
        created_at=reply_at,
    )
    outcome = DecisionOutcome.ANSWERED if answered else DecisionOutcome.HANDOFF
    decision = BotDecision(
        conversation=inquiry.conversation,
        inquiry=inquiry,
        question=question,
        outcome=outcome,
        rule="gate.answer" if answered else "gate.unknown",
        reason="" if answered else "unknown",
        latency_ms=20,
        decided_at=reply_at,
    )
    promised = [_kept(ObligationKind.FIRST_REPLY, inquiry.pk, inquiry, at, reply_at)]
    handed = []
    if not answered:
        handoff = Handoff(
            id=new_id(),
            conversation=inquiry.conversation,
            inquiry=inquiry,
            trigger_seq=1,
            reason="unknown",
            triggered_at=at,
            decided_at=reply_at,
            delivered_at=reply_at,
            accepted_at=reply_at + timedelta(seconds=30),
            ended_at=at + timedelta(minutes=5),
        )
        handed.append(handoff)
        promised.append(_kept(ObligationKind.HANDOFF, handoff.pk, inquiry, at, reply_at))
    return [question, reply], decision, promised, handed


def _kept(
    kind: ObligationKind, subject: UUID, inquiry: Inquiry, at: datetime, met_at: datetime
) -> Obligation:
    first = kind == ObligationKind.FIRST_REPLY
    return Obligation(
        kind=kind,
        clause=terms.CLAUSE_FIRST_REPLY if first else terms.CLAUSE_HANDOFF,
        subject_id=subject,
        conversation_id=inquiry.conversation_id,
        started_at=at,
        due_at=at + (terms.FIRST_REPLY if first else terms.HANDOFF),
        met_at=met_at,
        state=ObligationState.MET,
    )


def _invites(
    asked: list[Inquiry], whens: list[tuple[int, datetime]], zone: ZoneInfo
) -> Iterator[SurveyInvite]:
    months: dict[date, SurveyMonth] = {}
    for inquiry, (number, at) in zip(asked, whens, strict=True):
        if number % _RATED:
            continue
        ended = at + timedelta(minutes=35)
        day = month_of(ended, zone)
        if day not in months:
            months[day], _events = survey_terms.month_at(ended)
        yield SurveyInvite(
            id=new_id(),
            inquiry=inquiry,
            month=months[day],
            is_invited=True,
            drawn_at=at,
            ended_at=ended,
            has_bot_part=True,
            sent_at=ended,
            opens_at=ended,
            expires_at=ended + WINDOW,
        )
