"""All tenants of one person side by side: only their own, and the figures each one's home shows."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from conversations.models import Channel
from reporting import month_gauges, portfolio
from reporting.models import DailyFigure, ReportDue
from reporting.services import incidents
from tenants import clock
from tenants.actors import overseen_by
from tenants.models import Membership, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services.onboarding import create_tenant
from tests.reporting.test_queries import NOW, TODAY, breach, conversation
from tests.tenants.agreements import Parties, draft_contract, draft_terms
from tests.world import furnish

HOME = "/admin/"
PAGE = "/admin/portfolio/"


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with clock.travel(NOW):
        yield


def join(user: User, tenant: Tenant, role: str = Role.ACCOUNT_MANAGER) -> None:
    with tenant_scope(tenant):
        Membership.objects.create(user=user, role=role, display_name="经理")


@pytest.fixture
def manager(tenant: Tenant, other_tenant: Tenant, make_member: Callable[..., User]) -> User:
    """The account manager of two tenants."""
    user = make_member(tenant, Role.ACCOUNT_MANAGER)
    join(user, other_tenant)
    return user


@pytest.fixture
def troubled(other_tenant: Tenant, make_channel: Callable[..., object]) -> Tenant:
    """A tenant in which a good deal is wrong."""
    make_channel(other_tenant)
    with tenant_scope(other_tenant), timezone.override(other_tenant.zone):
        for metric, part in (("first_reply", 19), ("auto_answer", 93)):
            DailyFigure.objects.create(
                day=TODAY, metric=metric, part=part, whole=20 if part < 20 else 100, made_at=NOW
            )
        breach(TODAY)
        conversation(status="waiting_human", waiting_since=NOW - timedelta(seconds=5))
        incidents.open_incident(title="变慢", level="p3", by=None)
        ReportDue.objects.create(
            kind="weekly", period_start=TODAY.date(), stage="final", due_at=NOW - timedelta(hours=1)
        )
    return other_tenant


def shown(found: portfolio.Portfolio, tenant: Tenant) -> dict[str, portfolio.Cell]:
    row = next(row for row in found.rows if row.tenant == tenant)
    return {cell.key: cell for cell in row.cells if cell is not None}


def test_who_has_several_tenants_and_chose_none_sees_all_of_them(
    manager: User, troubled: Tenant, tenant: Tenant, client_as: Callable[[User], Client]
) -> None:
    client = client_as(manager)

    rows = client.get(HOME).context["portfolio"].rows
    entered = client.post("/tenants/switch/", {"tenant": tenant.pk, "next": HOME}, follow=True)

    assert [row.tenant for row in rows] == [troubled, tenant], "the worst first"
    assert "portfolio" not in entered.context
    assert PAGE in entered.content.decode()
    assert PAGE in client.get("/tenants/switch/").content.decode()
    assert [row.tenant for row in client.get(PAGE).context["portfolio"].rows] == [troubled, tenant]


def test_who_has_one_tenant_is_at_home_in_it(
    tenant: Tenant, make_member: Callable[..., User], client_as: Callable[[User], Client]
) -> None:
    client = client_as(make_member(tenant, Role.ACCOUNT_MANAGER))

    home = client.get(HOME)

    assert "portfolio" not in home.context
    assert PAGE not in home.content.decode()
    assert [row.tenant for row in client.get(PAGE).context["portfolio"].rows] == [tenant]


def test_tenants_of_others_never_appear(
    manager: User, operator: User, tenant: Tenant, client_as: Callable[[User], Client]
) -> None:
    """Neither another manager's, nor one the person left, nor one where they only serve."""
    strange, left, served = (
        create_tenant(slug=slug, name=f"{slug}机密") for slug in ("strange", "left", "served")
    )
    furnish(strange, "机密")
    join(manager, left)
    with tenant_scope(left):
        Membership.objects.filter(user=manager).update(is_active=False)
    join(manager, served, Role.AGENT)
    client = client_as(manager)

    for address in (HOME, PAGE, f"{PAGE}?q=机密", f"{PAGE}?q=strange"):
        text = client.get(address).content.decode()
        assert "机密</" not in text, address
    assert portfolio.of(manager, "strange").rows == ()
    page = client_as(operator).get(PAGE)
    assert page.context["portfolio"].total == 0
    assert "青禾" not in page.content.decode()


def test_an_operator_sees_side_by_side_only_where_they_are_a_member(
    operator: User, tenant: Tenant, other_tenant: Tenant, client_as: Callable[[User], Client]
) -> None:
    third = create_tenant(slug="third", name="第三家")
    for each in (tenant, third):
        join(operator, each)

    home = client_as(operator).get(HOME)

    assert {row.tenant for row in home.context["portfolio"].rows} == {tenant, third}
    assert set(home.context["tenant_choices"]) == {tenant, other_tenant, third}


def test_figures_are_those_of_each_tenants_own_home(
    manager: User, troubled: Tenant, tenant: Tenant
) -> None:
    found = portfolio.of(manager)

    for actor in overseen_by(manager):
        assert actor.tenant is not None
        cells = shown(found, actor.tenant)
        with tenant_scope(actor.tenant), timezone.override(actor.tenant.zone):
            gauges = month_gauges.of(actor)
        assert len(gauges) == 5
        for gauge in gauges:
            cell = cells[gauge.key]
            assert (cell.shown, cell.tone, cell.link) == (gauge.shown, gauge.tone, gauge.link)
    cells = shown(found, troubled)
    assert {key: (cell.shown, cell.tone) for key, cell in cells.items()} == {
        "first_reply": ("95.00%", "breach"),
        "handoff": ("–", "info"),
        "auto_answer": ("93.00%", "breach"),
        "satisfaction": ("–", "info"),
        "availability": ("–", "info"),
        "breaches": ("1", "breach"),
        "visitors": ("1", "warn"),
        "incidents": ("1", "breach"),
        "plans": ("0", "plain"),
        "to_approve": ("0", "plain"),
        "to_send": ("0", "plain"),
        "next_report": ("11-23 23:30", "breach"),
    }
    assert cells["first_reply"].is_small
    assert not cells["auto_answer"].is_small


@pytest.mark.parametrize(("agreed", "waited", "tone"), [(120, 90, "warn"), (30, 45, "breach")])
def test_who_waits_is_late_by_the_tenants_own_terms(
    manager: User,
    tenant: Tenant,
    channel: Channel,
    make_member: Callable[..., User],
    agreed: int,
    waited: int,
    tone: str,
) -> None:
    with tenant_scope(tenant), clock.travel(NOW - timedelta(hours=1)):
        parties = Parties(make_member, tenant)
        parties.sign(draft_terms(draft_contract(), handoff_seconds=agreed))
    with tenant_scope(tenant):
        conversation(status="waiting_human", waiting_since=NOW - timedelta(seconds=waited))

    cell = shown(portfolio.of(manager), tenant)["visitors"]

    assert (cell.shown, cell.tone) == ("1", tone)


def test_each_cell_opens_into_its_rows(
    manager: User, troubled: Tenant, client_as: Callable[[User], Client]
) -> None:
    cells = shown(portfolio.of(manager), troubled)
    client = client_as(manager)

    for cell in cells.values():
        client.post("/tenants/switch/", {"tenant": troubled.pk})
        page = client.get(cell.link, follow=True)
        assert (page.status_code, page.redirect_chain) == (200, []), cell.link
    for key in ("breaches", "visitors", "incidents"):
        page = client.get(cells[key].link)
        assert page.context["cl"].result_count == int(cells[key].shown), key


def test_a_role_sees_here_what_it_sees_there(
    manager: User, troubled: Tenant, tenant: Tenant, client_as: Callable[[User], Client]
) -> None:
    """Each row follows the person's role in that tenant; what no role may see has no column."""
    with tenant_scope(troubled):
        Membership.objects.filter(user=manager).update(role=Role.KNOWLEDGE_EDITOR)
    mixed = portfolio.of(manager)
    with tenant_scope(tenant):
        Membership.objects.filter(user=manager).update(role=Role.CLIENT_READONLY)
    reading = portfolio.of(manager)

    assert shown(mixed, troubled) == {}
    assert len(shown(mixed, tenant)) == len(mixed.columns) == 12
    assert "to_approve" not in shown(reading, tenant)
    assert len(reading.columns) == 10


def test_words_narrow_the_tenants(
    manager: User, troubled: Tenant, client_as: Callable[[User], Client]
) -> None:
    client = client_as(manager)

    def named(words: str) -> list[str]:
        found = client.get(PAGE, {"q": words}).context["portfolio"]
        assert found.total == 2
        return [row.tenant.slug for row in found.rows]

    assert named("云杉") == named(" YUNSHAN ") == ["yunshan"]
    assert named("没有") == []
    assert len(named("")) == 2


def test_each_more_tenant_costs_the_same_number_of_queries(
    manager: User, tenant: Tenant, make_channel: Callable[..., object]
) -> None:
    def cost() -> int:
        portfolio.of(manager)
        with CaptureQueriesContext(connection) as captured:
            portfolio.of(manager)
        return len(captured)

    costs = []
    for number in range(4):
        each = create_tenant(slug=f"more-{number}", name=f"又一家{number}")
        furnish(each, f"满{number}")
        join(manager, each)
        costs.append(cost())
    steps = {after - before for before, after in pairwise(costs)}

    assert len(steps) == 1, costs
    assert steps.pop() < 45, costs


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_page_is_complete_without_a_script_and_in_both_languages(
    manager: User, troubled: Tenant, client_as: Callable[[User], Client], language: str
) -> None:
    with translation.override(language):
        text = client_as(manager).get(PAGE, {"lang": language}).content.decode()

    cells = shown(portfolio.of(manager), troubled)
    assert text.count(f'form="enter-{troubled.pk}"') == len(cells)
    assert f'<form id="enter-{troubled.pk}" method="post" action="/tenants/switch/">' in text
