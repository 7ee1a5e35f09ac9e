"""A server that speaks the pub/sub part of Redis and can be cut off, muted or made to refuse."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Self


class PubSubServer:
    """Listens on a free port of this machine between `async with`; `url` says where."""

    def __init__(self) -> None:
        self.subscribers: dict[bytes, set[asyncio.StreamWriter]] = defaultdict(set)
        self.mute = False
        self.refuse_publish = False
        self.pings = 0
        self._connections: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._connections):
            writer.transport.abort()
        await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while command := await _read_command(reader):
                if not self.mute and not self._answer(command, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._connections.discard(writer)
            for writers in self.subscribers.values():
                writers.discard(writer)
            writer.close()

    def _answer(self, command: list[bytes], writer: asyncio.StreamWriter) -> bool:
        name, arguments = command[0].upper(), command[1:]
        subscribed = any(writer in writers for writers in self.subscribers.values())
        if name in (b"SUBSCRIBE", b"UNSUBSCRIBE"):
            for channel in arguments:
                if name == b"SUBSCRIBE":
                    self.subscribers[channel].add(writer)
                else:
                    self.subscribers[channel].discard(writer)
                writer.write(_array(name.lower(), channel) + b":1\r\n")
        elif name == b"PUBLISH":
            if self.refuse_publish:
                return False
            for subscriber in self.subscribers[arguments[0]]:
                subscriber.write(_array(b"message", *arguments))
            writer.write(b":%d\r\n" % len(self.subscribers[arguments[0]]))
        elif name == b"PING":
            self.pings += 1
            writer.write(_array(b"pong", b"") if subscribed else b"+PONG\r\n")
        else:
            writer.write(b"+OK\r\n")
        return True


async def _read_command(reader: asyncio.StreamReader) -> list[bytes]:
    header = await reader.readline()
    parts = []
    for _ in range(int(header[1:] or 0)):
        length = int((await reader.readline())[1:])
        parts.append((await reader.readexactly(length + 2))[:-2])
    return parts


def _array(*parts: bytes) -> bytes:
    # A reply to (UN)SUBSCRIBE has an integer as its third member, which the caller appends.
    size = 3 if parts[0].endswith(b"subscribe") else len(parts)
    return b"*%d\r\n" % size + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
