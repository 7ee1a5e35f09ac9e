"""Take in what probers saw outside, and tell a probe from a visitor."""

import logging
import secrets as random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from reporting import probelog
from reporting.models import Prober, ProbeResult
from tenants import clock, secrets
from tenants.errors import DomainError

logger = logging.getLogger(__name__)

# How far the clock of a prober may be off when it says who it is: clocks jump by minutes.
_MARK_LIFE = timedelta(minutes=15)
# More than this between the clocks is told of.
CLOCK_TOLERANCE = timedelta(seconds=5)
MOST_LINES = 500
_TARGET_LENGTH = 40


class ProberUnknownError(DomainError):
    """Nobody of this name with this secret may report."""

    code = "prober_unknown"
    status = 401
    message = _("The prober is not registered, not active, or its signature is wrong.")


class LogBrokenError(DomainError):
    """A line is not the signed one that follows what was received before."""

    code = "log_broken"
    status = 422
    message = _("Line %(line)s of the log is refused: %(reason)s.")


class LinesMissingError(DomainError):
    """The lines begin later than those received so far end."""

    code = "lines_missing"
    status = 409
    message = _("Lines are missing before these.")


def register(name: str) -> tuple[Prober, str]:
    """Register a prober; return it with the only readable copy of its secret."""
    secret = random.token_urlsafe(32)
    prober = Prober.objects.create(
        name=name, sealed_secret=secrets.seal(secret), created_at=clock.now()
    )
    return prober, secret


def mark(name: str, secret: str, channel_key: str, at: datetime) -> str:
    """Return the header by which a prober proves to a channel who it is."""
    told = at.astimezone(UTC).isoformat(timespec="seconds")
    return f"{name} {told} {probelog.sign(secret, f'probe {name} {told} {channel_key}')}"


def probe_named(header: str, channel_key: str) -> str:
    """Return the name of the prober that the header proves, "" where it proves none."""
    name, _space, rest = header.partition(" ")
    told, _space, signature = rest.partition(" ")
    prober = Prober.objects.filter(name=name, is_active=True).first()
    at = _instant(told)
    if prober is None or at is None or abs(clock.now() - at) > _MARK_LIFE:
        return ""
    signed = probelog.is_signed(prober.secret, f"probe {name} {told} {channel_key}", signature)
    return prober.name if signed else ""


def authenticate(name: str, body: bytes, signature: str) -> Prober:
    """Return the active prober that signed the body. Raises ProberUnknownError."""
    prober = Prober.objects.filter(name=name, is_active=True).first()
    if prober is None or not probelog.is_signed(prober.secret, body, signature):
        raise ProberUnknownError
    return prober


def take_in(prober: Prober, report: Mapping[str, Any]) -> int:
    """Store the new lines of a prober's report; return the number of the line expected next.

    Lines received before are passed over, so a prober may send again. The instant of a line is
    worked out from the prober's steady clock where the line is of the run that sends it: a wall
    clock that jumped moves nothing. Raises LinesMissingError, LogBrokenError. Source: R80, R83.
    """
    lines: Sequence[Mapping[str, Any]] = report["lines"][:MOST_LINES]
    with transaction.atomic():
        prober = Prober.objects.select_for_update().get(pk=prober.pk)
        now = clock.now()
        rows: list[ProbeResult] = []
        sequence, previous, secret = prober.sequence, prober.chain_hash, prober.secret
        for line in lines:
            number = line.get("sequence")
            if isinstance(number, int) and number <= sequence:
                continue
            if number != sequence + 1:
                raise LinesMissingError(extra={"next": sequence + 1})
            reason = probelog.fault_of(line, previous, secret)
            row = _row(prober, line, report, now) if not reason else None
            if row is None:
                raise LogBrokenError(line=number, reason=reason or "it is not complete")
            rows.append(row)
            sequence, previous = number, row.line_hash
        ProbeResult.objects.bulk_create(rows)
        prober.sequence, prober.chain_hash, prober.last_seen_at = sequence, previous, now
        prober.targets = sorted({*prober.targets, *(row.target for row in rows)})
        prober.save(update_fields=["sequence", "chain_hash", "last_seen_at", "targets"])
    jumped = [row for row in rows if abs(row.told_at - row.at) > CLOCK_TOLERANCE]
    if jumped:
        logger.warning("Clock of prober %s is off: %s lines", prober.name, len(jumped))
    return sequence + 1


def _row(
    prober: Prober, line: Mapping[str, Any], report: Mapping[str, Any], now: datetime
) -> ProbeResult | None:
    told = _instant(line.get("at"))
    numbers = [line.get("steady_ms"), line.get("ms"), report.get("steady_ms")]
    target = line.get("target")
    if told is None or not isinstance(target, str) or not 0 < len(target) <= _TARGET_LENGTH:
        return None
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        return None
    at = told
    if line.get("run") == report.get("run"):
        at = now - timedelta(milliseconds=max(0, report["steady_ms"] - line["steady_ms"]))
    return ProbeResult(
        prober=prober,
        sequence=line["sequence"],
        target=target,
        tenant_code=str(line.get("tenant") or "")[:8],
        at=min(at, now),
        told_at=told,
        ok=line.get("ok") is True,
        ms=min(line["ms"], 2**31 - 1),
        error=str(line.get("error") or "").replace("\x00", "")[:200],
        line_hash=line["hash"],
        received_at=now,
    )


def _instant(text: object) -> datetime | None:
    try:
        at = parse_datetime(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None
