"""The admin's frame: colours, name, menu. Settings data for django-unfold, no models yet."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

Check = Callable[[HttpRequest], bool]


def _may(capability: str) -> Check:
    """Return whether the person may do this in the tenant they have chosen."""

    def check(request: HttpRequest) -> bool:
        actor = getattr(request, "actor", None)
        return bool(actor and actor.tenant and actor.can(capability))

    return check


def _is_operator(request: HttpRequest) -> bool:
    actor = getattr(request, "actor", None)
    return bool(actor and actor.user.is_operator)


def _header(request: HttpRequest) -> str:
    tenant = getattr(request, "tenant", None)
    return str(tenant or _("Yingda"))


def _subheader(request: HttpRequest) -> str:
    return str(_("Yingda") if getattr(request, "tenant", None) else _("Platform"))


def _dropdown(request: HttpRequest) -> list[dict[str, Any]]:
    links = [{"icon": "swap_horiz", "title": _("Switch tenant"), "link": _SWITCH}]
    if _may("console.enter")(request):
        links.append({"icon": "support_agent", "title": _("Agent console"), "link": _CONSOLE})
    return [*links, {"icon": "home", "title": _("Front page"), "link": reverse_lazy("home")}]


def _environment(request: HttpRequest) -> list[str] | None:
    tenant = getattr(request, "tenant", None)
    return [str(_("Demonstration")), "info"] if tenant and tenant.is_demo else None


def _icon(request: HttpRequest) -> str:
    return static("console/icon.svg")


def _style(request: HttpRequest) -> str:
    return static("admin-extra.css")


def _item(title: Any, icon: str, link: Any, permission: Check) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": link, "permission": permission}


def _on_entries(request: HttpRequest) -> bool:
    return request.path.startswith(str(_ENTRIES)) and not request.path.startswith(str(_BENCH))


def _changelist(model: str) -> Any:
    return reverse_lazy(f"admin:{model}_changelist")


_SWITCH = reverse_lazy("tenants:switch")
_ENTRIES = reverse_lazy("admin:knowledge_entry_changelist")
_BENCH = reverse_lazy("admin:test_bench")
_CONSOLE = reverse_lazy("conversations:console")

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
    "STYLES": [_style],
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
        "navigation": [
            {
                "items": [
                    _item(
                        _("Overview"),
                        "dashboard",
                        reverse_lazy("admin:index"),
                        lambda request: True,
                    ),
                    _item(_("Agent console"), "support_agent", _CONSOLE, _may("console.enter")),
                ]
            },
            {
                "title": _("Knowledge base"),
                "separator": True,
                "items": [
                    {
                        **_item(_("Entries"), "menu_book", _ENTRIES, _may("knowledge.view")),
                        "active": _on_entries,
                    },
                    _item(
                        _("Categories"),
                        "category",
                        _changelist("knowledge_category"),
                        _may("knowledge.view"),
                    ),
                    _item(
                        _("Proposals"),
                        "playlist_add_check",
                        _changelist("knowledge_proposal"),
                        _may("knowledge.view"),
                    ),
                    _item(
                        _("Releases"),
                        "campaign",
                        _changelist("knowledge_release"),
                        _may("knowledge.view"),
                    ),
                    _item(_("Test bench"), "science", _BENCH, _may("knowledge.view")),
                    _item(
                        _("Matching"),
                        "tune",
                        _changelist("knowledge_matchingsettings"),
                        _may("knowledge.view"),
                    ),
                ],
            },
            {
                "title": _("Conversations"),
                "separator": True,
                "items": [
                    _item(
                        _("Conversations"),
                        "forum",
                        _changelist("conversations_conversation"),
                        _may("conversation.view"),
                    ),
                    _item(
                        _("Hand-offs"),
                        "swap_calls",
                        _changelist("conversations_handoff"),
                        _may("conversation.view"),
                    ),
                    _item(
                        _("Decisions"),
                        "psychology_alt",
                        _changelist("conversations_botdecision"),
                        _may("conversation.view"),
                    ),
                    _item(
                        _("Contacts"),
                        "person",
                        _changelist("conversations_contact"),
                        _may("contact.view"),
                    ),
                ],
            },
            {
                "title": _("Contract and evidence"),
                "separator": True,
                "items": [
                    _item(
                        _("Promises"),
                        "handshake",
                        _changelist("tenants_obligation"),
                        _may("obligation.view"),
                    ),
                    _item(
                        _("Breaches"),
                        "report",
                        _changelist("tenants_breach"),
                        _may("obligation.view"),
                    ),
                    _item(
                        _("Mismatch reports"),
                        "difference",
                        _changelist("conversations_mismatchreport"),
                        _may("mismatch.view"),
                    ),
                    _item(
                        _("Ledger"),
                        "receipt_long",
                        _changelist("tenants_ledgerentry"),
                        _may("ledger.view"),
                    ),
                ],
            },
            {
                "title": _("Set-up"),
                "separator": True,
                "items": [
                    _item(
                        _("Channels"),
                        "hub",
                        _changelist("conversations_channel"),
                        _may("channel.view"),
                    ),
                    _item(
                        _("Sensitive phrases"),
                        "notification_important",
                        _changelist("conversations_topicphrase"),
                        _may("lexicon.view"),
                    ),
                    _item(
                        _("Subprocessors"),
                        "conversion_path",
                        _changelist("tenants_subprocessor"),
                        _may("subprocessor.view"),
                    ),
                    _item(
                        _("Members"),
                        "group",
                        _changelist("tenants_membership"),
                        _may("membership.view"),
                    ),
                ],
            },
            {
                "title": _("Platform"),
                "separator": True,
                "items": [
                    _item(_("Tenants"), "domain", _changelist("tenants_tenant"), _is_operator),
                    _item(_("People"), "badge", _changelist("tenants_user"), _is_operator),
                ],
            },
        ],
    },
}
