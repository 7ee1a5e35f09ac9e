"""The tenant's own words: kept by people, obeyed by the dialogue engine."""

from typing import Any

from django.db import transaction

from conversations.dialogue.types import Lexicon
from conversations.models import PhraseKind, TopicPhrase
from tenants.models import User
from tenants.services import ledger
from tenants.services.ledger import Event


def current() -> Lexicon:
    """Return the phrases in use of the tenant in scope, in a steady order; one small query."""
    rows = TopicPhrase.objects.filter(is_active=True).values_list("kind", "topic", "phrase")
    triggers, exceptions = [], []
    for kind, topic, phrase in rows:
        if kind == PhraseKind.TRIGGER:
            triggers.append((topic, phrase))
        else:
            exceptions.append(phrase)
    return Lexicon(tuple(triggers), tuple(exceptions))


def save_phrase(row: TopicPhrase, *, by: User | None) -> TopicPhrase:
    """Write a phrase; it counts from the next message on.

    What it was before and is now goes into the ledger, the words themselves as their hash.
    """
    with transaction.atomic():
        standing = (
            None if row._state.adding else TopicPhrase.objects.select_for_update().get(pk=row.pk)
        )
        before = _facts(standing) if standing else None
        row.phrase = row.phrase.strip()
        row.updated_by = by
        row.save()
        facts = {"by": by.pk if by else None, "before": before, "after": _facts(row)}
        ledger.append(Event("lexicon.changed", row.pk, facts))
    return row


def _facts(row: TopicPhrase) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "topic": row.topic,
        "phrase_sha256": ledger.fingerprint(row.phrase),
        "active": row.is_active,
    }
