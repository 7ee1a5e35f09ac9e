"""The list of questions, and that of the days' figures: in words."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversations.models import Channel, Message
from knowledge.models import Release
from reporting.admin.figures import name_of, part_of
from reporting.models import DailyFigure, Question
from reporting.services import figures, labels
from tenants import clock
from tenants.models import Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.reporting.plays import COMMON, ZONE, Play, at

QUESTIONS, FIGURES = "/admin/reporting/question/", "/admin/reporting/dailyfigure/"


@pytest.fixture(autouse=True)
def _now() -> Any:
    with clock.travel(datetime(2026, 10, 8, 10, tzinfo=ZONE)):
        yield


@pytest.fixture
def play(
    tenant: Tenant,
    channel: Channel,
    publish: Callable[..., Release],
    make_member: Callable[..., User],
) -> Play:
    publish(tenant)
    with tenant_scope(tenant):
        return Play(channel, make_member(tenant, Role.SUPERVISOR))


@pytest.fixture
def client(
    tenant: Tenant, make_member: Callable[..., User], client_as: Callable[[User], Client]
) -> Client:
    found = client_as(make_member(tenant, Role.ACCOUNT_MANAGER, name="经理"))
    found.cookies["django_language"] = "en"
    return found


def text(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return str(response.content.decode())


def test_questions_are_listed_with_their_words(tenant: Tenant, play: Play, client: Client) -> None:
    with tenant_scope(tenant):
        play.ask("a", COMMON[0], at(1), before=("你好", "在吗"))
        play.ask("b", "请问" + "很" * 100, at(2), "handoff")
        play.end()
        kept = list(Question.objects.order_by("asked_at"))
        assert labels.words_of_all(kept) == {row.pk: labels.words_of(row) for row in kept}
    page = text(client, QUESTIONS)

    assert "你好\n在吗\n" + COMMON[0] in page
    assert "请问" + "很" * 77 + "…" in page
    assert "很" * 78 not in page


def test_a_question_that_was_erased_is_listed_without_words(
    tenant: Tenant, play: Play, client: Client
) -> None:
    with tenant_scope(tenant):
        play.ask("a", COMMON[0], at(1))
        play.end()
        Message.objects.filter(author_kind="customer").update(text="")

    assert COMMON[0] not in text(client, QUESTIONS)


def test_words_cost_as_much_for_one_question_as_for_many(
    tenant: Tenant, play: Play, client: Client
) -> None:
    def cost() -> int:
        with tenant_scope(tenant):
            play.end()
        text(client, QUESTIONS)
        with CaptureQueriesContext(connection) as captured:
            text(client, QUESTIONS)
        return len(captured)

    with tenant_scope(tenant):
        play.ask("a", COMMON[0], at(1))
    one = cost()
    with tenant_scope(tenant):
        for number in range(3):
            play.ask(f"b{number}", COMMON[1], at(2 + number))

    assert cost() == one


def test_figures_of_days_are_named(
    tenant: Tenant, play: Play, channel: Channel, client: Client
) -> None:
    with tenant_scope(tenant):
        play.ask("a", COMMON[0], at(1))
        play.ask("b", COMMON[1], at(1), "handoff")
        play.end()
        every = {(row.metric, row.dimension) for row in DailyFigure.objects.all()}
        names = {f"channel:{channel.pk}": channel.name}
    page = text(client, f"{FIGURES}?day__day={at(1).day}&day__month=9&day__year=2026")

    assert "Auto-answer rate" in page
    assert channel.name in page
    assert f"channel:{channel.pk}" not in page
    assert "Handed to people" in page
    bare = {metric for metric, _part in every if name_of(metric) == metric}
    codes = {part for metric, part in every if part and part_of(metric, part, names) == part}
    codes.discard("配送")
    assert (bare, codes) == (set(), set())


def test_what_is_left_out_is_named_as_what_it_is() -> None:
    assert part_of("excluded", "inquiries", {}) == name_of("inquiries")
    assert part_of("demand", "配送", {}) == "配送"
    assert part_of("agent", "taken:7", {"taken:7": "由张三接入"}) == "由张三接入"
    assert name_of(figures.ROLLED) != figures.ROLLED
