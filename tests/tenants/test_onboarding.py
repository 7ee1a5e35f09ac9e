"""Taking a client company on."""

from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from tenants.models import LedgerEntry, Tenant
from tenants.scoping import tenant_scope
from tenants.services import ledger
from tenants.services.onboarding import create_tenant


@pytest.mark.django_db
def test_a_tenant_begins_with_its_chain() -> None:
    tenant = create_tenant(slug="acme", name="Acme", time_zone="Europe/London", language="en")

    with tenant_scope(tenant):
        assert [entry.kind for entry in LedgerEntry.objects.all()] == ["tenant.created"]
        assert ledger.verify() == (1, None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [("slug", "Not a slug"), ("time_zone", "Mars/Base"), ("name", ""), ("language", "tlh")],
)
def test_malformed_values_create_nothing(field: str, value: str) -> None:
    values: dict[str, Any] = {"slug": "acme", "name": "Acme", field: value}

    with pytest.raises(ValidationError) as refused:
        create_tenant(**values)

    assert list(refused.value.message_dict) == [field]
    assert not Tenant.objects.exists()


def test_the_command_creates_and_says_what_is_wrong(tenant: Tenant) -> None:
    said = StringIO()

    call_command("create_tenant", "acme", "--name", "Acme", stdout=said)
    with pytest.raises(CommandError, match="slug"):
        call_command("create_tenant", tenant.slug, "--name", "Again")

    assert "acme" in said.getvalue()
    assert Tenant.objects.count() == 2
