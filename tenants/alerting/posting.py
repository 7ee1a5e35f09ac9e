"""Hand a letter to a robot or an address, within bounds, and say what came of it."""

import json
import re
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

import httpx2

from tenants import outward
from tenants.alerting import dingtalk, feishu, webhook, wecom
from tenants.alerting.letter import Letter, Outcome
from tenants.models import AlertChannel, AlertRobot
from tenants.secrets import SecretUnreadableError, unseal

TIMEOUT_SECONDS = 10.0
_MOST_BYTES = 64 * 1024
_LONGEST_WAIT = 3600

WAYS: dict[str, ModuleType] = {
    AlertChannel.DINGTALK: dingtalk,
    AlertChannel.FEISHU: feishu,
    AlertChannel.WECOM: wecom,
    AlertChannel.WEBHOOK: webhook,
}


def post(robot: AlertRobot, letter: Letter, at: datetime) -> Outcome:
    """Make one attempt; never raises for what the other side does. Addresses are never logged."""
    way = WAYS[robot.kind]
    try:
        made = way.request(unseal(robot.sealed_address), unseal(robot.sealed_secret), letter, at)
    except SecretUnreadableError:
        return Outcome("secret_unreadable", is_final=True)
    if outward.why_refused(made.url) is not None:
        return Outcome("address_refused", is_final=True)
    try:
        with (
            outward.within(TIMEOUT_SECONDS, max_bytes=_MOST_BYTES),
            outward.http_client().stream(
                "POST", made.url, content=made.body, headers=made.headers
            ) as response,
        ):
            status, wait = response.status_code, response.headers.get("retry-after", "")
            answer = _read(response)
    except httpx2.TimeoutException:
        return Outcome("timeout")
    except httpx2.HTTPError as error:
        forbidden = isinstance(error.__cause__, outward.ForbiddenAddressError)
        return Outcome("address_refused" if forbidden else "unreachable")
    found: Outcome = way.outcome(status, answer)
    if found.is_fine or not re.fullmatch(r"[0-9]{1,6}", wait.strip()):
        return found
    asked = timedelta(seconds=min(int(wait), _LONGEST_WAIT))
    longest = max(asked, found.wait or timedelta())
    return Outcome(found.error, found.status, is_final=found.is_final, wait=longest)


def _read(response: httpx2.Response) -> Any:
    read = b""
    try:
        for part in response.iter_bytes():
            read += part
        return json.loads(read)
    except (httpx2.HTTPError, ValueError, RecursionError):
        return None
