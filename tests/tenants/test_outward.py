"""Requests to addresses that people entered: where they may go, and how long they may take."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from tenants import outward

Reply = Callable[[socket.socket], None]


def answer(connection: socket.socket, body: bytes = b"fine", status: str = "200 OK") -> None:
    connection.sendall(
        f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
        + body
    )


@pytest.fixture
def serve() -> Iterator[Callable[[Reply], tuple[str, list[str]]]]:
    """Answer each connection on a port of this machine: serve(reply) -> its URL, requests seen."""
    listeners: list[socket.socket] = []

    def start(reply: Reply) -> tuple[str, list[str]]:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        seen: list[str] = []

        def accept() -> None:
            while True:
                try:
                    connection, _address = listener.accept()
                except OSError:
                    return
                with connection:
                    seen.append(connection.recv(65536).decode().split("\r\n")[0])
                    try:
                        reply(connection)
                    except OSError:
                        continue

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v1", seen

    yield start
    for listener in listeners:
        listener.close()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 -- an address to refuse
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
    ],
)
def test_our_own_networks_are_forbidden(address: str) -> None:
    assert outward.is_forbidden(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert not outward.is_forbidden(address)


def test_the_operator_allows_a_network(settings: Any) -> None:
    settings.OUTWARD_ALLOWED = ["10.1.0.0/16", "model.internal"]

    assert not outward.is_forbidden("10.1.2.3")
    assert outward.is_forbidden("10.2.2.3")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/v1",
        "ftp://api.example.com",
        "https://name:word@api.example.com/v1",
        "https://api.example.com/v1#part",
        "https://10.0.0.1/v1",
        "https://[::1]/v1",
        "https://localhost/v1",
        "https://metadata.internal/",
        "https://api.example.com:0/",
        "https:///v1",
        "api.example.com",
    ],
)
def test_addresses_to_which_nothing_is_sent_are_refused_in_words(url: str) -> None:
    assert outward.why_refused(url)


def test_a_public_address_and_an_allowed_host_are_accepted(settings: Any) -> None:
    settings.OUTWARD_ALLOWED = ["model.internal"]

    assert outward.why_refused("https://api.example.com/v1") is None
    assert outward.why_refused("http://model.internal:8080/v1") is None


def test_an_allowed_address_is_reached(serve: Any, settings: Any) -> None:
    settings.OUTWARD_ALLOWED = ["127.0.0.1"]
    url, seen = serve(answer)

    with outward.within(5):
        response = outward.http_client().get(f"{url}/models")

    assert (response.status_code, response.text) == (200, "fine")
    assert seen == ["GET /v1/models HTTP/1.1"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1"])
def test_no_spelling_of_our_own_address_is_connected_to(serve: Any, host: str) -> None:
    url, seen = serve(answer)

    with outward.within(5), pytest.raises(httpx2.NetworkError):
        outward.http_client().get(url.replace("127.0.0.1", host))

    assert seen == []


def test_a_name_that_resolves_into_our_network_is_not_connected_to(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, seen = serve(answer)
    port = int(url.split(":")[2].split("/")[0])
    row = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: [row])

    with outward.within(5), pytest.raises(httpx2.NetworkError) as raised:
        outward.http_client().get(f"https://rebinding.example.com:{port}/")

    assert isinstance(raised.value.__cause__, outward.ForbiddenAddressError)
    assert seen == []


def test_redirects_are_not_followed(serve: Any, settings: Any) -> None:
    settings.OUTWARD_ALLOWED = ["127.0.0.1"]
    inner, inner_seen = serve(answer)
    outer, _seen = serve(
        lambda connection: connection.sendall(
            f"HTTP/1.1 302 Found\r\nlocation: {inner}\r\ncontent-length: 0\r\n\r\n".encode()
        )
    )

    with outward.within(5):
        response = outward.http_client().get(outer)

    assert response.status_code == 302
    assert inner_seen == []


def test_what_drips_ends_with_the_time_of_the_whole(serve: Any, settings: Any) -> None:
    settings.OUTWARD_ALLOWED = ["127.0.0.1"]
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while not stop.wait(0.05):
            connection.sendall(b".")

    url, _seen = serve(drip)
    with outward.within(0.4), pytest.raises(httpx2.TimeoutException):
        # The client's own limit is per read: it would never be reached.
        outward.http_client().get(url, timeout=httpx2.Timeout(30))
    stop.set()


def test_what_floods_ends(serve: Any, settings: Any) -> None:
    settings.OUTWARD_ALLOWED = ["127.0.0.1"]
    url, _seen = serve(lambda connection: answer(connection, b"x" * 300_000))

    with outward.within(10, max_bytes=100_000), pytest.raises(httpx2.NetworkError) as raised:
        outward.http_client().get(url)

    assert isinstance(raised.value.__cause__, outward.TooMuchError)


def test_nothing_is_sent_without_bounds() -> None:
    with pytest.raises(RuntimeError, match="within"):
        outward.http_client().get("https://api.example.com/")
