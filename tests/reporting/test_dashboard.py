"""The admin's home: every figure, who sees it, and that it opens into exactly its rows."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversations.models import Channel
from knowledge import search
from knowledge.models import Entry, Release
from knowledge.services import entries
from reporting.models import DailyFigure
from reporting.services import catalogues, incidents
from tenants import clock
from tenants.models import ObligationKind, ObligationState, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.reporting.test_queries import (
    NOW,
    TODAY,
    YESTERDAY,
    breach,
    conversation,
    decision,
    message,
    promise,
)
from tests.tenants.agreements import Parties, draft_contract, draft_terms
from tests.world import furnish

HOME = "/admin/"


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with clock.travel(NOW):
        yield


@pytest.fixture
def home_of(
    tenant: Tenant, make_member: Callable[..., User], client_as: Callable[[User], Client]
) -> Callable[[str], Client]:
    def sign_in(role: str) -> Client:
        return client_as(make_member(tenant, role))

    return sign_in


@pytest.fixture
def busy(tenant: Tenant, channel: Channel, publish: Callable[..., Release]) -> None:
    publish(tenant)
    with tenant_scope(tenant):
        entry = Entry.objects.earliest("created_at")
        entry.is_active = False
        entries.save_entry(entry, by=None)
        for minutes in (3, 7):
            conversation(status="waiting_human", waiting_since=NOW - timedelta(minutes=minutes))
        for text in ("能寄国外吗", "能寄国外吗", "有实体店吗"):
            decision("handoff", text=text, reason="unknown")
        decision("handoff", text="行不行", reason="unclear")
        decision("handoff", text="我要投诉", reason="complaint")
        decision("answered")
        decision("answered", YESTERDAY)
        message(feedback="helpful")
        message(feedback="unhelpful")
        for state in (ObligationState.MET, ObligationState.MET, ObligationState.RUNNING):
            promise(state)
        promise(ObligationState.MET, kind=ObligationKind.HANDOFF)
        breach(TODAY)
        breach(YESTERDAY)


def rows(client: Client, link: str) -> int:
    response = client.get(link)
    assert response.status_code == 200, link
    return len(response.context["cl"].result_list)


def test_what_is_due_opens_into_as_many_rows(busy: None, home_of: Callable[[str], Client]) -> None:
    client = home_of(Role.CLIENT_ADMIN)

    due = client.get(HOME).context["due"]

    assert [item.figure for item in due] == [2, 1, 1, 4]
    assert [item.tone for item in due] == ["breach", "breach", "warn", "warn"]
    assert [rows(client, item.link) for item in due] == [2, 1, 1, 4]


def test_todays_figures_against_the_contract(busy: None, home_of: Callable[[str], Client]) -> None:
    client = home_of(Role.CLIENT_ADMIN)

    first_reply, handoff, answered, helpful = client.get(HOME).context["gauges"]

    assert (first_reply.part, first_reply.whole, first_reply.percent) == (2, 3, "66.66%")
    assert (first_reply.tone, first_reply.promised) == ("breach", True)
    assert rows(client, first_reply.link) == 1, "the missed ones"
    assert (handoff.part, handoff.whole, handoff.percent) == (1, 1, "100.00%")
    assert (answered.part, answered.whole) == (1, 6)
    assert rows(client, answered.link) == 6
    assert (helpful.part, helpful.whole) == (1, 2)
    assert rows(client, helpful.link) == 1, "the unhelpful ones"


def test_today_is_judged_by_the_tenants_own_terms(
    busy: None,
    tenant: Tenant,
    make_member: Callable[..., User],
    home_of: Callable[[str], Client],
) -> None:
    with tenant_scope(tenant), clock.travel(NOW - timedelta(hours=1)):
        parties = Parties(make_member, tenant)
        parties.sign(draft_terms(draft_contract(), first_reply_seconds=6, handoff_seconds=600))

    context = home_of(Role.CLIENT_ADMIN).get(HOME).context

    # The longest wait is seven minutes.
    assert context["due"][0].tone == "warn"
    assert "6 秒" in context["gauges"][0].words
    assert "10 分钟" in context["gauges"][1].words


def test_unanswered_questions_open_into_their_decisions(
    busy: None, home_of: Callable[[str], Client]
) -> None:
    client = home_of(Role.CLIENT_ADMIN)

    unanswered = client.get(HOME).context["unanswered"]

    assert next((question.text, question.count) for question, _link in unanswered) == (
        "能寄国外吗",
        2,
    )
    assert [rows(client, link) for _question, link in unanswered] == [2, 1, 1]


def test_each_bar_opens_into_its_day(busy: None, home_of: Callable[[str], Client]) -> None:
    client = home_of(Role.CLIENT_ADMIN)
    context = client.get(HOME).context

    for name in ("questions_chart", "breaches_chart"):
        bars = context[name].bars[-2:]
        assert [rows(client, bar.value.link) for bar in bars] == [bar.value.whole for bar in bars]


def test_a_tenant_without_a_past_is_told_how_to_begin(
    tenant: Tenant, home_of: Callable[[str], Client]
) -> None:
    page = home_of(Role.CLIENT_ADMIN).get(HOME)

    assert [item.tone for item in page.context["due"]] == ["ok"] * 4
    assert all(gauge.is_empty for gauge in page.context["gauges"])
    assert not page.context["has_past"]
    assert "/admin/conversations/channel/" in page.content.decode()


@pytest.mark.parametrize(
    ("role", "due", "gauges"),
    [
        (Role.KNOWLEDGE_EDITOR, 1, 0),
        (Role.SUPERVISOR, 4, 4),
        (Role.CLIENT_READONLY, 4, 4),
        (Role.ACCOUNT_MANAGER, 4, 4),
    ],
)
def test_roles_see_what_they_may(
    busy: None, home_of: Callable[[str], Client], role: str, due: int, gauges: int
) -> None:
    client = home_of(role)
    context = client.get(HOME).context

    assert (len(context["due"]), len(context["gauges"])) == (due, gauges)
    for item in (*context["due"], *context["gauges"]):
        assert client.get(item.link).status_code == 200


def test_the_menu_leads_only_where_one_may_go(
    tenant: Tenant, home_of: Callable[[str], Client], undrawn: None
) -> None:
    for role in Role:
        if role == Role.AGENT:
            continue
        client = home_of(role)
        navigation = client.get(HOME).context_data["sidebar_navigation"]
        links = [
            str(item["link"])
            for group in navigation
            for item in group["items"]
            if item["has_permission"]
        ]
        assert links
        # A page of one row leads on to it.
        found = {link: client.get(link, follow=True).status_code for link in links}
        assert found == dict.fromkeys(links, 200)


def test_home_shows_nothing_of_other_tenants(
    tenant: Tenant, other_tenant: Tenant, home_of: Callable[[str], Client]
) -> None:
    furnish(other_tenant, "云杉机密")

    text = home_of(Role.CLIENT_ADMIN).get(HOME).content.decode()

    assert "云杉" not in text


def test_an_operator_chooses_a_tenant_first(
    tenant: Tenant, other_tenant: Tenant, operator: User, client_as: Callable[[User], Client]
) -> None:
    client = client_as(operator)

    page = client.get(HOME)
    entered = client.post("/tenants/switch/", {"tenant": tenant.pk, "next": HOME}, follow=True)

    assert page.context["tenant_choices"] == [other_tenant, tenant]
    assert "due" not in page.context
    assert len(entered.context["due"]) == 4


def test_the_demonstration_is_marked(tenant: Tenant, home_of: Callable[[str], Client]) -> None:
    client = home_of(Role.CLIENT_ADMIN)
    assert client.get(HOME).context["environment"] is None

    Tenant.objects.filter(pk=tenant.pk).update(is_demo=True)

    assert client.get(HOME).context["environment"]


@pytest.mark.parametrize("installed", [True, False])
def test_home_says_that_the_models_are_missing(
    tenant: Tenant,
    home_of: Callable[[str], Client],
    monkeypatch: pytest.MonkeyPatch,
    *,
    installed: bool,
) -> None:
    monkeypatch.setattr(search, "is_semantic", lambda: installed)

    page = home_of(Role.CLIENT_ADMIN).get(HOME).content.decode()

    assert ("fetch_models" in page) is not installed


def test_home_needs_nothing_from_elsewhere(busy: None, home_of: Callable[[str], Client]) -> None:
    page = home_of(Role.CLIENT_ADMIN).get(HOME)
    text = page.content.decode()

    assert not re.findall(r'(?:src|href)="(?:https?:)?//', text)
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]


def test_home_asks_as_much_on_a_busy_day_as_on_a_quiet_one(
    busy: None, tenant: Tenant, home_of: Callable[[str], Client]
) -> None:
    client = home_of(Role.CLIENT_ADMIN)

    def query_count() -> int:
        client.get(HOME)
        with CaptureQueriesContext(connection) as captured:
            client.get(HOME)
        return len(captured)

    quiet = query_count()
    with tenant_scope(tenant):
        for number in range(5):
            decision("handoff", text=f"又一个{number}", reason="unknown")
            breach(TODAY)
            decision("answered", TODAY - timedelta(days=number))

    assert query_count() == quiet


# The month, and what waits for this person


def test_month_stands_beside_its_promises(
    tenant: Tenant, busy: None, home_of: Callable[[str], Client]
) -> None:
    with tenant_scope(tenant):
        DailyFigure.objects.create(
            day=TODAY, metric="auto_answer", part=93, whole=100, detail={}, made_at=NOW
        )
        DailyFigure.objects.create(
            day=TODAY, metric="first_reply", part=50, whole=50, detail={}, made_at=NOW
        )

    gauges = home_of(Role.CLIENT_ADMIN).get(HOME).context["month_gauges"]

    assert [(gauge.label, gauge.shown, gauge.tone) for gauge in gauges] == [
        ("首次响应", "100.00%", "ok"),
        ("自动解答率", "93.00%", "breach"),
        ("送达坐席", "–", "info"),
        ("满意度", "–", "info"),
        ("可用性", "–", "info"),
    ]
    assert "约定：95.00%" in gauges[1].promised
    assert home_of(Role.KNOWLEDGE_EDITOR).get(HOME).context["month_gauges"] == []


def test_what_waits_for_a_person_is_shown_while_it_does(
    tenant: Tenant, make_member: Callable[..., User], home_of: Callable[[str], Client]
) -> None:
    by = make_member(tenant, Role.ACCOUNT_MANAGER)
    client = home_of(Role.CLIENT_ADMIN)
    usual = [card.label for card in client.get(HOME).context["due"]]
    with tenant_scope(tenant):
        incident = incidents.open_incident(title="变慢", level="p3", by=by)
        row = catalogues.draft([{"name": "物流", "examples": ["几天发货？"]}], by=by)
        catalogues.submit(row, by=by)

    cards = {card.label: card for card in client.get(HOME).context["due"]}
    new = [label for label in cards if label not in usual]
    assert new == ["未恢复的事件", "待签署"]
    assert "变慢" in client.get(cards["未恢复的事件"].link).content.decode()

    with tenant_scope(tenant):
        incidents.restore(incident.pk, by=by)
    assert "未恢复的事件" not in {card.label for card in client.get(HOME).context["due"]}
