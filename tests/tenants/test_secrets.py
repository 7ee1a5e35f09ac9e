"""Secrets of partners in the database."""

from typing import Any

import pytest

from tenants import secrets


def test_a_sealed_secret_says_nothing_and_opens_again() -> None:
    sealed = secrets.seal("sk-密钥")

    assert "sk-" not in sealed
    assert secrets.unseal(sealed) == "sk-密钥"
    assert secrets.seal("sk-密钥") != sealed


def test_nothing_stays_nothing() -> None:
    assert secrets.seal("") == secrets.unseal("") == ""


def test_an_older_key_still_opens_while_it_is_named(settings: Any) -> None:
    settings.SECRETS_KEY = ["old" * 12]
    sealed = secrets.seal("sk-1")
    settings.SECRETS_KEY = ["new" * 12, "old" * 12]
    assert secrets.unseal(sealed) == "sk-1"

    settings.SECRETS_KEY = ["new" * 12]
    with pytest.raises(secrets.SecretUnreadableError):
        secrets.unseal(sealed)


def test_a_changed_secret_is_refused() -> None:
    sealed = secrets.seal("sk-1")

    with pytest.raises(secrets.SecretUnreadableError):
        secrets.unseal(sealed[:-4] + "AAA=")
