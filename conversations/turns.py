"""Give the assistant its turn in this process, without a broker, and notice when it is slow."""

import logging
import threading
import time
import uuid
from collections import deque
from contextvars import Context, copy_context

from django.db import connections

from conversations import in_hand
from conversations.executor import WAITING_THREADS, submit, submit_waiting
from conversations.services import advice, bot
from conversations.services.bot import Thought
from conversations.services.intake import Received

logger = logging.getLogger(__name__)

# After this long without a decision the visitor hears that the question has arrived.
CONFIRM_AFTER_SECONDS = 2.5

_waiting: deque[tuple[float, uuid.UUID, Context]] = deque()
_undecided: set[uuid.UUID] = set()
_wake = threading.Condition()
_advisers = threading.BoundedSemaphore(WAITING_THREADS)
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
        _wake.notify()


def _turn(received: Received) -> None:
    message = received.message
    try:
        thought = (
            bot.think(message, question=message.words)
            if received.alone
            else bot.think_about(message.pk)
        )
        if thought is not None:
            if advice.is_wanted(thought.decision) and _ask_adviser(thought):
                return
            bot.say(thought)
    except Exception:
        logger.exception("Turn not committed: message %s", message.pk)
        in_hand.release(message.pk)
    else:
        _done(message.pk)


def _ask_adviser(thought: Thought) -> bool:
    """Let another thread hear the language model and speak; False where none is free.

    The model may take seconds, and the threads here belong to everybody.
    """
    if not _advisers.acquire(blocking=False):
        return False
    try:
        bot.await_advice(thought, seconds=advice.SECONDS)
        submit_waiting(_say_with_advice, thought)
    except BaseException:
        _advisers.release()
        raise
    return True


def _say_with_advice(thought: Thought) -> None:
    message_id = thought.message.pk
    try:
        bot.say(bot.advised(thought))
    except Exception:
        logger.exception("Turn not committed: message %s", message_id)
        in_hand.release(message_id)
    else:
        _done(message_id)
    finally:
        _advisers.release()


def _done(message_id: uuid.UUID) -> None:
    with _wake:
        _undecided.discard(message_id)
    in_hand.release(message_id)


def _watch() -> None:
    global _watcher
    if _watcher is None or not _watcher.is_alive():
        _watcher = threading.Thread(target=_confirm_late_ones, name="slow-turns", daemon=True)
        _watcher.start()


def _confirm_late_ones() -> None:
    while True:
        with _wake:
            while not _waiting or _waiting[0][0] > time.monotonic():
                _wake.wait(_waiting[0][0] - time.monotonic() if _waiting else None)
            _due, message_id, context = _waiting.popleft()
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
