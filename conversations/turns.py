"""Give the assistant its turn in this process, without a broker, and notice when it is slow."""

import logging
import threading
import time
import uuid
from collections import deque
from contextvars import Context, copy_context

from django.db import connections

from conversations import in_hand
from conversations.executor import submit
from conversations.services import bot
from conversations.services.intake import Received

logger = logging.getLogger(__name__)

# After this long without a decision the visitor hears that the question has arrived.
CONFIRM_AFTER_SECONDS = 2.5

_waiting: deque[tuple[float, uuid.UUID, Context]] = deque()
_undecided: set[uuid.UUID] = set()
_wake = threading.Condition()
_watcher: threading.Thread | None = None


def start_turn(received: Received) -> None:
    """Let the executor decide about the question that ends with this message.

    Returns at once; the caller's context, with its tenant, goes along. A turn that fails is left
    to the sweeper, which finds it in the database.
    """
    message = received.message
    in_hand.take(message.pk)
    with _wake:
        _undecided.add(message.pk)
        _waiting.append((time.monotonic() + CONFIRM_AFTER_SECONDS, message.pk, copy_context()))
        _watch()
        _wake.notify()
    submit(_turn, received)


def forget() -> None:
    """Let go of the turns whose slowness is watched. For tests."""
    with _wake:
        _waiting.clear()
        _undecided.clear()


def _turn(received: Received) -> None:
    message = received.message
    try:
        if received.alone:
            bot.reply_to(message, question=message.text)
        else:
            bot.take_turn(message.pk)
    except Exception:
        logger.exception("Turn not committed: message %s", message.pk)
    else:
        with _wake:
            _undecided.discard(message.pk)
    finally:
        in_hand.release(message.pk)


def _watch() -> None:
    global _watcher
    if _watcher is None or not _watcher.is_alive():
        _watcher = threading.Thread(target=_confirm_late_ones, name="slow-turns", daemon=True)
        _watcher.start()


def _confirm_late_ones() -> None:
    while True:
        with _wake:
            while not _waiting:
                _wake.wait()
            due, message_id, context = _waiting.popleft()
        time.sleep(max(0.0, due - time.monotonic()))
        with _wake:
            late = message_id in _undecided
            _undecided.discard(message_id)
        if late:
            context.run(_confirm, message_id)


def _confirm(message_id: uuid.UUID) -> None:
    # Here, not in the executor: it may be the full executor that makes the turn slow.
    try:
        bot.confirm_receipt(message_id)
    except Exception:
        logger.exception("Receipt not confirmed: message %s", message_id)
    finally:
        connections.close_all()
