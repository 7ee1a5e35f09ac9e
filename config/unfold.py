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
    actor = getattr(request, "actor", None)
    if actor and actor.is_by_default:
        return str(_("None chosen: your first"))
    return str(_("Yingda") if getattr(request, "tenant", None) else _("No tenant chosen"))


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


def _bell_style(request: HttpRequest) -> str:
    return static("bell/bell.css")


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
    "STYLES": [_style, _bell_style],
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
                        _("Golden questions"),
                        "verified",
                        _changelist("knowledge_goldenquestion"),
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
                        _("All inquiries"),
                        "contact_support",
                        _changelist("conversations_inquiry"),
                        _may("conversation.view"),
                    ),
                    _item(
                        _("Hand-offs"),
                        "swap_calls",
                        _changelist("conversations_handoff"),
                        _may("conversation.view"),
                    ),
                    _item(
                        _("Tickets"),
                        "confirmation_number",
                        _changelist("conversations_ticket"),
                        _may("ticket.view"),
                    ),
                    _item(
                        _("Mails about tickets"),
                        "outgoing_mail",
                        _changelist("conversations_ticketnotice"),
                        _may("ticket.view"),
                    ),
                    _item(
                        _("Deliveries"),
                        "outbound",
                        _changelist("conversations_handoffdelivery"),
                        _may("target.view"),
                    ),
                    _item(
                        _("Files"),
                        "attach_file",
                        _changelist("conversations_attachment"),
                        _may("conversation.view"),
                    ),
                    _item(
                        _("Decisions"),
                        "psychology_alt",
                        _changelist("conversations_botdecision"),
                        _may("conversation.view"),
                    ),
                    _item(
                        _("Wrap-ups"),
                        "fact_check",
                        _changelist("conversations_wrapup"),
                        _may("conversation.view"),
                    ),
                    _item(
                        _("Contacts"),
                        "person",
                        _changelist("conversations_contact"),
                        _may("contact.view"),
                    ),
                    _item(
                        _("Tags"),
                        "sell",
                        _changelist("conversations_tag"),
                        _may("contact.view"),
                    ),
                    _item(
                        _("Merges"),
                        "merge",
                        _changelist("conversations_contactmerge"),
                        _may("contact.view"),
                    ),
                    _item(
                        _("Blocks"),
                        "block",
                        _changelist("conversations_blockentry"),
                        _may("contact.view"),
                    ),
                ],
            },
            {
                "title": _("Satisfaction"),
                "separator": True,
                "items": [
                    _item(title, icon, _changelist(f"conversations_{model}"), _may(capability))
                    for title, icon, model, capability in (
                        (_("Ratings"), "sentiment_satisfied", "rating", "survey.view"),
                        (_("Survey invitations"), "outgoing_mail", "surveyinvite", "survey.view"),
                        (_("Corrections"), "edit_note", "ratingcorrection", "survey.view"),
                        (_("Quality samples"), "fact_check", "qasample", "qa.view"),
                        (_("Sampled inquiries"), "rate_review", "qaitem", "qa.view"),
                        (_("Rubrics"), "checklist", "qarubric", "qa.view"),
                        (_("Survey terms"), "tune", "surveyterms", "survey.view"),
                        (_("Survey months"), "calendar_month", "surveymonth", "survey.view"),
                    )
                ]
                + [
                    _item(
                        _("Rectification plans"),
                        "healing",
                        _changelist("reporting_rectificationplan"),
                        _may("plan.view"),
                    )
                ],
            },
            {
                "title": _("Figures"),
                "separator": True,
                "items": [
                    _item(title, icon, _changelist(f"reporting_{model}"), _may(capability))
                    for title, icon, model, capability in (
                        (_("Questions"), "quiz", "question", "question.view"),
                        (_("Labels of questions"), "label", "questionlabel", "question.view"),
                        (
                            _("Catalogues of common questions"),
                            "menu_book",
                            "commonquestioncatalogue",
                            "figure.view",
                        ),
                        (_("Label audits"), "fact_check", "labelreview", "question.view"),
                        (_("Audited labels"), "rate_review", "labelreviewitem", "question.view"),
                        (_("Accuracy audits"), "fact_check", "accuracyaudit", "mismatch.view"),
                        (_("Audited answers"), "rule", "accuracyaudititem", "mismatch.view"),
                        (_("Daily figures"), "query_stats", "dailyfigure", "figure.view"),
                    )
                ],
            },
            {
                "title": _("Reports"),
                "separator": True,
                "items": [
                    _item(title, icon, _changelist(f"reporting_{model}"), _may("report.view"))
                    for title, icon, model in (
                        (_("Reports"), "summarize", "report"),
                        (_("Reports due"), "event_upcoming", "reportdue"),
                        (_("Report recipients"), "contact_mail", "reportrecipient"),
                        (_("Report deliveries"), "mark_email_read", "reportdelivery"),
                    )
                ],
            },
            {
                "title": _("Contract and evidence"),
                "separator": True,
                "items": [
                    *(
                        _item(title, icon, _changelist(f"tenants_{model}"), _may("contract.view"))
                        for title, icon, model in (
                            (_("Contracts"), "contract", "contract"),
                            (_("Contract terms"), "rule_settings", "contractterms"),
                            (_("Approvals"), "draw", "approval"),
                        )
                    ),
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
                        _("Notifications"),
                        "notifications",
                        _changelist("tenants_notification"),
                        _may("alert.view"),
                    ),
                    _item(
                        _("Copies of notifications"),
                        "outgoing_mail",
                        _changelist("tenants_notificationdelivery"),
                        _may("alert.view"),
                    ),
                    _item(
                        _("Mismatch reports"),
                        "difference",
                        _changelist("conversations_mismatchreport"),
                        _may("mismatch.view"),
                    ),
                    _item(
                        _("Subject requests"),
                        "privacy_tip",
                        _changelist("conversations_subjectrequest"),
                        _may("subject.view"),
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
                "title": _("Availability"),
                "separator": True,
                "items": [
                    _item(title, icon, _changelist(f"reporting_{model}"), _may(capability))
                    for title, icon, model, capability in (
                        (_("Down time"), "trending_down", "downinterval", "availability.view"),
                        (_("Exclusion claims"), "gavel", "exclusionclaim", "availability.view"),
                        (_("Incidents"), "emergency_home", "incident", "incident.view"),
                        (_("Planned work"), "construction", "maintenancewindow", "incident.view"),
                        (
                            _("Availability settings"),
                            "tune",
                            "availabilitysettings",
                            "availability.view",
                        ),
                    )
                ],
            },
            {
                "title": _("Automation"),
                "separator": True,
                "items": [
                    _item(
                        _("Rules"),
                        "bolt",
                        _changelist("conversations_rule"),
                        _may("rule.view"),
                    ),
                    _item(
                        _("Rule log"),
                        "rule",
                        _changelist("conversations_rulerun"),
                        _may("rule.view"),
                    ),
                    _item(
                        _("Reminders and closing"),
                        "timer",
                        _changelist("conversations_servicetimes"),
                        _may("rule.view"),
                    ),
                    _item(
                        _("Invitations"),
                        "waving_hand",
                        _changelist("conversations_invitation"),
                        _may("rule.view"),
                    ),
                    _item(
                        _("Webhooks"),
                        "webhook",
                        _changelist("conversations_webhookendpoint"),
                        _may("webhook.view"),
                    ),
                    _item(
                        _("Webhook log"),
                        "outbox",
                        _changelist("conversations_webhookdelivery"),
                        _may("webhook.view"),
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
                        _("Agent groups"),
                        "diversity_3",
                        _changelist("conversations_agentgroup"),
                        _may("group.view"),
                    ),
                    _item(
                        _("Hand-off targets"),
                        "move_up",
                        _changelist("conversations_handofftarget"),
                        _may("target.view"),
                    ),
                    _item(
                        _("Sensitive phrases"),
                        "notification_important",
                        _changelist("conversations_topicphrase"),
                        _may("lexicon.view"),
                    ),
                    _item(
                        _("Canned replies"),
                        "bolt",
                        _changelist("conversations_cannedreply"),
                        _may("canned.view"),
                    ),
                    _item(
                        _("Wrap-up categories"),
                        "label",
                        _changelist("conversations_wrapupcategory"),
                        _may("wrapup.view"),
                    ),
                    _item(
                        _("Desk settings"),
                        "room_preferences",
                        _changelist("conversations_desksettings"),
                        _may("wrapup.view"),
                    ),
                    _item(
                        _("Ticket categories"),
                        "label",
                        _changelist("conversations_ticketcategory"),
                        _may("ticket.view"),
                    ),
                    _item(
                        _("Alert robots"),
                        "smart_toy",
                        _changelist("tenants_alertrobot"),
                        _may("alert.view"),
                    ),
                    _item(
                        _("Notification settings"),
                        "notifications_paused",
                        _changelist("tenants_notificationsettings"),
                        _may("alert.view"),
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
                    _item(_("Probers"), "radar", _changelist("reporting_prober"), _is_operator),
                    _item(_("People"), "badge", _changelist("tenants_user"), _is_operator),
                    _item(
                        _("Working-day calendar"),
                        "calendar_month",
                        _changelist("tenants_calendaryear"),
                        _is_operator,
                    ),
                ],
            },
        ],
    },
}
