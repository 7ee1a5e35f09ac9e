"""Find tickets for those who may read them: their contact, or who knows number and address."""

import hashlib
import hmac

from conversations.models import Contact, Ticket
from tenants import ratelimit
from tenants.errors import NotFoundError
from tenants.scoping import active_tenant_id

# How often one number may be asked after in ten minutes, by whomever: guesses are many.
LOOKUPS_PER_NUMBER = 10
_WINDOW_SECONDS = 600
_WITH = ("channel", "contact", "assignee", "merged_into")


def of_contact(contact: Contact, number: str) -> Ticket:
    """Return the contact's own ticket of this number. Raises NotFoundError."""
    found = Ticket.objects.select_related(*_WITH).filter(contact=contact, number=number).first()
    if found is None:
        raise NotFoundError
    return found


def by_proof(number: str, proof: str) -> Ticket:
    """Return the ticket of this number if `proof` is the phone or the e-mail address given with it.

    A merged ticket's number leads to the one it was merged into, where the proof holds for that,
    too. Wrong and missing are one answer, and take as long. Raises NotFoundError,
    RateLimitedError.
    """
    number = number.strip().upper()
    ratelimit.spend(
        f"ticket-lookup:{active_tenant_id()}:{number}",
        limit=LOOKUPS_PER_NUMBER,
        seconds=_WINDOW_SECONDS,
    )
    found = Ticket.objects.select_related(*_WITH).filter(number=number).first()
    if not _holds(found, proof) or found is None:
        raise NotFoundError
    if found.merged_into is not None and _holds(found.merged_into, proof):
        return Ticket.objects.select_related(*_WITH).get(pk=found.merged_into_id)
    return found


def shown_for(ticket: Ticket) -> Ticket:
    """Return the ticket whose story the reader of this one is shown: the one it was merged into.

    Only where both are the same contact's; else it stays its own, closed story.
    """
    main = ticket.merged_into
    if main is None or main.contact_id != ticket.contact_id:
        return ticket
    return Ticket.objects.select_related(*_WITH).get(pk=main.pk)


def _holds(ticket: Ticket | None, proof: str) -> bool:
    phone, email = (ticket.phone, ticket.email) if ticket is not None else ("", "")
    # Both are always compared, as digests of one length.
    same = [
        hmac.compare_digest(_digest(_digits(phone)), _digest(_digits(proof)))
        and bool(_digits(phone)),
        hmac.compare_digest(_digest(email.strip().lower()), _digest(proof.strip().lower()))
        and bool(email),
    ]
    return any(same)


def _digits(phone: str) -> str:
    digits = "".join(each for each in phone if each.isdecimal())
    # With and without the country's code, +86 or 0086.
    return digits[-11:] if len(digits) > 11 else digits


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
