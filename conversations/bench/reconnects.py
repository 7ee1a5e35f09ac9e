"""Cut the connections of many clients at random, and compare what each holds with what is stored."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from conversations.bench.agent import sign_in
from conversations.bench.drops import Client, DroppingConsole, DroppingVisitor, Tally
from conversations.bench.figures import Spread
from conversations.bench.http import HTTPClient, HTTPError
from conversations.bench.load import BenchError, find_channel_key, raise_file_limit, ws_url

# Clients that come back at the same instant.
AT_ONCE = 16
CAUGHT_UP_P95_MS = 2000.0


@dataclass(frozen=True)
class Plan:
    """Half of the clients are visitors, half are consoles that each watch one of them."""

    url: str
    clients: int
    seconds: float
    longest: float
    login: tuple[str, str]
    channel_key: str = ""


@dataclass
class Outcome:
    """What the clients held at the end, against what the server stored."""

    clients: int
    drops: int = 0
    longest_away_s: float = 0.0
    messages: int = 0
    missing: int = 0
    doubled: int = 0
    misplaced: int = 0
    not_stored: int = 0
    stored_twice: int = 0
    repeated_frames: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    failed_to_connect: int = 0
    caught_up_ms: Spread = field(default_factory=lambda: Spread.of(()))

    def failures(self) -> list[str]:
        """Return what falls short, in words."""
        short = [
            f"{name} is {getattr(self, name)}, not 0"
            for name in ("missing", "doubled", "misplaced", "not_stored", "stored_twice")
            if getattr(self, name)
        ]
        if not self.drops or not self.messages:
            short.append("nothing was cut, or nothing written")
        slow = self.caught_up_ms.p95
        if slow is not None and slow > CAUGHT_UP_P95_MS:
            short.append(f"95 % had caught up after {slow:g} ms, {CAUGHT_UP_P95_MS:g} stated")
        return short

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for JSON."""
        return asdict(self)


async def measure(plan: Plan, say: Callable[[str], None]) -> Outcome:
    """Carry out the plan. Raises BenchError if the server cannot be reached or refuses clients."""
    raise_file_limit()
    http, tally = HTTPClient(plan.url), Tally()
    try:
        key = plan.channel_key or await find_channel_key(http)
        cookies = await asyncio.to_thread(sign_in, plan.url, *plan.login)
        visitors, consoles = [], []
        for _ in range(plan.clients // 2):
            visitor = DroppingVisitor(http, tally, plan.longest)
            await visitor.start(key, ws_url(plan.url))
            console = DroppingConsole(http, plan.url, cookies, tally, plan.longest)
            console.conversation_id = visitor.conversation_id
            visitors.append(visitor)
            consoles.append(console)
        say(f"{len(visitors)} visitors and {len(consoles)} consoles are there")
        clients = [*visitors, *consoles]
        until = asyncio.get_running_loop().time() + plan.seconds
        await asyncio.gather(*(client.live(until) for client in clients))
        say("All come back")
        # Those who write first: the others are to see their last words.
        for group in (visitors, consoles, visitors):
            await _a_few_at_a_time(group)
        return await _compared(clients, visitors, tally)
    except HTTPError as error:
        raise BenchError(f"{type(error).__name__}: {error}") from error
    finally:
        http.close()


async def _a_few_at_a_time(clients: Sequence[Client]) -> None:
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(client: Client) -> None:
        async with turn:
            await client.come_to_rest()

    await asyncio.gather(*(one(client) for client in clients))


async def _compared(clients: Sequence[Client], visitors: Sequence[Client], tally: Tally) -> Outcome:
    found = Outcome(clients=len(clients))
    stored = {visitor.conversation_id: await visitor.stored() for visitor in visitors}
    for client in clients:
        messages = stored[client.conversation_id]
        kept = [message["id"] for message in messages]
        shown = client.view.shown
        found.missing += len(set(kept) - set(shown))
        found.doubled += len(shown) - len(set(shown))
        found.misplaced += shown != kept[: len(shown)]
        found.repeated_frames += client.view.repeated
        found.misplaced += [m["seq"] for m in messages] != list(range(1, len(messages) + 1))
    written = Counter(
        message["client_msg_id"]
        for messages in stored.values()
        for message in messages
        if message["client_msg_id"]
    )
    found.messages = sum(map(len, stored.values()))
    found.not_stored = sum(not written[one] for one in tally.sent)
    found.stored_twice = sum(count > 1 for count in written.values())
    found.drops = tally.drops
    found.longest_away_s = round(max(tally.away_seconds, default=0.0), 1)
    found.refused = dict(Counter(tally.refused))
    found.failed_to_connect = len(tally.failures)
    found.caught_up_ms = Spread.of(tally.caught_up_seconds)
    return found
