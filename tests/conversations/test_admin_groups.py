"""The admin page of groups: whom they serve, their agents, their hours."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any

import pytest
from django.test import Client

from conversations.models import AgentGroup, Channel, GroupMember, HoursException, WorkingSpan
from tenants import clock
from tenants.models import LedgerEntry, Membership, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conversations.doors import ledger_kinds

LIST = "/admin/conversations/agentgroup/"


@pytest.fixture
def admin(tenant: Tenant, make_member: Callable[..., User], client_as: Any) -> Client:
    client: Client = client_as(make_member(tenant, Role.SUPERVISOR))
    return client


def formset(prefix: str, *rows: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = {
        f"{prefix}-TOTAL_FORMS": len(rows),
        f"{prefix}-INITIAL_FORMS": 0,
    }
    for number, row in enumerate(rows):
        data |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return data


def form(
    members: tuple[dict[str, Any], ...] = (),
    spans: tuple[dict[str, Any], ...] = (),
    exceptions: tuple[dict[str, Any], ...] = (),
    **fields: Any,
) -> dict[str, Any]:
    return {
        "name": "售后组",
        "is_active": "on",
        "order": 10,
        "strategy": "least_busy",
        "auto_assign": "on",
        "accept_seconds": 30,
        **formset("members", *members),
        **formset("spans", *spans),
        **formset("exceptions", *exceptions),
        **fields,
    }


def test_a_group_is_added_with_members_and_hours(
    tenant: Tenant, channel: Channel, agent: Membership, admin: Client
) -> None:
    answer = admin.post(
        f"{LIST}add/",
        form(
            members=(
                {
                    "member": agent.pk,
                    "skills": "退款，发票、换货",
                    "languages": ["zh-CN"],
                    "capacity": 3,
                    "order": 1,
                },
            ),
            spans=(
                {"weekday": 0, "starts_at": "09:00", "ends_at": "12:00"},
                {"weekday": 0, "starts_at": "13:30", "ends_at": "18:00"},
            ),
            exceptions=({"date": "2027-01-01", "name": "元旦", "is_closed": "on"},),
            reasons=["complaint", "legal"],
            channels=[str(channel.pk)],
            keeps_statutory_calendar="on",
        ),
    )

    assert answer.status_code == 302
    with tenant_scope(tenant):
        group = AgentGroup.objects.get()
        place = GroupMember.objects.get()
        assert (group.reasons, group.channels) == (["complaint", "legal"], [str(channel.pk)])
        assert (place.skills, place.languages, place.capacity) == (
            ["退款", "发票", "换货"],
            ["zh-CN"],
            3,
        )
        assert [span.starts_at for span in WorkingSpan.objects.all()] == [time(9), time(13, 30)]
        assert HoursException.objects.get().is_closed
        assert ledger_kinds()[-1] == "group.changed"
        assert LedgerEntry.objects.latest("position").data["members"][0][1] == "3"


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (
            form(
                spans=(
                    {"weekday": 0, "starts_at": "09:00", "ends_at": "12:00"},
                    {"weekday": 0, "starts_at": "11:00", "ends_at": "18:00"},
                )
            ),
            "spans",
        ),
        (form(exceptions=({"date": "2027-01-01", "starts_at": "09:00"},)), "exceptions"),
        (form(accept_seconds=2), "accept_seconds"),
        (form(reasons=["nonsense"]), "reasons"),
    ],
    ids=["overlap", "half a span", "too short", "unknown reason"],
)
def test_what_a_group_cannot_be_is_an_error(
    tenant: Tenant, admin: Client, wrong: dict[str, Any], where: str
) -> None:
    answer = admin.post(f"{LIST}add/", wrong)

    assert answer.status_code == 200
    errors = dict(answer.context["adminform"].form.errors)
    for inline in answer.context["inline_admin_formsets"]:
        if any(inline.formset.errors) or inline.formset.non_form_errors():
            errors[inline.formset.prefix] = inline.formset.errors
    assert set(errors) == {where}
    with tenant_scope(tenant):
        assert AgentGroup.objects.count() == 0


def test_members_of_other_tenants_and_who_may_not_answer_are_no_choice(
    tenant: Tenant,
    other_tenant: Tenant,
    make_member: Callable[..., User],
    member_of: Callable[[User, Tenant], Membership],
    admin: Client,
) -> None:
    strangers = [
        member_of(make_member(other_tenant), other_tenant),
        member_of(make_member(tenant, Role.KNOWLEDGE_EDITOR), tenant),
    ]

    for stranger in strangers:
        row = {"member": stranger.pk, "capacity": 5, "order": 1}
        answer = admin.post(f"{LIST}add/", form(members=(row,)))
        assert answer.status_code == 200
    with tenant_scope(tenant):
        assert GroupMember.objects.count() == 0


def test_an_unpublished_year_is_told(tenant: Tenant, admin: Client) -> None:
    with tenant_scope(tenant):
        group = AgentGroup.objects.create(name="售后组", keeps_statutory_calendar=True)

    for instant, told in (
        (datetime(2026, 11, 30, tzinfo=UTC), False),
        (datetime(2026, 12, 2, tzinfo=UTC), True),
        (datetime(2027, 5, 2, tzinfo=UTC), True),
    ):
        with clock.travel(instant):
            page = admin.get(f"{LIST}{group.pk}/change/").content.decode()
        assert bool(re.search(r"2027[^<]*make-up days|2027 年的法定节假日", page)) is told


def test_list_says_who_is_open_and_asks_no_more_for_more_rows(
    tenant: Tenant, admin: Client, django_assert_max_num_queries: Any
) -> None:
    with tenant_scope(tenant):
        for name in ("一组", "二组"):
            group = AgentGroup.objects.create(name=name)
            WorkingSpan.objects.create(group=group, weekday=0, starts_at=time(9), ends_at=time(12))
    with (
        clock.travel(datetime(2026, 11, 23, 2, tzinfo=UTC)),
        django_assert_max_num_queries(60) as two,
    ):
        page = admin.get(LIST).content.decode()
    assert "一组" in page
    assert "二组" in page
    with tenant_scope(tenant):
        AgentGroup.objects.create(name="三组")
    with django_assert_max_num_queries(len(two)):
        admin.get(LIST)


def test_readers_see_a_group_and_change_nothing(
    tenant: Tenant, make_member: Callable[..., User], client_as: Any
) -> None:
    reader = client_as(make_member(tenant, Role.CLIENT_READONLY))
    with tenant_scope(tenant):
        group = AgentGroup.objects.create(name="售后组", reasons=["complaint"])

    page = reader.get(f"{LIST}{group.pk}/change/")
    changed = reader.post(f"{LIST}{group.pk}/change/", form(name="别的"))

    assert (page.status_code, changed.status_code) == (200, 403)
    assert "重大投诉" in page.content.decode()
