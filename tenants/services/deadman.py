"""Tell a watcher outside the platform that the pipeline of alerts is alive (R10)."""

import logging
from datetime import timedelta

import httpx2
from django.conf import settings

from tenants import outward, pulse

logger = logging.getLogger(__name__)

# The chores without which no alert leaves.
SWEEPERS = ("find_breaches", "mail_alerts", "post_alerts", "escalate_alerts")
# A chore that has not ended for so long is not running.
ALIVE = timedelta(seconds=60)
# A promise that is late for so long should have been found a while ago (R6).
UNFOUND = timedelta(seconds=30)
_SECONDS = 10.0


def fault(*, overdue: bool, unfound: bool) -> str:
    """Return what stands still, as a code; "" while alerts leave as they should.

    `overdue` says that a copy of a notification was taken by no sender for a minute or a breach told
    to nobody for as long, `unfound` that a promise was late for UNFOUND and is no breach yet.
    """
    for sweeper in SWEEPERS:
        since = pulse.age(sweeper)
        if since is None or since > ALIVE:
            return f"{sweeper}_stopped"
    if overdue:
        return "delivery_overdue"
    return "breach_unfound" if unfound else ""


def ping(found: str) -> bool:
    """Call DEADMAN_URL unless `fault` found something; return whether it answered.

    The watcher alarms when three calls in a row are missing: it says nothing while all is well.
    """
    if not settings.DEADMAN_URL:
        return False
    if found:
        logger.error("Alerts stand still: %s; the watcher outside is not told we are alive", found)
        return False
    try:
        with outward.within(_SECONDS, max_bytes=64 * 1024):
            status = outward.http_client().get(settings.DEADMAN_URL).status_code
    except httpx2.HTTPError as error:
        # Its address holds the key to it.
        logger.warning("The watcher outside does not answer: %s", type(error).__name__)
        return False
    return 200 <= status < 300
