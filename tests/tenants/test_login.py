"""Signing in: by e-mail, and slowed down for whoever guesses (T44)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tenants.models import Tenant, User
from tenants.roles import Role
from tests.conftest import PASSWORD

LIMIT = 10


@pytest.fixture
def person(tenant: Tenant, make_member: Callable[..., User]) -> User:
    return make_member(tenant, Role.AGENT, email="lin@qinghe.example")


def sign_in(email: str, password: str, *, address: str = "203.0.113.7") -> Any:
    return Client().post("/login/", {"username": email, "password": password}, REMOTE_ADDR=address)


def guess(email: str, times: int, **where: str) -> None:
    for _ in range(times):
        sign_in(email, "wrong", **where)


def test_the_right_password_opens(person: User) -> None:
    assert sign_in(person.email, PASSWORD).status_code == 302


def test_letters_of_the_address_may_be_large_or_small(person: User) -> None:
    assert sign_in("Lin@Qinghe.example", PASSWORD).status_code == 302


def test_too_many_wrong_passwords_pause_the_address(person: User) -> None:
    guess(person.email, LIMIT)

    refused = sign_in(person.email, PASSWORD)

    assert refused.status_code == 429
    assert "15" in refused.content.decode()


def test_other_spellings_of_the_address_count_together(person: User) -> None:
    guess("LIN@qinghe.example", LIMIT // 2)
    guess("lin@QINGHE.example", LIMIT - LIMIT // 2)

    assert sign_in(person.email, PASSWORD).status_code == 429


def test_one_try_less_does_not(person: User) -> None:
    guess(person.email, LIMIT - 1)

    assert sign_in(person.email, PASSWORD).status_code == 302


def test_a_success_starts_the_count_again(person: User) -> None:
    guess(person.email, LIMIT - 1)
    sign_in(person.email, PASSWORD)
    guess(person.email, LIMIT - 1)

    assert sign_in(person.email, PASSWORD).status_code == 302


def test_somebody_else_on_the_same_network_is_not_paused(
    person: User, tenant: Tenant, make_member: Callable[..., User]
) -> None:
    colleague = make_member(tenant, Role.AGENT, email="zhou@qinghe.example")
    guess(person.email, LIMIT)

    assert sign_in(colleague.email, PASSWORD).status_code == 302


def test_the_owner_elsewhere_is_not_locked_out_by_a_stranger(person: User) -> None:
    guess(person.email, LIMIT)

    assert sign_in(person.email, PASSWORD, address="198.51.100.9").status_code == 302


def test_the_pause_ends(person: User, time_machine: Any) -> None:
    time_machine.move_to("2026-11-20T04:00:00Z")
    guess(person.email, LIMIT)
    assert sign_in(person.email, PASSWORD).status_code == 429

    time_machine.shift(timedelta(minutes=16))

    assert sign_in(person.email, PASSWORD).status_code == 302


def test_whether_an_address_is_known_cannot_be_seen(person: User) -> None:
    known = sign_in(person.email, "wrong").context["form"].errors
    unknown = sign_in("nobody@qinghe.example", "wrong").context["form"].errors

    assert known == unknown
    assert known


def test_a_person_changes_their_password_and_stays_signed_in(
    person: User, client_as: Callable[[User], Client]
) -> None:
    here, elsewhere = client_as(person), client_as(person)
    new = "青禾-ein-neues-Wort-7"

    answer = here.post(
        "/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    )

    assert answer.headers["Location"] == "/password/changed/"
    assert here.get("/password/changed/").status_code == 200
    assert elsewhere.get("/password/").status_code == 302
    assert sign_in(person.email, PASSWORD).status_code == 200
    assert sign_in(person.email, new).status_code == 302


@pytest.mark.parametrize("new", ["short", "password1234", "lin@qinghe.example"])
def test_a_weak_password_is_refused(
    person: User, client_as: Callable[[User], Client], new: str
) -> None:
    answer = client_as(person).post(
        "/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    )

    assert answer.context["form"].errors["new_password2"]
    assert sign_in(person.email, PASSWORD).status_code == 302
