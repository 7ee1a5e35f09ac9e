"""Serve uploaded files by their signed addresses: inert, whatever is in them."""

from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from conversations import files
from conversations.models import Attachment
from conversations.uploads import images
from tenants.models import Tenant
from tenants.scoping import tenant_scope

_CHUNK = 64 * 1024


class StoredFileResponse(FileResponse):
    """A file response that is read beside the event loop where there is one."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._read_aside()

    async def _read_aside(self) -> AsyncIterator[bytes]:
        assert self.file_to_stream is not None
        read = sync_to_async(self.file_to_stream.read, thread_sensitive=False)
        while chunk := await read(_CHUNK):
            yield chunk


@require_safe
def file(request: HttpRequest, token: str, name: str) -> HttpResponseBase:
    """Send a file to whoever holds its address; 404 for any other, altered, old or removed one.

    `name` is for people: the row's own name counts. Only pictures that were decoded when they came
    are shown in place, everything else is saved; no page, no script and no frame comes of any.
    Source: R93, T43.
    """
    link = files.read_link(token)
    tenant = Tenant.objects.filter(pk=link.tenant_id).first() if link else None
    if link is None or tenant is None or not tenant.is_active:
        raise Http404
    with tenant_scope(tenant):
        attachment = (
            Attachment.objects.select_related("message")
            .filter(pk=link.attachment_id, removed_at=None)
            .first()
        )
    if attachment is None or (attachment.message and attachment.message.withdrawn_at):
        raise Http404
    try:
        content = files.open_file(attachment.path)
    except FileNotFoundError:
        raise Http404 from None
    shown = attachment.is_image and attachment.mime in images.FORMATS
    response = StoredFileResponse(
        content,
        as_attachment=not shown,
        filename=attachment.name,
        content_type=attachment.mime if shown else _saved_as(attachment.mime),
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
    response["Cache-Control"] = "private, max-age=3600"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _saved_as(mime: str) -> str:
    # Text would be guessed at by old browsers; nobody shows it here anyway.
    return "application/octet-stream" if mime.startswith("text/") else mime
