"""Name who gets the reports."""

from django.db import transaction

from reporting.models import ReportRecipient
from tenants.models import User
from tenants.services import ledger
from tenants.services.ledger import Event


def save(row: ReportRecipient, *, by: User) -> ReportRecipient:
    """Write who gets which reports; the ledger knows the address by its fingerprint."""
    with transaction.atomic():
        is_new = row._state.adding
        row.save()
        facts = {
            "address": ledger.fingerprint(row.email),
            "kinds": row.kinds,
            "is_active": row.is_active,
            "by": by.pk,
        }
        kind = "report_recipient.added" if is_new else "report_recipient.changed"
        ledger.append(Event(kind, row.pk, facts))
    return row
