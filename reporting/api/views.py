"""What probers report: their signed log, a part at a time."""

import json
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conversations import visitors
from reporting.services import probers
from reporting.services.probers import ProberUnknownError
from tenants.errors import DomainError
from tenants.middleware import request_address

REPORTS_PER_ADDRESS = 600


class ReportInvalidError(DomainError):
    """The body is no report."""

    code = "invalid"
    status = 422


class ProbesView(APIView):
    """POST /api/v1/probes/: lines of a prober's log; the answer names the line expected next."""

    def post(self, request: Request) -> Response:
        visitors.limit_address("probes", request_address(request), REPORTS_PER_ADDRESS)
        body = request.body
        name = request.headers.get("X-Yingda-Prober", "")[:40]
        signature = request.headers.get("X-Yingda-Signature", "")
        if "\x00" in name:
            raise ProberUnknownError
        prober = probers.authenticate(name, body, signature)
        return Response({"next": probers.take_in(prober, _report(body))})


def _report(body: bytes) -> dict[str, Any]:
    try:
        report = json.loads(body)
    except ValueError:
        raise ReportInvalidError from None
    lines = report.get("lines") if isinstance(report, dict) else None
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise ReportInvalidError
    return dict(report)
