"""What one alert says, whichever way it takes. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Line:
    """One notification in a letter; `link` is an address, "" where none is known."""

    id: str
    kind: str
    level: str
    title: str
    text: str
    link: str
    subject: str
    at: datetime


@dataclass(frozen=True)
class Letter:
    """One alert: a single notification, or the digest of several, in the order they came."""

    id: str
    level: str
    # The urgency as a word.
    urgency: str
    tenant: str
    title: str
    lines: Sequence[Line]
    # Where all of it stands; "" where no address is known.
    link: str
    link_words: str
    # The sentence that names how many lines were left out.
    more: Callable[[int], str] = field(repr=False)

    def fitted(self, write: Callable[[Line], str], most_bytes: int) -> tuple[list[str], str]:
        """Return the lines as `write` writes them, as many as fit, and what is said of the rest.

        The sentence about the rest is "" where nothing was left out; it counts into the limit.
        """
        shown: list[str] = []
        left = most_bytes - len(self.more(len(self.lines)).encode()) - 8
        for line in self.lines:
            text = write(line)
            left -= len(text.encode()) + 1
            if left < 0:
                return shown, self.more(len(self.lines) - len(shown))
            shown.append(text)
        return shown, ""


@dataclass(frozen=True)
class Request:
    """One HTTP request to make; `url` may hold a secret and is never logged."""

    url: str = field(repr=False)
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Outcome:
    """What came of one attempt.

    `error` is a code, "" where the alert was accepted; `is_final` says that trying again would be
    in vain; `wait` is the least pause before another attempt.
    """

    error: str = ""
    status: int | None = None
    provider_id: str = ""
    is_final: bool = False
    wait: timedelta | None = None

    @property
    def is_fine(self) -> bool:
        """Whether the alert was accepted."""
        return not self.error


def escaped(text: str) -> str:
    """Return the text so that robots' Markdown shows it as it stands, on one line."""
    plain = " ".join(text.split())
    for mark in "\\`*_[]<>#":
        plain = plain.replace(mark, f"\\{mark}" if mark not in "<>" else {"<": "‹", ">": "›"}[mark])
    return plain
