"""The organisation's admin pages, through the door."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tenants.actors import SESSION_TENANT, Actor
from tenants.models import LedgerEntry, Membership, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services import ledger, memberships
from tests.conftest import PASSWORD

MEMBERS = "/admin/tenants/membership/"
NEW_PASSWORD = "another-long-password"


@pytest.fixture
def boss(tenant: Tenant, make_member: Callable[..., User]) -> User:
    return make_member(tenant, Role.CLIENT_ADMIN, name="陈晓青")


@pytest.fixture
def admin(boss: User, client_as: Callable[[User], Client]) -> Client:
    return client_as(boss)


@pytest.fixture
def platform(operator: User, client_as: Callable[[User], Client]) -> Client:
    return client_as(operator)


def member(tenant: Tenant, email: str) -> Membership:
    with tenant_scope(tenant):
        return Membership.objects.select_related("user").get(user__email=email)


def person(**changed: str) -> dict[str, str]:
    values = {
        "email": "neu@qinghe.example",
        "display_name": "新同事",
        "role": Role.AGENT,
        "password": NEW_PASSWORD,
    }
    return {**values, **changed}


def url(row: Any, page: str = "change") -> str:
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=[row.pk])


def signs_in(email: str, password: str) -> bool:
    request = RequestFactory().post("/login/")
    return authenticate(request, username=email, password=password) is not None


# Members


def test_a_new_person_gets_an_account_and_a_place(tenant: Tenant, admin: Client) -> None:
    response = admin.post(f"{MEMBERS}add/", person(email="Neu@Qinghe.example"))

    assert response.status_code == 302
    assert member(tenant, "neu@qinghe.example").role == Role.AGENT
    assert signs_in("neu@qinghe.example", NEW_PASSWORD)
    with tenant_scope(tenant):
        assert LedgerEntry.objects.latest("position").kind == "membership.added"


def told(response: Any) -> tuple[Any, ...]:
    return (
        response.status_code,
        [str(note) for note in response.context["messages"]],
        response.redirect_chain[-1][0],
    )


def test_somebody_from_elsewhere_keeps_their_account_and_nobody_learns_of_it(
    tenant: Tenant, other_tenant: Tenant, make_member: Callable[..., User], admin: Client
) -> None:
    elsewhere = make_member(other_tenant, Role.AGENT, name="外面的名字")
    elsewhere.name = "原来的名字"
    elsewhere.save()

    known = told(admin.post(f"{MEMBERS}add/", person(email=elsewhere.email), follow=True))
    new = told(admin.post(f"{MEMBERS}add/", person(), follow=True))

    first, second = (
        [note.replace(str(member(tenant, mail).pk), "") for note in answer[1]]
        for answer, mail in ((known, elsewhere.email), (new, "neu@qinghe.example"))
    )
    assert first == second
    assert (known[0], known[2]) == (new[0], new[2])
    elsewhere.refresh_from_db()
    assert elsewhere.name == "原来的名字"
    assert signs_in(elsewhere.email, PASSWORD)
    assert not signs_in(elsewhere.email, NEW_PASSWORD)


def test_a_member_cannot_be_added_twice(tenant: Tenant, boss: User, admin: Client) -> None:
    response = admin.post(f"{MEMBERS}add/", person(email=boss.email))

    assert response.context["adminform"].form.errors["email"]
    with tenant_scope(tenant):
        assert Membership.objects.count() == 1


@pytest.mark.parametrize("password", ["short", "password123", "neu@qinghe.example"])
def test_weak_passwords_are_refused(tenant: Tenant, admin: Client, password: str) -> None:
    response = admin.post(f"{MEMBERS}add/", person(password=password))

    assert response.context["adminform"].form.errors["password"]
    assert not User.objects.filter(email="neu@qinghe.example").exists()


def test_nobody_grants_a_role_above_their_own(
    tenant: Tenant,
    admin: Client,
    make_member: Callable[..., User],
    client_as: Callable[[User], Client],
) -> None:
    refused = admin.post(f"{MEMBERS}add/", person(role=Role.ACCOUNT_MANAGER))
    manager = client_as(make_member(tenant, Role.ACCOUNT_MANAGER))
    granted = manager.post(f"{MEMBERS}add/", person(role=Role.ACCOUNT_MANAGER))

    assert refused.context["adminform"].form.errors["role"]
    assert granted.status_code == 302


def test_a_higher_role_is_not_changed_or_ended_from_below(
    tenant: Tenant, admin: Client, make_member: Callable[..., User]
) -> None:
    manager = member(tenant, make_member(tenant, Role.ACCOUNT_MANAGER).email)

    admin.post(url(manager), {"display_name": "改名", "role": Role.AGENT})

    manager = member(tenant, manager.user.email)
    assert (manager.role, manager.is_active) == (Role.ACCOUNT_MANAGER, True)


def test_the_service_refuses_what_the_form_would_not_send(
    tenant: Tenant, boss: User, make_member: Callable[..., User]
) -> None:
    own = member(tenant, boss.email)
    manager = member(tenant, make_member(tenant, Role.ACCOUNT_MANAGER).email)
    by = Actor(boss, tenant, own)

    def change(row: Membership, **changed: Any) -> None:
        values = {"role": row.role, "display_name": row.display_name, "is_active": row.is_active}
        memberships.change_member(row, **{**values, **changed}, by=by)

    with tenant_scope(tenant):
        with pytest.raises(memberships.RoleTooHighError):
            change(manager, is_active=False)
        with pytest.raises(memberships.OwnMembershipError):
            change(own, is_active=False)
        with pytest.raises(memberships.OwnMembershipError):
            change(own, role=Role.AGENT)
        with pytest.raises(memberships.RoleTooHighError):
            memberships.add_member(
                email="x@x.example",
                password=NEW_PASSWORD,
                role=Role.ACCOUNT_MANAGER,
                display_name="x",
                by=by,
            )
        change(own, display_name="新名字")
        assert Membership.objects.get(pk=own.pk).display_name == "新名字"


def test_nobody_locks_themselves_out(tenant: Tenant, boss: User, admin: Client) -> None:
    own = member(tenant, boss.email)

    admin.post(url(own), {"display_name": "陈晓青", "role": Role.AGENT})

    own = member(tenant, boss.email)
    assert (own.role, own.is_active) == (Role.CLIENT_ADMIN, True)


def test_a_deactivated_member_is_out_at_once(
    tenant: Tenant,
    admin: Client,
    make_member: Callable[..., User],
    client_as: Callable[[User], Client],
) -> None:
    user = make_member(tenant, Role.SUPERVISOR)
    browser = client_as(user)
    row = member(tenant, user.email)
    assert browser.get("/admin/").status_code == 200

    admin.post(url(row), {"display_name": row.display_name, "role": row.role})

    assert browser.get("/admin/").status_code == 302
    with tenant_scope(tenant):
        latest = LedgerEntry.objects.latest("position")
        assert (latest.kind, latest.data["active"]) == ("membership.changed", False)


def test_members_are_never_deleted(tenant: Tenant, boss: User, admin: Client) -> None:
    row = member(tenant, boss.email)

    assert admin.post(url(row, "delete"), {"post": "yes"}).status_code == 403


def test_member_pages_say_nothing_of_operators_or_other_tenants(
    tenant: Tenant,
    other_tenant: Tenant,
    operator: User,
    make_member: Callable[..., User],
    admin: Client,
) -> None:
    stranger = member(other_tenant, make_member(other_tenant, name="云杉的人").email)
    with tenant_scope(tenant):
        Membership.objects.create(user=operator, role=Role.AGENT, display_name="平台的人")

    pages = [
        admin.get(MEMBERS),
        admin.get(MEMBERS, {"q": "云杉"}),
        admin.get(MEMBERS, {"q": stranger.user.email}),
    ]
    own = admin.get(url(member(tenant, operator.email)))

    for page in pages:
        assert page.status_code == 200
        assert "云杉的人" not in page.content.decode()
    assert "is_operator" not in own.content.decode()
    admin.post(url(stranger), {"display_name": "x", "role": Role.AGENT})
    assert member(other_tenant, stranger.user.email).display_name == "云杉的人"


@pytest.mark.parametrize(
    "lookup", ["user__password__startswith", "user__is_operator", "user__email"]
)
def test_columns_of_people_cannot_be_filtered_by(admin: Client, lookup: str) -> None:
    assert admin.get(MEMBERS, {lookup: "a"}).status_code == 400


# Rows of another tenant


@pytest.fixture
def both(boss: User, other_tenant: Tenant) -> User:
    """The administrator of one tenant, who reads in another one too."""
    with tenant_scope(other_tenant):
        Membership.objects.create(user=boss, role=Role.CLIENT_READONLY, display_name="兼")
    return boss


@pytest.fixture
def at_home(tenant: Tenant, both: User, admin: Client) -> Client:
    admin.cookies["django_language"] = "en"
    admin.post("/tenants/switch/", {"tenant": tenant.pk, "next": "/console/"})
    return admin


@pytest.mark.parametrize("page", ["change", "history"])
def test_a_row_in_another_of_ones_tenants_is_one_step_away(
    tenant: Tenant, other_tenant: Tenant, at_home: Client, make_member: Any, page: str
) -> None:
    theirs = member(other_tenant, make_member(other_tenant, name="远方").email)
    address = url(theirs, page)

    shown = at_home.get(address)
    text = shown.content.decode()

    assert shown.status_code == 404
    assert f"This member lies in {other_tenant}. You work in {tenant} now." in text
    assert "远方" not in text
    assert 'action="/tenants/switch/"' in text
    assert f'name="tenant" value="{other_tenant.pk}"' in text
    assert f'name="next" value="{address}"' in text
    there = at_home.post(
        "/tenants/switch/", {"tenant": other_tenant.pk, "next": address}, follow=True
    )
    assert there.status_code == 200
    assert there.redirect_chain == [(address, 302)]
    assert f"You work in {other_tenant} now." in there.content.decode()


def test_the_step_to_another_tenant_needs_its_token(
    other_tenant: Tenant, both: User, make_member: Any
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(both, backend="django.contrib.auth.backends.ModelBackend")

    assert strict.post("/tenants/switch/", {"tenant": other_tenant.pk}).status_code == 403


@pytest.mark.parametrize("how", ["stranger", "left", "agent", "suspended", "unknown", "malformed"])
def test_a_row_that_is_not_theirs_to_see_is_not_there(
    other_tenant: Tenant, at_home: Client, both: User, make_member: Any, how: str
) -> None:
    theirs = member(other_tenant, make_member(other_tenant, name="远方").email)
    address = url(theirs)
    with tenant_scope(other_tenant):
        mine = Membership.objects.filter(user=both)
        if how == "stranger":
            mine.delete()
        elif how == "left":
            mine.update(is_active=False)
        elif how == "agent":
            mine.update(role=Role.AGENT)
    if how == "suspended":
        Tenant.objects.filter(pk=other_tenant.pk).update(status="suspended")
    if how in ("unknown", "malformed"):
        key = "01900000-0000-7000-8000-000000000000" if how == "unknown" else "x"
        address = address.replace(str(theirs.pk), key)

    response = at_home.get(address, follow=True)

    assert response.redirect_chain == [("/admin/", 302)]
    assert other_tenant.name not in response.content.decode()


def test_an_operator_hears_nothing_of_tenants_they_belong_to_as_nobody(
    tenant: Tenant, other_tenant: Tenant, platform: Client, make_member: Any
) -> None:
    theirs = member(other_tenant, make_member(other_tenant).email)
    platform.post("/tenants/switch/", {"tenant": tenant.pk})

    assert platform.get(url(theirs)).status_code == 302


def test_a_role_that_sees_nothing_here_is_told_where_it_does(
    other_tenant: Tenant, tenant: Tenant, at_home: Client, both: User
) -> None:
    with tenant_scope(other_tenant):
        theirs = LedgerEntry.objects.latest("position")
    with tenant_scope(tenant):
        Membership.objects.filter(user=both).update(role=Role.KNOWLEDGE_EDITOR)

    shown = at_home.get(url(theirs))

    assert shown.status_code == 404
    assert f"Switch to {other_tenant} and open it" in shown.content.decode()


# Operators


def test_an_operator_without_a_tenant_sees_the_installation_only(
    tenant: Tenant, platform: Client
) -> None:
    home = platform.get("/admin/")

    assert tenant.name in home.content.decode()
    menu = [
        str(item["link"])
        for group in home.context["sidebar_navigation"]
        for item in group["items"]
        if item["has_permission"]
    ]
    assert set(menu) == {
        "/admin/",
        "/admin/reporting/prober/",
        "/admin/tenants/calendaryear/",
        "/admin/tenants/tenant/",
        "/admin/tenants/user/",
    }
    for path in (MEMBERS, "/admin/knowledge/entry/", "/admin/conversations/channel/"):
        assert platform.get(path).status_code == 403
        assert platform.get(f"{path}add/").status_code == 403
        assert (
            platform.get(f"{path}01900000-0000-7000-8000-000000000000/change/").status_code == 403
        )


def test_the_header_says_that_no_tenant_is_chosen(
    tenant: Tenant, other_tenant: Tenant, platform: Client, both: User, admin: Client
) -> None:
    def head(client: Client) -> list[str]:
        client.cookies["django_language"] = "en"
        page = client.get("/admin/")
        return [page.context["site_header"], page.context["site_subheader"]]

    assert head(platform) == ["Yingda", "No tenant chosen"]
    first = min(tenant, other_tenant, key=lambda each: each.name)
    assert head(admin) == [first.name, "None chosen: your first"]
    for client in (platform, admin):
        client.post("/tenants/switch/", {"tenant": other_tenant.pk})
        assert head(client) == [other_tenant.name, "Yingda"]


def test_entering_a_tenant_shows_it_and_leaves_a_trace(
    tenant: Tenant, operator: User, platform: Client
) -> None:
    platform.post("/tenants/switch/", {"tenant": tenant.pk, "next": "/admin/"})

    assert platform.session[SESSION_TENANT] == tenant.pk
    assert platform.get(MEMBERS).status_code == 200
    with tenant_scope(tenant):
        latest = LedgerEntry.objects.latest("position")
        assert (latest.kind, latest.subject) == ("operator.entered", str(operator.pk))


def test_a_tenant_made_in_the_admin_has_its_chain(platform: Client) -> None:
    response = platform.post(
        "/admin/tenants/tenant/add/",
        {
            "name": "新客户",
            "slug": "new",
            "language": "zh-hans",
            "time_zone": "Asia/Shanghai",
            "status": "active",
        },
    )

    assert response.status_code == 302
    with tenant_scope(Tenant.objects.get(slug="new")):
        assert ledger.verify() == (1, None)


def test_a_tenants_short_name_stays(tenant: Tenant, platform: Client) -> None:
    platform.post(
        url(tenant),
        {
            "name": "改名",
            "slug": "other",
            "language": "en",
            "time_zone": "Asia/Shanghai",
            "status": "suspended",
        },
    )

    tenant.refresh_from_db()
    assert (tenant.slug, tenant.name, tenant.is_active) == ("qinghe", "改名", False)


def test_operators_make_people_and_give_passwords(platform: Client) -> None:
    weak = platform.post(
        "/admin/tenants/user/add/", {"email": "a@b.example", "is_active": "on", "password": "weak"}
    )
    platform.post(
        "/admin/tenants/user/add/",
        {"email": "A@B.example", "name": "甲", "is_active": "on", "password": PASSWORD},
    )

    assert weak.context["adminform"].form.errors["password"]
    user = User.objects.get(email="a@b.example")
    assert not user.is_operator
    assert signs_in(user.email, PASSWORD)

    passwords = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    differing = platform.post(
        url(user, "set_password"), {**passwords, "new_password2": "something-else"}
    )
    done = platform.post(url(user, "set_password"), passwords)

    assert differing.context["form"].errors
    assert done.status_code == 302
    assert signs_in(user.email, NEW_PASSWORD)


def test_changing_a_person_keeps_their_password(platform: Client, boss: User) -> None:
    platform.post(url(boss), {"email": boss.email, "name": "新名字", "is_active": "on"})

    boss.refresh_from_db()
    assert boss.name == "新名字"
    assert signs_in(boss.email, PASSWORD)


def test_operators_cannot_end_themselves(platform: Client, operator: User) -> None:
    platform.post(url(operator), {"email": operator.email, "name": "我"})

    operator.refresh_from_db()
    assert (operator.is_active, operator.is_operator) == (True, True)


def test_a_deactivated_person_is_out_at_once(platform: Client, boss: User, admin: Client) -> None:
    assert admin.get("/admin/").status_code == 200

    platform.post(url(boss), {"email": boss.email, "name": ""})

    assert admin.get("/admin/").status_code == 302


@pytest.mark.parametrize("role", [role for role in Role if role != Role.AGENT])
def test_nobody_else_sees_the_installation(
    tenant: Tenant, make_member: Callable[..., User], client_as: Callable[[User], Client], role: str
) -> None:
    user = make_member(tenant, role)
    browser = client_as(user)

    for path in ("/admin/tenants/tenant/", "/admin/tenants/user/"):
        assert browser.get(path).status_code == 403
        assert browser.get(f"{path}add/").status_code == 403
    assert browser.post(url(user, "set_password"), {}).status_code == 403
    assert browser.post(url(user), {"email": user.email, "is_operator": "on"}).status_code == 403
    user.refresh_from_db()
    assert not user.is_operator


# One's own password, the ledger, the work per page


def test_people_change_their_own_password(boss: User, admin: Client) -> None:
    page = admin.get("/admin/password_change/")
    response = admin.post(
        "/admin/password_change/",
        {
            "old_password": PASSWORD,
            "new_password1": NEW_PASSWORD,
            "new_password2": NEW_PASSWORD,
        },
    )

    assert page.status_code == 200
    assert response.status_code == 302
    assert signs_in(boss.email, NEW_PASSWORD)
    assert admin.get("/admin/").status_code == 200, "the session goes on"


def test_the_ledger_is_shown_and_never_changed(
    tenant: Tenant, other_tenant: Tenant, admin: Client
) -> None:
    with tenant_scope(other_tenant):
        theirs = LedgerEntry.objects.get()
    with tenant_scope(tenant):
        entry = LedgerEntry.objects.get()

    listed = admin.get("/admin/tenants/ledgerentry/")

    assert [row.pk for row in listed.context["cl"].result_list] == [entry.pk]
    assert entry.hash in admin.get(url(entry)).content.decode()
    assert admin.get(url(theirs)).status_code == 302
    assert admin.post(url(entry), {"kind": "x"}).status_code == 403
    assert admin.post(url(entry, "delete"), {"post": "yes"}).status_code == 403
    assert admin.get("/admin/tenants/ledgerentry/add/").status_code == 403


def query_count(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def test_lists_ask_as_much_for_one_row_as_for_many(
    tenant: Tenant, admin: Client, platform: Client, make_member: Callable[..., User]
) -> None:
    pages = [
        (admin, MEMBERS),
        (admin, "/admin/tenants/ledgerentry/"),
        (platform, "/admin/tenants/user/"),
    ]
    few = [query_count(client, path) for client, path in pages]

    for _number in range(3):
        admin.post(f"{MEMBERS}add/", person(email=f"p{_number}@qinghe.example"))

    assert [query_count(client, path) for client, path in pages] == few
