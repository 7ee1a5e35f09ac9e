"""Write entries: the working copy of the knowledge base."""

from collections.abc import Iterable

from django.db import transaction

from knowledge.models import Category, Entry, Phrasing
from knowledge.retrieval.text import normalise
from tenants.models import User
from tenants.services import ledger
from tenants.services.ledger import Event

# What separates the phrasings of one cell in CSV and XLSX files.
PHRASING_SEPARATOR = "|"


def save_entry(entry: Entry, *, by: User | None, phrasings: Iterable[str] | None = None) -> Entry:
    """Write the entry, and its phrasings where they are given, in one transaction.

    `phrasings` replaces the entry's list: blank ones, repeats and the standard question itself are
    dropped, the order is kept. Recorded in the ledger; heard by visitors after the next release.
    """
    with transaction.atomic():
        created = entry._state.adding
        entry.updated_by = by
        entry.save()
        if phrasings is not None:
            _replace_phrasings(entry, clean_phrasings(phrasings, question=entry.question))
        ledger.append(
            Event(
                "entry.created" if created else "entry.changed",
                entry.pk,
                {"by": by.pk if by else None},
            )
        )
    return entry


def add_phrasing(entry: Entry, text: str, *, by: User | None) -> Phrasing:
    """Write the text as the entry's last phrasing; return the one that says so already, if any.

    The entry's row is locked. Recorded in the ledger; heard by visitors after the next release.
    """
    with transaction.atomic():
        entry = Entry.objects.select_for_update(no_key=True).get(pk=entry.pk)
        standing = list(entry.phrasings.all())
        for phrasing in standing:
            if normalise(phrasing.text) == normalise(text):
                return phrasing
        position = max((phrasing.position for phrasing in standing), default=-1) + 1
        phrasing = Phrasing.objects.create(entry=entry, text=text, position=position)
        entry.updated_by = by
        entry.save(update_fields=["updated_by", "updated_at"])
        ledger.append(Event("entry.changed", entry.pk, {"by": by.pk if by else None}))
    return phrasing


def clean_phrasings(phrasings: Iterable[str], *, question: str) -> list[str]:
    """Return the phrasings without blanks, repeats (ignoring case) and the question itself."""
    seen = {question.strip().casefold()}
    kept = []
    for text in (phrasing.strip() for phrasing in phrasings):
        if text and text.casefold() not in seen:
            seen.add(text.casefold())
            kept.append(text)
    return kept


def category_named(name: str) -> Category:
    """Return the tenant's category of this name, made if it is new."""
    category = Category.objects.filter(name=name).first()
    if category is None:
        category = Category.objects.create(name=name, position=Category.objects.count())
    return category


def _replace_phrasings(entry: Entry, texts: list[str]) -> None:
    standing = {phrasing.text: phrasing for phrasing in entry.phrasings.all()}
    gone = [phrasing.pk for text, phrasing in standing.items() if text not in set(texts)]
    if gone:
        Phrasing.objects.filter(pk__in=gone).delete()
    new, moved = [], []
    for position, text in enumerate(texts):
        phrasing = standing.get(text)
        if phrasing is None:
            new.append(Phrasing(entry=entry, text=text, position=position))
        elif phrasing.position != position:
            phrasing.position = position
            phrasing.entry = entry
            moved.append(phrasing)
    Phrasing.objects.bulk_create(new)
    Phrasing.objects.bulk_update(moved, ["position"])
