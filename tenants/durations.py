"""Spans of time as people say them."""

import math
from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


def in_words(span: timedelta, *, precise: bool = False) -> str:
    """Return the length of the span in its largest one or two units, such as "2 min 5 s".

    Rounded down to whole seconds, below a minute `precise` keeps hundredths; the sign is dropped.
    """
    exact = abs(span).total_seconds()
    if precise and exact < _MINUTE:
        return _("%(count)s s") % {"count": f"{math.floor(exact * 100) / 100:.2f}"}
    seconds = int(exact)
    if seconds >= _DAY:
        days, hours = seconds // _DAY, seconds % _DAY // _HOUR
        text = ngettext("%(count)s day", "%(count)s days", days) % {"count": days}
        return _joined(text, hours, _("%(count)s h"))
    if seconds >= _HOUR:
        text = _("%(count)s h") % {"count": seconds // _HOUR}
        return _joined(text, seconds % _HOUR // _MINUTE, _("%(count)s min"))
    if seconds >= _MINUTE:
        text = _("%(count)s min") % {"count": seconds // _MINUTE}
        return _joined(text, seconds % _MINUTE, _("%(count)s s"))
    return _("%(count)s s") % {"count": seconds}


def _joined(text: str, count: int, unit: str) -> str:
    return f"{text} {unit % {'count': count}}" if count else text
