"""Bind the working copy into a release, and switch which release visitors hear."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from knowledge import search
from knowledge.models import ActiveRelease, Entry, EntryVersion, Release, ReleaseItem
from tenants import clock
from tenants.errors import DomainError
from tenants.models import Tenant, User
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.ledger import Event


class NothingToPublishError(DomainError):
    """The working copy equals the active release."""

    code = "nothing_to_publish"
    status = 409
    message = _("There is nothing to publish: visitors already hear the latest state.")


@dataclass(frozen=True)
class Changes:
    """How the working copy differs from the active release, as counts of entries."""

    added: int
    changed: int
    removed: int

    @property
    def total(self) -> int:
        return self.added + self.changed + self.removed


def publish(
    *, by: User | None, note: str = "", progress: Callable[[int, int], None] | None = None
) -> Release:
    """Make a release of all entries in use and activate it; return it.

    Unchanged entries keep their version. Embeddings are made before the switch, outside its
    transaction, so a visitor never waits for them; `progress(done, total)` is told how far that
    is. Raises NothingToPublishError if nothing differs from the active release.
    """
    copy = learn(progress=progress)
    entries, contents = [entry for entry, _own in copy], {entry.pk: own for entry, own in copy}
    with transaction.atomic():
        # Two publishers at once take turns. Locking the newest release would not do: there may be
        # none, and whoever waited for it would not see the one made meanwhile.
        Tenant.objects.select_for_update(no_key=True).get(pk=active_tenant_id())
        newest = Release.objects.order_by("-number").first()
        number = (newest.number if newest else 0) + 1
        latest = _latest_versions()
        versions = [
            _version_of(entry, contents[entry.pk], latest.get(entry.pk), by) for entry in entries
        ]
        if {version.pk for version in versions} == _active_version_ids():
            raise NothingToPublishError
        release = Release.objects.create(
            number=number, note=note, entry_count=len(versions), created_by=by
        )
        ReleaseItem.objects.bulk_create(
            [ReleaseItem(release=release, version=version) for version in versions],
            batch_size=500,
        )
        _point_at(release, by=by)
    search.warm(release.pk)
    return release


def learn(
    *, progress: Callable[[int, int], None] | None = None
) -> list[tuple[Entry, dict[str, Any]]]:
    """Make the embeddings that a release of the working copy needs; return the working copy."""
    copy = working_copy()
    search.embed(
        [search.index_entry(entry.pk, **content) for entry, content in copy], progress=progress
    )
    return copy


def activate(release: Release, *, by: User | None) -> Release:
    """Let visitors hear this release from their next question on; the way back from a bad one."""
    search.warm(release.pk)
    with transaction.atomic():
        _point_at(release, by=by)
    return release


def pending_changes() -> Changes:
    """Return how the working copy differs from what visitors hear."""
    working = {entry.pk: _hash(_content(entry)) for entry in _entries_in_use()}
    heard = dict(
        EntryVersion.objects.filter(pk__in=_active_version_ids()).values_list(
            "entry_id", "content_hash"
        )
    )
    return Changes(
        added=len(working.keys() - heard.keys()),
        changed=sum(working[pk] != heard[pk] for pk in working.keys() & heard.keys()),
        removed=len(heard.keys() - working.keys()),
    )


def active_release() -> Release | None:
    """Return the release visitors hear, or None before the first."""
    pointer = ActiveRelease.objects.select_related("release").first()
    return pointer.release if pointer else None


def _point_at(release: Release, *, by: User | None) -> None:
    at = clock.now()
    pointer = ActiveRelease.objects.select_for_update().first()
    if pointer is None:
        ActiveRelease.objects.create(release=release, activated_at=at, activated_by=by)
    else:
        pointer.release, pointer.activated_at, pointer.activated_by = release, at, by
        pointer.save()
    ledger.append(
        Event(
            "release.activated",
            release.pk,
            {"number": release.number, "by": by.pk if by else None},
            at,
        )
    )


def working_copy() -> list[tuple[Entry, dict[str, Any]]]:
    """Return the entries in use with what a release would hold of them."""
    return [(entry, _content(entry)) for entry in _entries_in_use()]


def _entries_in_use() -> list[Entry]:
    return list(
        Entry.objects.filter(is_active=True)
        .select_related("category")
        .prefetch_related("phrasings")
    )


def _content(entry: Entry) -> dict[str, Any]:
    return {
        "category": entry.category.name,
        "question": entry.question,
        "phrasings": [phrasing.text for phrasing in entry.phrasings.all()],
        "answer": entry.answer,
    }


def _hash(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _latest_versions() -> dict[object, EntryVersion]:
    newest = dict(
        EntryVersion.objects.order_by().values_list("entry_id").annotate(number=Max("number"))
    )
    return {
        version.entry_id: version
        for version in EntryVersion.objects.filter(entry_id__in=newest).only(
            "id", "tenant_id", "entry_id", "number", "content_hash"
        )
        if version.number == newest[version.entry_id]
    }


def _version_of(
    entry: Entry, content: dict[str, Any], latest: EntryVersion | None, by: User | None
) -> EntryVersion:
    content_hash = _hash(content)
    if latest is not None and latest.content_hash == content_hash:
        return latest
    return EntryVersion.objects.create(
        entry=entry,
        number=(latest.number if latest else 0) + 1,
        category_name=content["category"],
        question=content["question"],
        phrasings=content["phrasings"],
        answer=content["answer"],
        content_hash=content_hash,
        created_by=by,
    )


def _active_version_ids() -> set[object]:
    return set(
        ReleaseItem.objects.filter(release__in=ActiveRelease.objects.values("release")).values_list(
            "version_id", flat=True
        )
    )
