"""Which turns this process still has before it: what the sweeper must not take from it."""

import threading
import uuid

_lock = threading.Lock()
_messages: set[uuid.UUID] = set()


def take(message_id: uuid.UUID) -> None:
    """Note that the turn of this message is queued or running here."""
    with _lock:
        _messages.add(message_id)


def release(message_id: uuid.UUID) -> None:
    """Note that the turn of this message has ended, well or badly."""
    with _lock:
        _messages.discard(message_id)


def holds(message_id: uuid.UUID) -> bool:
    """Return whether the turn of this message is queued or running here."""
    return message_id in _messages
