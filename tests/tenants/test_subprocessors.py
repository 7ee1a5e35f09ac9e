"""Services of other companies: registered, approved by the client, asked within bounds."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tenants.models import (
    LedgerEntry,
    Region,
    Subprocessor,
    SubprocessorKind,
    Tenant,
    User,
)
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services import subprocessors
from tenants.services.subprocessors import Connection, UnavailableError

MODEL = SubprocessorKind.LANGUAGE_MODEL
KEY = "sk-not-to-be-seen"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    subprocessors.forget()


@pytest.fixture
def boss(in_tenant: Tenant, make_member: Callable[..., User]) -> User:
    return make_member(in_tenant, Role.CLIENT_ADMIN)


@pytest.fixture
def service(boss: User) -> Subprocessor:
    row = Subprocessor(
        kind=MODEL, name="通言科技", base_url="https://api.example.com/v1", model="m-1"
    )
    return subprocessors.save(row, by=boss, key=KEY)


@pytest.fixture
def approved(service: Subprocessor, boss: User) -> Subprocessor:
    subprocessors.approve(service, by=boss)
    service.refresh_from_db()
    return service


def ask(work: Any = None, *, most_tokens: int = 100) -> Any:
    return subprocessors.ask(
        MODEL, work or (lambda connection: ("said", 40)), seconds=1, most_tokens=most_tokens
    )


def fails(connection: Connection) -> tuple[str, int]:
    raise ValueError(KEY)


def cause(work: Any = None, *, most_tokens: int = 100) -> str:
    with pytest.raises(UnavailableError) as raised:
        ask(work, most_tokens=most_tokens)
    return raised.value.cause


def test_nothing_is_sent_without_a_service_or_without_consent(boss: User) -> None:
    assert cause() == "absent"

    row = Subprocessor(kind=MODEL, name="甲", base_url="https://api.example.com/v1", model="m")
    subprocessors.save(row, by=boss, key=KEY)

    assert cause() == "unapproved"
    assert subprocessors.current(MODEL) is None


def test_an_approved_service_is_asked_with_its_key(approved: Subprocessor) -> None:
    def work(connection: Connection) -> tuple[tuple[str, str, str], int]:
        client = connection.client
        return (client.api_key, str(client.base_url), connection.model), 7

    assert ask(work) == (KEY, "https://api.example.com/v1/", "m-1")
    used = subprocessors.used_this_month(approved)
    assert (used.calls, used.failures, used.tokens) == (1, 0, 7)


def test_the_key_is_sealed_and_in_no_ledger(approved: Subprocessor) -> None:
    assert KEY not in approved.sealed_key
    assert approved.key == KEY
    facts = [str(entry.data) for entry in LedgerEntry.objects.all()]
    assert any("api.example.com" in fact for fact in facts)
    assert not any(KEY in fact or approved.sealed_key in fact for fact in facts)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "别的公司"),
        ("region", Region.OWN),
        ("base_url", "https://other.example.com/v1"),
        ("model", "m-2"),
        ("filing", "网信备-1"),
    ],
)
def test_what_the_client_agreed_to_cannot_change_behind_their_back(
    approved: Subprocessor, boss: User, name: str, value: str
) -> None:
    setattr(approved, name, value)
    subprocessors.save(approved, by=boss)

    assert cause() == "unapproved"


def test_budget_and_key_may_change_without_a_new_consent(
    approved: Subprocessor, boss: User
) -> None:
    approved.monthly_tokens = 500
    subprocessors.save(approved, by=boss, key="sk-2")

    assert ask(lambda connection: (connection.client.api_key, 1)) == "sk-2"


def test_withdrawn_consent_ends_it(approved: Subprocessor, boss: User) -> None:
    subprocessors.withdraw(approved, by=boss)

    assert cause() == "unapproved"


def test_nothing_goes_abroad_unless_the_operator_allows_it(
    service: Subprocessor, boss: User, settings: Any
) -> None:
    service.region = Region.ABROAD
    subprocessors.save(service, by=boss)
    with pytest.raises(subprocessors.AbroadError):
        subprocessors.approve(service, by=boss)

    settings.PROCESSORS_ABROAD = True
    subprocessors.approve(service, by=boss)
    assert ask() == "said"

    settings.PROCESSORS_ABROAD = False
    assert cause() == "abroad"


def test_the_months_budget_holds(approved: Subprocessor, boss: User) -> None:
    approved.monthly_tokens = 250
    subprocessors.save(approved, by=boss)

    for _ in range(4):
        ask()
    assert cause() == "spent"
    assert ask(most_tokens=90) == "said"
    assert subprocessors.used_this_month(approved).tokens == 200


def test_what_a_call_may_cost_is_set_aside_before_it(approved: Subprocessor, boss: User) -> None:
    approved.monthly_tokens = 150
    subprocessors.save(approved, by=boss)

    def work(connection: Connection) -> tuple[str, int]:
        return cause(), 10

    assert ask(work) == "spent"
    assert subprocessors.used_this_month(approved).tokens == 10


def test_a_failure_is_counted_costs_nothing_and_says_nothing(approved: Subprocessor) -> None:
    with pytest.raises(UnavailableError) as raised:
        ask(fails)

    assert raised.value.cause == "failed"
    assert KEY not in str(raised.value)
    used = subprocessors.used_this_month(approved)
    assert (used.calls, used.failures, used.tokens) == (1, 1, 0)


def test_one_that_was_too_slow_may_send_its_bill(approved: Subprocessor) -> None:
    import openai  # noqa: PLC0415 -- 40 MB that most processes never need

    def late(connection: Connection) -> tuple[str, int]:
        raise openai.APITimeoutError(httpx2.Request("POST", "https://api.example.com/v1"))

    assert cause(late) == "late"
    assert subprocessors.used_this_month(approved).tokens == 100


def test_one_that_keeps_failing_is_left_alone(approved: Subprocessor) -> None:
    assert [cause(fails) for _ in range(4)] == ["failed"] * 3 + ["resting"]
    assert subprocessors.used_this_month(approved).calls == 3


def test_a_new_address_is_a_new_chance(approved: Subprocessor, boss: User) -> None:
    for _ in range(3):
        cause(fails)
    subprocessors.save(approved, by=boss, key="sk-2")

    assert ask() == "said"


def test_one_tenant_takes_at_most_its_seats(approved: Subprocessor) -> None:
    def nested(depth: int) -> Any:
        return lambda connection: (ask(nested(depth - 1)), 1) if depth else (cause(), 1)

    # As many calls under way at once as one tenant has seats: each asks from within the one before.
    assert ask(nested(subprocessors.SEATS_OF_A_TENANT - 1)) == "busy"
    assert ask() == "said"


def test_a_key_that_cannot_be_read_sends_nothing(approved: Subprocessor, settings: Any) -> None:
    settings.SECRETS_KEY = ["another" * 8]

    assert cause() == "unreadable_key"
    assert subprocessors.used_this_month(approved).calls == 0


def test_each_tenant_has_its_own(approved: Subprocessor, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        assert cause() == "absent"


@pytest.mark.parametrize(
    ("counted", "spent"), [(40, 40), (-5, 0), (10**15, 100), (None, 100), ("40", 100)]
)
def test_a_services_count_is_believed_within_what_a_call_may_cost(
    approved: Subprocessor, counted: Any, spent: int
) -> None:
    ask(lambda connection: ("said", counted))

    assert subprocessors.used_this_month(approved).tokens == spent
