"""Take visitors' answers to surveys, and correct them where two people agree to (R72, R77)."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from conversations import events, satisfaction
from conversations.models import (
    Contact,
    Exclusion,
    Message,
    Rating,
    RatingCorrection,
    SurveyInvite,
)
from tenants import clock
from tenants.errors import DomainError, NotFoundError
from tenants.models import Membership, Tenant, User
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.ledger import Event


class SurveyExpiredError(DomainError):
    """The 48 hours in which the survey takes answers are over."""

    code = "survey_expired"
    status = 409
    message = _("This survey is over. Thank you for contacting us.")


class RatingFinalError(DomainError):
    """The answer was given, and the ten minutes in which it may be changed are over."""

    code = "rating_final"
    status = 409
    message = _("You have answered already; after ten minutes an answer stays as it is.")


class NotAskedError(DomainError):
    """The survey does not ask about this part of the inquiry."""

    code = "part_not_asked"
    status = 422
    message = _("The survey does not ask about this.")


class CorrectionOpenError(DomainError):
    """Somebody has proposed a correction of this rating already."""

    code = "correction_open"
    status = 409
    message = _("A correction of this rating waits for a decision already.")


class CorrectionDecidedError(DomainError):
    """The correction is decided: nothing more can be done about it."""

    code = "correction_decided"
    status = 409
    message = _("This correction has been decided already.")


class SecondPersonError(DomainError):
    """A correction needs two people, and not both of the provider."""

    code = "second_person_needed"
    status = 403
    message = _(
        "Somebody else has to agree to this correction, and one of the two has to be of the client."
    )


def rate(
    invite: SurveyInvite,
    part: str,
    score: int,
    *,
    comment: str | None = None,
    by_staff: bool = False,
) -> Rating:
    """Keep a visitor's answer about one part of their inquiry, one for each part.

    Taken for 48 hours from the end of the inquiry, both ends included; may be changed for 10
    minutes. The same answer again changes nothing, whenever it comes. An answer of staff, of a
    test, or of a visitor with five responses on one day (in the tenant's zone) is kept and does not
    count; of five or more the first does. `comment` None leaves the comment as it is. `by_staff`
    says that it came from a browser in which one of the tenant's people is signed in. Raises
    NotFoundError for an invitation that was never sent, SurveyExpiredError, RatingFinalError,
    NotAskedError. Source: R72, R77.
    """
    if invite.opens_at is None or invite.sent_at is None:
        raise NotFoundError
    if part not in invite.parts:
        raise NotAskedError
    with transaction.atomic():
        # One visitor's answers come one after the other: the fifth of a day must see the first.
        contact = Contact.objects.select_for_update(of=("self",)).get(
            conversations__inquiries=invite.inquiry_id
        )
        at = clock.now()
        row = Rating.objects.filter(invite=invite, part=part).first()
        changed = comment is not None and row is not None and comment != row.comment
        if row is not None and row.score == score and not changed:
            return row
        if row is None:
            row = _given(invite, part, score, comment or "", contact, at, by_staff=by_staff)
            kind = "rating.given"
        else:
            _check_editable(invite, row, at)
            row.score, row.changed_at = score, at
            row.comment = row.comment if comment is None else comment
            row.save(update_fields=["score", "comment", "changed_at"])
            kind = "rating.changed"
        recorded = [Event(kind, row.pk, _facts(row), at), *_count(contact, invite, at)]
        ledger.append(*recorded)
        _announce(invite)
    row.refresh_from_db(fields=["excluded_reason"])
    return row


def propose_correction(
    rating: Rating, *, score: int | None, reason: str, by: User, is_providers: bool
) -> RatingCorrection:
    """Propose that a rating be worth `score`, or be struck out (None); nothing changes yet.

    Raises CorrectionOpenError while another proposal waits. Source: R77.
    """
    with transaction.atomic():
        rating = Rating.objects.select_for_update().get(pk=rating.pk)
        if RatingCorrection.objects.filter(rating=rating, decided_at=None).exists():
            raise CorrectionOpenError
        row = RatingCorrection.objects.create(
            rating=rating,
            old_score=rating.score,
            new_score=score,
            reason=reason,
            proposed_at=clock.now(),
            proposed_by=by,
            is_providers=is_providers,
        )
        ledger.append(Event("correction.proposed", row.pk, _wish(row), row.proposed_at))
    return row


def decide_correction(
    correction: RatingCorrection, *, approve: bool, by: User, is_providers: bool
) -> RatingCorrection:
    """Carry out a proposed correction, or refuse it; the score of before stays on record.

    To approve takes a second person, and one of the two has to be of the client, so that the
    provider alone corrects nothing; anybody who may decide may refuse. Raises SecondPersonError,
    CorrectionDecidedError. Source: R77.
    """
    with transaction.atomic():
        row = (
            RatingCorrection.objects.select_for_update(of=("self",))
            .select_related("rating__invite")
            .get(pk=correction.pk)
        )
        if not row.is_open:
            raise CorrectionDecidedError
        if approve and (row.proposed_by_id == by.pk or (row.is_providers and is_providers)):
            raise SecondPersonError
        row.decided_at, row.decided_by, row.is_approved = clock.now(), by, approve
        row.save(update_fields=["decided_at", "decided_by", "is_approved"])
        if approve:
            if row.new_score is None:
                Rating.objects.filter(pk=row.rating_id).update(excluded_reason=Exclusion.STRUCK)
            else:
                Rating.objects.filter(pk=row.rating_id).update(score=row.new_score)
            _announce(row.rating.invite)
        facts = {**_wish(row), "decided_by": by.pk, "approved": approve}
        ledger.append(Event("correction.decided", row.pk, facts, row.decided_at))
    return row


def _given(
    invite: SurveyInvite,
    part: str,
    score: int,
    comment: str,
    contact: Contact,
    at: datetime,
    *,
    by_staff: bool,
) -> Rating:
    assert invite.opens_at is not None
    if not satisfaction.is_open(invite.opens_at, at):
        raise SurveyExpiredError
    reason = ""
    if invite.is_test:
        reason = Exclusion.TEST
    elif by_staff or _is_staff(contact):
        reason = Exclusion.STAFF
    row: Rating = Rating.objects.create(
        invite=invite,
        part=part,
        score=score,
        comment=comment,
        given_at=at,
        excluded_reason=reason,
    )
    return row


def _check_editable(invite: SurveyInvite, row: Rating, at: datetime) -> None:
    assert invite.opens_at is not None
    # What two people have corrected, or are about to, is not the visitor's to change any more.
    corrected = RatingCorrection.objects.filter(
        Q(decided_at=None) | Q(is_approved=True), rating=row
    )
    if at > satisfaction.editable_until(row.given_at, invite.opens_at) or corrected.exists():
        raise RatingFinalError


def _is_staff(contact: Contact) -> bool:
    """Return whether the visitor is known by the e-mail address of one of the tenant's people."""
    return bool(
        contact.email and Membership.objects.filter(user__email__iexact=contact.email).exists()
    )


def _count(contact: Contact, invite: SurveyInvite, at: datetime) -> list[Event]:
    """Leave out what one visitor answered beyond the first of five responses of this day."""
    zone = Tenant.objects.get(pk=active_tenant_id()).zone
    start = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    today = Rating.objects.filter(
        invite__inquiry__conversation__contact=contact,
        given_at__gte=start,
        given_at__lt=start + timedelta(days=1),
    ).order_by("given_at", "pk")
    responses = list(dict.fromkeys(today.values_list("invite", flat=True)))
    counted = satisfaction.counted_from(responses)
    left_out = list(
        today.exclude(invite__in=counted).filter(excluded_reason="").values_list("pk", flat=True)
    )
    if not left_out:
        return []
    Rating.objects.filter(pk__in=left_out).update(excluded_reason=Exclusion.REPEATED)
    facts = {"reason": Exclusion.REPEATED, "ratings": left_out}
    return [Event("ratings.excluded", contact.pk, facts, at)]


def _announce(invite: SurveyInvite) -> None:
    message = (
        Message.objects.select_related(
            "conversation__channel", "conversation__contact", "agent", "invite__month__terms"
        )
        .filter(pk=invite.message_id)
        .first()
    )
    if message is not None:
        events.announce_message(message, updated=True)


def _facts(row: Rating) -> dict[str, Any]:
    return {
        "invite": row.invite_id,
        "part": row.part,
        "score": row.score,
        "comment_sha256": ledger.fingerprint(row.comment) if row.comment else None,
        "excluded": row.excluded_reason or None,
    }


def _wish(row: RatingCorrection) -> dict[str, Any]:
    return {
        "rating": row.rating_id,
        "from": row.old_score,
        "to": row.new_score,
        "reason_sha256": ledger.fingerprint(row.reason),
        "by": row.proposed_by_id,
    }
