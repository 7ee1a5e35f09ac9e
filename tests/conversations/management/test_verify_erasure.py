"""The proof that a person can be found and erased: it holds, and it notices when it does not."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from django.core.management import call_command

from conversations.management.commands import verify_erasure
from conversations.models import ContactNote, Handoff
from conversations.services import attachments, subject_export, subject_stores, subjects
from tenants import throwaway


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throwaway, "enter", lambda: None)


def verify() -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    try:
        call_command("verify_erasure", json=True, stdout=out)
    except SystemExit as end:
        return int(str(end.code)), json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


@pytest.mark.django_db(transaction=True)
def test_all_of_a_person_is_exported_and_none_is_left() -> None:
    code, found = verify()

    assert code == 0
    assert found["exported"] == found["planted"] >= 20
    assert (found["archived"], found["left"], found["ledger_fault"]) == (True, [], "")
    assert (found["files"], found["files_left"]) == (3, 0)


@pytest.mark.django_db(transaction=True)
def test_a_file_that_stays_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "_delete_file", lambda attachment: None)

    code, found = verify()

    assert (code, found["files_left"]) == (1, 3)


def test_a_column_that_is_not_erased_is_noticed(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    forgetful = tuple(
        replace(store, erased={}) if store.model is Handoff else store
        for store in subject_stores.STORES
    )
    monkeypatch.setattr(subjects, "STORES", forgetful)

    code, found = verify()

    assert (code, found["left"]) == (
        1,
        [
            f"conversations_handoff.{name}"
            for name in ("note", "external_id", "external_url", "external_ids")
        ],
    )


def test_a_store_that_is_not_exported_is_noticed(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    blind = tuple(store for store in subject_stores.STORES if store.model is not ContactNote)
    monkeypatch.setattr(subject_export, "STORES", blind)
    monkeypatch.setattr(verify_erasure, "STORES", blind)

    code, found = verify()

    assert code == 1
    assert found["exported"] < found["planted"]
