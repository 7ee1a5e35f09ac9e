"""List the people whom a security incident concerns, for those who have to tell them (L14)."""

import csv
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from io import TextIOWrapper
from typing import BinaryIO

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations.models import Attachment, Contact, Inquiry
from knowledge.resources import neutralise
from reporting.models import Incident
from tenants import clock
from tenants.models import User
from tenants.services import ledger
from tenants.services.ledger import Event

_CHUNK = 2000


def people(
    incident: Incident, *, since: datetime, until: datetime, everybody: bool, by: User
) -> tuple[BinaryIO, int]:
    """Return a CSV file of the people concerned, and their number; the ledger notes who had it.

    Those who wrote between the two instants, or with `everybody` all who were known at `until`:
    where a whole store was open, it does not matter when somebody wrote. Probes and erased people
    are not in it. UTF-8 with a mark for spreadsheets, formulas neutralised; the caller closes it.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- sent by the caller
    text = TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(
        [
            _("contact"),
            _("customer number"),
            _("name"),
            _("phone"),
            _("e-mail address"),
            _("first channel"),
            _("first seen"),
            _("last seen"),
            _("inquiries in this time"),
            _("files kept"),
        ]
    )
    count = 0
    for row in _rows(since, until, everybody=everybody):
        writer.writerow([neutralise(str(value)) for value in row])
        count += 1
    text.detach()
    if count:
        # A list of nobody is handed to nobody.
        facts = {
            "since": since,
            "until": until,
            "everybody": everybody,
            "people": count,
            "by": by.pk,
        }
        with transaction.atomic():
            ledger.append(Event("incident.people_listed", incident.pk, facts, clock.now()))
    file.seek(0)
    return file, count


def _rows(since: datetime, until: datetime, *, everybody: bool) -> Iterator[list[object]]:
    asked = Inquiry.objects.filter(opened_at__lt=until, last_at__gte=since)
    counts = Counter(
        asked.order_by().values_list("conversation__contact", flat=True).iterator(_CHUNK)
    )
    files = Counter(
        Attachment.objects.filter(contact__isnull=False, removed_at=None)
        .order_by()
        .values_list("contact", flat=True)
        .iterator(_CHUNK)
    )
    known = Contact.objects.filter(is_probe=False, erased_at=None, created_at__lt=until)
    for row in known.select_related("channel").order_by("created_at", "pk").iterator(_CHUNK):
        if not everybody and row.pk not in counts:
            continue
        yield [
            row.pk,
            row.external_id,
            row.name or row.noted_name,
            row.phone or row.noted_phone,
            row.email or row.noted_email,
            row.channel.name,
            _moment(row.created_at),
            _moment(row.last_seen_at),
            counts[row.pk],
            files[row.pk],
        ]


def _moment(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S")
