"""A tenant with one of everything it can own, every text of it marked."""

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models

from conversations.dialogue.types import Decision, Outcome
from conversations.models import (
    Channel,
    Contact,
    Conversation,
    Message,
    MismatchReport,
    TopicPhrase,
)
from conversations.services import bot, contacts, desk, handoff, intake, presences
from conversations.services.contacts import Admission
from conversations.services.identity import Introduction
from conversations.services.intake import Inbound
from knowledge.models import (
    ActiveRelease,
    Category,
    Entry,
    EntryVersion,
    MatchingSettings,
    Phrasing,
    Proposal,
    ProposalSource,
    Release,
    ReleaseItem,
    TextVector,
)
from tenants import clock
from tenants.models import (
    Breach,
    LedgerEntry,
    Membership,
    Obligation,
    Subprocessor,
    SubprocessorKind,
    SubprocessorUse,
    Tenant,
    User,
)
from tenants.roles import Role
from tenants.scoping import tenant_scope


@dataclass
class World:
    """What belongs to one tenant: its people by role, a visitor and rows by model label."""

    tenant: Tenant
    mark: str
    people: dict[str, User] = field(default_factory=dict)
    rows: dict[str, Any] = field(default_factory=dict)
    channel: Channel = None  # type: ignore[assignment]
    visitor: Admission = None  # type: ignore[assignment]

    def add(self, row: models.Model) -> None:
        """Keep a row as the one of its model."""
        self.rows[row._meta.label_lower] = row

    def pk(self, label: str) -> Any:
        """Return the key of the kept row of a model."""
        return self.rows[label].pk


def furnish(tenant: Tenant, mark: str) -> World:
    """Give the tenant people of every role, knowledge, a channel, a visitor and a dealing."""
    world = World(tenant, mark)
    with tenant_scope(tenant):
        _people(world)
        _knowledge(world)
        _dealing(world)
        _services(world)
    world.add(tenant)
    return world


def admit(channel: Channel, mark: str) -> Admission:
    """Let a visitor with a marked name in."""
    return contacts.admit(
        channel,
        Introduction(device_id=mark, user_id=mark, profile={"name": mark, "phone": mark}),
    )


def write(visitor: Admission, text: str) -> Message:
    """Let the visitor write; return the message."""
    session = visitor.session
    return intake.receive(
        session.contact, session.channel, Inbound(client_msg_id=text[:64], text=text)
    ).message


def _people(world: World) -> None:
    for role in Role:
        user = get_user_model().objects.create_user(
            f"{role}@{world.tenant.slug}.example", name=f"{world.mark}{role}"
        )
        member = Membership.objects.create(
            user=user, role=role, display_name=f"{world.mark}-{role}"
        )
        world.people[role] = user
        if role == Role.AGENT:
            world.add(user)
            world.add(member)


def _knowledge(world: World) -> None:
    mark = world.mark
    category = Category.objects.create(name=f"{mark}分类")
    entry = Entry.objects.create(category=category, question=f"{mark}问", answer=f"{mark}答")
    version = EntryVersion.objects.create(
        entry=entry,
        number=1,
        category_name=category.name,
        question=entry.question,
        phrasings=[f"{mark}说法"],
        answer=entry.answer,
        content_hash="0" * 64,
    )
    releases = [Release.objects.create(number=number, note=f"{mark}发布") for number in (1, 2)]
    for row in (
        category,
        entry,
        version,
        releases[0],
        Phrasing.objects.create(entry=entry, text=f"{mark}说法"),
        ReleaseItem.objects.create(release=releases[0], version=version),
        ActiveRelease.objects.create(release=releases[1], activated_at=clock.now()),
        TextVector.objects.create(encoder="none", text_key=mark, vector=b""),
        Proposal.objects.create(
            entry=entry,
            text=f"{mark}另说",
            text_key=mark,
            source=ProposalSource.BUTTON,
            first_seen=clock.now(),
            last_seen=clock.now(),
        ),
        MatchingSettings.objects.create(answer_threshold=0.7),
    ):
        world.add(row)


def _dealing(world: World) -> None:
    mark = world.mark
    agent = world.rows["tenants.membership"]
    world.channel = Channel.objects.create(
        name=f"{mark}官网",
        assistant_name=f"{mark}小助",
        brand_name=f"{mark}品牌",
        greeting=f"{mark}您好",
        notice_text=f"{mark}告知",
        quick_questions=[f"{mark}快捷"],
        allowed_origins=[f"https://{world.tenant.slug}.example"],
    )
    world.visitor = admit(world.channel, mark)
    question = write(world.visitor, f"{mark}问题")
    reply = bot.conclude(
        question,
        question.conversation.epoch,
        Decision(Outcome.SMALLTALK, rule="smalltalk", reply="thanks"),
        release_id=None,
        latency_ms=1,
    )
    assert reply is not None
    handoff.request_handoff(question.conversation_id, note=f"{mark}转接")
    note, _created = desk.note(
        question.conversation_id, f"{mark}备注", by=agent, client_msg_id=mark
    )
    presences.heard_from(agent)
    conversation = Conversation.objects.get()
    obligation = Obligation.objects.earliest("started_at")
    breach = Breach.objects.create(
        obligation=obligation,
        clause=obligation.clause,
        subject_id=obligation.subject_id,
        conversation_id=conversation.pk,
        started_at=obligation.started_at,
        due_at=obligation.due_at,
        detected_at=clock.now(),
    )
    for row in (
        TopicPhrase.objects.create(topic="legal", phrase=f"{mark}词"),
        MismatchReport.objects.create(
            entry_version=world.rows["knowledge.entryversion"],
            kind="client_text",
            owner="client",
            found_by="client",
            message=reply,
            note=f"{mark}有误",
            created_at=clock.now(),
        ),
        world.channel,
        world.visitor.session,
        Contact.objects.get(),
        world.visitor.session.contact.consents.get(),
        conversation,
        conversation.inquiry,
        conversation.handoffs.get(),
        reply,
        question.decision,
        note,
        agent.presence,
        obligation,
        breach,
        LedgerEntry.objects.latest("position"),
    ):
        assert row is not None
        world.add(row)


def _services(world: World) -> None:
    service = Subprocessor.objects.create(
        kind=SubprocessorKind.LANGUAGE_MODEL,
        name=f"{world.mark}模型公司",
        base_url=f"https://{world.tenant.slug}.example/v1",
        model=f"{world.mark}-1",
        sealed_key=world.mark,
    )
    world.add(service)
    world.add(
        SubprocessorUse.objects.create(
            subprocessor=service, month=clock.now().date().replace(day=1)
        )
    )
