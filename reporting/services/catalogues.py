"""Keep the catalogue of common questions: drafts, submission, and from when it is in force (R55)."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from reporting.models import CatalogueState, CommonQuestionCatalogue
from reporting.models.catalogue import validate_categories
from tenants import clock
from tenants.errors import DomainError
from tenants.models import ApprovalKind, Tenant, User
from tenants.scoping import active_tenant_id
from tenants.services import approvals, ledger
from tenants.services.ledger import Event
from tenants.services.notifications import in_tenants_words

KIND = "catalogue"


class CatalogueFixedError(DomainError):
    """A submitted version is what both parties look at: it does not change."""

    code = "catalogue_fixed"
    status = 409
    message = _("This version has been submitted for signing. Make a new version to change it.")


def in_force(day: date) -> CommonQuestionCatalogue | None:
    """Return the version in force on a day of the tenant's calendar; None where none is."""
    found: CommonQuestionCatalogue | None = (
        CommonQuestionCatalogue.objects.filter(state=CatalogueState.SIGNED, in_force_from__lte=day)
        .order_by("-in_force_from", "-version")
        .first()
    )
    return found


def draft(categories: Sequence[Mapping[str, Any]], *, by: User | None) -> CommonQuestionCatalogue:
    """Write a new version as a draft; return it. Raises ValidationError for what is no catalogue."""
    rows = [{"name": row["name"], "examples": list(row["examples"])} for row in categories]
    validate_categories(rows)
    with transaction.atomic():
        last = CommonQuestionCatalogue.objects.aggregate(last=Max("version"))["last"] or 0
        row: CommonQuestionCatalogue = CommonQuestionCatalogue.objects.create(
            version=last + 1, categories=rows, created_at=clock.now(), created_by=by
        )
        _note("catalogue.drafted", row, by)
    return row


def change(
    row: CommonQuestionCatalogue, categories: Sequence[Mapping[str, Any]], *, by: User | None
) -> CommonQuestionCatalogue:
    """Write a draft's categories anew. Raises CatalogueFixedError once it is submitted."""
    rows = [{"name": each["name"], "examples": list(each["examples"])} for each in categories]
    validate_categories(rows)
    with transaction.atomic():
        kept = _locked(row)
        if kept.state != CatalogueState.DRAFT:
            raise CatalogueFixedError
        kept.categories = rows
        kept.save(update_fields=["categories"])
        _note("catalogue.changed", kept, by)
    return kept


def submit(row: CommonQuestionCatalogue, *, by: User | None) -> CommonQuestionCatalogue:
    """Fix the version and its fingerprint, for both parties to sign. Raises CatalogueFixedError."""
    with transaction.atomic():
        kept = _locked(row)
        if kept.state != CatalogueState.DRAFT:
            raise CatalogueFixedError
        kept.state = CatalogueState.SUBMITTED
        kept.content_hash = fingerprint(kept)
        kept.save(update_fields=["state", "content_hash"])
        _note("catalogue.submitted", kept, by)
        with in_tenants_words():
            title = f"{kept._meta.verbose_name} {kept}"
        approvals.request(ApprovalKind.QUESTION_CATALOGUE, kept.pk, kept.content, title=title)
    return kept


def put_in_force(row: CommonQuestionCatalogue, *, signed_at: datetime) -> CommonQuestionCatalogue:
    """Note that both parties signed at `signed_at`: in force from the next 00:00 on, never before.

    Doing it again changes nothing. Raises CatalogueFixedError for a version never submitted.
    """
    with transaction.atomic():
        kept = _locked(row)
        if kept.state == CatalogueState.SIGNED:
            return kept
        if kept.state != CatalogueState.SUBMITTED or kept.content_hash != fingerprint(kept):
            raise CatalogueFixedError
        zone = Tenant.objects.get(pk=active_tenant_id()).zone
        # Noted late it is in force later: a day that is counted already keeps its labels.
        latest = max(signed_at, clock.now())
        kept.state = CatalogueState.SIGNED
        kept.signed_at = signed_at
        kept.in_force_from = latest.astimezone(zone).date() + timedelta(days=1)
        kept.save(update_fields=["state", "signed_at", "in_force_from"])
        _note("catalogue.signed", kept, None)
    return kept


def fingerprint(row: CommonQuestionCatalogue) -> str:
    """Return the SHA-256, in hex, of what the parties sign."""
    return ledger.fingerprint(
        json.dumps(row.content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    )


def _locked(row: CommonQuestionCatalogue) -> CommonQuestionCatalogue:
    found: CommonQuestionCatalogue = CommonQuestionCatalogue.objects.select_for_update(
        of=("self",)
    ).get(pk=row.pk)
    return found


def _signed(catalogue_id: uuid.UUID, _content_hash: str, at: datetime) -> None:
    put_in_force(CommonQuestionCatalogue.objects.get(pk=catalogue_id), signed_at=at)


def _content(catalogue_id: uuid.UUID) -> Mapping[str, Any]:
    content: Mapping[str, Any] = CommonQuestionCatalogue.objects.get(pk=catalogue_id).content
    return content


SUBJECT = approvals.Subject(_content, _signed)


def _note(kind: str, row: CommonQuestionCatalogue, by: User | None) -> None:
    facts = {
        "by": by.pk if by else None,
        "version": row.version,
        "state": row.state,
        "content_sha256": fingerprint(row),
        "in_force_from": row.in_force_from.isoformat() if row.in_force_from else None,
    }
    ledger.append(Event(kind, row.pk, facts))
