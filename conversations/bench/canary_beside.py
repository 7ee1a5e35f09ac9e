"""The mark in what stands beside a person's own words: files, surveys, quality, other systems.

What other systems answer is written where their answers are kept: a rehearsal reaches none.
"""

import uuid
from io import BytesIO

from conversations.models import (
    AuthorKind,
    ContactSession,
    Conversation,
    EventKind,
    Handoff,
    HandoffDelivery,
    HandoffTarget,
    Message,
    NoticeKind,
    OutboundDelivery,
    OutboundKind,
    QACriterion,
    QAItem,
    QARubric,
    QASample,
    Rating,
    Rule,
    RuleAction,
    RuleCondition,
    ServiceEvent,
    SurveyInvite,
    TargetKind,
    TargetStatus,
    WebhookDelivery,
    WebhookEndpoint,
)
from conversations.models.survey import Satisfaction
from conversations.satisfaction import RUBRIC_TOTAL
from conversations.services import attachments, automation, notices, quality, ratings, rules
from conversations.services.attachments import Sender
from tenants import clock
from tenants.models import Membership, Tenant
from tenants.scoping import active_tenant_id
from tenants.secrets import seal
from tenants.webhooks import new_secret


def upload(session: ContactSession, words: str) -> uuid.UUID:
    """Let the visitor upload a file with these words in its name and content; return its id."""
    sender = Sender(contact=session.contact)
    file = BytesIO(f"{words}\nin a file\n".encode())
    return attachments.receive(file, f"{words}.txt", sender=sender).pk


def upload_by_agent(conversation: Conversation, words: str, *, by: Membership) -> uuid.UUID:
    """Let an agent upload a file in the conversation; return its id."""
    sender = Sender(member=by, conversation=conversation)
    file = BytesIO(f"{words}\nby an agent\n".encode())
    return attachments.receive(file, f"{words}.txt", sender=sender).pk


def rate(conversation: Conversation, words: str, *, by: Membership) -> None:
    """Answer each survey of the conversation in these words, and propose a correction of each."""
    for invite in SurveyInvite.objects.filter(
        inquiry__conversation=conversation, sent_at__isnull=False
    ):
        for part in invite.parts:
            ratings.rate(invite, part, Satisfaction.DISSATISFIED, comment=words)
    for rating in Rating.objects.filter(invite__inquiry__conversation=conversation):
        ratings.propose_correction(rating, score=None, reason=words, by=by.user, is_providers=False)


def review(conversation: Conversation, words: str, *, by: Membership) -> None:
    """Let a rater find something about the conversation's latest inquiry, in these words."""
    at = clock.now()
    rubric = QARubric.objects.create(version=QARubric.objects.count() + 1, created_at=at)
    criterion = QACriterion.objects.create(
        rubric=rubric, position=1, name="All of it", points=RUBRIC_TOTAL
    )
    sample = QASample.objects.create(
        month=at.date().replace(day=1), size=1, rubric=rubric, seed="seed", created_at=at
    )
    item = QAItem.objects.create(
        sample=sample, position=1, inquiry=conversation.inquiry, rated_twice=False
    )
    quality.review(item, {criterion.pk: 80}, comment=words, by=by.user)


def tell_systems(message: Message, words: str) -> None:
    """Let a rule and a webhook hear of the message, a notice and the client's system tell of it."""
    conversation = message.conversation
    rule = Rule(name=f"Rehearsal {message.pk.hex}", event=EventKind.MESSAGE)
    rules.save_rule(rule, by=None)
    condition = RuleCondition.objects.create(rule=rule, field="words", value=words)
    RuleAction.objects.create(rule=rule, kind="notify", audience="everyone")
    endpoint = WebhookEndpoint.objects.create(
        name=rule.name,
        url="https://rehearsal.invalid/",
        kinds=[EventKind.MESSAGE],
        with_contents=True,
        sealed_secret=seal(new_secret()),
    )
    event = ServiceEvent.objects.create(
        key=f"rehearsal:{message.pk.hex}",
        kind=EventKind.MESSAGE,
        conversation=conversation,
        message=message,
        at=clock.now(),
    )
    Conversation.objects.filter(pk=conversation.pk).update(undecided_seq=None, undecided_since=None)
    automation.run_event(event.pk, Tenant.objects.get(pk=active_tenant_id()).zone)
    # The client's own words for a rule stay; a rule that was changed since keeps its old runs.
    RuleCondition.objects.filter(pk=condition.pk).update(value="refund")
    Rule.objects.filter(pk=rule.pk).update(is_active=False)
    notices.tell(conversation, NoticeKind.RULE, at=clock.now(), text=words)
    WebhookDelivery.objects.filter(endpoint=endpoint).update(last_excerpt=words)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(is_active=False)


def hear_from_target(handoff: Handoff, words: str) -> None:
    """Leave what a hand-off to the client's own system leaves: bodies, answers, their ids."""
    at = clock.now()
    target = HandoffTarget.objects.create(
        kind=TargetKind.WEBHOOK,
        name=f"Rehearsal {handoff.pk.hex}",
        base_url="https://rehearsal.invalid/",
        status=TargetStatus.DISABLED,
    )
    sent = OutboundDelivery.objects.create(
        handoff=handoff,
        target=target,
        number=1,
        kind=OutboundKind.CREATED,
        idempotency_key=f"msg_{handoff.pk.hex}_1",
        state="failed",
        body=f'{{"text": "{words}"}}',
        created_at=at,
        due_at=at,
    )
    HandoffDelivery.objects.create(
        handoff=handoff,
        outbound=sent,
        target=target,
        what=OutboundKind.CREATED,
        attempt=1,
        request_id=sent.idempotency_key,
        started_at=at,
        duration_ms=1,
        response_excerpt=words,
    )
    Handoff.objects.filter(pk=handoff.pk).update(
        external_id=words,
        external_url=f"https://rehearsal.invalid/{words}",
        external_ids={"id": words},
    )
    Conversation.objects.filter(pk=handoff.conversation_id).update(elsewhere={"agent": words})
    Message.objects.filter(
        conversation=handoff.conversation_id, author_kind=AuthorKind.AGENT
    ).update(author_name=words)
