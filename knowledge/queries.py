"""How the working copy of the knowledge base stands against what visitors hear."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from knowledge.models import ActiveRelease, Entry, EntryVersion, ReleaseItem


class EntryState(TextChoices):
    """What the next release does with an entry."""

    NEW = "new", _("New")
    CHANGED = "changed", _("Changed")
    RELEASED = "released", _("Released")
    LEAVING = "leaving", _("Taken out, still heard")
    UNUSED = "unused", _("Not in use")


def version_saying(answer: str) -> uuid.UUID | None:
    """Return the one version of the active release with exactly this answer; None of several."""
    versions = EntryVersion.objects.filter(
        answer=answer,
        pk__in=ReleaseItem.objects.filter(
            release__in=ActiveRelease.objects.values("release")
        ).values("version"),
    ).values_list("pk", flat=True)[:2]
    return versions[0] if len(versions) == 1 else None


def heard_saying(words: str) -> QuerySet[EntryVersion]:
    """Return the versions of the active release whose question or answer holds all these words.

    Words are parted by spaces; in the order of their questions.
    """
    found = EntryVersion.objects.filter(pk__in=_heard_items().values("version"))
    for word in words.split():
        found = found.filter(Q(question__icontains=word) | Q(answer__icontains=word))
    return found.order_by("question", "pk")


@dataclass(frozen=True)
class Difference:
    """One field of an entry whose working copy differs from what visitors hear."""

    label: str
    heard: str
    working: str


@dataclass(frozen=True)
class Pending:
    """One entry that the next release adds, changes or removes."""

    entry_id: uuid.UUID
    question: str
    state: EntryState


def heard_versions(entries: Iterable[Entry] | None = None) -> dict[uuid.UUID, EntryVersion]:
    """Return the versions of the active release by entry id: of these entries, or of all."""
    versions = EntryVersion.objects.filter(pk__in=_heard_items().values("version"))
    if entries is not None:
        versions = versions.filter(entry__in=[entry.pk for entry in entries])
    return {version.entry_id: version for version in versions}


def state_of(entry: Entry, heard: EntryVersion | None) -> EntryState:
    """Return how the entry stands against the version visitors hear of it, if any."""
    if not entry.is_active:
        return EntryState.LEAVING if heard else EntryState.UNUSED
    if heard is None:
        return EntryState.NEW
    return EntryState.CHANGED if _content(entry) != _heard_content(heard) else EntryState.RELEASED


def differences(entry: Entry, heard: EntryVersion) -> list[Difference]:
    """Return the fields in which the working copy differs from this version."""
    labels = (_("category"), _("standard question"), _("phrasings"), _("answer"))
    pairs = zip(labels, _heard_content(heard), _content(entry), strict=True)
    return [
        Difference(str(label), _as_text(old), _as_text(new))
        for label, old, new in pairs
        if old != new
    ]


def in_state(entries: QuerySet[Entry], state: str) -> QuerySet[Entry]:
    """Return those of the entries that stand so; what differs is compared in memory."""
    heard = Exists(_heard_items().filter(version__entry=OuterRef("pk")))
    if state == EntryState.UNUSED:
        return entries.filter(~heard, is_active=False)
    if state == EntryState.LEAVING:
        return entries.filter(heard, is_active=False)
    if state == EntryState.NEW:
        return entries.filter(~heard, is_active=True)
    changed = [item.entry_id for item in pending() if item.state == EntryState.CHANGED]
    if state == EntryState.CHANGED:
        return entries.filter(pk__in=changed)
    return entries.filter(heard, is_active=True).exclude(pk__in=changed)


def pending() -> list[Pending]:
    """Return what the next release would add, change and remove, in the order of the entries."""
    heard = heard_versions()
    found = []
    for entry in _with_content(Entry.objects.all()):
        state = state_of(entry, heard.get(entry.pk))
        if state in (EntryState.NEW, EntryState.CHANGED, EntryState.LEAVING):
            found.append(Pending(entry.pk, entry.question, state))
    return found


def _with_content(entries: QuerySet[Entry]) -> Iterator[Entry]:
    return iter(entries.select_related("category").prefetch_related("phrasings"))


def _heard_items() -> QuerySet[ReleaseItem]:
    return ReleaseItem.objects.filter(release__in=ActiveRelease.objects.values("release"))


def _content(entry: Entry) -> tuple[Any, ...]:
    phrasings = [phrasing.text for phrasing in entry.phrasings.all()]
    return entry.category.name, entry.question, phrasings, entry.answer


def _heard_content(version: EntryVersion) -> tuple[Any, ...]:
    return version.category_name, version.question, list(version.phrasings), version.answer


def _as_text(value: Any) -> str:
    return "\n".join(value) if isinstance(value, list) else str(value)
