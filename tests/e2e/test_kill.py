"""The server is killed while fifty visitors write: nothing accepted is lost, doubled or forgotten."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.installation import Installation
from tests.e2e.prepare import QUESTIONS
from tests.e2e.visitors import Caller, Chatter, Visitor

pytestmark = pytest.mark.e2e

VISITORS = 50
# The server dies after so many of the second round's messages have been accepted, when others are
# stored and not yet decided about ...
KILLED_AFTER = 5
# ... and stays away for longer than a first reply may take.
AWAY_SECONDS = 11.0
# What was left behind is decided within so long of the restart, on a busy machine, too.
DECIDED_WITHIN_SECONDS = 20.0


def test_nothing_accepted_is_lost_when_the_server_is_killed(
    migrated_installation: Installation,
) -> None:
    installation = migrated_installation
    installation.start()

    story = asyncio.run(tell(installation))
    installation.stop()
    facts = installation.ask("facts")

    figures = {**story["figures"], **check_messages(facts, story["accepted"])}
    figures.update(check_promises(facts))
    print(figures)  # noqa: T201 -- the figures of the run, shown with -s
    assert story["left_behind"] > 0
    assert figures["breaches"] > 0
    assert facts["ledger"]["fault"] is None
    assert story["figures"]["decided_after_s"] < DECIDED_WITHIN_SECONDS
    assert installation.tracebacks == []


async def tell(installation: Installation) -> dict[str, Any]:
    """Let the visitors write three rounds and the server die in the second."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(VISITORS))
    accepted_now = asyncio.Event()
    count = 0

    def heard() -> None:
        nonlocal count
        count += 1
        if count >= wanted:
            accepted_now.set()

    wanted = VISITORS * 9
    visitors: list[Visitor] = [
        (Chatter if number % 2 else Caller)(installation.port, heard) for number in range(VISITORS)
    ]
    # Open sockets first: what they send arrives at once, and waits at once.
    eager = sorted(visitors, key=lambda visitor: isinstance(visitor, Caller))
    await asyncio.gather(*(visitor.come(installation.channel_key) for visitor in visitors))
    # The callers have been answered before; the chatters' first clocks run when the server dies.
    callers = [visitor for visitor in visitors if isinstance(visitor, Caller)]
    await asyncio.gather(*(visitor.say(QUESTIONS[0]) for visitor in callers))
    await until_answered(callers)

    wanted = count + KILLED_AFTER
    second = [asyncio.ensure_future(visitor.say(QUESTIONS[1])) for visitor in eager]
    await accepted_now.wait()
    installation.kill()
    killed_at = time.monotonic()
    accepted_before = count
    left_behind = await asyncio.to_thread(installation.ask, "facts")
    while time.monotonic() < killed_at + AWAY_SECONDS:
        await asyncio.sleep(0.1)
    await asyncio.to_thread(installation.start)
    restarted_at = time.monotonic()
    await asyncio.gather(*second)
    await until_answered(visitors)
    decided_at = time.monotonic()

    await asyncio.gather(*(visitor.say(QUESTIONS[2]) for visitor in visitors))
    await until_answered(visitors)
    await asyncio.gather(*(visitor.leave() for visitor in visitors))
    undecided = [
        row for row in left_behind["conversations"].values() if row["undecided"] is not None
    ]
    return {
        "accepted": {visitor.conversation_id: visitor.accepted for visitor in visitors},
        "left_behind": len(undecided),
        "figures": {
            "accepted": sum(len(visitor.accepted) for visitor in visitors),
            "accepted_before_kill": accepted_before,
            "stored_before_kill": sum(
                message["author"] == "customer"
                for row in left_behind["conversations"].values()
                for message in row["messages"]
            ),
            "left_behind": len(undecided),
            "repeats": sum(visitor.repeats for visitor in visitors),
            "away_s": round(restarted_at - killed_at, 1),
            "decided_after_s": round(decided_at - restarted_at, 1),
        },
    }


async def until_answered(visitors: list[Visitor]) -> None:
    waiting = list(visitors)
    async with asyncio.timeout(60):
        while waiting:
            answered = await asyncio.gather(*(visitor.is_answered() for visitor in waiting))
            waiting = [visitor for visitor, done in zip(waiting, answered, strict=True) if not done]
            await asyncio.sleep(0.1)


def check_messages(facts: dict[str, Any], accepted: dict[str, dict[str, int]]) -> dict[str, int]:
    """Compare what the visitors were told with what is stored; return how much there is."""
    stored = 0
    for conversation_id, told in accepted.items():
        row = facts["conversations"][conversation_id]
        messages = row["messages"]
        assert [message["seq"] for message in messages] == list(range(1, row["last_seq"] + 1))
        written = [
            (message["client_msg_id"], message["seq"])
            for message in messages
            if message["author"] == "customer"
        ]
        assert sorted(written) == sorted(told.items())
        assert row["undecided"] is None
        assert undecided_runs(messages) == []
        stored += len(written)
    assert set(facts["conversations"]) == set(accepted)
    return {"messages_of_visitors": stored, "ledger_rows": facts["ledger"]["length"]}


def undecided_runs(messages: list[dict[str, Any]]) -> list[int]:
    """Return the ends of the visitor's questions that have not exactly one decision, by seq."""
    runs: list[list[dict[str, Any]]] = [[]]
    for message in messages:
        if message["author"] == "customer":
            runs[-1].append(message)
        elif message["kind"] != "confirmation" and runs[-1]:
            runs.append([])
    return [
        run[-1]["seq"]
        for run in runs
        if run and [message["decided"] for message in run] != [False] * (len(run) - 1) + [True]
    ]


def check_promises(facts: dict[str, Any]) -> dict[str, int]:
    """Check that each promise was kept in time or is a breach that knows when it was kept."""
    late = 0
    for promise in facts["promises"]:
        if promise["met_at"] <= promise["due_at"]:
            assert (promise["state"], promise["breach"]) == ("met", False)
        else:
            late += 1
            assert (promise["state"], promise["breach"]) == ("breached", True)
            assert promise["actual_at"] == promise["met_at"]
    assert len(facts["promises"]) == VISITORS
    return {"promises": len(facts["promises"]), "breaches": late}
