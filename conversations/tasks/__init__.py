"""The conversations' regular chores: each finds its rows, then works tenant by tenant."""

from conversations.tasks.answers import compare_answers, draft_entries, recalibrate
from conversations.tasks.contacts import (
    clear_sessions,
    clear_uploads,
    recount_deadlines,
    tend_profiles,
)
from conversations.tasks.desk import notice_silent_agents, route_waiting, wake_snoozed
from conversations.tasks.handoffs import deliver_handoffs, fail_over_handoffs
from conversations.tasks.inquiries import close_idle_inquiries, keep_service_times
from conversations.tasks.rules import clear_service_log, mail_notices, run_rules, send_webhooks
from conversations.tasks.tickets import (
    close_solved_tickets,
    find_overdue_tickets,
    send_ticket_notices,
)
from conversations.tasks.turns import decide_undecided

__all__ = [
    "clear_service_log",
    "clear_sessions",
    "clear_uploads",
    "close_idle_inquiries",
    "close_solved_tickets",
    "compare_answers",
    "decide_undecided",
    "deliver_handoffs",
    "draft_entries",
    "fail_over_handoffs",
    "find_overdue_tickets",
    "keep_service_times",
    "mail_notices",
    "notice_silent_agents",
    "recalibrate",
    "recount_deadlines",
    "route_waiting",
    "run_rules",
    "send_ticket_notices",
    "send_webhooks",
    "tend_profiles",
    "wake_snoozed",
]
