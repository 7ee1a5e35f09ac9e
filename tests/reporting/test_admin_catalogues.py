"""The catalogue of common questions, from its draft to both signatures, through the admin."""

from collections.abc import Callable

import pytest
from django.test import Client

from reporting.models import CommonQuestionCatalogue
from tenants.models import Approval, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conftest import PASSWORD

LIST = "/admin/reporting/commonquestioncatalogue/"
TEXT = "物流：\n几天发货？\n能催一下吗？\n\n发票\n怎么开发票？"
PARSED = [
    {"name": "物流", "examples": ["几天发货？", "能催一下吗？"]},
    {"name": "发票", "examples": ["怎么开发票？"]},
]


@pytest.fixture
def manager(
    tenant: Tenant, make_member: Callable[..., User], client_as: Callable[[User], Client]
) -> Client:
    return client_as(make_member(tenant, Role.ACCOUNT_MANAGER))


def only(tenant: Tenant) -> CommonQuestionCatalogue:
    with tenant_scope(tenant):
        return CommonQuestionCatalogue.objects.get()


def test_catalogue_is_drafted_changed_and_signed(
    tenant: Tenant,
    manager: Client,
    make_member: Callable[..., User],
    client_as: Callable[[User], Client],
) -> None:
    saved = manager.post(f"{LIST}add/", {"categories": TEXT, "_continue": "1"})
    row = only(tenant)
    assert saved.status_code == 302
    assert row.categories == PARSED
    page = f"{LIST}{row.pk}/change/"
    assert "几天发货？\n能催一下吗？\n\n发票" in manager.get(page).content.decode()
    manager.post(page, {"categories": f"{TEXT}\n要多久？"})
    assert only(tenant).categories[1]["examples"] == ["怎么开发票？", "要多久？"]

    manager.post(f"{LIST}{row.pk}/submit/")
    assert "<textarea" not in manager.get(page).content.decode()
    with tenant_scope(tenant):
        approval = Approval.objects.get(about_id=row.pk)
    sign = f"/admin/tenants/approval/{approval.pk}/sign/"
    client_admin = client_as(make_member(tenant, Role.CLIENT_ADMIN))
    for signer in (manager, client_admin):
        signer.post(sign, {"password": PASSWORD})

    assert only(tenant).in_force_from is not None
    manager.post(f"{LIST}{row.pk}/next/")
    with tenant_scope(tenant):
        assert CommonQuestionCatalogue.objects.filter(state="draft", version=2).exists()


@pytest.mark.parametrize("text", ["", "只有名字", "名字\n" + "问" * 301])
def test_what_is_no_catalogue_is_refused(tenant: Tenant, manager: Client, text: str) -> None:
    answer = manager.post(f"{LIST}add/", {"categories": text})

    assert answer.status_code == 200
    assert answer.context["errors"]
    with tenant_scope(tenant):
        assert not CommonQuestionCatalogue.objects.exists()
