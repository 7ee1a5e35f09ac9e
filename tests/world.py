"""A tenant with one of everything it can own, every text of it marked."""

from dataclasses import dataclass, field
from datetime import date, time, timedelta
from io import BytesIO
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models

from conversations import files
from conversations.dialogue.types import Decision, Outcome
from conversations.models import (
    AgentGroup,
    Attachment,
    CannedReply,
    Channel,
    Contact,
    Conversation,
    DeskSettings,
    EventCursor,
    GroupMember,
    HandoffDelivery,
    HandoffTarget,
    HoursException,
    Invitation,
    Message,
    MismatchReport,
    Notice,
    OutboundDelivery,
    QACriterion,
    QAItem,
    QAMark,
    QAReview,
    QARubric,
    QASample,
    Rating,
    RatingCorrection,
    Rule,
    RuleAction,
    RuleCondition,
    RuleRun,
    ServiceEvent,
    ServiceTimes,
    SilenceStep,
    SubjectRequestKind,
    SurveyInvite,
    SurveyMonth,
    SurveyTerms,
    Tag,
    Ticket,
    TicketCategory,
    TicketDay,
    TopicPhrase,
    WebhookDelivery,
    WebhookEndpoint,
    WorkingSpan,
    WrapUp,
    WrapUpCategory,
)
from conversations.services import (
    blocks,
    bot,
    contacts,
    desk,
    handoff,
    intake,
    merging,
    presences,
    profiles,
    subjects,
    ticket_desk,
    tickets,
)
from conversations.services.contacts import Admission
from conversations.services.identity import Introduction
from conversations.services.intake import Inbound
from conversations.services.tickets import NewTicket
from conversations.ticket_states import TicketOrigin
from knowledge.models import (
    ActiveRelease,
    Category,
    Entry,
    EntryVersion,
    GoldenQuestion,
    MatchingSettings,
    Phrasing,
    Proposal,
    ProposalSource,
    Release,
    ReleaseItem,
    TextVector,
)
from reporting import periods
from reporting.models import (
    AccuracyAudit,
    AccuracyAuditItem,
    CommonQuestionCatalogue,
    DailyFigure,
    DownInterval,
    IncidentKind,
    IncidentLevel,
    LabelReview,
    LabelReviewItem,
    Question,
    QuestionLabel,
    RectificationPlan,
    Report,
    ReportAnswer,
    ReportDelivery,
    ReportDue,
    ReportRecipient,
)
from reporting.services import (
    availability_settings,
    claims,
    evidence,
    incidents,
    maintenance,
    probers,
    snapshots,
)
from tenants import clock
from tenants.models import (
    AlertRobot,
    Breach,
    CalendarDay,
    CalendarYear,
    Contract,
    ContractTerms,
    LedgerEntry,
    Membership,
    Notification,
    NotificationDelivery,
    NotificationRecipient,
    Obligation,
    Signature,
    Subprocessor,
    SubprocessorKind,
    SubprocessorUse,
    Tenant,
    User,
)
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services import alert_settings, approvals


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
        _satisfaction(world)
        _tickets(world)
        _services(world)
        _profile(world)
        _automation(world)
        _availability(world)
        _contract(world)
        _figures(world)
        _reports(world)
    world.add(tenant)
    return world


def _contract(world: World) -> None:
    mark, now = world.mark, clock.now()
    contract = Contract.objects.create(
        number=f"{mark}合同",
        effective_from=now.date(),
        party_a_name=f"{mark}公司",
        party_a_code="91350100M000100Y43",
        party_b_name=f"{mark}服务商",
        party_b_code="91350100M000100Y43",
    )
    terms = ContractTerms.objects.create(
        contract=contract,
        number=1,
        effective_from=now.date(),
        created_at=now,
        remarks=f"{mark}约定",
    )
    approval = approvals.request_terms(terms)
    signer = world.people[Role.CLIENT_ADMIN]
    signature = Signature.objects.create(
        approval=approval,
        party="client",
        signer=signer,
        signer_name=f"{mark}签署人",
        content_hash=approval.content_hash,
        signed_at=now,
    )
    # The calendar is the installation's: the first tenant furnished brings it along.
    year, _made = CalendarYear.objects.get_or_create(
        year=2099,
        defaults={"notice_number": "2099-1", "source_url": "https://gov.example", "loaded_at": now},
    )
    day, _made = CalendarDay.objects.get_or_create(
        date=date(2099, 1, 1), defaults={"year": year, "is_off": True}
    )
    for row in (contract, terms, approval, signature, year, day):
        world.add(row)


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


def leave(tenant: Tenant, visitor: Admission, text: str) -> Ticket:
    """Let the visitor leave a message to be seen to later; return the ticket."""
    session = visitor.session
    with tenant_scope(tenant):
        asked = NewTicket(session.contact, session.channel, text, TicketOrigin.API, phone="10000")
        return tickets.open_ticket(asked, by=None)[0]


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
        GoldenQuestion.objects.create(text=f"{mark}考题", entry=entry),
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
    supervisor = Membership.objects.get(role=Role.SUPERVISOR)
    note, _created = desk.note(
        question.conversation_id,
        f"{mark}备注",
        by=supervisor,
        client_msg_id=mark,
        mentions=[agent.pk],
    )
    presences.heard_from(agent)
    conversation = Conversation.objects.get()
    world.add(
        Attachment.objects.create(
            conversation=conversation,
            message=question,
            contact=question.contact,
            name=f"{mark}照片.png",
            mime="image/png",
            size=1,
            sha256="0" * 64,
            width=1,
            height=1,
            path=files.new_path(world.tenant.pk),
            created_at=clock.now(),
        )
    )
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
    group = AgentGroup.objects.create(name=f"{mark}组", accept_seconds=20)
    for row in (
        group,
        GroupMember.objects.create(group=group, member=agent, skills=[f"{mark}技能"]),
        WorkingSpan.objects.create(group=group, weekday=0, starts_at=time(9), ends_at=time(12)),
        HoursException.objects.create(
            group=group, date=date(2026, 12, 31), name=f"{mark}节", is_closed=True
        ),
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
        note.mentions.get(),
        *_desk(mark, conversation, agent),
        agent.presence,
        obligation,
        breach,
        LedgerEntry.objects.latest("position"),
    ):
        assert row is not None
        world.add(row)


def _satisfaction(world: World) -> None:
    """Ask about the inquiry as if it had ended, and let raters rate it."""
    mark, now = world.mark, clock.now()
    month = SurveyMonth.objects.get()
    SurveyTerms.objects.update(question_bot_zh=f"{mark}满意吗", question_bot_en=f"{mark}how")
    invite = SurveyInvite.objects.get()
    invite.ended_at = invite.sent_at = invite.opens_at = now
    invite.expires_at = now + timedelta(hours=48)
    invite.has_bot_part = True
    invite.save()
    rating = Rating.objects.create(
        invite=invite, part="human", score=80, comment=f"{mark}评语", given_at=now
    )
    rubric = QARubric.objects.create(version=1, created_at=now)
    criterion = QACriterion.objects.create(rubric=rubric, position=1, name=f"{mark}准", points=100)
    sample = QASample.objects.create(
        month=now.date().replace(day=1), size=1, rubric=rubric, seed=mark, created_at=now
    )
    item = QAItem.objects.create(
        sample=sample, position=1, inquiry=invite.inquiry, rated_twice=True
    )
    agent = world.people[Role.AGENT]
    review = QAReview.objects.create(
        item=item, number=1, rater=agent, total=90, comment=f"{mark}理由", given_at=now
    )
    for row in (
        SurveyTerms.objects.get(),
        month,
        invite,
        rating,
        RatingCorrection.objects.create(
            rating=rating,
            old_score=80,
            new_score=60,
            reason=f"{mark}更正",
            proposed_at=now,
            proposed_by=agent,
            is_providers=False,
        ),
        rubric,
        criterion,
        sample,
        item,
        review,
        QAMark.objects.create(review=review, criterion=criterion, points=90),
    ):
        world.add(row)


def _desk(mark: str, conversation: Conversation, agent: Membership) -> list[Any]:
    category = WrapUpCategory.objects.create(name=f"{mark}类别")
    return [
        category,
        WrapUp.objects.create(
            inquiry=conversation.inquiry,
            conversation=conversation,
            category=category,
            resolved="yes",
            summary=f"{mark}总结",
            by=agent,
            at=clock.now(),
        ),
        CannedReply.objects.create(
            shortcut=f"{mark}快捷", title=f"{mark}标题", text=f"{mark}常用语"
        ),
        DeskSettings.objects.create(),
    ]


def _tickets(world: World) -> None:
    mark = world.mark
    category = TicketCategory.objects.create(name=f"{mark}类别")
    session = world.visitor.session
    ticket, _created = tickets.open_ticket(
        NewTicket(
            contact=session.contact,
            channel=session.channel,
            conversation=world.rows["conversations.conversation"],
            description=f"{mark}工单",
            origin=TicketOrigin.API,
            category=category,
            name=mark,
            phone=mark,
            email=f"visitor@{world.tenant.slug}.example",
        ),
        by=None,
    )
    comment, _created = ticket_desk.comment(
        ticket.pk,
        f"{mark}回复",
        by=world.rows["tenants.membership"],
        is_public=True,
        client_id=mark,
    )
    for row in (category, TicketDay.objects.get(), ticket, comment, ticket.notices.latest("pk")):
        world.add(row)


def _profile(world: World) -> None:
    mark, agent = world.mark, world.rows["tenants.membership"]
    person = world.rows["conversations.contact"]
    double = Contact.objects.create(
        channel=world.channel, name=f"{mark}重名", created_at=clock.now(), last_seen_at=clock.now()
    )
    tag = profiles.save_tag(Tag(name=f"{mark}标签"), by=agent)
    request = subjects.open_request(
        person, SubjectRequestKind.ACCESS, identity_check=f"{mark}核验", by=agent
    )
    for row in (
        tag,
        profiles.add_tag(person, tag, by=agent, reason=f"{mark}缘由"),
        profiles.add_note(person, f"{mark}记录", by=agent),
        blocks.block_address("203.0.113.9", by=agent, reason=f"{mark}骚扰"),
        merging.merge_contacts(person, double, by=agent),
        request,
    ):
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
    _target(world)
    _alerts(world)
    world.add(
        SubprocessorUse.objects.create(
            subprocessor=service, month=clock.now().date().replace(day=1)
        )
    )


def _alerts(world: World) -> None:
    at = clock.now()
    robot = AlertRobot.objects.create(
        kind="wecom", name=f"{world.mark}值班群", sealed_address=world.mark
    )
    told = Notification.objects.create(
        kind="report.late",
        level="warning",
        title=f"{world.mark}月报未发",
        body=f"{world.mark}说明",
        dedupe=world.mark,
        created_at=at,
    )
    for row in (
        robot,
        told,
        NotificationRecipient.objects.create(
            notification=told, user=world.people[Role.CLIENT_ADMIN]
        ),
        NotificationDelivery.objects.create(
            notification=told,
            channel="wecom",
            robot=robot,
            thread="report.late",
            created_at=at,
            due_at=at,
        ),
        alert_settings.current(),
    ):
        world.add(row)


def _target(world: World) -> None:
    mark = world.mark
    handoff = world.rows["conversations.handoff"]
    # Switched off: the console of these tests has what visitors hand over.
    target = HandoffTarget.objects.create(
        kind="webhook",
        name=f"{mark}工单",
        base_url=f"https://{world.tenant.slug}.example/{mark}",
        status="disabled",
        sealed_token=mark,
    )
    outbound = OutboundDelivery.objects.create(
        handoff=handoff,
        target=target,
        number=1,
        kind="created",
        idempotency_key=f"{mark}-1",
        state="done",
        created_at=clock.now(),
        due_at=clock.now(),
        done_at=clock.now(),
    )
    log = HandoffDelivery.objects.create(
        handoff=handoff,
        outbound=outbound,
        target=target,
        what="created",
        attempt=1,
        request_id=outbound.idempotency_key,
        started_at=clock.now(),
        duration_ms=12,
        http_status=200,
        response_excerpt=f"{mark}回执",
    )
    for row in (target, outbound, log):
        world.add(row)


def _automation(world: World) -> None:
    mark, now = world.mark, clock.now()
    conversation = world.rows["conversations.conversation"]
    rule = Rule.objects.create(name=f"{mark}规则", event="message.received")
    event = ServiceEvent.objects.create(
        key=f"ledger:{mark}",
        kind=rule.event,
        conversation=conversation,
        message=world.rows["conversations.message"],
        at=now,
        done_at=now,
    )
    endpoint = WebhookEndpoint.objects.create(
        name=f"{mark}系统",
        url=f"https://{world.tenant.slug}.example/hook",
        kinds=["conversation.closed"],
        sealed_secret=mark,
    )
    for row in (
        rule,
        event,
        endpoint,
        EventCursor.objects.create(position=0),
        RuleCondition.objects.create(rule=rule, field="words", value=f"{mark}词"),
        RuleAction.objects.create(rule=rule, kind="notify", audience="everyone", text=f"{mark}告"),
        RuleRun.objects.create(
            rule=rule, event=event, conversation=conversation, matched=True, at=now
        ),
        WebhookDelivery.objects.create(
            endpoint=endpoint,
            conversation=conversation,
            kind="conversation.closed",
            message_id=f"msg_{mark}",
            body=f'{{"type": "{mark}"}}',
            created_at=now,
        ),
        Invitation.objects.create(
            channel=world.channel, name=f"{mark}邀请", words_zh=f"{mark}需要帮忙吗"
        ),
        ServiceTimes.objects.create(visitor_words_zh=f"{mark}还在吗"),
        SilenceStep.objects.create(conversation=conversation, kind="reminded", since=now, at=now),
        Notice.objects.create(
            kind="rule", conversation=conversation, text=f"{mark}请看", created_at=now
        ),
    ):
        world.add(row)


def _figures(world: World) -> None:
    mark, now = world.mark, clock.now()
    conversation = world.rows["conversations.conversation"]
    reply = world.rows["conversations.message"]
    version = world.rows["knowledge.entryversion"]
    question = Question.objects.create(
        day=now.date(),
        asked_at=now,
        conversation_id=conversation.pk,
        inquiry_id=conversation.inquiry_id,
        contact_id=conversation.contact_id,
        message_id=world.rows["conversations.botdecision"].question_id,
        channel=world.channel,
        first_seq=1,
        last_seq=1,
        text_key="0" * 40,
        demand=f"{mark}类",
        label="common",
        machine_label="common",
        standing="default",
        why="silent",
    )
    drawn = {"seed": mark, "size": 1, "population": 1, "created_at": now, "drawn_at": now}
    review = LabelReview.objects.create(month=now.date(), **drawn)
    audit = AccuracyAudit.objects.create(month=now.date(), **drawn)
    for row in (
        question,
        QuestionLabel.objects.create(question=question, label="common", source="machine", at=now),
        DailyFigure.objects.create(
            day=now.date(), metric="demand", dimension=f"{mark}类", whole=1, made_at=now
        ),
        CommonQuestionCatalogue.objects.create(
            version=1, categories=[{"name": mark, "examples": [mark]}], created_at=now
        ),
        review,
        LabelReviewItem.objects.create(review=review, position=1, question=question),
        audit,
        AccuracyAuditItem.objects.create(
            audit=audit, position=1, message_id=reply.pk, version=version, channel=world.channel
        ),
    ):
        world.add(row)


def _reports(world: World) -> None:
    mark, now, first = world.mark, clock.now(), date(2026, 11, 2)
    tenant = world.tenant
    period = periods.period("weekly", first, tenant.zone)
    with evidence.packing(tenant, "weekly", period) as pack:
        text, sha256 = snapshots.take(
            tenant,
            "weekly",
            period,
            version=1,
            stage="final",
            reason="",
            at=now,
            earlier=None,
            gather=pack.gather,
        )
        report = Report(
            kind="weekly",
            period_start=first,
            period_end=period.end,
            version=1,
            stage="final",
            snapshot=text,
            sha256=sha256,
            made_at=now,
            approved_at=now,
            sent_at=now,
        )
        pack.keep(report)
    report.save()
    recipient = ReportRecipient.objects.create(
        name=f"{mark}收件人", email=f"r@{tenant.slug}.example"
    )
    for row in (
        report,
        recipient,
        ReportDue.objects.create(
            kind="weekly", period_start=first, stage="final", due_at=now, made_at=now, error=mark
        ),
        ReportDelivery.objects.create(
            report=report,
            channel="mail",
            recipient=recipient,
            name=recipient.name,
            email=recipient.email,
            language="zh-hans",
            created_at=now,
            sent_at=now,
        ),
        ReportAnswer.objects.create(
            report=report,
            verdict="objected",
            text=f"{mark}异议",
            member=Membership.objects.get(user=world.people[Role.CLIENT_ADMIN]),
            answered_at=now,
        ),
    ):
        world.add(row)


def _availability(world: World) -> None:
    mark, now, by = world.mark, clock.now(), world.people[Role.ACCOUNT_MANAGER]
    prober, _secret = probers.register(f"{world.tenant.slug}-1")
    interval = DownInterval.objects.create(
        start_at=now - timedelta(minutes=9),
        end_at=now - timedelta(minutes=5),
        sources=["probes"],
        cause=f"{mark}断电",
        found_at=now,
    )
    claim = claims.claim(
        interval.pk,
        kind="client",
        start_at=interval.start_at,
        end_at=interval.end_at,
        evidence=f"{mark}证据",
        by=by,
        uploads=[(f"{mark}通知.txt", BytesIO(f"{mark}停电通知".encode()))],
    )
    world.add(claim.files.get())
    incident = incidents.open_incident(
        title=f"{mark}事件", level=IncidentLevel.P3, kind=IncidentKind.OTHER, by=by
    )
    window = maintenance.announce(
        title=f"{mark}维护",
        description=f"{mark}维护说明",
        start_at=now + timedelta(days=4),
        end_at=now + timedelta(days=4, hours=1),
        by=by,
    )
    update = incidents.tell(incident.pk, f"{mark}进展", by=by)
    plan = RectificationPlan.objects.create(
        months=["2026-09-01", "2026-10-01"],
        scores=["84.00", "83.00"],
        target=85,
        state="submitted",
        triggered_at=now,
        measures=f"{mark}措施",
        owner=f"{mark}负责人",
        target_date=now.date(),
    )
    world.add(plan)
    for row in (prober, interval, claim, incident, update, window, availability_settings.current()):
        world.add(row)
