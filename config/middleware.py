"""Headers that hold for every page."""

from csp.middleware import CSPMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

# The admin's toolkit evaluates expressions in attributes (Alpine), so it alone gets 'unsafe-eval',
# and it writes style attributes for its charts and menus.
_ADMIN = {
    "script-src": ["'self'", "'unsafe-eval'"],
    "style-src": ["'self'", "'unsafe-inline'"],
}


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    """django-csp with one exception: the admin's paths."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if request.path.startswith("/admin/") and not hasattr(response, "_csp_replace"):
            response._csp_replace = _ADMIN  # type: ignore[attr-defined]
        return super().process_response(request, response)
