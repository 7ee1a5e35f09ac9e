"""The doors for pictures and files: of visitors, and of agents; and the agents' second thoughts."""

import tempfile
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http.multipartparser import MultiPartParser as DjangoMultiPartParser
from django.http.multipartparser import MultiPartParserError
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import DataAndFiles, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import console, files, visitors, wire
from conversations.api.console import HandlingView
from conversations.api.views import ClientView
from conversations.services import attachments, withdrawal
from conversations.services.attachments import Sender
from conversations.uploads.errors import EmptyFileError, FileTooLargeError
from tenants import ratelimit
from tenants.middleware import request_address

# What a form adds around its one file.
_ENVELOPE = 16 * 1024
_UPLOADS_PER_AGENT = 60


class BoundedUpload(FileUploadHandler):
    """Writes the one file of a request to disk, and stops at the limit whatever was announced.

    The file has no name, so nothing of it is left when its request ends, however that ends.
    """

    # Only once there is one: whatever Django finds under this name it closes when reading fails.
    file: BinaryIO

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit
        self.written = -1

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Make room for the file; a second one of a request is too much."""
        super().new_file(*args, **kwargs)
        if self.written >= 0:
            raise ParseError("one file a request")
        # Closed with the request: by the view, or by Django where no view came to it.
        temporary = tempfile.TemporaryFile(dir=files.incoming())  # noqa: SIM115 -- outlives this call
        self.file = cast(BinaryIO, temporary)
        self.written = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write a piece; raises FileTooLargeError past the limit."""
        self.written += len(raw_data)
        if self.written > self.limit:
            self.file.close()
            raise FileTooLargeError(limit=settings.ATTACHMENT_MB)
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> "UploadedFile[Any]":
        """Return what was written, to be read from its beginning."""
        self.file.seek(0)
        return UploadedFile(self.file, self.file_name or "", self.content_type, file_size)


class UploadParser(MultiPartParser):
    """The parser of forms with one file, bounded before and while it reads."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Any = None
    ) -> "DataAndFiles[Any, Any]":
        request: Request = parser_context["request"]
        limit = attachments.most_bytes()
        meta = {**request.META, "CONTENT_TYPE": media_type}
        if _announced(meta) > limit + _ENVELOPE:
            raise FileTooLargeError(limit=settings.ATTACHMENT_MB)
        try:
            parser = DjangoMultiPartParser(meta, stream, [BoundedUpload(limit)], "utf-8")
            return DataAndFiles(*parser.parse())
        except MultiPartParserError as error:
            raise ParseError(str(error)) from error


class AttachmentsView(ClientView):
    """POST /attachments: a picture or file, to be sent with the visitor's next message."""

    parser_classes = (UploadParser,)  # type: ignore[assignment]  # DRF takes any

    def post(self, request: Request) -> Response:
        visitors.admit_upload(self.session, request_address(request))
        with _uploaded(request) as file:
            attachment = visitors.upload(self.session, file.file, file.name or "")
        return Response(wire.attachment_object(attachment), status=201)


class DeskAttachmentsView(HandlingView):
    """POST conversations/{id}/attachments: a picture or file, to be sent with a reply."""

    parser_classes = (UploadParser,)  # type: ignore[assignment]  # DRF takes any

    def post(self, request: Request, pk: str) -> Response:
        row = console.conversation(pk, self.actor)
        ratelimit.spend(f"upload:{self.member.pk}", limit=_UPLOADS_PER_AGENT, seconds=60)
        sender = Sender(member=self.member, conversation=row)
        with _uploaded(request) as file:
            attachment = attachments.receive(file.file, file.name or "", sender=sender)
        return Response(wire.attachment_object(attachment), status=201)


class WithdrawInput(serializers.Serializer[Any]):
    """Which message is taken back."""

    message_id = serializers.UUIDField()


class WithdrawView(HandlingView):
    """POST conversations/{id}/withdraw: take back one's own message."""

    def post(self, request: Request, pk: str) -> Response:
        row = console.conversation(pk, self.actor)
        message, _done = withdrawal.withdraw(
            row.pk, self.valid(WithdrawInput)["message_id"], by=self.member
        )
        return Response(wire.desk_message_object(message, None))


def _uploaded(request: Request) -> Any:
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise EmptyFileError
    return file


def _announced(meta: dict[str, Any]) -> int:
    length = str(meta.get("CONTENT_LENGTH") or "0")
    return int(length) if length.isascii() and length.isdigit() else 0
