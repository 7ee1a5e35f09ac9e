"""Which tenant a request is answered in, who asks, and in which language."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory
from django.utils import timezone

from conversations.services import contacts
from conversations.services.identity import Introduction
from tenants.actors import SESSION_TENANT, Actor, actor_for, tenants_of
from tenants.middleware import TenantMiddleware, request_address
from tenants.models import LedgerEntry, Membership, Tenant, TenantStatus, User
from tenants.roles import Role
from tenants.scoping import active_scope, tenant_scope
from tenants.services.onboarding import create_tenant

MakeMember = Callable[..., User]
REQUESTS = 15


def suspend(tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(status=TenantStatus.SUSPENDED)


def deactivate(user: User, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        Membership.objects.filter(user_id=user.pk).update(is_active=False)


def join(user: User, tenant: Tenant, role: str = Role.AGENT) -> None:
    with tenant_scope(tenant):
        Membership.objects.create(user=user, role=role, display_name="兼")


def answered(
    user: User | None = None, *, path: str = "/console/", session: Any = (), **headers: str
) -> dict[str, Any]:
    """Let a request through the middleware; return what the view found."""
    seen: dict[str, Any] = {}

    def view(request: HttpRequest) -> HttpResponse:
        seen.update(
            scope=active_scope(),
            tenant=request.tenant,  # type: ignore[attr-defined]
            actor=getattr(request, "actor", None),
            zone=timezone.get_current_timezone_name(),
        )
        return HttpResponse()

    request = RequestFactory().get(path, headers=headers)
    request.session = SessionStore()
    request.session.update(dict(session))
    request.user = user or AnonymousUser()
    TenantMiddleware(view)(request)
    assert active_scope() is None
    return seen


def test_member_works_in_their_tenant(tenant: Tenant, make_member: MakeMember) -> None:
    user = make_member(tenant, Role.SUPERVISOR)

    seen = answered(user)

    assert (seen["scope"], seen["tenant"], seen["zone"]) == (tenant.pk, tenant, "Asia/Shanghai")
    assert seen["actor"].membership.role == Role.SUPERVISOR
    assert seen["actor"].can("console.enter")


def test_zone_is_the_tenants(db: None, make_member: MakeMember) -> None:
    london = create_tenant(slug="lark", name="Larkfield", time_zone="Europe/London")

    assert answered(make_member(london))["zone"] == "Europe/London"


def test_stranger_is_nobody_in_no_tenant(tenant: Tenant) -> None:
    seen = answered()

    assert (seen["scope"], seen["tenant"], seen["actor"]) == (None, None, None)


def test_session_cannot_choose_a_foreign_tenant(
    tenant: Tenant, other_tenant: Tenant, make_member: MakeMember
) -> None:
    user = make_member(tenant)

    assert answered(user, session={SESSION_TENANT: other_tenant.pk})["tenant"] == tenant
    assert answered(user, session={SESSION_TENANT: 987_654})["tenant"] == tenant


def test_person_of_two_tenants_works_in_the_chosen_one(
    tenant: Tenant, other_tenant: Tenant, make_member: MakeMember
) -> None:
    user = make_member(tenant)
    join(user, other_tenant, Role.CLIENT_ADMIN)

    chosen = answered(user, session={SESSION_TENANT: other_tenant.pk})

    assert tenants_of(user) == sorted([tenant, other_tenant], key=lambda each: each.name)
    assert answered(user)["tenant"] == tenants_of(user)[0]
    assert (chosen["tenant"], chosen["actor"].membership.role) == (other_tenant, Role.CLIENT_ADMIN)


def test_operator_works_where_they_chose_and_nowhere_before(
    operator: User, tenant: Tenant, other_tenant: Tenant
) -> None:
    before = answered(operator)
    inside = answered(operator, session={SESSION_TENANT: other_tenant.pk})

    assert (before["scope"], before["actor"]) == (None, Actor(operator, None, None))
    assert (inside["scope"], inside["actor"]) == (
        other_tenant.pk,
        Actor(operator, other_tenant, None),
    )


@pytest.mark.parametrize("change", ["suspended", "out", "off"])
def test_who_lost_their_place_is_in_no_tenant(
    tenant: Tenant, make_member: MakeMember, change: str
) -> None:
    user = make_member(tenant)
    if change == "suspended":
        suspend(tenant)
    elif change == "out":
        deactivate(user, tenant)
    else:
        user.is_active = False

    seen = answered(user, session={SESSION_TENANT: tenant.pk})

    assert (seen["scope"], seen["tenant"], seen["actor"]) == (None, None, None)


def test_suspended_tenant_sends_its_people_to_their_other_one(
    tenant: Tenant, other_tenant: Tenant, make_member: MakeMember, operator: User
) -> None:
    user = make_member(tenant)
    join(user, other_tenant)
    suspend(tenant)

    assert answered(user, session={SESSION_TENANT: tenant.pk})["tenant"] == other_tenant
    assert actor_for(operator, tenant.pk) == Actor(operator, None, None)
    assert tenants_of(operator) == [other_tenant]


def test_visitors_token_names_the_tenant_even_beside_a_staff_cookie(
    tenant: Tenant, other_tenant: Tenant, make_member: MakeMember, make_channel: Any
) -> None:
    with tenant_scope(other_tenant):
        token = contacts.admit(make_channel(other_tenant), Introduction(device_id="d")).token
    user = make_member(tenant)
    bearer = {"authorization": f"Bearer {token}"}

    on_api = answered(user, path="/api/client/v1/config", **bearer)
    elsewhere = answered(user, path="/console/", **bearer)

    assert on_api["tenant"] == other_tenant
    assert elsewhere["tenant"] == tenant
    suspend(other_tenant)
    assert answered(path="/api/client/v1/config", **bearer)["tenant"] is None


def test_scope_ends_when_a_view_fails(tenant: Tenant, make_member: MakeMember) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        raise InterruptedError

    request = RequestFactory().get("/")
    request.session, request.user = SessionStore(), make_member(tenant)

    with pytest.raises(InterruptedError):
        TenantMiddleware(view)(request)

    assert active_scope() is None


def test_requests_at_the_same_time_are_answered_in_their_tenants(
    transactional_db: None, make_member: MakeMember, client_as: Callable[[User], Client]
) -> None:
    """Source: contract T34. Through WSGI in threads, and through ASGI in one loop."""
    people = {}
    for number in range(4):
        shop = create_tenant(slug=f"shop-{number}", name=f"店{number}")
        people[shop.name] = make_member(shop)
    cookies = {name: client_as(user).cookies for name, user in people.items()}
    wrong: list[tuple[str, Any]] = []

    def judge(name: str, response: Any) -> None:
        if response.status_code != 200 or response.json()["tenant"]["name"] != name:
            wrong.append((name, response.status_code))

    def wsgi(name: str) -> None:
        client = Client()
        client.cookies = cookies[name]
        for _request in range(REQUESTS):
            judge(name, client.get("/console/api/me"))
        connection.close()

    async def asgi() -> None:
        clients = []
        for name, cookie in cookies.items():
            client = AsyncClient()
            client.cookies = cookie
            clients.append((name, client))

        async def ask(name: str, client: AsyncClient) -> None:
            judge(name, await client.get("/console/api/me"))

        await asyncio.gather(*[ask(*pair) for pair in clients * REQUESTS])
        await sync_to_async(connections.close_all)()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(wsgi, people))
    asyncio.run(asgi())

    assert wrong == []


def test_address_is_the_clients_behind_the_proxies(settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["127.0.0.0/8"]
    request = RequestFactory().get("/", headers={"x-forwarded-for": "6.6.6.6, 203.0.113.9"})

    assert request_address(request) == "203.0.113.9"
    settings.TRUSTED_PROXIES = []
    assert request_address(request) == "127.0.0.1"


def test_switch_enters_the_chosen_tenant(
    tenant: Tenant,
    other_tenant: Tenant,
    make_member: MakeMember,
    client_as: Callable[[User], Client],
) -> None:
    user = make_member(tenant)
    join(user, other_tenant)
    client = client_as(user)

    response = client.post("/tenants/switch/", {"tenant": other_tenant.pk, "next": "/console/"})

    assert (response.status_code, response["Location"]) == (302, "/console/")
    assert client.get("/console/api/me").json()["tenant"]["name"] == other_tenant.name
    with tenant_scope(other_tenant):
        assert not LedgerEntry.objects.filter(kind="operator.entered").exists()


def test_whoever_comes_to_another_tenant_reads_so_once(
    tenant: Tenant,
    other_tenant: Tenant,
    make_member: MakeMember,
    client_as: Callable[[User], Client],
) -> None:
    user = make_member(tenant, Role.CLIENT_ADMIN)
    join(user, other_tenant, Role.CLIENT_ADMIN)
    client = client_as(user)
    client.cookies[django_settings.LANGUAGE_COOKIE_NAME] = "en"
    there = {"tenant": other_tenant.pk, "next": "/admin/knowledge/entry/"}
    told = f"You work in {other_tenant} now."

    first = client.post("/tenants/switch/", there, follow=True)
    again = client.post("/tenants/switch/", there, follow=True)

    assert told in first.content.decode()
    assert told not in again.content.decode()


@pytest.mark.parametrize("value", ["foreign", "987654", "", "x", "٣"])
def test_switch_offers_and_takes_no_foreign_tenant(
    tenant: Tenant,
    other_tenant: Tenant,
    make_member: MakeMember,
    client_as: Callable[[User], Client],
    value: str,
) -> None:
    client = client_as(make_member(tenant))

    shown = client.get("/tenants/switch/")
    posted = client.post(
        "/tenants/switch/", {"tenant": other_tenant.pk if value == "foreign" else value}
    )

    assert other_tenant.name not in shown.content.decode()
    assert posted.status_code == 200
    assert SESSION_TENANT not in client.session
    assert client.get("/console/api/me").json()["tenant"]["name"] == tenant.name


def test_operators_visit_is_on_record(
    tenant: Tenant, operator: User, client_as: Callable[[User], Client]
) -> None:
    client = client_as(operator)

    client.post("/tenants/switch/", {"tenant": tenant.pk})

    assert client.session[SESSION_TENANT] == tenant.pk
    with tenant_scope(tenant):
        entry = LedgerEntry.objects.get(kind="operator.entered")
        assert entry.subject == str(operator.pk)


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil", ""]
)
def test_switch_leads_nowhere_else(
    tenant: Tenant, make_member: MakeMember, client_as: Callable[[User], Client], target: str
) -> None:
    client = client_as(make_member(tenant))

    response = client.post("/tenants/switch/", {"tenant": tenant.pk, "next": target})

    assert response["Location"] == "/admin/"


@pytest.mark.parametrize(
    ("path", "cookie", "accepted", "expected"),
    [
        ("/login/", "", "", "zh-hans"),
        ("/login/", "", "en", "zh-hans"),
        ("/login/", "en", "", "en"),
        ("/login/?lang=en", "", "", "en"),
        ("/login/?lang=EN", "zh-hans", "", "en"),
        ("/login/?lang=zh", "en", "", "zh-hans"),
        ("/login/?lang=zh-CN", "en", "", "zh-hans"),
        ("/login/?lang=de", "", "", "zh-hans"),
        ("/login/?lang=de", "en", "", "en"),
        ("/login/", "de", "", "zh-hans"),
        ("/login/?lang=../../etc", "", "", "zh-hans"),
    ],
)
def test_language_is_chinese_unless_asked(
    db: None, path: str, cookie: str, accepted: str, expected: str
) -> None:
    client = Client(headers={"accept-language": accepted})
    if cookie:
        client.cookies[django_settings.LANGUAGE_COOKIE_NAME] = cookie

    assert client.get(path)["Content-Language"] == expected


def test_language_once_asked_for_is_remembered(db: None) -> None:
    client = Client()

    client.get("/login/?lang=en")

    assert client.cookies[django_settings.LANGUAGE_COOKIE_NAME].value == "en"
    assert client.get("/login/")["Content-Language"] == "en"
    client.get("/login/?lang=de")
    assert client.cookies[django_settings.LANGUAGE_COOKIE_NAME].value == "en"
