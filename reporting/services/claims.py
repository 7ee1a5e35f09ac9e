"""Claims that down time does not count: made by the provider, decided by the client (R85)."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import BinaryIO

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from reporting.models import (
    ClaimDecision,
    ClaimFile,
    DownInterval,
    ExclusionClaim,
    ExclusionKind,
    IntervalKind,
)
from reporting.services import availability_alerts, claim_files, deadlines
from tenants import clock
from tenants.errors import DomainError, NotFoundError
from tenants.models import User
from tenants.services import contracts, ledger
from tenants.services.ledger import Event


class ClaimRefusedError(DomainError):
    """The claim does not fit the down time, has no evidence, or comes too late."""

    code = "claim_refused"
    status = 422
    message = _("%(reason)s")


class ClaimDecidedError(DomainError):
    """The client has decided about the claim already."""

    code = "claim_decided"
    status = 409
    message = _("The claim is decided already.")


def claim(
    interval_id: uuid.UUID,
    *,
    kind: str,
    start_at: datetime,
    end_at: datetime,
    evidence: str,
    by: User,
    uploads: Sequence[tuple[str, BinaryIO]] = (),
) -> ExclusionClaim:
    """Ask the client to leave time of a down interval out; until accepted it counts as down.

    Within the working days that the terms give after the end of the interval (2), with evidence in
    words and, as `uploads`, in files with their names. Maintenance only where the contract annexes
    it. Raises ClaimRefusedError, NotFoundError, and what `claim_files.keep` raises.
    """
    kept: list[ClaimFile] = []
    try:
        with transaction.atomic():
            interval = (
                DownInterval.objects.select_for_update()
                .filter(pk=interval_id, kind=IntervalKind.DOWN, withdrawn_at=None)
                .first()
            )
            if interval is None:
                raise NotFoundError
            now = clock.now()
            reason = why_refused(interval, kind, start_at, end_at, evidence, now)
            if reason:
                raise ClaimRefusedError(reason=reason)
            row = ExclusionClaim.objects.create(
                interval=interval,
                kind=kind,
                start_at=start_at,
                end_at=end_at,
                evidence=evidence,
                claimed_at=now,
                claimed_by=by,
            )
            kept = claim_files.keep(row, uploads)
            facts = {
                "interval": interval.pk,
                "kind": str(kind),
                "start_at": start_at,
                "end_at": end_at,
                "evidence": ledger.fingerprint(evidence),
                "files": [file.sha256 for file in kept],
                "by": by.pk,
            }
            ledger.append(Event("exclusion.claimed", row.pk, facts, now))
            availability_alerts.claim_made(row)
    except BaseException:
        claim_files.discard(kept)
        raise
    return row


def decide(claim_id: uuid.UUID, *, accepted: bool, remark: str, by: User) -> ExclusionClaim:
    """Accept or reject the claim in the client's name; only once. Raises ClaimDecidedError."""
    with transaction.atomic():
        row = ExclusionClaim.objects.select_for_update().filter(pk=claim_id).first()
        if row is None:
            raise NotFoundError
        if row.decision != ClaimDecision.PENDING:
            raise ClaimDecidedError
        row.decision = ClaimDecision.ACCEPTED if accepted else ClaimDecision.REJECTED
        row.decided_at, row.decided_by, row.remark = clock.now(), by, remark
        row.save(update_fields=["decision", "decided_at", "decided_by", "remark"])
        facts = {"decision": str(row.decision), "by": by.pk}
        ledger.append(Event("exclusion.decided", row.pk, facts, row.decided_at))
        availability_alerts.claim_decided(row)
    return row


def why_refused(
    interval: DownInterval,
    kind: str,
    start_at: datetime,
    end_at: datetime,
    evidence: str,
    now: datetime,
) -> str:
    """Return why a claim about this time cannot be made now, "" where it can."""
    if interval.is_open:
        return str(_("The service is still down; claim once it works again."))
    if not interval.start_at <= start_at < end_at <= interval.end_at:
        return str(_("The claimed time does not lie within the down interval."))
    if not evidence.strip():
        return str(_("A claim needs evidence."))
    terms = contracts.terms_at(interval.end_at)
    if kind == ExclusionKind.MAINTENANCE and not terms.maintenance_excluded:
        return str(_("The contract does not annex maintenance: it counts as down time."))
    due = deadlines.working_days(interval.end_at, terms.exclusion_working_days)
    if due is not None and now > due:
        return gettext(
            "Claims are possible within %(days)s working days after the end, which are over."
        ) % {"days": terms.exclusion_working_days}
    return ""
