"""Count the figures of a report again from the rows of its evidence pack: pure (R34).

Nothing here reads a table, or uses what the figures were added up with: only their definitions.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from conversations.models import MismatchOwner
from reporting import availability, metrics
from reporting.availability import Share, Span
from reporting.judging import Facts, Standing, judge

Row = Mapping[str, Any]
Value = float | None
# The rows of a file of the pack, by its name; none where the pack has no such file.
Read = Callable[[str], Iterable[Row]]

QUANTILES = ((50, "p50"), (95, "p95"), (99, "p99"), (100, "max"))
_COUNTED = ("answered", "failed", "default")
_PROMISES = ("first_reply", "handoff", "report_due")


def count(read: Read) -> dict[str, Value]:
    """Return every figure that the rows give, by the keys of section and figure."""
    found: dict[str, Value] = {}
    for reckon in (
        _of_inquiries,
        _of_messages,
        _of_promises,
        _of_handoffs,
        _of_questions,
        _of_answers,
        _of_mismatches,
        _of_satisfaction,
        _of_knowledge,
        _of_availability,
        _of_usage,
    ):
        found |= reckon(read)
    found["rectification.plans"] = _size(read("plans.jsonl"))
    return found


def _of_inquiries(read: Read) -> dict[str, Value]:
    counted = tests = 0
    visitors = set()
    for row in read("inquiries.jsonl"):
        if row["is_test"]:
            tests += 1
            continue
        counted += 1
        visitors.add(row["visitor"])
    return {
        "volume.inquiries": counted,
        "usage.inquiries": counted,
        "volume.visitors": len(visitors),
        "excluded.excluded_inquiries": tests,
    }


def _of_messages(read: Read) -> dict[str, Value]:
    counted = Counter("test" if row["is_test"] else row["author"] for row in read("messages.jsonl"))
    tests = counted.pop("test", 0)
    return {
        "volume.messages": counted.total(),
        "usage.bot_replies": counted["bot"],
        "excluded.excluded_messages": tests,
    }


def _of_promises(read: Read) -> dict[str, Value]:
    kept: Counter[str] = Counter()
    judged: Counter[str] = Counter()
    never = 0
    times: Counter[int] = Counter()
    for row in read("obligations.jsonl"):
        if row["state"] not in ("met", "breached"):
            continue
        judged[row["kind"]] += 1
        kept[row["kind"]] += row["state"] == "met"
        if row["kind"] != "first_reply":
            continue
        if row["met_at"]:
            times[_taken(row, "started_at", "met_at")] += 1
        else:
            never += 1
    found = {f"{kind}.{kind}": _share(kept[kind], judged[kind]) for kind in _PROMISES}
    return found | _quantiles("first_reply.first_reply", times, never)


def _of_handoffs(read: Read) -> dict[str, Value]:
    taken = Counter(
        _taken(row, "triggered_at", "accepted_at")
        for row in read("handoffs.jsonl")
        if row["accepted_at"]
    )
    return _quantiles("handoff.pick_up", taken, 0)


def _of_questions(read: Read) -> dict[str, Value]:
    seen: Counter[str] = Counter()
    for row in read("questions.jsonl"):
        seen["same_again"] += row["why"] == "same_again"
        if row["is_test"]:
            seen["test"] += 1
        elif not row["is_same_again"]:
            seen.update(_standings(row))
    rate = metrics.ratio(seen["answered"], seen["counted"])
    bare = metrics.ratio(seen["bare_answered"], seen["bare_counted"])
    return {
        "volume.questions": seen["asked"],
        "content.questions": seen["asked"],
        "auto_answer.auto_answer": _number(rate),
        "auto_answer.resolved": _share(seen["resolved"], seen["counted"]),
        "auto_answer.default_in": seen["default"],
        "auto_answer.relabelled": seen["relabelled"],
        "auto_answer.label_change": None if rate is None or bare is None else float(rate - bare),
        "excluded.excluded_questions": seen["test"],
        "excluded.collapsed": seen["same_again"],
    }


def _standings(row: Row) -> Iterable[str]:
    """Yield what one question of a visitor adds to, by labels and as if nobody had labelled it."""
    yield "asked"
    if row["is_reviewed"] and row["label"] != row["machine_label"]:
        yield "relabelled"
    bare, _why = judge(
        Facts(
            label=row["machine_label"],
            answered=row["version_id"] is not None,
            silent=not row["outcome"],
            handed_over=row["is_handed_over"],
            wrong=row["is_wrong"],
        )
    )
    if bare != Standing.OUT:
        yield "bare_counted"
    if bare == Standing.ANSWERED:
        yield "bare_answered"
    if row["standing"] not in _COUNTED:
        return
    yield "counted"
    yield row["standing"]
    if row["standing"] == "answered" and not row["is_unsolved"]:
        yield "resolved"


def _of_answers(read: Read) -> dict[str, Value]:
    compared = true = checked = right = 0
    for row in read("answers.jsonl"):
        compared += 1
        true += row["is_true"] if row["is_worded"] else row["text_sha256"] == row["source_sha256"]
    for row in read("audited.jsonl"):
        checked += 1
        right += row["finding"] == "right"
    return {
        "accuracy.accuracy": _share(true, compared),
        "accuracy.accuracy_audit": _share(right, checked),
    }


def _of_mismatches(read: Read) -> dict[str, Value]:
    owners = Counter(row["owner"] for row in read("mismatches.jsonl"))
    return {f"accuracy.mismatches_{owner}": owners[owner] for owner in MismatchOwner.values}


def _of_satisfaction(read: Read) -> dict[str, Value]:
    scores: dict[str, list[int]] = {"bot": [], "human": []}
    for row in read("ratings.jsonl"):
        if not row["excluded_reason"]:
            scores[row["part"]].append(row["score"])
    asked = sum(bool(row["has_bot_part"] and row["sent_at"]) for row in read("invites.jsonl"))
    sampled = [Fraction(str(row["result"])) for row in read("samples.jsonl")]
    responses = len(scores["bot"])
    return {
        "satisfaction.satisfaction": _share(sum(scores["bot"]), responses),
        "satisfaction.satisfaction_human": _share(sum(scores["human"]), len(scores["human"])),
        "satisfaction.satisfaction_sample": float(sum(sampled) / len(sampled)) if sampled else None,
        "satisfaction.responses": responses,
        "satisfaction.response_rate": _share(responses, asked),
    }


def _of_knowledge(read: Read) -> dict[str, Value]:
    return {
        "knowledge.entries": _size(read("entries.jsonl")),
        "knowledge.releases": _size(read("releases.jsonl")),
    }


def _of_availability(read: Read) -> dict[str, Value]:
    spans: dict[str, list[Span]] = defaultdict(list)
    shares: list[Share] = []
    period, target, unit = None, Fraction(0), ""
    for row in read("availability.jsonl"):
        span = _span(row)
        if row["row"] == "measured":
            period, target, unit = span, Fraction(row["target"]), row["unit"]
        elif row["row"] != "claim" or row["decision"] == "accepted":
            spans[row["row"]].append(span)
            shares += [
                Share(_span(part), Fraction(part["weight"])) for part in row.get("parts", ())
            ]
    found = (
        availability.measure(period, spans["down"], spans["claim"], unit=unit, shares=shares)
        if period
        else None
    )
    allowed = availability.budget(period, target) if period else None
    return {
        "availability.availability_net": _number(found.net) if found else None,
        "availability.availability_gross": _number(found.gross) if found else None,
        "availability.availability_strict": _number(found.strict) if found else None,
        "availability.down_net": found.down_net.total_seconds() if found else None,
        "availability.down_gross": found.down_gross.total_seconds() if found else None,
        "availability.excluded": found.excluded.total_seconds() if found else None,
        "availability.budget": allowed.total_seconds() if allowed is not None else None,
    }


def _of_usage(read: Read) -> dict[str, Value]:
    rows: Counter[str] = Counter()
    amounts: Counter[str] = Counter()
    for row in read("usage.jsonl"):
        rows[row["row"]] += 1
        amounts[row["row"]] += row.get("amount", 0)
    return {
        "usage.channels": rows["channel"],
        "usage.seats": rows["seat"],
        "usage.storage": amounts["file"],
        "usage.tokens": amounts["tokens"],
    }


def _span(row: Row) -> Span:
    return Span(datetime.fromisoformat(row["start"]), datetime.fromisoformat(row["end"]))


def _size(rows: Iterable[Row]) -> int:
    return sum(1 for _row in rows)


def _number(value: Fraction | None) -> Value:
    return None if value is None else float(value)


def _share(part: int, whole: int) -> Value:
    return _number(metrics.ratio(part, whole))


def _quantiles(prefix: str, times: Mapping[int, int], never: int) -> dict[str, Value]:
    found = {name: metrics.quantile(times, Fraction(part, 100), never) for part, name in QUANTILES}
    return {
        f"{prefix}_{name}": None if each is None else each / 1000 for name, each in found.items()
    }


def _taken(row: Row, start: str, end: str) -> int:
    span = datetime.fromisoformat(row[end]) - datetime.fromisoformat(row[start])
    # Up to the next whole millisecond, as the figures have it.
    return -(-span // timedelta(microseconds=1) // 1000)
