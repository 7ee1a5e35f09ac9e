"""Log records that say which tenant they belong to."""

import json
import logging

from tenants.scope import active_scope


class ContextFilter(logging.Filter):
    """Add `tenant`, the id in scope, "platform" or "-", to each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        scope = active_scope()
        record.tenant = "-" if scope is None else str(scope)
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "tenant": getattr(record, "tenant", "-"),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
