"""The admin site: who may enter, and which pages belong to no single model."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import translation
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _
from django.views.i18n import JavaScriptCatalog
from unfold.sites import UnfoldAdminSite

from tenants.actors import Actor

# As calendar.js asks for the heads of its columns.
_HEADS = (
    ("Monday", "M"),
    ("Tuesday", "T"),
    ("Wednesday", "W"),
    ("Thursday", "T"),
    ("Friday", "F"),
    ("Saturday", "S"),
    ("Sunday", "S"),
)


class ScriptTexts(JavaScriptCatalog):
    """The texts of the admin's scripts, with Chinese weekdays over the columns of a calendar."""

    def get_catalog(self) -> dict[str, Any]:
        found: dict[str, Any] = super().get_catalog()
        if not (translation.get_language() or "").startswith("zh"):
            return found
        # Django's Chinese keeps the English letters; calendars show the last sign of the name.
        heads = {
            f"one letter {name}\x04{letter}": str(WEEKDAYS[number])[-1]
            for number, (name, letter) in enumerate(_HEADS)
        }
        return found | heads


class YingdaAdminSite(UnfoldAdminSite):
    """The admin of one tenant at a time, for those whose role may enter."""

    site_header = _("Yingda")
    site_title = _("Yingda")
    index_title = _("Overview")
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        actor = getattr(request, "actor", None)
        return isinstance(actor, Actor) and actor.can("admin.enter")

    def extra_urls(self) -> list[URLPattern]:
        """Add the pages that belong to no model, or join apps."""
        from conversations.admin.bench import test_bench  # noqa: PLC0415 -- apps must be loaded first
        from reporting.admin.portfolio import portfolio_page  # noqa: PLC0415 -- likewise

        return [
            path("knowledge/entry/try/", self.admin_view(test_bench), name="test_bench"),
            path("portfolio/", self.admin_view(portfolio_page), name="portfolio"),
        ]

    def get_urls(self) -> list[Any]:
        """Leave out the way from a row to its page outside: no row here has one."""
        return [each for each in super().get_urls() if getattr(each, "name", "") != "view_on_site"]

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the models of one app; no page lists those of all, so nobody is asked about them."""
        if app_label is None:
            return []
        found: list[dict[str, Any]] = super().get_app_list(request, app_label)
        return found

    def i18n_javascript(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Send the texts of the admin's scripts in the language of the page."""
        answer: HttpResponseBase = ScriptTexts.as_view(packages=["django.contrib.admin"])(request)
        return answer

    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Answer "not there": the toolkit's search caches by person, not by tenant."""
        raise Http404

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send people to the one log-in page; those who may not enter to where they may."""
        actor = getattr(request, "actor", None)
        if isinstance(actor, Actor) and actor.can("console.enter"):
            return redirect("conversations:console")
        return HttpResponseRedirect(f"{reverse('login')}?next={request.GET.get('next', '/admin/')}")
