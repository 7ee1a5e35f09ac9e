"""One shape for every error of the APIs: application/problem+json (RFC 9457, protocols §3.3)."""

import logging
import uuid
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response

from tenants.errors import DomainError, NotFoundError

logger = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"
_CODES = {
    400: "malformed",
    401: "token_expired",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_type",
    429: "rate_limited",
}


def problem(status: int, code: str, detail: str, **extra: Any) -> dict[str, Any]:
    """Return a problem document; `request_id` is what a person may quote to support."""
    return {
        "type": f"urn:yingda:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": uuid.uuid4().hex,
        **extra,
    }


def problem_response(error: Exception, context: dict[str, Any]) -> Response:
    """Turn any exception of an API view into a problem; what is a bug is logged and told as one."""
    headers = {}
    if isinstance(error, Http404):
        error = NotFoundError()
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, DomainError):
        document = problem(error.status, error.code, error.detail, **error.extra)
        if "retry_after" in error.params:
            headers["Retry-After"] = str(error.params["retry_after"])
    elif isinstance(error, exceptions.ValidationError):
        document = problem(
            422, "invalid", _("Some values are missing or wrong."), errors=error.detail
        )
    elif isinstance(error, exceptions.APIException):
        code = _CODES.get(error.status_code, "invalid")
        document = problem(error.status_code, code, str(error.detail))
    else:
        logger.error("API request failed", exc_info=error)
        document = problem(
            500, "internal", _("Something went wrong on our side. Please try again.")
        )
    response = Response(document, status=document["status"], headers=headers)
    response.content_type = PROBLEM_JSON
    return response
