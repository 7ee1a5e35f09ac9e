"""Inquiries that have ended and were asked about."""

import uuid

from conversations.models import ContactSession, SurveyInvite
from conversations.services import desk, endings, handoff
from tenants.models import Membership
from tests.conftest import KNOWLEDGE
from tests.conversations.doors import ask

# The same question again would go to people.
QUESTIONS = [text for row in KNOWLEDGE for text in (row[1], *row[2])]


def asked(session: ContactSession, *, agent: Membership | None = None) -> SurveyInvite:
    """Let the visitor ask, and be helped by the agent if there is one; return what was sent."""
    reply = ask(session, QUESTIONS[SurveyInvite.objects.count() % len(QUESTIONS)])
    if agent is None:
        endings.close_by_contact(reply.conversation_id)
    else:
        handoff.request_handoff(reply.conversation_id)
        desk.take(reply.conversation_id, by=agent)
        desk.reply(reply.conversation_id, "您好", by=agent, client_msg_id=uuid.uuid4().hex)
        endings.close(reply.conversation_id, by=agent)
    return SurveyInvite.objects.select_related("month__terms").get(inquiry=reply.inquiry_id)
