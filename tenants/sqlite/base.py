"""One writer at a time, waiting for its turn instead of polling the file.

SQLite lets one connection write. Left to itself, a waiting one sleeps and looks again, ever more
rarely, so under load a turn that needs 5 ms waits for 100. Within one process a lock is fair enough
and costs nothing; other processes still meet at the file.
"""

import threading
from typing import Any

from django.db.backends.sqlite3 import base

# After this long the file's own waiting, and its error, take over.
_PATIENCE_SECONDS = 20.0

_writers = threading.Lock()


class DatabaseWrapper(base.DatabaseWrapper):
    """A SQLite connection whose transactions take turns within the process."""

    _writing = False

    def _start_transaction_under_autocommit(self) -> None:
        # A connection left open in a transaction must not wait for itself.
        if not self._writing:
            self._writing = _writers.acquire(timeout=_PATIENCE_SECONDS)
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # not in the stubs
        except BaseException:
            self._let_others_write()
            raise

    def _commit(self) -> Any:
        try:
            return super()._commit()  # type: ignore[misc]  # not in the stubs
        finally:
            if self.connection is None or not self.connection.in_transaction:
                self._let_others_write()

    def _rollback(self) -> Any:
        try:
            return super()._rollback()  # type: ignore[misc]  # not in the stubs
        finally:
            self._let_others_write()

    def _close(self) -> Any:
        try:
            return super()._close()  # type: ignore[misc]  # not in the stubs
        finally:
            self._let_others_write()

    def _let_others_write(self) -> None:
        if self._writing:
            self._writing = False
            _writers.release()
