"""Prove that every hand-off arrives within a minute, whole and once, whatever the client's system does."""

import json
import sys
import threading
import time
from argparse import ArgumentParser
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections
from django.test.utils import override_settings

from conversations import deliveries, tasks
from conversations.bench import desks
from conversations.bench.desks import Desk
from conversations.bench.rehearsal import open_channel
from conversations.models import (
    Channel,
    Handoff,
    HandoffTarget,
    OutboundDelivery,
    OutboundState,
    TargetKind,
)
from conversations.services import contacts, intake, targets
from conversations.services.handoff import request_handoff
from conversations.services.identity import Introduction
from conversations.services.intake import Inbound, Received
from conversations.states import HandoffState
from tenants import terms, throwaway
from tenants.models import LedgerEntry, Obligation, Tenant
from tenants.scoping import tenant_scope
from tenants.services.onboarding import create_tenant

EACH = 1000
# So many of each kind and behaviour are under way together; more would measure this machine.
AT_ONCE = 10
SCENARIOS = ("healthy", "error", "slow", "black_hole", "error_after_creating")
# Behaviours in which nothing can be acknowledged: our console takes over.
HOPELESS = ("error", "slow", "black_hole")
# How far from 45 s our console may take over (contract T5).
TOLERANCE = 2.0
_LONGEST_ROUND = 75.0
_MAKERS = 2


@dataclass
class Rehearsal:
    """One kind of system with one behaviour, in a tenant of its own."""

    tenant: Tenant
    channel: Channel
    target: HandoffTarget
    desk: Desk
    kind: str
    fault: str


class Command(BaseCommand):
    """Hand conversations to local systems that answer, fail, dawdle, are silent, or lie."""

    help = (
        "In a throw-away database, hand conversations to each kind of target in each behaviour; "
        "exit 1 if one took over a minute, fell over at the wrong time, came twice or incomplete."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--each", type=int, default=EACH, help="hand-offs of each kind and behaviour"
        )
        parser.add_argument(
            "--at-once", type=int, default=AT_ONCE, help="of these under way together"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        throwaway.enter()
        each, at_once = options["each"], min(options["each"], options["at_once"])
        with ExitStack() as stack:
            stack.enter_context(override_settings(OUTWARD_ALLOWED=["127.0.0.1"]))
            rehearsals = [
                _prepare(stack, kind, fault) for kind in TargetKind.values for fault in SCENARIOS
            ]
            done = 0
            while done < each:
                count = min(at_once, each - done)
                self._round(rehearsals, done, count)
                done += count
                self.stderr.write(f"{done} of {each} of each kind and behaviour")
            rows = [_figures(rehearsal) for rehearsal in rehearsals]
        deliveries.forget()
        faults = [fault for row in rows for fault in _missed(row, each)]
        if options["json"]:
            self.stdout.write(json.dumps({"runs": rows, "missed": faults}, indent=2))
        else:
            for row in rows:
                self.stdout.write(" ".join(f"{name}={value}" for name, value in row.items()))
            total = sum(row["handoffs"] for row in rows)
            within = sum(row["within_60_s"] for row in rows)
            self.stdout.write(f"within 60 s: {within} of {total}; missed figures: {len(faults)}")
            for fault in faults:
                self.stdout.write(fault)
        if faults:
            sys.exit(1)

    def _round(self, rehearsals: list[Rehearsal], first: int, count: int) -> None:
        """Hand over `count` conversations of each, and wait until all have arrived somewhere."""
        for rehearsal in rehearsals:
            with tenant_scope(rehearsal.tenant):
                # Each round measures the retries, not the circuit that the last one opened.
                rehearsal.target.refresh_from_db()
                targets.save_target(rehearsal.target, by=None)
        stop = threading.Event()
        beat = threading.Thread(target=_beat, args=(stop,))
        beat.start()
        try:
            # Visitors come to all of them in turn, as fast as this machine takes them in.
            makers = [
                threading.Thread(target=_hand_over, args=(rehearsals[place::_MAKERS], first, count))
                for place in range(_MAKERS)
            ]
            for maker in makers:
                maker.start()
            for maker in makers:
                maker.join()
            until = time.monotonic() + _LONGEST_ROUND
            while time.monotonic() < until and any(map(_is_under_way, rehearsals)):
                time.sleep(0.5)
        finally:
            stop.set()
            beat.join()


def _prepare(stack: ExitStack, kind: str, fault: str) -> Rehearsal:
    desk = stack.enter_context(desks.serving(kind, fault))
    name = f"{kind}-{fault}".replace("_", "-")
    tenant = create_tenant(slug=name, name=name)
    with tenant_scope(tenant):
        target = targets.save_target(
            HandoffTarget(
                kind=kind,
                name=name,
                base_url=desk.url,
                chatwoot_account=desk.account,
                chatwoot_inbox=desk.inbox,
                zendesk_email=desk.email,
            ),
            by=None,
            signing_secret=desk.secret,
            token=desk.token,
        )
        return Rehearsal(tenant, open_channel(), target, desk, kind, fault)


def _beat(stop: threading.Event) -> None:
    """Run the sweepers each second, as beat and worker do."""
    while not stop.wait(1.0):
        tasks.deliver_handoffs()
        tasks.fail_over_handoffs()
    connections.close_all()


def _hand_over(rehearsals: list[Rehearsal], first: int, count: int) -> None:
    for number in range(first, first + count):
        for rehearsal in rehearsals:
            with tenant_scope(rehearsal.tenant):
                _visit(rehearsal.channel, number)
    connections.close_all()


def _visit(channel: Channel, number: int) -> None:
    """Let a visitor write, ask for a person, and write on."""
    session = contacts.admit(channel, Introduction(device_id=f"{number}")).session

    def write(name: str, place: int) -> Received:
        text = f"{name} {place} of visitor {number}"
        return intake.receive(
            session.contact, channel, Inbound(client_msg_id=f"{name}-{place}", text=text)
        )

    for place in range(3):
        received = write("Message", place)
    request_handoff(received.message.conversation_id)
    for place in range(2):
        write("After", place)


def _is_under_way(rehearsal: Rehearsal) -> bool:
    with tenant_scope(rehearsal.tenant):
        undelivered = Handoff.objects.filter(delivered_at=None)
        there = OutboundDelivery.objects.filter(
            state=OutboundState.PENDING, handoff__state=HandoffState.DELIVERED
        )
        return bool(undelivered.exists() or there.exists())


def _figures(rehearsal: Rehearsal) -> dict[str, Any]:
    with tenant_scope(rehearsal.tenant):
        handoffs = list(Handoff.objects.all())
        # The ledger's clock: what it says was met, by the instants it holds.
        kept = dict(LedgerEntry.objects.filter(kind="obligation.met").values_list("subject", "at"))
        due = {str(row.subject_id): row for row in Obligation.objects.filter(kind="handoff")}
    took = [
        (kept[subject] - row.started_at).total_seconds()
        for subject, row in due.items()
        if subject in kept
    ]
    fell = [
        (handoff.fell_back_at - handoff.triggered_at).total_seconds()
        for handoff in handoffs
        if handoff.fell_back_at
    ]
    made = rehearsal.desk.made
    states = Counter(handoff.state for handoff in handoffs)
    return {
        "target": rehearsal.kind,
        "behaviour": rehearsal.fault,
        "handoffs": len(handoffs),
        "within_60_s": sum(span <= terms.HANDOFF.total_seconds() for span in took),
        "slowest_s": round(max(took, default=0.0), 2),
        # Where the circuit was open already, nobody was kept waiting for the 45 seconds.
        "at_once": sum(handoff.fallback_cause == "circuit" for handoff in handoffs),
        "failovers": len(fell),
        "failover_from_s": round(min(fell), 2) if fell else None,
        "failover_to_s": round(max(fell), 2) if fell else None,
        "duplicates": sum(number - 1 for number in made.values() if number > 1)
        + sum(len(told) - len(set(told)) for told in rehearsal.desk.said.values()),
        "incomplete": _incomplete(rehearsal, handoffs),
        "problems": len(rehearsal.desk.problems),
        "states": dict(states),
    }


def _incomplete(rehearsal: Rehearsal, handoffs: list[Handoff]) -> int:
    """Return how many that arrived there lack one of the visitor's messages, or their order."""
    missing = 0
    for handoff in handoffs:
        told = rehearsal.desk.said.get(str(handoff.pk), [])
        if not rehearsal.desk.made[str(handoff.pk)]:
            continue
        package = rehearsal.desk.packages.get(str(handoff.pk))
        text = json.dumps(package["transcript"]["messages"]) if package else "\n".join(told[:1])
        text += "\n".join(told[1:])
        expected = [f"Message {place} of visitor" for place in range(3)]
        if handoff.state == HandoffState.DELIVERED:
            expected += [f"After {place} of" for place in range(2)]
        places = [text.find(words) for words in expected]
        missing += -1 in places or places != sorted(places)
    return missing


def _missed(row: dict[str, Any], each: int) -> list[str]:
    """Return which of the stated figures a run misses, in words."""
    name = f"{row['target']}, {row['behaviour']}"
    wrong = []
    if row["handoffs"] != each or row["within_60_s"] != each:
        wrong.append(f"{name}: {row['within_60_s']} of {each} within 60 s")
    if row["failovers"]:
        low, high = row["failover_from_s"], row["failover_to_s"]
        planned = timedelta.total_seconds(terms.HANDOFF_FAILOVER)
        if low < planned - TOLERANCE or high > planned + TOLERANCE:
            wrong.append(f"{name}: {row['failovers']} failovers between {low} and {high} s")
    taken_over = row["failovers"] + row["at_once"]
    if row["behaviour"] in HOPELESS and (taken_over != each or not row["failovers"]):
        wrong.append(f"{name}: {taken_over} of {each} taken over")
    if row["behaviour"] == SCENARIOS[0] and taken_over:
        wrong.append(f"{name}: {taken_over} taken over")
    wrong += [
        f"{name}: {row[figure]} {figure}"
        for figure in ("duplicates", "incomplete", "problems")
        if row[figure]
    ]
    return wrong
