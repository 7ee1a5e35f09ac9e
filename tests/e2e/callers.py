"""Visitors without a browser, who talk to the client API."""

import http.client
import json
import uuid
from typing import Any

from tests.e2e.installation import Installation
from tests.e2e.visitors import API


class Caller:
    """A visitor who asked for a person."""

    def __init__(self, installation: Installation) -> None:
        self.port = installation.port
        self.token = ""
        self.token = self("POST", "/sessions", {"channel_key": installation.channel_key})["token"]
        self.id = self("POST", "/conversations")["id"]
        self.say("我要找人工")
        self("POST", f"/conversations/{self.id}/handoff", {})

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of one call."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        connection.request(method, API + path, json.dumps(body or {}), headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        assert response.status < 300, content
        return json.loads(content) if content else None

    def say(self, text: str) -> None:
        """Write a message."""
        body = {"client_msg_id": str(uuid.uuid4()), "text": text}
        self("POST", f"/conversations/{self.id}/messages", body)

    @property
    def status(self) -> str:
        """How their conversation stands."""
        return str(self("GET", f"/conversations/{self.id}")["status"])

    def heard(self) -> list[dict[str, Any]]:
        """Return what agents said."""
        page = self("GET", f"/conversations/{self.id}/messages?limit=100")
        return [each for each in page["messages"] if each["author"]["kind"] == "agent"]
