"""The admin's frame: colours and name. Settings data for django-unfold, no models yet."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from config.menu import CONSOLE, MENU, may


def _header(request: HttpRequest) -> str:
    tenant = getattr(request, "tenant", None)
    return str(tenant or _("Yingda"))


def _subheader(request: HttpRequest) -> str:
    actor = getattr(request, "actor", None)
    if actor and actor.is_by_default:
        return str(_("None chosen: your first"))
    return str(_("Yingda") if getattr(request, "tenant", None) else _("No tenant chosen"))


def _dropdown(request: HttpRequest) -> list[dict[str, Any]]:
    links = [{"icon": "swap_horiz", "title": _("Switch tenant"), "link": _SWITCH}]
    if may("console.enter")(request):
        links.append({"icon": "support_agent", "title": _("Agent console"), "link": CONSOLE})
    return [*links, {"icon": "home", "title": _("Front page"), "link": reverse_lazy("home")}]


def _environment(request: HttpRequest) -> list[str] | None:
    tenant = getattr(request, "tenant", None)
    return [str(_("Demonstration")), "info"] if tenant and tenant.is_demo else None


def _icon(request: HttpRequest) -> str:
    return static("console/icon.svg")


def _style(request: HttpRequest) -> str:
    return static("admin-extra.css")


def _script(request: HttpRequest) -> str:
    return static("admin-extra.js")


def _bell_style(request: HttpRequest) -> str:
    return static("bell/bell.css")


_SWITCH = reverse_lazy("tenants:switch")

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("Yingda"),
    "SITE_HEADER": _header,
    "SITE_SUBHEADER": _subheader,
    "SITE_DROPDOWN": _dropdown,
    "SITE_ICON": _icon,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _icon}],
    "SITE_URL": None,
    "ENVIRONMENT": _environment,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "8px",
    "STYLES": [_style, _bell_style],
    "SCRIPTS": [_script],
    "DASHBOARD_CALLBACK": "reporting.dashboard.home",
    # The values of static/tokens.css, spread over the toolkit's scale.
    "COLORS": {
        "base": {
            "50": "#f6f7f9",
            "100": "#eef0f4",
            "200": "#e4e7ec",
            "300": "#d0d5dd",
            "400": "#98a2b3",
            "500": "#667085",
            "600": "#475467",
            "700": "#344054",
            "800": "#2a3140",
            "900": "#1a1e27",
            "950": "#12151b",
        },
        "primary": {
            "50": "#f0fdfa",
            "100": "#e6f4f2",
            "200": "#b5e0da",
            "300": "#7fcabf",
            "400": "#5eead4",
            "500": "#2dd4bf",
            "600": "#0f766e",
            "700": "#115e59",
            "800": "#134e4a",
            "900": "#12312f",
            "950": "#06201d",
        },
        "font": {
            "subtle-light": "#667085",
            "subtle-dark": "#a0a9b8",
            "default-light": "#344054",
            "default-dark": "#d0d5dd",
            "important-light": "#1f2430",
            "important-dark": "#e8eaee",
        },
    },
    "SIDEBAR": {
        # The toolkit remembers what a person searched for without asking for which tenant.
        "show_search": False,
        "navigation": MENU,
    },
}
