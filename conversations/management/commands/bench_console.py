"""Let simulated agents and visitors work the queue, and see whether what was promised holds."""

import json
import time
from argparse import ArgumentParser
from statistics import quantiles
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from conversations.bench import desk, desk_checks
from tenants import throwaway
from tenants.scoping import tenant_scope
from tenants.services import ledger

# After the last visitor has come, so long may the rest be served.
_SETTLE_SECONDS = 5.0
_FEWEST = 2


class Command(BaseCommand):
    """Exit with 1 where anybody waits while somebody is free, is claimed twice or overtaken."""

    help = (
        "Simulate agents and visitors through the services, in a database of its own, and check "
        "the routing of waiting conversations."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--agents", type=int, default=30, help="how many agents (30)")
        parser.add_argument("--visitors", type=int, default=500, help="how many visitors (500)")
        parser.add_argument("--minutes", type=float, default=10.0, help="how long (10)")
        parser.add_argument("--seed", type=int, default=1, help="of the dice (1)")
        parser.add_argument("--json", action="store_true", help="print the figures as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        with throwaway.own_database():
            figures = _run(
                options["agents"], options["visitors"], options["minutes"] * 60, options["seed"]
            )
        if options["json"]:
            self.stdout.write(json.dumps(figures, indent=2))
        else:
            for name, value in figures.items():
                self.stdout.write(f"{name:24} {value}")
        if figures["broken"]:
            raise CommandError("Broken: " + ", ".join(figures["broken"]))


def _run(agents: int, visitors: int, seconds: float, seed: int) -> dict[str, Any]:
    stage = desk.build(agents)
    watch = desk_checks.Watch(stage)
    crowd = desk.Visitors(stage, visitors, max(1.0, seconds - _SETTLE_SECONDS), seed)
    players = [
        desk.AgentPlayer(stage, member, seed + number)
        for number, member in enumerate(stage.members, start=1)
    ]
    threads = [
        stage.thread(lambda: desk.sweep(stage), "sweeper"),
        stage.thread(watch.play, "watch"),
        *(stage.thread(player.play, "agent") for player in players),
        *(stage.thread(crowd.play, "visitors") for _ in range(desk.VISITOR_THREADS)),
    ]
    time.sleep(seconds)
    stage.stop.set()
    for thread in threads:
        thread.join(60)
    with tenant_scope(stage.tenant):
        return _figures(stage, watch, [agents, visitors, round(seconds)])


def _figures(stage: desk.Stage, watch: desk_checks.Watch, plan: list[int]) -> dict[str, Any]:
    replay = desk_checks.Replay().read()
    lost, doubled = desk.count_messages(stage)
    _count, fault = ledger.verify()
    broken = {
        "waited while somebody was free": watch.idle
        or watch.longest_idle > desk_checks.IDLE_SECONDS,
        "claimed twice": replay.double_claims or watch.asked_twice,
        "over capacity": watch.over_capacity,
        "overtaken": replay.overtaken_again,
        "messages lost": lost,
        "messages doubled": doubled,
        "errors": sum(stage.errors.values()),
        "ledger": fault,
        "nothing happened": replay.taken == 0,
    }
    return {
        "database": connection.vendor,
        "agents_visitors_seconds": plan,
        "offers": replay.offers,
        "taken": replay.taken,
        "expired_offers": replay.expired,
        "requeued": replay.requeued,
        "wait_seconds_p50": _quantile(replay.waits, 50),
        "wait_seconds_p95": _quantile(replay.waits, 95),
        "samples": watch.samples,
        "longest_idle_seconds": round(watch.longest_idle, 2),
        "double_claims": replay.double_claims,
        "overtaken_once": replay.overtaken_once,
        "overtaken_again": replay.overtaken_again,
        "messages": len(stage.accepted),
        "lost": lost,
        "doubled": doubled,
        "counts": dict(stage.counts),
        "errors": dict(stage.errors),
        "broken": [name for name, found in broken.items() if found],
    }


def _quantile(values: list[float], percent: int) -> float | None:
    if len(values) < _FEWEST:
        return None
    return round(quantiles(values, n=100)[percent - 1], 2)
