"""docs/api.md and docs/websocket.md say what the code does: paths, codes, frames, examples."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern

from config import sockets as entrance
from conversations import hub, sockets
from conversations.api.urls import urlpatterns as client_paths
from conversations.consumers import ConsoleConsumer, VisitorConsumer
from conversations.models import Channel
from conversations.services.contacts import Admission
from conversations.services.handoff import request_handoff
from conversations.urls import urlpatterns as page_paths
from knowledge.models import Release
from tenants.api import problems
from tenants.errors import DomainError
from tenants.models import Membership, Tenant, User
from tenants.scoping import tenant_scope
from tests.conversations.api.clients import Caller
from tests.conversations.conftest import KNOWN
from tests.conversations.doors import ask

DOCS = Path(settings.BASE_DIR) / "docs"
API = (DOCS / "api.md").read_text(encoding="utf-8")
SOCKETS = (DOCS / "websocket.md").read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """Return what stands under a heading, down to the next of its level or above."""
    level = heading.partition(" ")[0]
    start = text.index(f"\n{heading}\n") + 1
    end = re.search(rf"\n#{{1,{len(level)}}} ", text[start + 1 :])
    return text[start : start + 1 + end.start()] if end else text[start:]


def example(heading: str) -> Any:
    """Return the first JSON block of docs/api.md under a heading."""
    found = re.search(r"```json\n(.*?)```", section(API, heading), re.DOTALL)
    assert found
    return json.loads(found[1])


def calls(patterns: list[Any], prefix: str = "") -> set[str]:
    """Return "METHOD path" of every API view among the patterns."""
    found = set()
    for pattern in patterns:
        assert isinstance(pattern, URLPattern)
        route = str(pattern.pattern)
        view = getattr(pattern.callback, "view_class", None)
        if view is None or not route.startswith(prefix) or pattern.name == "missing":
            continue
        path = route.removeprefix(prefix).replace("<str:pk>", "{id}")
        found |= {
            f"{name.upper()} {path}" for name in ("get", "post", "delete") if name in dir(view)
        }
    return found


def shape(value: Any) -> Any:
    """Return the member names of JSON objects, without the values and without lists."""
    return {key: shape(inner) for key, inner in value.items()} if isinstance(value, dict) else None


def test_every_call_of_the_client_api_is_documented() -> None:
    text = section(API, "## Client API")

    documented = set(re.findall(r"^### ((?:GET|POST|DELETE) /\S+)$", text, re.MULTILINE))
    assert documented == {call.replace(" ", " /") for call in calls(client_paths)}


def test_every_call_of_the_console_api_is_documented() -> None:
    text = section(API, "## Console API")

    documented = set(re.findall(r"^### ((?:GET|POST|DELETE) \S+)$", text, re.MULTILINE))
    assert documented == calls(page_paths, "console/api/")


def test_every_error_code_is_documented_with_its_status() -> None:
    def family(error: type[DomainError]) -> set[type[DomainError]]:
        return {error}.union(*(family(child) for child in error.__subclasses__()))

    rooms = ("conversations.", "tenants.errors")
    codes = {
        (error.code, error.status)
        for error in family(DomainError)
        if error.__module__.startswith(rooms)
    }
    codes |= {(code, status) for status, code in problems._CODES.items()} | {("internal", 500)}

    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", section(API, "## Errors"), re.MULTILINE)
    assert {(code, int(status)) for code, status in rows} == codes


def frames(text: str, heading: str) -> set[str]:
    return set(re.findall(r"^#### `([a-z_.]+)`$", section(text, heading), re.MULTILINE))


@pytest.mark.parametrize(
    ("consumer", "heading", "more"),
    [
        (VisitorConsumer, "### Frames from the client", {"auth", "ping"}),
        (ConsoleConsumer, "### Frames from the console", {"ping"}),
    ],
    ids=["visitors", "agents"],
)
def test_every_frame_that_is_handled_is_documented(
    consumer: type[sockets.SocketConsumer], heading: str, more: set[str]
) -> None:
    handled = {
        name.removeprefix("on_").replace("_", ".")
        for name in dir(consumer)
        if name.startswith("on_")
    }

    assert consumer.auth_by_frame is ("auth" in more)
    assert frames(SOCKETS, heading) == handled | more


def test_every_frame_that_is_sent_is_documented() -> None:
    code = "\n".join(
        (Path(settings.BASE_DIR) / "conversations" / name).read_text(encoding="utf-8")
        for name in ("consumers.py", "sockets.py", "events.py", "hub.py", "relay.py")
    )
    sent = set(re.findall(r'"t": ?"([a-z_.]+)"', code))
    sent |= set(re.findall(r'"t": "[a-z_.]+" if \w+ else "([a-z_.]+)"', code))
    sent |= set(re.findall(r'_tell\(\w+, "([a-z_.]+)"', code))

    documented = frames(SOCKETS, "### Frames from the server")
    documented |= frames(SOCKETS, "### Frames from the server to the console")
    # These two the socket only hands to itself.
    assert documented == sent - {"auth", "closed"}


def test_every_close_code_is_documented() -> None:
    codes = {
        value
        for module in (sockets, hub)
        for name, value in vars(module).items()
        if name.startswith("CLOSE_")
    }

    documented = re.findall(r"^\| (4\d{3}) \|", section(SOCKETS, "### Close codes"), re.MULTILINE)
    assert {int(code) for code in documented} == codes | {entrance._NOT_THERE}


def test_limits_are_documented_as_they_are() -> None:
    assert sockets.SocketConsumer.max_frame_bytes == 16 * 1024
    assert (VisitorConsumer.rate_frames, ConsoleConsumer.rate_frames) == (20, 60)
    assert (sockets.SocketConsumer.auth_seconds, hub.SILENT_SECONDS) == (5.0, 75.0)
    for sentence in ("16 KB", "20 frames in 10 s", "agents 60", "within 5 s", "silent for 75 s"):
        assert sentence in SOCKETS


def test_examples_of_the_client_api_have_the_members_of_the_real_thing(
    tenant: Tenant,
    channel: Channel,
    knowledge: Release,
    admit: Callable[..., Admission],
) -> None:
    admission = admit(channel)
    call = Caller(admission.token)
    session = Caller()("POST", "/sessions", {"channel_key": channel.key}).json()
    with tenant_scope(tenant):
        reply = ask(admission.session, KNOWN)
    path = f"/conversations/{reply.conversation_id}"
    problem = call("GET", "/nothing").json()

    assert shape(example("### POST /sessions")) == {**shape(session), "config": {}}
    assert shape(example("### GET /config")) == shape(session["config"])
    assert shape(example("### GET /conversations/{id}")) == shape(call("GET", path).json())
    answer = call("GET", f"{path}/messages").json()["messages"][-1]
    assert shape(example("### GET /conversations/{id}/messages")) == shape(answer)
    assert shape(example("## Errors")) == shape(problem)
    accepted = call("POST", f"{path}/messages", example("### POST /conversations/{id}/messages"))
    assert accepted.status_code == 201


def test_examples_of_the_console_api_have_the_members_of_the_real_thing(
    tenant: Tenant,
    channel: Channel,
    admit: Callable[..., Admission],
    agent: Membership,
    client_as: Callable[[User], Client],
) -> None:
    with tenant_scope(tenant):
        reply = ask(admit(channel).session, "你好")
        request_handoff(reply.conversation_id)
    console = client_as(agent.user)

    row = console.get("/console/api/conversations").json()["conversations"][0]

    assert shape(example("### GET conversations")) == shape(row)
    assert shape(example("### GET me")) == shape(console.get("/console/api/me").json())


def test_links_between_the_pages_lead_somewhere() -> None:
    for text in (API, SOCKETS):
        for page, anchor in re.findall(r"\]\((\w+\.md)(?:#([\w-]+))?\)", text):
            target = (DOCS / page).read_text(encoding="utf-8")
            headings = re.findall(r"^#+ (.+)$", target, re.MULTILINE)
            anchors = {
                re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in headings
            }
            assert not anchor or anchor in anchors
