"""What every kind of target has in common: what is sent, what comes back, how it may fail."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, ClassVar

import httpx2
from django.utils.translation import gettext_lazy as _

# Of an answer no more is read than this (protocols §5.2).
MAX_ANSWER = 64 * 1024
CONNECT_SECONDS = 2.0
LONGEST_WAIT = 3600

# Why an attempt went wrong, by the name that stands in the log.
CAUSES = {
    "timeout": _("no answer in time"),
    "network": _("no connection"),
    "refused_address": _("the address may not be called"),
    "too_large": _("the answer is too long"),
    "redirect": _("redirected, which is not followed"),
    "gone": _("gone for good (410)"),
    "throttled": _("asked to wait"),
    "unauthorized": _("the credentials are refused"),
    "client_error": _("the request is refused"),
    "server_error": _("the system reports an error of its own"),
    "malformed": _("the answer is not understood"),
    "rejected": _("the system does not take it"),
    "no_ack": _("not acknowledged in time"),
    "circuit": _("left alone after failures in a row"),
    "undelivered": _("what the visitor wrote could not be delivered"),
    "disabled": _("the target is disabled"),
    "incomplete": _("the package is not complete"),
    "unreadable": _("its secrets cannot be read"),
    "internal": _("a fault of our own"),
}


class DeliveryError(Exception):
    """An attempt failed; `cause` is one of CAUSES.

    `retry_after` is how many seconds the other side asked to wait.
    """

    def __init__(
        self,
        cause: str,
        *,
        http_status: int | None = None,
        excerpt: str = "",
        retry_after: int | None = None,
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.http_status = http_status
        self.excerpt = excerpt
        self.retry_after = retry_after


class ForgedError(Exception):
    """A call from outside is not signed as the target signs."""


class MalformedError(Exception):
    """A call from outside is signed well and says nothing that is understood."""


@dataclass(frozen=True)
class Connection:
    """How a target is reached: its address, secrets and numbers."""

    base_url: str
    signing_secret: str = ""
    inbound_secrets: tuple[str, ...] = ()
    token: str = ""
    account: int | None = None
    inbox: int | None = None
    team: int | None = None
    email: str = ""


@dataclass(frozen=True)
class Outbound:
    """One thing to tell: the event as it stands in the outbox, under a key that never changes.

    `ids` is what the other system called the hand-off's things so far; `attempt` counts from 1.
    """

    kind: str
    key: str
    body: str
    attempt: int = 1
    ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> dict[str, Any]:
        """The event's members."""
        return dict(json.loads(self.body)["data"])


@dataclass(frozen=True)
class Receipt:
    """What the other system said: it has it. `status` is "", accepted, queued or rejected."""

    http_status: int
    excerpt: str = ""
    status: str = ""
    external_id: str = ""
    external_url: str = ""
    agent: str = ""


@dataclass(frozen=True)
class Inbound:
    """One thing the other system tells about a hand-off, named by our id or theirs.

    `kind` is message, ack or close; `id` is theirs, and the same id is the same thing.
    """

    kind: str
    id: str = ""
    handoff_id: str = ""
    external_id: str = ""
    text: str = ""
    agent: str = ""
    status: str = ""


class Adapter:
    """Speaks with one kind of system. Requests are bounded by the caller's `outward.within`.

    `note` is called with what the other system has made, by step, as soon as it is known.
    """

    # Whether what is sent back is told by events of theirs, all to one address.
    has_events: ClassVar[bool] = False

    def __init__(
        self,
        connection: Connection,
        client: httpx2.Client,
        note: Callable[[Mapping[str, str]], None] = lambda ids: None,
    ) -> None:
        self.connection = connection
        self.client = client
        self.note = note

    def send(self, outbound: Outbound) -> Receipt:
        """Tell it; return the receipt. Raises DeliveryError."""
        raise NotImplementedError

    def ping(self, key: str, body: str) -> Receipt:
        """Find out, without a trace that disturbs, whether it would be heard."""
        raise NotImplementedError

    def events(self, headers: Mapping[str, str], body: bytes) -> list[Inbound]:
        """Return what a call of theirs says. Raises ForgedError and MalformedError."""
        raise ForgedError

    def request(
        self,
        method: str,
        url: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> httpx2.Response:
        """Return the answer, read within bounds, whatever its status. Raises DeliveryError."""
        try:
            return self.client.request(
                method,
                url,
                content=content,
                headers={"user-agent": "Yingda/1", "accept": "application/json", **headers},
                timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS),
            )
        except httpx2.HTTPError as error:
            raise DeliveryError(_cause_of(error)) from error
        except (httpx2.InvalidURL, ValueError) as error:
            raise DeliveryError("refused_address") from error

    def json_request(
        self, method: str, path: str, data: Any, headers: Mapping[str, str]
    ) -> httpx2.Response:
        """Send JSON, or nothing, to a path below the base address; return the answer if good."""
        content = None
        if data is not None:
            content = json.dumps(data, ensure_ascii=False).encode()
            headers = {**headers, "content-type": "application/json"}
        url = f"{self.connection.base_url.rstrip('/')}{path}"
        return checked(self.request(method, url, content=content, headers=headers))


def checked(response: httpx2.Response) -> httpx2.Response:
    """Return the response if its status is 2xx. Raises DeliveryError, with what it asks for."""
    status = response.status_code
    if 200 <= status < 300:
        return response
    raise DeliveryError(
        _cause_by_status(status),
        http_status=status,
        excerpt=excerpt_of(response),
        retry_after=_retry_after(response) if status in (429, 502, 503, 504) else None,
    )


def object_of(response: httpx2.Response) -> dict[str, Any]:
    """Return the JSON object of a response. Raises DeliveryError where there is none."""
    try:
        found = json.loads(response.content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise DeliveryError(
            "malformed", http_status=response.status_code, excerpt=excerpt_of(response)
        )
    return found


def nothing_there(outbound: Outbound) -> Receipt:
    """Return the receipt for taking back what never arrived. Raises DeliveryError for a message."""
    if outbound.kind == "message":
        raise DeliveryError("malformed")
    return Receipt(200)


def objects_in(value: Any) -> list[dict[str, Any]]:
    """Return the JSON objects of what should be a list of them; nothing else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def excerpt_of(response: httpx2.Response) -> str:
    """Return the beginning of what was answered."""
    return response.content[:2048].decode("utf-8", "replace")


def word(value: Any, limit: int) -> str:
    """Return a short text from what another system sent: a number or words, one line, no more."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())[:limit]


def link(value: Any) -> str:
    """Return a web address from what another system sent, or ""."""
    found = word(value, 400)
    return found if found.startswith(("https://", "http://")) and " " not in found else ""


def _cause_of(error: httpx2.HTTPError) -> str:
    name = type(error.__cause__).__name__ if error.__cause__ else ""
    if name == "ForbiddenAddressError":
        return "refused_address"
    if name == "TooMuchError":
        return "too_large"
    return "timeout" if isinstance(error, httpx2.TimeoutException) else "network"


def _cause_by_status(status: int) -> str:
    if status == 410:
        return "gone"
    if status == 429:
        return "throttled"
    if 300 <= status < 400:
        return "redirect"
    if status in (401, 403):
        return "unauthorized"
    return "client_error" if 400 <= status < 500 else "server_error"


def _retry_after(response: httpx2.Response) -> int | None:
    asked = response.headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        return min(int(asked[:9]), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(asked)
    except (TypeError, ValueError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0, min(round((at - datetime.now(UTC)).total_seconds()), LONGEST_WAIT))
