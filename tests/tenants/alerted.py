"""Group robots and a mail server as their makers would write them: plain HTTP, hmac and SMTP."""

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

DING_TOKEN, DING_SECRET = "d1ng70ken", "SEC-dingtalk"
FEISHU_TOKEN, FEISHU_SECRET = "0a1b-feishu", "feishu-secret"
WECOM_KEY = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
HOOK_SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four b").decode()


@dataclass
class Robots:
    """The four receivers on one port; each checks what it must and notes what it was told."""

    heard: list[tuple[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    # Answers played before the usual ones: (status, document).
    script: list[tuple[int, Any]] = field(default_factory=list)
    port: int = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        content = json.loads(body or b"{}")
        if self.script:
            return self.script.pop(0)
        if parts.path == "/robot/send":
            return self._dingtalk(query, content)
        if parts.path.startswith("/open-apis/bot/v2/hook/"):
            return self._feishu(parts.path.rpartition("/")[2], content)
        if parts.path == "/cgi-bin/webhook/send":
            return self._wecom(query, content)
        return self._hook(headers, body)

    def _dingtalk(self, query: dict[str, str], content: Any) -> tuple[int, Any]:
        if query.get("access_token") != DING_TOKEN:
            return 200, {"errcode": 300001, "errmsg": "token is not exist"}
        stamp = query["timestamp"]
        digest = hmac.new(
            DING_SECRET.encode(), f"{stamp}\n{DING_SECRET}".encode(), hashlib.sha256
        ).digest()
        signed = base64.b64encode(digest).decode() == query["sign"]
        if not signed or abs(time.time() * 1000 - int(stamp)) > 3_600_000:
            return 200, {"errcode": 310000, "errmsg": "sign not match"}
        assert content["msgtype"] == "markdown"
        self.heard.append(("dingtalk", content["markdown"]["text"]))
        return 200, {"errcode": 0, "errmsg": "ok"}

    def _feishu(self, token: str, content: Any) -> tuple[int, Any]:
        if token != FEISHU_TOKEN:
            return 200, {"code": 19001, "msg": "param invalid"}
        stamp = content["timestamp"]
        key = f"{stamp}\n{FEISHU_SECRET}".encode()
        expected = base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
        if content["sign"] != expected or abs(time.time() - int(stamp)) > 3600:
            return 200, {"code": 19021, "msg": "sign match fail"}
        post = content["content"]["post"]["zh_cn"]
        words = [part["text"] for line in post["content"] for part in line]
        self.heard.append(("feishu", "\n".join([post["title"], *words])))
        return 200, {"code": 0, "msg": "success"}

    def _wecom(self, query: dict[str, str], content: Any) -> tuple[int, Any]:
        if query.get("key") != WECOM_KEY:
            return 200, {"errcode": 93000, "errmsg": "invalid webhook url"}
        text = content["markdown"]["content"]
        if len(text.encode()) > 4096:
            return 200, {"errcode": 40058, "errmsg": "exceed limit"}
        self.heard.append(("wecom", text))
        return 200, {"errcode": 0, "errmsg": "ok"}

    def _hook(self, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        key = base64.b64decode(HOOK_SECRET.removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        if headers["webhook-signature"] != f"v1,{digest}" or len(body) > 20_480:
            return 401, {}
        self.heard.append(("webhook", json.loads(body)))
        return 200, {}

    def start(self) -> ThreadingHTTPServer:
        robots = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"] or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                robots.headers.append(headers)
                status, document = robots.answer(self.path, headers, body)
                content = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server


def free_port() -> int:
    """Return a port nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
