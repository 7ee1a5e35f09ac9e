"""A visitor's answers through the client API, and what agents see of them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from conversations.models import Channel, Message, Rating, SurveyInvite
from conversations.services.contacts import Admission
from knowledge.models import Release
from tenants import clock
from tenants.models import Membership, Tenant, User
from tenants.scoping import tenant_scope
from tests.conversations.api.clients import Caller, problem
from tests.conversations.conftest import KNOWN
from tests.conversations.doors import ask
from tests.conversations.surveyed import asked


@pytest.fixture
def admission(channel: Channel, admit: Callable[..., Admission]) -> Admission:
    return admit(channel)


@pytest.fixture
def invite(
    tenant: Tenant, admission: Admission, knowledge: Release, agent: Membership
) -> SurveyInvite:
    with tenant_scope(tenant):
        return asked(admission.session, agent=agent)


def card(call: Caller, invite: SurveyInvite) -> dict[str, Any]:
    with tenant_scope(invite.tenant_id):
        conversation = Message.objects.get(pk=invite.message_id).conversation_id
    page = call("GET", f"/conversations/{conversation}/messages").json()
    (shown,) = [message for message in page["messages"] if message["kind"] == "survey"]
    return dict(shown)


def test_survey_comes_with_its_message(admission: Admission, invite: SurveyInvite) -> None:
    shown = card(Caller(admission.token), invite)

    assert shown["author"]["kind"] == "system"
    assert [button["action"] for button in shown["buttons"]] == ["rate"] * 5
    survey = shown["survey"]
    assert (survey["id"], survey["status"]) == (str(invite.pk), "open")
    assert [part["part"] for part in survey["parts"]] == ["bot", "human"]
    assert [part["score"] for part in survey["parts"]] == [None, None]
    assert survey["url"].startswith("/s/sv_")


def test_answer_is_kept_and_shown(admission: Admission, invite: SurveyInvite) -> None:
    call = Caller(admission.token)

    first = call("POST", f"/surveys/{invite.pk}", {"part": "bot", "score": 80, "comment": "好"})
    second = call("POST", f"/surveys/{invite.pk}", {"part": "human", "score": 100})

    assert (first.status_code, second.status_code) == (200, 200)
    assert (first.json()["status"], second.json()["status"]) == ("open", "answered")
    shown = card(call, invite)["survey"]
    assert shown.pop("url")
    assert shown == second.json()
    assert [part["score"] for part in shown["parts"]] == [80, 100]
    assert shown["comment"] == "好"


def test_same_answer_again_is_the_same_answer(admission: Admission, invite: SurveyInvite) -> None:
    call = Caller(admission.token)
    answer = {"part": "bot", "score": 80}

    answers = [call("POST", f"/surveys/{invite.pk}", answer).json() for _number in range(2)]

    assert answers[0] == answers[1]
    with tenant_scope(invite.tenant_id):
        assert Rating.objects.get().changed_at is None


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"part": "bot"},
        {"score": 80},
        {"part": "bot", "score": 90},
        {"part": "bot", "score": "many"},
        {"part": "other", "score": 80},
        {"part": "bot", "score": 80, "comment": "长" * 501},
    ],
)
def test_malformed_answers_are_refused(
    admission: Admission, invite: SurveyInvite, answer: dict[str, Any]
) -> None:
    refused = Caller(admission.token)("POST", f"/surveys/{invite.pk}", answer)

    assert problem(refused) == (422, "invalid")
    with tenant_scope(invite.tenant_id):
        assert not Rating.objects.exists()


def test_late_answer_and_late_change_are_refused(
    admission: Admission, invite: SurveyInvite
) -> None:
    call = Caller(admission.token)
    answer = {"part": "bot", "score": 80}
    with tenant_scope(invite.tenant_id):
        at = invite.opens_at
    assert at is not None
    call("POST", f"/surveys/{invite.pk}", answer)

    with clock.travel(at + timedelta(hours=1)):
        changed = call("POST", f"/surveys/{invite.pk}", {**answer, "score": 20})
    assert problem(changed) == (409, "rating_final")
    # Late enough for the window, early enough for the token.
    with tenant_scope(invite.tenant_id):
        SurveyInvite.objects.update(opens_at=at - timedelta(hours=49))
    late = call("POST", f"/surveys/{invite.pk}", {"part": "human", "score": 20})
    assert problem(late) == (409, "survey_expired")


def test_survey_that_was_not_sent_is_not_there(
    tenant: Tenant, admission: Admission, knowledge: Release
) -> None:
    with tenant_scope(tenant):
        ask(admission.session, KNOWN)
        pk = SurveyInvite.objects.get().pk

    refused = Caller(admission.token)("POST", f"/surveys/{pk}", {"part": "bot", "score": 80})

    assert problem(refused) == (404, "not_found")


def test_agents_see_the_answer_and_no_link(
    admission: Admission,
    invite: SurveyInvite,
    agent: Membership,
    client_as: Callable[[User], Client],
) -> None:
    Caller(admission.token)("POST", f"/surveys/{invite.pk}", {"part": "human", "score": 100})
    with tenant_scope(invite.tenant_id):
        conversation = Message.objects.get(pk=invite.message_id).conversation_id

    page = client_as(agent.user).get(f"/console/api/conversations/{conversation}/messages").json()

    (shown,) = [message for message in page["messages"] if message["kind"] == "survey"]
    assert [part["score"] for part in shown["survey"]["parts"]] == [None, 100]
    assert "url" not in shown["survey"]
    assert "/s/sv_" not in str(page)


def test_thumb_down_says_what_was_wrong(
    tenant: Tenant, admission: Admission, knowledge: Release
) -> None:
    call = Caller(admission.token)
    with tenant_scope(tenant):
        reply = ask(admission.session, KNOWN)
    path = f"/messages/{reply.pk}/feedback"

    judged = call("POST", path, {"helpful": False, "reason": "outdated", "comment": "去年的"})
    refused = call("POST", path, {"helpful": False, "reason": "boring"})

    assert judged.status_code == 204
    assert problem(refused) == (422, "invalid")
    with tenant_scope(tenant):
        reply.refresh_from_db()
    assert (reply.feedback, reply.feedback_reason, reply.feedback_comment) == (
        "unhelpful",
        "outdated",
        "去年的",
    )
    call("POST", path, {"helpful": True, "reason": "outdated"})
    with tenant_scope(tenant):
        reply.refresh_from_db()
    assert (reply.feedback, reply.feedback_reason) == ("helpful", "")
