"""Numbers that name a company or a person in China, told from misprints by their check character.

Pure. Sources: GB 32100-2015 (unified social credit code), GB 11643-1999 (identity number).
"""

import re
from datetime import date

_USCC_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_IDENTITY = re.compile(r"[1-9]\d{16}[0-9X]", re.ASCII)
_IDENTITY_CHECKS = "10X98765432"


def is_credit_code(text: str) -> bool:
    """Return whether this is a unified social credit code with its right check character (R14)."""
    if len(text) != 18 or any(sign not in _USCC_SIGNS for sign in text):
        return False
    total = sum(
        _USCC_SIGNS.index(sign) * weight
        for sign, weight in zip(text[:17], _USCC_WEIGHTS, strict=True)
    )
    return _USCC_SIGNS[-total % 31] == text[17]


def is_identity_number(text: str) -> bool:
    """Return whether this is an identity number: a real birthday, the right check digit (R14)."""
    if not _IDENTITY.fullmatch(text):
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(text[:17]))
    return _IDENTITY_CHECKS[total % 11] == text[17]


def masked_identity(text: str) -> str:
    """Return the number with its birthday hidden, as people may see it; "" stays ""."""
    return f"{text[:6]}{'*' * 8}{text[14:]}" if text else ""
