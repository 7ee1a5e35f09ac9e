"""The family of errors a person may see: a stable code, a sentence, an HTTP status."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """Something a caller asked for cannot be done; says what and why.

    `code` is stable and never translated, `message` a translatable sentence with named
    placeholders filled from `params`, `status` the HTTP status, `extra` further members of the
    problem document.
    """

    code = "invalid"
    status = 422
    message: str | Promise = _("This is not possible.")

    def __init__(self, *, extra: dict[str, Any] | None = None, **params: Any) -> None:
        self.params = params
        self.extra = extra or {}
        super().__init__(self.code)

    @property
    def detail(self) -> str:
        """The sentence in the active language."""
        return str(self.message) % self.params if self.params else str(self.message)


class NotFoundError(DomainError):
    """Not there, or not yours: one answer for both."""

    code = "not_found"
    status = 404
    message = _("Not found.")


class ForbiddenError(DomainError):
    """The role of the person does not hold this capability."""

    code = "forbidden"
    status = 403
    message = _("Your role does not allow this.")


class RateLimitedError(DomainError):
    """Too many requests; `retry_after` says in how many seconds to try again."""

    code = "rate_limited"
    status = 429
    message = _("Too many requests. Please wait %(retry_after)s seconds and try again.")

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(retry_after=retry_after)
        self.retry_after = retry_after
