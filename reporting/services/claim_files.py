"""Keep the files that prove an exclusion claim, as they came (R85)."""

import hashlib
from collections.abc import Sequence
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from conversations import files
from conversations.uploads import kinds
from conversations.uploads.errors import FileTooLargeError
from reporting.models import ClaimFile, ExclusionClaim
from tenants.errors import DomainError
from tenants.scoping import active_tenant_id

# A claim carries this many at most.
PER_CLAIM = 10
_FOLDER = "claims"
_MEGABYTE = 1024 * 1024


class TooManyFilesError(DomainError):
    """One claim carries fewer files."""

    code = "too_many_files"
    status = 422
    message = _("A claim can carry %(limit)s files at most.")


def keep(claim: ExclusionClaim, uploads: Sequence[tuple[str, BinaryIO]]) -> list[ClaimFile]:
    """Check named files by their content and keep them byte for byte.

    Part of the claim's transaction. Evidence is not written anew, so nothing here is ever shown in
    place, only saved. Nothing is kept where one of them is refused: raises TooManyFilesError,
    FileTooLargeError and what `kinds.inspect` raises. If the transaction fails later, `discard`
    removes what lies there.
    """
    if len(uploads) > PER_CLAIM:
        raise TooManyFilesError(limit=PER_CLAIM)
    kept: list[ClaimFile] = []
    try:
        for place, (name, file) in enumerate(uploads):
            row = _checked(claim, name, file, place)
            kept.append(row)
            files.write(row.path, file)
            row.save()
    except BaseException:
        discard(kept)
        raise
    return kept


def discard(rows: Sequence[ClaimFile]) -> None:
    """Remove files whose claim was not made after all."""
    for row in rows:
        files.delete(row.path)


def open_file(row: ClaimFile) -> BinaryIO:
    """Open a kept file for reading. Raises FileNotFoundError."""
    return files.open_file(row.path)


def _checked(claim: ExclusionClaim, name: str, file: BinaryIO, place: int) -> ClaimFile:
    size = file.seek(0, 2)
    if size > settings.ATTACHMENT_MB * _MEGABYTE:
        raise FileTooLargeError(limit=settings.ATTACHMENT_MB)
    found = kinds.inspect(file, name)
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    file.seek(0)
    return ClaimFile(
        claim=claim,
        name=kinds.safe_name(name, found),
        mime=found.mime,
        size=size,
        sha256=digest,
        path=files.new_path(active_tenant_id(), folder=_FOLDER),
        place=place,
    )
