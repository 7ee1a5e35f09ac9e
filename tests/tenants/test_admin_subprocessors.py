"""The pages of other companies' services: the provider registers, the client approves."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tenants.models import Subprocessor, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope

PAGE = "/admin/tenants/subprocessor/"
KEY = "sk-not-to-be-seen"
FORM = {
    "kind": "language_model",
    "name": "通言科技",
    "region": "mainland",
    "filing": "",
    "base_url": "https://api.example.com/v1",
    "model": "m-1",
    "new_key": KEY,
    "monthly_tokens": "1000000",
}


@pytest.fixture
def manager(
    tenant: Tenant, make_member: Callable[..., User], client_as: Callable[[User], Client]
) -> Client:
    return client_as(make_member(tenant, Role.ACCOUNT_MANAGER))


@pytest.fixture
def client_admin(
    tenant: Tenant, make_member: Callable[..., User], client_as: Callable[[User], Client]
) -> Client:
    return client_as(make_member(tenant, Role.CLIENT_ADMIN))


@pytest.fixture
def service(tenant: Tenant, manager: Client) -> Subprocessor:
    assert manager.post(f"{PAGE}add/", FORM).status_code == 302
    return row(tenant)


def row(tenant: Tenant) -> Subprocessor:
    with tenant_scope(tenant):
        return Subprocessor.objects.get()


def approve(client: Client, service: Subprocessor) -> Any:
    return client.post(f"{PAGE}{service.pk}/approve/", follow=True)


def test_a_registered_service_waits_for_the_client(
    tenant: Tenant, service: Subprocessor, client_admin: Client
) -> None:
    assert service.key == KEY
    assert not service.is_approved
    page = client_admin.get(f"{PAGE}{service.pk}/approve/")
    assert "api.example.com" in page.content.decode()

    approve(client_admin, service)

    assert row(tenant).is_approved


def test_the_key_is_on_no_page_and_stays_when_nothing_is_entered(
    tenant: Tenant, service: Subprocessor, manager: Client
) -> None:
    page = manager.get(f"{PAGE}{service.pk}/change/").content.decode()
    assert KEY not in page
    assert service.sealed_key not in page

    manager.post(f"{PAGE}{service.pk}/change/", {**FORM, "new_key": "", "monthly_tokens": "5"})

    assert (row(tenant).key, row(tenant).monthly_tokens) == (KEY, 5)


def test_a_change_of_what_was_agreed_asks_the_client_again(
    tenant: Tenant, service: Subprocessor, manager: Client, client_admin: Client
) -> None:
    approve(client_admin, service)

    changed = {**FORM, "base_url": "https://other.example.com/v1"}
    response = manager.post(f"{PAGE}{service.pk}/change/", changed, follow=True)

    assert not row(tenant).is_approved
    warnings = [note for note in response.context["messages"] if note.level_tag == "warning"]
    assert len(warnings) == 1


def test_consent_can_be_withdrawn(
    tenant: Tenant, service: Subprocessor, client_admin: Client
) -> None:
    approve(client_admin, service)

    client_admin.post(f"{PAGE}{service.pk}/withdraw/")

    assert not row(tenant).is_approved


def test_abroad_is_refused_in_words(tenant: Tenant, manager: Client, client_admin: Client) -> None:
    manager.post(f"{PAGE}add/", {**FORM, "region": "abroad"})

    response = approve(client_admin, row(tenant))

    assert not row(tenant).is_approved
    (note,) = response.context["messages"]
    assert note.level_tag == "error"


@pytest.mark.parametrize("url", ["http://api.example.com/v1", "https://169.254.169.254/v1"])
def test_an_address_to_which_nothing_may_be_sent_is_refused(
    tenant: Tenant, manager: Client, url: str
) -> None:
    response = manager.post(f"{PAGE}add/", {**FORM, "base_url": url})

    assert response.context["adminform"].form.errors["base_url"]
    with tenant_scope(tenant):
        assert not Subprocessor.objects.exists()


def test_one_service_for_a_purpose(service: Subprocessor, manager: Client) -> None:
    response = manager.post(f"{PAGE}add/", FORM)

    assert response.context["adminform"].form.non_field_errors()
