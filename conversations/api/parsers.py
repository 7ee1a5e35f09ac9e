"""How request bodies are read: as JSON, and never more of it than a request of ours can need."""

from io import BytesIO
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.parsers import JSONParser

from tenants.errors import DomainError

LONGEST_BODY = 64 * 1024


class BodyTooLargeError(DomainError):
    """The request body is longer than any request of ours."""

    code = "too_large"
    status = 413
    message = _("The request is longer than %(limit)s bytes.")


class SmallJSONParser(JSONParser):
    """The JSON parser with an end: raises BodyTooLargeError past 64 KB (protocols §0.1)."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        body = stream.read(LONGEST_BODY + 1)
        if len(body) > LONGEST_BODY:
            raise BodyTooLargeError(limit=LONGEST_BODY)
        return super().parse(BytesIO(body), media_type, parser_context)
