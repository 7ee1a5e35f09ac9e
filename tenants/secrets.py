"""Keep what partners entrusted to us, such as keys of their services, unreadable in the database.

The key stands in SECRETS_KEY, outside the database; several, newest first, let it be changed.
Source: R95.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class SecretUnreadableError(Exception):
    """The secret was sealed with a key that SECRETS_KEY does not hold."""


def seal(secret: str) -> str:
    """Return the secret as only `unseal` can read it; "" stays ""."""
    return _box().encrypt(secret.encode()).decode() if secret else ""


def unseal(sealed: str) -> str:
    """Return the secret; "" stays "". Raises SecretUnreadableError."""
    if not sealed:
        return ""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadableError from error


def _box() -> MultiFernet:
    # One machine without a key of its own gets one from the key it has.
    keys = settings.SECRETS_KEY or [f"secrets:{settings.SECRET_KEY}"]
    digests = (hashlib.sha256(key.encode()).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
