"""From the first draft to two signatures, as people do it in the admin."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tenants import clock
from tenants.models import Approval, CalendarYear, Contract, ContractTerms, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conftest import PASSWORD
from tests.tenants.agreements import CODE, Parties, draft_contract, draft_terms
from tests.tenants.test_calendars import NOTICE

IDENTITY = "11010519491231002X"
CONTRACT = {
    "number": "HT-9",
    "effective_from": "2026-11-01",
    "party_a_kind": "company",
    "party_a_name": "青禾",
    "party_a_code": CODE,
    "party_b_name": "应答",
    "party_b_code": CODE,
}

Sign = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _in_english(settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def parties(tenant: Tenant, make_member: Callable[..., User]) -> Parties:
    return Parties(make_member, tenant)


@pytest.fixture
def manager(parties: Parties, client_as: Sign) -> Client:
    return client_as(parties.provider)


def shown(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_contract_is_drafted_signed_by_both_and_in_force(
    tenant: Tenant, parties: Parties, manager: Client, client_as: Sign
) -> None:
    manager.post("/admin/tenants/contract/add/", CONTRACT)
    with tenant_scope(tenant):
        contract = Contract.objects.get()
    page = manager.get("/admin/tenants/contractterms/add/")
    form = page.context["adminform"].form
    given = {
        name: form[name].value() if form[name].value() is not None else "" for name in form.fields
    }
    given = {name: value for name, value in given.items() if value is not False}
    given |= {"contract": str(contract.pk), "effective_from": "2026-11-01"}
    manager.post("/admin/tenants/contractterms/add/", {**given, "first_reply_seconds": "8"})
    with tenant_scope(tenant):
        terms = ContractTerms.objects.get()
    manager.post(f"/admin/tenants/contractterms/{terms.pk}/request/")
    with tenant_scope(tenant):
        approval = Approval.objects.get()
    sign = f"/admin/tenants/approval/{approval.pk}/sign/"
    assert "HT-9" in shown(manager, sign)

    refused = manager.post(sign, {"password": "wrong"})
    assert "This is not your password" in refused.content.decode()
    manager.post(sign, {"password": PASSWORD})
    client_as(parties.client).post(sign, {"password": PASSWORD})

    with tenant_scope(tenant):
        terms = ContractTerms.objects.get()
        assert terms.first_reply_seconds == 8
        assert terms.in_force_at is not None
        with clock.travel(terms.in_force_at):
            assert "In force" in shown(manager, "/admin/tenants/contractterms/")
            assert "In force" in shown(manager, "/admin/tenants/contract/")
    told = shown(manager, f"/admin/tenants/approval/{approval.pk}/change/")
    assert "Signed by both" in told
    assert "127.0.0.1" in told
    manager.post(f"/admin/tenants/contractterms/{terms.pk}/change/", {"first_reply_seconds": "60"})
    manager.post(f"/admin/tenants/contractterms/{terms.pk}/next/")
    with tenant_scope(tenant):
        assert list(
            ContractTerms.objects.order_by("number").values_list("number", "first_reply_seconds")
        ) == [(1, 8), (2, 8)]


def test_a_persons_number_is_written_and_shown_masked(tenant: Tenant, manager: Client) -> None:
    person = {**CONTRACT, "party_a_kind": "person", "party_a_code": ""}

    wrong = manager.post(
        "/admin/tenants/contract/add/", {**person, "identity": IDENTITY[:-1] + "1"}
    )
    assert "no identity number" in wrong.content.decode()
    missing = manager.post("/admin/tenants/contract/add/", person)
    assert "Give a company" in missing.content.decode()
    manager.post("/admin/tenants/contract/add/", {**person, "identity": IDENTITY.lower()})

    with tenant_scope(tenant):
        contract = Contract.objects.get()
    told = shown(manager, f"/admin/tenants/contract/{contract.pk}/change/")
    assert "110105********002X" in told
    assert IDENTITY not in told


def test_what_is_refused_says_why(
    tenant: Tenant, parties: Parties, manager: Client, client_as: Sign
) -> None:
    with tenant_scope(tenant):
        terms = draft_terms(draft_contract())
    manager.post(f"/admin/tenants/contractterms/{terms.pk}/request/")
    with tenant_scope(tenant):
        approval = Approval.objects.get()

    client_as(parties.client).post(
        f"/admin/tenants/approval/{approval.pk}/refuse/", {"reason": "价格有误"}
    )

    assert "价格有误" in shown(manager, f"/admin/tenants/approval/{approval.pk}/change/")


def test_terms_outside_the_contract_are_refused_in_the_form(
    tenant: Tenant, manager: Client
) -> None:
    with tenant_scope(tenant):
        contract = draft_contract()

    answer = manager.post(
        "/admin/tenants/contractterms/add/",
        {"contract": str(contract.pk), "effective_from": "2026-10-01"},
    )

    assert "outside the time" in answer.content.decode()


def test_lists_that_are_empty_say_what_belongs_there(manager: Client) -> None:
    assert "No contract is kept" in shown(manager, "/admin/tenants/contract/")
    assert "No terms are agreed" in shown(manager, "/admin/tenants/contractterms/")
    assert "Nothing was put before" in shown(manager, "/admin/tenants/approval/")


def test_an_operator_loads_a_year_and_confirms_it(operator: User, client_as: Sign) -> None:
    client = client_as(operator)
    add = "/admin/tenants/calendaryear/add/"
    given = {
        "year": "2027",
        "notice_number": "国办发明电〔2026〕0 号",
        "source_url": "https://www.gov.cn/example",
        "days": NOTICE,
    }

    client.post(add, given)
    assert not CalendarYear.objects.exists()
    broken = client.post(add, {**given, "days": "tomorrow", "compared": "on"})
    assert "cannot be read" in broken.content.decode()
    half = client.post(add, {**given, "days": "2027-01-01 off", "compared": "on"})
    assert "no whole notice" in half.content.decode()
    client.post(add, {**given, "compared": "on"})

    year = CalendarYear.objects.get()
    assert (year.loaded_by, year.days.count()) == (operator, 16)
    page = f"/admin/tenants/calendaryear/{year.pk}/change/"
    assert "2027-02-13 work" in shown(client, page)
    client.post(page, {**given, "days": NOTICE + "2027-10-01 off", "compared": "on"})
    assert year.days.count() == 17


def test_members_do_not_reach_the_calendar(
    tenant: Tenant, make_member: Callable[..., User], client_as: Sign
) -> None:
    client = client_as(make_member(tenant, Role.CLIENT_ADMIN))

    assert client.get("/admin/tenants/calendaryear/").status_code == 403


def test_lists_are_filled_in_and_read_as_tables(
    tenant: Tenant, manager: Client, client_as: Sign, make_member: Callable[..., User]
) -> None:
    """No raw JSON, neither to the one who writes nor to those who read."""
    with tenant_scope(tenant):
        terms = draft_terms(draft_contract())
    address = f"/admin/tenants/contractterms/{terms.pk}/change/"
    reader = client_as(make_member(tenant, Role.CLIENT_READONLY))

    page = manager.get(address)
    form = page.context["adminform"].form
    given = {
        name: form[name].value() if form[name].value() is not None else "" for name in form.fields
    }
    given = {
        name: value
        for name, value in given.items()
        if value is not False and name not in ("incident_times", "credit_tiers")
    }
    for level in ("P1", "P2", "P3", "P4"):
        given[f"incident_times-{level}-acknowledge"] = "20"
    given |= {"incident_times-P1-restore": "180", "incident_times-P2-working": "1"}
    for place, (at_least, share) in enumerate((("0.999", "0"), ("", ""), ("0", "0.3"))):
        given |= {f"credit_tiers-{place}-at_least": at_least, f"credit_tiers-{place}-share": share}
    wrong = manager.post(address, {**given, "incident_times-P1-acknowledge": "soon"})
    saved = manager.post(address, given)

    assert 'name="incident_times-P1-acknowledge" value="15"' in page.content.decode()
    assert "Give levels P1 to P4" in wrong.content.decode()
    assert 'value="soon"' in wrong.content.decode()
    assert saved.status_code == 302
    with tenant_scope(tenant):
        terms.refresh_from_db()
    assert terms.credit_tiers == [
        {"at_least": "0.999", "share": "0"},
        {"at_least": "0", "share": "0.3"},
    ]
    assert terms.incident_times["P1"] == {
        "acknowledge": 20,
        "restore": 180,
        "update": None,
        "working": False,
    }
    assert terms.incident_times["P2"]["working"] is True
    told = shown(reader, address)
    assert "99.9%" in told
    assert "30%" in told
    assert "3 h" in told
    assert "as planned" in told
    assert "at_least" not in told
    assert "acknowledge&quot;" not in told
