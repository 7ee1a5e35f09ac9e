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
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection, transaction
from django.test.utils import override_settings

from tenants import clock, terms, throwaway
from tenants.models import (
    AlertRobot,
    Breach,
    Membership,
    NotificationDelivery,
    Obligation,
    ObligationKind,
    ObligationState,
    Tenant,
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
        "robots of its own; exit 1 if a breach is found later than 5 s, the first alert is handed "
        "over later than 60 s, or a breach is not in exactly one alert of each recipient."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--breaches", type=int, default=BREACHES)
        parser.add_argument("--per-second", type=int, default=PER_SECOND, help="falling due")
        parser.add_argument(
            "--burst", type=int, default=0, help="so many promises, all due at one instant, instead"
        )
        parser.add_argument("--tenants", type=int, default=1, help="whose promises they are")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        with throwaway.own_database():
            inbox, robot = _Inbox().start(), _Robot().start()
            with override_settings(
                EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
                EMAIL_HOST="127.0.0.1",
                EMAIL_PORT=inbox.port,
                PUBLIC_URL=_SITE,
                WECOM_API_BASE=f"http://127.0.0.1:{robot.port}",
                OUTWARD_ALLOWED=["127.0.0.1"],
            ):
                spread = 0 if options["burst"] else options["per_second"]
                count = options["burst"] or options["breaches"]
                found = _Rehearsal(options["tenants"], count, spread).play(inbox, robot)
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
        else:
            for name, value in found.items():
                self.stdout.write(f"{name}={value}")
        if not found["passed"]:
            sys.exit(1)


class _Rehearsal:
    """Promises of some tenants that are all missed: `per_second` of them, or at once where it is 0."""

    def __init__(self, tenants: int, count: int, per_second: int) -> None:
        self.count, self.per_second = count, per_second
        self.people: dict[Tenant, list[User]] = {}
        for number in range(tenants):
            tenant = create_tenant(slug=f"rehearsal-{number}", name="Rehearsal")
            with tenant_scope(tenant):
                self.people[tenant] = _people(tenant.slug)

    def play(self, inbox: "_Inbox", robot: "_Robot") -> dict[str, Any]:
        # Writing the promises down must be over before the first is late.
        due = clock.now() + timedelta(seconds=max(1.0, self.count / 250))
        self._promise(due)
        written = self._sweep(due)
        breaches: dict[Tenant, set[str]] = {}
        detected, handed = [], []
        for tenant in self.people:
            with tenant_scope(tenant):
                rows = list(Breach.objects.values_list("pk", "due_at", "detected_at"))
                breaches[tenant] = {str(pk) for pk, _due, _found in rows}
                detected += [(found - late).total_seconds() for _pk, late, found in rows]
                handed += _handed({f"breach:{pk}": found for pk, _due, found in rows})
        left = self._digests()
        exact = all(
            set(named) == breaches[tenant] and set(named.values()) <= {1}
            for tenant, people in self.people.items()
            for named in (Counter(inbox.named(person.email)) for person in people)
        )
        found = sum(len(each) for each in breaches.values())
        worst, slowest = max(detected, default=0.0), max(handed, default=float("inf"))
        robot_counted = sum(robot.counts)
        return {
            "breaches": found,
            "tenants": len(self.people),
            "falling_due_per_second": self.per_second or "all at one instant",
            "detected_seconds_max": round(worst, 3),
            "last_breach_written_seconds": round(written, 3),
            "first_handed_over_seconds_max": round(slowest, 3),
            "mails": len(inbox.messages),
            "recipients": sum(len(people) for people in self.people.values()),
            "in_exactly_one_mail_of_each": exact,
            "robot_messages": len(robot.counts),
            "robot_counted": robot_counted,
            "copies_left": left,
            "passed": (
                found == self.count
                and worst <= DETECTED_SECONDS
                and written <= DETECTED_SECONDS
                and slowest <= HANDED_SECONDS
                and exact
                and robot_counted == self.count
                and left == 0
            ),
        }

    def _promise(self, due: datetime) -> None:
        step = timedelta(seconds=1 / self.per_second if self.per_second else 0)
        for turn, tenant in enumerate(self.people):
            at = [due + step * number for number in range(turn, self.count, len(self.people))]
            with tenant_scope(tenant):
                _promise(at)

    def _sweep(self, due: datetime) -> float:
        """Do what beat does until all is told; return how late the last breach was committed."""
        last = due + timedelta(seconds=(self.count - 1) / self.per_second if self.per_second else 0)
        end = last + timedelta(seconds=_PATIENCE_SECONDS)
        # Beat comes once a second: the longest that it can let pass.
        time.sleep(max(0.0, (due - clock.now()).total_seconds() + 1))
        with ThreadPoolExecutor(1) as watch:
            written = watch.submit(self._watch, end)
            while clock.now() < end and (not written.done() or self._is_untold()):
                began = time.monotonic()
                find_breaches()
                mail_alerts()
                post_alerts()
                time.sleep(max(0.0, 1 - (time.monotonic() - began)))
            return (written.result() - last).total_seconds()

    def _watch(self, end: datetime) -> datetime:
        """Return when another connection saw the last breach; `end` where it never did."""
        waiting = list(self.people)
        try:
            while waiting and clock.now() < end:
                # One question at a time: who watches must not slow what is watched.
                if _has_late(waiting[-1]):
                    time.sleep(0.05)
                else:
                    waiting.pop()
            return clock.now()
        finally:
            connection.close()

    def _is_untold(self) -> bool:
        for tenant in self.people:
            with tenant_scope(tenant):
                if Breach.objects.filter(is_untold=True).exists():
                    return True
        return False

    def _digests(self) -> int:
        """Send what waits for its digest, in the time of the windows to come; return what is left."""
        at = clock.now()
        left = 0
        for _round in range(_ROUNDS):
            at += DIGEST + timedelta(seconds=1)
            with clock.travel(at):
                mail_alerts()
                post_alerts()
            left = 0
            for tenant in self.people:
                with tenant_scope(tenant):
                    left += NotificationDelivery.objects.exclude(state="sent").count()
            if not left:
                break
        return left


def _has_late(tenant: Tenant) -> bool:
    with tenant_scope(tenant):
        return Obligation.objects.filter(state=ObligationState.RUNNING).exists()


def _handed(found: dict[str, datetime]) -> list[float]:
    """Return how long after its breach each copy was handed over that is out by now."""
    copies = NotificationDelivery.objects.filter(sent_at__isnull=False)
    return [
        (sent - found[dedupe]).total_seconds()
        for sent, dedupe in copies.values_list("sent_at", "notification__dedupe")
    ]


def _people(slug: str) -> list[User]:
    people = [_member(role, slug) for role in (Role.SUPERVISOR, Role.CLIENT_ADMIN)]
    alert_robots.save(
        AlertRobot(kind="wecom", name="Rehearsal"),
        by=people[0],
        address="https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=rehearsal",
    )
    return people


def _member(role: Role, slug: str) -> User:
    user = User.objects.create_user(f"{role.value}@{slug}.example")
    Membership.objects.create(user=user, role=role, display_name=role.label)
    return user


def _promise(due: list[datetime]) -> None:
    limit = terms.FIRST_REPLY
    for begun in range(0, len(due), 500):
        with transaction.atomic():
            ledger.append(
                *(
                    obligations.start(
                        ObligationKind.FIRST_REPLY,
                        clause=terms.CLAUSE_FIRST_REPLY,
                        subject_id=uuid.uuid4(),
                        conversation_id=None,
                        at=at - limit,
                        limit=limit,
                    )
                    for at in due[begun : begun + 500]
                )
            )


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
