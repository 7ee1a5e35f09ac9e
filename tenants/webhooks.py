"""Sign and check what systems tell each other: Standard Webhooks 1.0.0, symmetric keys.

Source: standard-webhooks specification 1.0.0, "Webhook signature schemes".
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping, Sequence

PREFIX = "whsec_"
# How far the sender's clock may be from ours, either way.
TOLERANCE_SECONDS = 300
_KEY_BYTES = (24, 64)


class SignatureError(Exception):
    """The message was not signed with any of the keys, or not lately."""


def new_secret() -> str:
    """Return a new secret: `whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def headers(secret: str, message_id: str, body: bytes, *, at: int | None = None) -> dict[str, str]:
    """Return the three headers of one attempt to deliver `body`.

    `message_id` stays the same over all attempts; `at` is this attempt's Unix time in seconds, now
    by default. Raises ValueError for a malformed secret.
    """
    timestamp = str(int(time.time()) if at is None else at)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": _signature(secret, message_id, timestamp, body),
    }


def check(
    secrets_in_use: Sequence[str],
    received: Mapping[str, str],
    body: bytes,
    *,
    now: float | None = None,
) -> str:
    """Return the message's id if one of the secrets signed it within the tolerance.

    `received` is looked up with lower-case names. Raises SignatureError.
    """
    message_id = received.get("webhook-id", "")
    timestamp = received.get("webhook-timestamp", "")
    if not message_id or not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise SignatureError("a header is missing or malformed")
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_SECONDS:
        raise SignatureError("too old, or from the future")
    given = [
        part.encode()
        for part in received.get("webhook-signature", "").split(" ")
        if part.startswith("v1,")
    ]
    for secret in secrets_in_use:
        expected = _signature(secret, message_id, timestamp, body).encode()
        if any(hmac.compare_digest(expected, one) for one in given):
            return message_id
    raise SignatureError("no signature fits")


def _signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a secret is whsec_ and base64") from error
    if not _KEY_BYTES[0] <= len(key) <= _KEY_BYTES[1]:
        raise ValueError("a secret holds 24 to 64 bytes")
    return key
