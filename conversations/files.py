"""Where uploaded files lie, and the signed, expiring addresses under which they are served."""

import binascii
import os
import secrets
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core import signing
from django.urls import reverse

from conversations.models import Attachment
from tenants import clock

# An address stays the same within a day, so that browsers need not load a picture twice.
LINK_DAYS = 7
_DAY_SECONDS = int(timedelta(days=1).total_seconds())
_FOLDER = "attachments"
_SALT = "conversations.files"


@dataclass(frozen=True)
class Link:
    """What a signed address says: which attachment, of which tenant."""

    tenant_id: int
    attachment_id: uuid.UUID


def new_path(tenant_id: int, *, folder: str = _FOLDER) -> str:
    """Return where under MEDIA_ROOT a new file of the tenant goes; nothing of it is guessable."""
    name = secrets.token_hex(20)
    return f"{folder}/{tenant_id}/{name[:2]}/{name}"


def write(path: str, content: BinaryIO) -> None:
    """Write a new file, readable by this account alone; what fails halfway is removed."""
    target = _absolute(path)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            while chunk := content.read(64 * 1024):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def delete(path: str) -> None:
    """Delete a file; one that is not there is deleted already."""
    if path:
        _absolute(path).unlink(missing_ok=True)


def open_file(path: str) -> BinaryIO:
    """Open a stored file for reading. Raises FileNotFoundError."""
    return _absolute(path).open("rb")


def incoming() -> Path:
    """Return the folder of uploads under way; its files have no names and end with their request."""
    folder = Path(settings.MEDIA_ROOT) / "incoming"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def link_to(attachment: Attachment) -> str:
    """Return the path of the address under which the file can be had for the next days.

    It needs no cookie and no token besides, and is worth nothing for any other file (R64, R93).
    """
    last_day = int(clock.now().timestamp()) // _DAY_SECONDS + LINK_DAYS
    facts = b".".join(
        (
            str(attachment.tenant_id).encode(),
            urlsafe_b64encode(attachment.pk.bytes).rstrip(b"="),
            str(last_day).encode(),
        )
    ).decode()
    token = signing.Signer(salt=_SALT, sep="~").sign(facts)
    return reverse("conversations:file", kwargs={"token": token, "name": attachment.name})


def read_link(token: str) -> Link | None:
    """Return what the token of an address says, or None where it is altered or too old."""
    try:
        tenant_id, attachment, last_day = (
            signing.Signer(salt=_SALT, sep="~").unsign(token).split(".")
        )
        if int(last_day) * _DAY_SECONDS < clock.now().timestamp():
            return None
        pk = uuid.UUID(bytes=urlsafe_b64decode(attachment + "=="))
        return Link(int(tenant_id), pk)
    except (signing.BadSignature, ValueError, binascii.Error):
        return None


def _absolute(path: str) -> Path:
    return Path(settings.MEDIA_ROOT) / path
