"""The log of a prober: lines chained by SHA-256 and signed by HMAC, written there, checked here."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

GENESIS = "0" * 64
_SEALS = ("hash", "signature")


def canonical(content: Mapping[str, Any]) -> str:
    """Return the one spelling of a line's content that its hash is made of."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sign(secret: str, text: str | bytes) -> str:
    """Return the HMAC-SHA256 of the text under the prober's secret, in hex."""
    data = text.encode() if isinstance(text, str) else text
    return hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()


def is_signed(secret: str, text: str | bytes, signature: str) -> bool:
    """Return whether the signature is the secret's for this text."""
    return hmac.compare_digest(sign(secret, text).encode(), signature.encode())


def seal(content: Mapping[str, Any], previous: str, secret: str) -> dict[str, Any]:
    """Return the content as a line that follows the one whose hash is `previous`."""
    line = {**content, "previous": previous}
    line_hash = hashlib.sha256(canonical(line).encode()).hexdigest()
    return {**line, "hash": line_hash, "signature": sign(secret, line_hash)}


def fault_of(line: Mapping[str, Any], previous: str, secret: str) -> str:
    """Return why the line is not the signed one that follows `previous`; "" where it is."""
    content = {name: value for name, value in line.items() if name not in _SEALS}
    line_hash = str(line.get("hash"))
    if content.get("previous") != previous:
        return "does not follow the line before it"
    if hashlib.sha256(canonical(content).encode()).hexdigest() != line_hash:
        return "its content does not match its hash"
    if not is_signed(secret, line_hash, str(line.get("signature"))):
        return "its signature is wrong"
    return ""
