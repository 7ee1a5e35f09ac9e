"""Prove that every breach is found, told of, and told of once."""

import asyncio
import json
import re
import sys
import threading
import time
import uuid
from argparse import ArgumentParser
from collections import Counter
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.test.utils import override_settings

from tenants import clock, terms, throwaway
from tenants.models import (
    AlertRobot,
    Breach,
    Membership,
    NotificationDelivery,
    ObligationKind,
    User,
)
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services import alert_robots, ledger, obligations
from tenants.services.alert_sending import DIGEST
from tenants.services.onboarding import create_tenant
from tenants.tasks import find_breaches, mail_alerts, post_alerts

BREACHES = 10_000
# How many promises fall due in a second.
PER_SECOND = 100
DETECTED_SECONDS, HANDED_SECONDS = 5.0, 60.0
_SITE = "https://alerts.example"
_BREACH = re.compile(r"/admin/tenants/breach/([0-9a-f-]{36})/")
_ROUNDS = 12
# After the last promise is late, whoever is slower has failed anyway.
_PATIENCE_SECONDS = 120.0


class Command(BaseCommand):
    """Let promises be missed by the thousand and read what arrives."""

    help = (
        "In a throw-away database, let promises be missed and send the alerts to a mail server and "
        "a robot of its own; exit 1 if a breach is found later than 5 s, the first alert is handed "
        "over later than 60 s, or a breach is not in exactly one alert of each recipient."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--breaches", type=int, default=BREACHES)
        parser.add_argument("--per-second", type=int, default=PER_SECOND, help="falling due")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        throwaway.enter()
        inbox, robot = _Inbox().start(), _Robot().start()
        with override_settings(
            EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
            EMAIL_HOST="127.0.0.1",
            EMAIL_PORT=inbox.port,
            PUBLIC_URL=_SITE,
            WECOM_API_BASE=f"http://127.0.0.1:{robot.port}",
            OUTWARD_ALLOWED=["127.0.0.1"],
        ):
            found = _play(options["breaches"], options["per_second"], inbox, robot)
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
        else:
            for name, value in found.items():
                self.stdout.write(f"{name}={value}")
        if not found["passed"]:
            sys.exit(1)


def _play(count: int, per_second: int, inbox: "_Inbox", robot: "_Robot") -> dict[str, Any]:
    tenant = create_tenant(slug="rehearsal", name="Rehearsal")
    with tenant_scope(tenant):
        people = [
            _member(Role.SUPERVISOR),
            _member(Role.CLIENT_ADMIN),
        ]
        alert_robots.save(
            AlertRobot(kind="wecom", name="Rehearsal"),
            by=people[0],
            address="https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=rehearsal",
        )
        due = clock.now() + timedelta(seconds=max(5.0, count / 100))
        _promise(count, due, per_second)
        _wait_until(due)
        end = time.monotonic() + count / per_second + _PATIENCE_SECONDS
        # What beat does each second: find, then send, until nothing is late.
        while Breach.objects.count() < count and time.monotonic() < end:
            began = time.monotonic()
            find_breaches()
            mail_alerts()
            post_alerts()
            time.sleep(max(0.0, 1 - (time.monotonic() - began)))
        breaches = list(Breach.objects.values_list("pk", "due_at", "detected_at"))
        first = NotificationDelivery.objects.filter(sent_at__isnull=False).order_by("sent_at")
        handed = [
            (sent - created).total_seconds()
            for sent, created in first.values_list("sent_at", "created_at")
        ]
        _digests()
        left = NotificationDelivery.objects.exclude(state="sent").count()
    detected = [(found - late).total_seconds() for _pk, late, found in breaches]
    known = {str(pk) for pk, _due, _found in breaches}
    copies = {person.email: Counter(inbox.named(person.email)) for person in people}
    exact = all(set(named) == known and set(named.values()) <= {1} for named in copies.values())
    worst, slowest = max(detected, default=0.0), max(handed, default=float("inf"))
    robot_counted = sum(robot.counts)
    return {
        "breaches": len(breaches),
        "falling_due_per_second": per_second,
        "detected_seconds_max": round(worst, 3),
        "first_handed_over_seconds_max": round(slowest, 3),
        "mails": len(inbox.messages),
        "recipients": len(people),
        "in_exactly_one_mail_of_each": exact,
        "robot_messages": len(robot.counts),
        "robot_counted": robot_counted,
        "copies_left": left,
        "passed": (
            len(breaches) == count
            and worst <= DETECTED_SECONDS
            and slowest <= HANDED_SECONDS
            and exact
            and robot_counted == count
            and left == 0
        ),
    }


def _member(role: Role) -> User:
    user = User.objects.create_user(f"{role.value}@rehearsal.example")
    Membership.objects.create(user=user, role=role, display_name=role.label)
    return user


def _promise(count: int, due: datetime, per_second: int) -> None:
    limit = terms.FIRST_REPLY
    for begun in range(0, count, 500):
        with transaction.atomic():
            ledger.append(
                *(
                    obligations.start(
                        ObligationKind.FIRST_REPLY,
                        clause=terms.CLAUSE_FIRST_REPLY,
                        subject_id=uuid.uuid4(),
                        conversation_id=None,
                        at=due + timedelta(seconds=number / per_second) - limit,
                        limit=limit,
                    )
                    for number in range(begun, min(begun + 500, count))
                )
            )


def _wait_until(due: datetime) -> None:
    time.sleep(max(0.0, (due - clock.now()).total_seconds()) + 0.01)


def _digests() -> None:
    """Send what waits for its digest, in the time of the windows to come."""
    at = clock.now()
    for _round in range(_ROUNDS):
        at += DIGEST + timedelta(seconds=1)
        with clock.travel(at):
            mail_alerts()
            post_alerts()
        if not NotificationDelivery.objects.exclude(state="sent").exists():
            return


class _Inbox:
    """A mail server that keeps what it is given: as much of SMTP as a sender needs."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []
        self.port = 0

    def start(self) -> "_Inbox":
        ready = threading.Event()

        async def serve() -> None:
            server = await asyncio.start_server(self._talk, "127.0.0.1", 0, limit=2**26)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await server.serve_forever()

        threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
        ready.wait(10)
        return self

    def named(self, address: str) -> list[str]:
        """Return the breaches that the texts of this person's mails name, each as often as named."""
        return [pk for to, text in self.messages if to == address for pk in _BREACH.findall(text)]

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 rehearsal\r\n")
        to = ""
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"RCPT":
                to = line.decode().partition("<")[2].partition(">")[0]
            if word == b"DATA":
                writer.write(b"354 go\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
                message = message_from_bytes(content, policy=policy.default)
                plain = message.get_body(("plain",))
                self.messages.append((to, plain.get_content() if plain else ""))
            if word == b"QUIT":
                break
            writer.write(b"250 ok\r\n")
        writer.write(b"221 bye\r\n")
        await writer.drain()
        writer.close()


class _Robot:
    """A group's robot that counts the alerts it is told of, those it is only told the number of."""

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.port = 0

    def start(self) -> "_Robot":
        robot = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                robot.counts.append(_counted(body["markdown"]["content"]))
                answer = b'{"errcode":0}'
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: Any) -> None:
                """Keep the command's output its own."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return self


def _counted(text: str) -> int:
    shown = len(_BREACH.findall(text))
    lines = text.splitlines()
    rest = [line for line in lines[-3:] if "](" not in line and re.search(r"\d", line)]
    return shown + sum(int(number) for line in rest for number in re.findall(r"\d+", line)[:1])
