"""Callers of the APIs: JSON in, JSON out."""

import json
from typing import Any

from django.test import Client

API = "/api/client/v1"


class Caller:
    """A device that calls the client API; `token` makes it a visitor's."""

    def __init__(self, token: str = "", **headers: str) -> None:
        self.headers = headers
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Return the response to one call; `body` is sent as JSON."""
        return Client(headers={**self.headers, **headers}).generic(
            method,
            f"{API}{path}",
            b"" if body is None else _json(body),
            content_type="application/json",
        )


def _json(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return json.dumps(body).encode()


def problem(response: Any) -> tuple[int, str]:
    """Check the form of a problem document (protocols §3.3) and return its status and code."""
    document = response.json()
    assert response["Content-Type"].partition(";")[0] == "application/problem+json"
    assert {"type", "title", "status", "code", "detail", "request_id"} <= set(document)
    assert document["status"] == response.status_code
    assert document["type"].endswith(f":{document['code']}")
    assert document["detail"]
    return response.status_code, document["code"]
