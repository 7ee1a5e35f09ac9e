"""The page behind a survey's link."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from conversations.models import ContactSession, Rating, SurveyInvite
from conversations.survey_links import path_of
from conversations.survey_views import PAGES_PER_ADDRESS
from knowledge.models import Release
from tenants import clock
from tenants.models import Membership, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conversations.surveyed import asked


@pytest.fixture
def invite(
    tenant: Tenant, visitor: ContactSession, knowledge: Release, agent: Membership
) -> SurveyInvite:
    with tenant_scope(tenant):
        return asked(visitor, agent=agent)


@pytest.fixture
def path(tenant: Tenant, invite: SurveyInvite) -> str:
    with tenant_scope(tenant):
        return path_of(invite)


def given(invite: SurveyInvite) -> list[tuple[str, int, str, str]]:
    with tenant_scope(invite.tenant_id):
        rows = Rating.objects.order_by("part")
        return list(rows.values_list("part", "score", "comment", "excluded_reason"))


def test_page_asks_about_both_parts_and_keeps_no_cookie(client: Client, path: str) -> None:
    response = client.get(path)

    page = response.content.decode()
    assert response.status_code == 200
    assert page.count('type="radio"') == 10
    assert "<script" not in page
    assert not response.cookies
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]


def test_answer_is_taken_once_and_shown_afterwards(
    client: Client, path: str, invite: SurveyInvite
) -> None:
    sent = client.post(path, {"bot": "80", "human": "100", "comment": "谢谢"})

    assert (sent.status_code, sent["Location"]) == (302, path)
    assert not sent.cookies
    assert given(invite) == [("bot", 80, "谢谢", ""), ("human", 100, "", "")]
    assert client.get(path).content.decode().count("checked") == 2


def test_forged_requests_need_no_token_of_the_session(path: str) -> None:
    strict = Client(enforce_csrf_checks=True)

    assert strict.post(path, {"bot": "80"}).status_code == 302


@pytest.mark.parametrize("answer", [{}, {"bot": "90"}, {"bot": ""}, {"other": "80"}])
def test_what_is_no_answer_is_asked_again(
    client: Client, path: str, invite: SurveyInvite, answer: dict[str, str]
) -> None:
    response = client.post(path, answer)

    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()
    assert given(invite) == []


def test_final_answer_is_shown_and_not_taken_again(
    client: Client, path: str, invite: SurveyInvite
) -> None:
    client.post(path, {"bot": "80", "human": "100"})

    with clock.travel(clock.now() + timedelta(minutes=11)):
        page = client.get(path).content.decode()
        client.post(path, {"bot": "20", "human": "20"})

    assert "<form" not in page
    assert given(invite) == [("bot", 80, "", ""), ("human", 100, "", "")]


def test_link_that_is_too_old_says_so_calmly(
    client: Client, path: str, invite: SurveyInvite
) -> None:
    with clock.travel(clock.now() + timedelta(hours=48, minutes=1)):
        page = client.get(path)
        client.post(path, {"bot": "20"})

    assert page.status_code == 200
    assert "<form" not in page.content.decode()
    assert given(invite) == []


@pytest.mark.parametrize("mangle", [lambda path: path[:-2] + "/", lambda path: "/s/nothing/"])
def test_made_up_links_lead_nowhere(
    client: Client, path: str, mangle: Callable[[str], str]
) -> None:
    assert client.get(mangle(path)).status_code == 404
    assert client.post(mangle(path), {"bot": "80"}).status_code == 404


def test_page_speaks_the_visitors_language(
    client: Client, path: str, visitor: ContactSession
) -> None:
    assert 'lang="zh-CN"' in client.get(path).content.decode()
    with tenant_scope(visitor.tenant_id):
        visitor.contact.locale = "en"
        visitor.contact.save()

    page = client.get(path).content.decode()

    assert 'lang="en"' in page
    assert "Very satisfied" in page


@pytest.mark.parametrize("who", ["agent", "operator", "neighbour"])
def test_answers_of_people_who_work_here_do_not_count(
    path: str,
    invite: SurveyInvite,
    agent: Membership,
    operator: User,
    other_tenant: Tenant,
    make_member: Callable[..., User],
    client_as: Callable[[User], Client],
    who: str,
) -> None:
    people = {
        "agent": agent.user,
        "operator": operator,
        "neighbour": make_member(other_tenant, Role.AGENT),
    }

    client_as(people[who]).post(path, {"bot": "100"})

    reason = "" if who == "neighbour" else "staff"
    assert given(invite) == [("bot", 100, "", reason)]


def test_guessing_is_slowed_down(client: Client, path: str, settings: Any) -> None:
    settings.RATE_LIMIT_EXEMPT = []
    for _number in range(PAGES_PER_ADDRESS):
        client.get("/s/nothing/")

    refused = client.get(path)

    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
