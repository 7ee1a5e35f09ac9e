"""How attempts to sign in are counted."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest


def counted_name(request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> str:
    """Return the e-mail whose wrong passwords are counted: as typed, in lower case.

    The form and the signals of Django name it differently, and all spellings open one account.
    """
    given = credentials or request.POST
    return str(given.get("username") or given.get("email") or "").strip().lower()
