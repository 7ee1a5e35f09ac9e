"""Take what identifies a person out of free text, before it goes anywhere else (contract L6).

Pure: regular expressions and the check digits of identity cards and bank cards, nothing else.
"""

import re
from collections.abc import Callable

_MAIL = re.compile(
    r"[A-Za-z0-9._%+\-\uff0e\u4e00-\u9fff]{1,64}[@\uff20][A-Za-z0-9\-]+(?:\s?[.\uff0e]\s?[A-Za-z0-9\-]{2,})+"
)
# Eighteen places of an identity card, or the fifteen of an old one, however they are parted.
_IDENTITY = re.compile(r"(?<![0-9A-Za-z])\d(?:[\s\-]?\d){16}[\s\-]?[0-9Xx](?![0-9A-Za-z])")
_OLD_IDENTITY = re.compile(
    r"(?<![0-9A-Za-z])[1-9]\d{5}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?![0-9A-Za-z])"
)
_CARD = re.compile(r"(?<![0-9A-Za-z])[3-6](?:[\s\-]?\d){12,18}(?![0-9A-Za-z])")
_MOBILE = re.compile(
    r"(?<![0-9A-Za-z])(?:(?:\+|00)?86[\s\-]?)?1[3-9](?:[\s\-]?\d){9}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z])(?:(?:\+|00)44[\s\-]?(?:\(0\)[\s\-]?)?|0)7\d(?:[\s\-]?\d){8}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z])\+\d{1,3}(?:[\s\-.]?\(?\d{1,4}\)?){2,5}(?![0-9A-Za-z])"
)
_LANDLINE = re.compile(
    r"(?<![0-9A-Za-z])(?:\(0\d{2,3}\)|0\d{2,3}[\s\-])\s?[2-9]\d{2,3}[\s\-]?\d{4}(?![0-9A-Za-z])"
)
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][\s·.]?"
    r"(?:[A-HJ-NP-Z0-9]{5,6})(?![A-Za-z0-9])"
)
# A street and a number in it: enough to find a door.
_ADDRESS = re.compile(
    r"(?:[\u4e00-\u9fff]{2,8}(?:省|市|区|县|镇|乡))*[\u4e00-\u9fff]{2,10}(?:路|街|大道|巷|弄|胡同)\s?\d{1,5}\s?号"
    r"(?:[\u4e00-\u9fffA-Za-z0-9]{0,10}?(?:\d{1,3}\s?(?:栋|幢|座|单元|楼|层|室|户)){1,4})?"
    r"|\d{1,3}\s?(?:栋|幢|座|号楼)\s?(?:\d{1,2}\s?单元)?\s?\d{2,4}\s?(?:室|户)?"
)
# The remainders of ISO 7064 MOD 11-2, by GB 11643.
_CHECK_PLACES = "10X98765432"


def _is_identity(found: str) -> bool:
    digits = re.sub(r"[\s\-]", "", found).upper()
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(digits[:17]))
    return digits[17] == _CHECK_PLACES[total % 11]


def _is_card(found: str) -> bool:
    digits = [int(digit) for digit in re.sub(r"[\s\-]", "", found)]
    doubled = [sum(divmod(digit * 2, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _always(_found: str) -> bool:
    return True


# In this order: a longer number holds shorter ones.
_KINDS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("mail", _MAIL, _always),
    ("id", _IDENTITY, _is_identity),
    ("card", _CARD, _is_card),
    ("phone", _MOBILE, _always),
    ("phone", _LANDLINE, _always),
    ("id", _OLD_IDENTITY, _always),
    ("plate", _PLATE, _always),
    ("address", _ADDRESS, _always),
)


def masked(text: str) -> str:
    """Return the text with what identifies a person replaced by its kind in brackets.

    Identity cards (by check digit), bank cards (Luhn), telephone numbers of mainland China, the
    United Kingdom and in international form, e-mail addresses, number plates, and street
    addresses become [id], [card], [phone], [mail], [plate], [address]. Full-width digits count as
    digits; order numbers and prices stay.
    """
    plain = text.translate(_DIGITS)
    for kind, pattern, is_one in _KINDS:
        plain = pattern.sub(
            lambda match, kind=kind, is_one=is_one: (  # type: ignore[misc]
                f"[{kind}]" if is_one(match.group()) else match.group()
            ),
            plain,
        )
    return plain


# Of full width only the digits: the rest of the text shall stay as it was written.
_DIGITS = {0xFF10 + digit: str(digit) for digit in range(10)}
