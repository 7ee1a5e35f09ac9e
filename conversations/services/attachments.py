"""Keep the pictures and files of conversations: take them in, bind them to messages, remove them."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from io import BytesIO
from typing import BinaryIO

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from conversations import files
from conversations.dialogue import pictures
from conversations.models import Attachment, Contact, Conversation, Message
from conversations.uploads import images, kinds
from conversations.uploads.errors import FileTooLargeError
from tenants import clock
from tenants.errors import DomainError
from tenants.models import Membership
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.ledger import Event

# A message carries this many at most.
PER_MESSAGE = 9
# What was uploaded and never sent is kept for as long as somebody may still press "send".
UNSENT = timedelta(days=1)
_DAY = timedelta(days=1)
_MEGABYTE = 1024 * 1024
_BATCH = 500


class QuotaSpentError(DomainError):
    """The visitor, or the whole tenant, has sent as much as a day may hold."""

    code = "upload_quota"
    status = 429
    message = _("No more files can be sent today. Please describe the matter in words.")


class AttachmentUnavailableError(DomainError):
    """The attachment is not the sender's, was sent already, or is gone."""

    code = "attachment_unavailable"
    status = 409
    message = _("The file is no longer there. Please attach it again.")


class TooManyAttachmentsError(DomainError):
    """One message carries fewer."""

    code = "too_many_attachments"
    status = 422
    message = _("A message can carry %(limit)s files at most.")


@dataclass(frozen=True)
class Sender:
    """Who uploads: a contact, or a member in a conversation."""

    contact: Contact | None = None
    member: Membership | None = None
    conversation: Conversation | None = None


def most_bytes() -> int:
    """Return how many bytes one file may have."""
    return int(settings.ATTACHMENT_MB) * _MEGABYTE


def receive(file: BinaryIO, name: str, *, sender: Sender) -> Attachment:
    """Check an uploaded file by its content and keep it; return it, not yet sent.

    Pictures are decoded and written anew. The row is committed before the file is written: a
    process that dies in between leaves a row that the sweeper removes, never a file that nobody
    knows of. Outside any transaction. Raises what `kinds.inspect` and `images.rewrite` raise,
    FileTooLargeError, QuotaSpentError, AttachmentUnavailableError where it was removed meanwhile.
    """
    size = file.seek(0, 2)
    if size > most_bytes():
        raise FileTooLargeError(limit=settings.ATTACHMENT_MB)
    found = kinds.inspect(file, name)
    width = height = None
    file.seek(0)
    if found.is_image:
        content, width, height = images.rewrite(file, found.mime)
        file, size = BytesIO(content), len(content)
    _check_quota(sender, size)
    attachment = Attachment.objects.create(
        conversation=sender.conversation,
        contact=sender.contact,
        member=sender.member,
        name=kinds.safe_name(name, found),
        mime=found.mime,
        size=size,
        sha256=_fingerprint(file),
        width=width,
        height=height,
        path=files.new_path(active_tenant_id()),
        created_at=clock.now(),
    )
    file.seek(0)
    try:
        files.write(attachment.path, file)
    except BaseException:
        attachment.delete()
        raise
    if not Attachment.objects.filter(pk=attachment.pk, removed_at=None).exists():
        # Its owner's data was erased before the file was there to be deleted.
        files.delete(attachment.path)
        raise AttachmentUnavailableError
    return attachment


def chosen(
    ids: Sequence[uuid.UUID], conversation: Conversation, *, contact_id: object, member_id: object
) -> list[Attachment]:
    """Return the sender's uploads of these ids, in this order, ready for a message.

    Part of the message's transaction, after the conversation is locked; `bind` follows. Raises
    TooManyAttachmentsError, and AttachmentUnavailableError where one is not the sender's, not of
    this conversation, sent already, or gone.
    """
    ids = list(dict.fromkeys(ids))
    if len(ids) > PER_MESSAGE:
        raise TooManyAttachmentsError(limit=PER_MESSAGE)
    if not ids:
        return []
    mine = Attachment.objects.filter(
        Q(conversation=None) | Q(conversation=conversation),
        pk__in=ids,
        contact=contact_id,
        member=member_id,
        message=None,
        removed_at=None,
    )
    by_id = {attachment.pk: attachment for attachment in mine}
    if len(by_id) != len(ids):
        raise AttachmentUnavailableError
    return [by_id[each] for each in ids]


def stand_in(attachments: Sequence[Attachment], contact: Contact) -> str:
    """Return what stands for these files in the place of words, in the contact's language."""
    english = contact.locale.lower().startswith("en")
    return pictures.stand_in([attachment.mime for attachment in attachments], english=english)


def bind(attachments: Sequence[Attachment], message: Message) -> None:
    """Give these uploads to a message, each once; part of the message's transaction.

    Raises AttachmentUnavailableError where another message was faster.
    """
    for place, attachment in enumerate(attachments):
        bound = Attachment.objects.filter(pk=attachment.pk, message=None, removed_at=None).update(
            message=message, conversation=message.conversation, place=place
        )
        if not bound:
            raise AttachmentUnavailableError


def follow(before: Contact, person: Contact, conversation: Conversation | None) -> None:
    """Let what an anonymous visitor uploaded go with them to the person they turned out to be."""
    Attachment.objects.filter(
        Q(message=None) | Q(conversation=conversation, conversation__isnull=False), contact=before
    ).update(contact=person)


def remove(attachment: Attachment, *, by: Membership | None, reason: str) -> Attachment:
    """Delete the file for good and keep the row, without its name, as a mark of what was there.

    The file is deleted after the commit; `sweep` deletes it where the process died in between.
    Removing twice changes nothing. `reason` is a code, such as "erasure", never a person's words.
    """
    with transaction.atomic():
        at = clock.now()
        removed = Attachment.objects.filter(pk=attachment.pk, removed_at=None).update(
            removed_at=at, name=""
        )
        if removed:
            facts = {"by": by.pk if by else None, "reason": reason, "sha256": attachment.sha256}
            ledger.append(Event("attachment.removed", attachment.pk, facts, at))
            transaction.on_commit(partial(_delete_file, attachment), robust=True)
    attachment.refresh_from_db()
    return attachment


def sweep() -> int:
    """Delete what was uploaded and not sent within a day, and files left behind; return how many."""
    unsent = Attachment.objects.filter(
        message=None, removed_at=None, created_at__lt=clock.now() - UNSENT
    )
    swept = 0
    for attachment in unsent[:_BATCH]:
        # Sent in this very moment: then it stays.
        gone, _rows = Attachment.objects.filter(pk=attachment.pk, message=None).delete()
        if gone:
            files.delete(attachment.path)
            swept += 1
    for attachment in Attachment.objects.filter(removed_at__isnull=False).exclude(path="")[:_BATCH]:
        _delete_file(attachment)
        swept += 1
    return swept


def _delete_file(attachment: Attachment) -> None:
    files.delete(attachment.path)
    Attachment.objects.filter(pk=attachment.pk, removed_at__isnull=False).update(path="")


def _check_quota(sender: Sender, size: int) -> None:
    today = Attachment.objects.filter(created_at__gt=clock.now() - _DAY).order_by()
    if sender.contact is not None and _over(
        today.filter(contact=sender.contact), size, settings.ATTACHMENT_DAILY_MB
    ):
        raise QuotaSpentError
    if _over(today, size, settings.ATTACHMENT_TENANT_DAILY_MB):
        raise QuotaSpentError


def _over(uploads: QuerySet[Attachment], size: int, megabytes: int) -> bool:
    total = uploads.aggregate(total=Sum("size"))["total"] or 0
    return int(total) + size > megabytes * _MEGABYTE


def _fingerprint(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(64 * 1024):
        digest.update(chunk)
    return digest.hexdigest()
