"""The admin's menu: every list and page, under its heading, for those who may see it."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

Check = Callable[[HttpRequest], bool]

CONSOLE = reverse_lazy("conversations:console")
_ENTRIES = reverse_lazy("admin:knowledge_entry_changelist")
_BENCH = reverse_lazy("admin:test_bench")


def may(capability: str) -> Check:
    """Return whether the person may do this in the tenant they have chosen."""

    def check(request: HttpRequest) -> bool:
        actor = getattr(request, "actor", None)
        return bool(actor and actor.tenant and actor.can(capability))

    return check


def _is_operator(request: HttpRequest) -> bool:
    actor = getattr(request, "actor", None)
    return bool(actor and actor.user.is_operator)


def _on_entries(request: HttpRequest) -> bool:
    return request.path.startswith(str(_ENTRIES)) and not request.path.startswith(str(_BENCH))


def _item(title: Any, icon: str, link: Any, permission: Check) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": link, "permission": permission}


def _list(title: Any, icon: str, model: str, capability: str) -> dict[str, Any]:
    return _item(title, icon, _changelist(model), may(capability))


def _changelist(model: str) -> Any:
    return reverse_lazy(f"admin:{model}_changelist")


MENU: list[dict[str, Any]] = [
    {
        "items": [
            _item(
                _("Overview"),
                "dashboard",
                reverse_lazy("admin:index"),
                lambda request: True,
            ),
            _item(_("Agent console"), "support_agent", CONSOLE, may("console.enter")),
        ]
    },
    {
        "title": _("Knowledge base"),
        "separator": True,
        "items": [
            {
                **_item(_("Entries"), "menu_book", _ENTRIES, may("knowledge.view")),
                "active": _on_entries,
            },
            _list(_("Categories"), "category", "knowledge_category", "knowledge.view"),
            _list(_("Proposals"), "playlist_add_check", "knowledge_proposal", "knowledge.view"),
            _list(_("Golden questions"), "verified", "knowledge_goldenquestion", "knowledge.view"),
            _list(_("Releases"), "campaign", "knowledge_release", "knowledge.view"),
            _item(_("Test bench"), "science", _BENCH, may("knowledge.view")),
            _list(_("Matching"), "tune", "knowledge_matchingsettings", "knowledge.view"),
        ],
    },
    {
        "title": _("Conversations"),
        "separator": True,
        "items": [
            _list(_("Conversations"), "forum", "conversations_conversation", "conversation.view"),
            _list(
                _("All inquiries"), "contact_support", "conversations_inquiry", "conversation.view"
            ),
            _list(_("Hand-offs"), "swap_calls", "conversations_handoff", "conversation.view"),
            _list(_("Tickets"), "confirmation_number", "conversations_ticket", "ticket.view"),
            _list(
                _("Mails about tickets"),
                "outgoing_mail",
                "conversations_ticketnotice",
                "ticket.view",
            ),
            _list(_("Deliveries"), "outbound", "conversations_handoffdelivery", "target.view"),
            _list(_("Files"), "attach_file", "conversations_attachment", "conversation.view"),
            _list(
                _("Decisions"), "psychology_alt", "conversations_botdecision", "conversation.view"
            ),
            _list(_("Wrap-ups"), "fact_check", "conversations_wrapup", "conversation.view"),
            _list(_("Contacts"), "person", "conversations_contact", "contact.view"),
            _list(_("Tags"), "sell", "conversations_tag", "contact.view"),
            _list(_("Merges"), "merge", "conversations_contactmerge", "contact.view"),
            _list(_("Blocks"), "block", "conversations_blockentry", "contact.view"),
        ],
    },
    {
        "title": _("Satisfaction"),
        "separator": True,
        "items": [
            _list(title, icon, f"conversations_{model}", capability)
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
        + [_list(_("Rectification plans"), "healing", "reporting_rectificationplan", "plan.view")],
    },
    {
        "title": _("Figures"),
        "separator": True,
        "items": [
            _list(title, icon, f"reporting_{model}", capability)
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
            _list(title, icon, f"reporting_{model}", "report.view")
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
                _list(title, icon, f"tenants_{model}", "contract.view")
                for title, icon, model in (
                    (_("Contracts"), "contract", "contract"),
                    (_("Contract terms"), "rule_settings", "contractterms"),
                    (_("Approvals"), "draw", "approval"),
                )
            ),
            _list(_("Promises"), "handshake", "tenants_obligation", "obligation.view"),
            _list(_("Breaches"), "report", "tenants_breach", "obligation.view"),
            _list(_("Notifications"), "notifications", "tenants_notification", "alert.view"),
            _list(
                _("Copies of notifications"),
                "outgoing_mail",
                "tenants_notificationdelivery",
                "alert.view",
            ),
            _list(
                _("Mismatch reports"), "difference", "conversations_mismatchreport", "mismatch.view"
            ),
            _list(
                _("Subject requests"), "privacy_tip", "conversations_subjectrequest", "subject.view"
            ),
            _list(_("Ledger"), "receipt_long", "tenants_ledgerentry", "ledger.view"),
        ],
    },
    {
        "title": _("Availability"),
        "separator": True,
        "items": [
            _list(title, icon, f"reporting_{model}", capability)
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
            _list(_("Rules"), "bolt", "conversations_rule", "rule.view"),
            _list(_("Rule log"), "rule", "conversations_rulerun", "rule.view"),
            _list(_("Reminders and closing"), "timer", "conversations_servicetimes", "rule.view"),
            _list(_("Invitations"), "waving_hand", "conversations_invitation", "rule.view"),
            _list(_("Webhooks"), "webhook", "conversations_webhookendpoint", "webhook.view"),
            _list(_("Webhook log"), "outbox", "conversations_webhookdelivery", "webhook.view"),
        ],
    },
    {
        "title": _("Set-up"),
        "separator": True,
        "items": [
            _list(_("Channels"), "hub", "conversations_channel", "channel.view"),
            _list(_("Agent groups"), "diversity_3", "conversations_agentgroup", "group.view"),
            _list(_("Hand-off targets"), "move_up", "conversations_handofftarget", "target.view"),
            _list(
                _("Sensitive phrases"),
                "notification_important",
                "conversations_topicphrase",
                "lexicon.view",
            ),
            _list(_("Canned replies"), "bolt", "conversations_cannedreply", "canned.view"),
            _list(_("Wrap-up categories"), "label", "conversations_wrapupcategory", "wrapup.view"),
            _list(
                _("Desk settings"), "room_preferences", "conversations_desksettings", "wrapup.view"
            ),
            _list(_("Ticket categories"), "label", "conversations_ticketcategory", "ticket.view"),
            _list(_("Alert robots"), "smart_toy", "tenants_alertrobot", "alert.view"),
            _list(
                _("Notification settings"),
                "notifications_paused",
                "tenants_notificationsettings",
                "alert.view",
            ),
            _list(
                _("Subprocessors"), "conversion_path", "tenants_subprocessor", "subprocessor.view"
            ),
            _list(_("Members"), "group", "tenants_membership", "membership.view"),
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
]
