"""What beat sends when: every chore of the platform, with how long one of its runs may wait."""

from celery.schedules import crontab

SCHEDULE = {
    # Each run is dropped if it waited longer than its period: the next one does its work.
    "decide-undecided": {
        "task": "conversations.decide_undecided",
        "schedule": 1.0,
        "options": {"expires": 2},
    },
    "deliver-handoffs": {
        "task": "conversations.deliver_handoffs",
        "schedule": 1.0,
        "options": {"expires": 2},
    },
    "fail-over-handoffs": {
        "task": "conversations.fail_over_handoffs",
        "schedule": 1.0,
        "options": {"expires": 2},
    },
    "find-breaches": {"task": "tenants.find_breaches", "schedule": 1.0, "options": {"expires": 2}},
    "mail-alerts": {"task": "tenants.mail_alerts", "schedule": 1.0, "options": {"expires": 2}},
    "post-alerts": {"task": "tenants.post_alerts", "schedule": 1.0, "options": {"expires": 2}},
    "escalate-alerts": {
        "task": "tenants.escalate_alerts",
        "schedule": 5.0,
        "options": {"expires": 10},
    },
    "ping-deadman": {
        "task": "tenants.ping_deadman",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "follow-calendar": {
        "task": "tenants.follow_calendar",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "recount-deadlines": {
        "task": "conversations.recount_deadlines",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "warn-early-of-deadlines": {
        "task": "tenants.warn_early",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "follow-satisfaction": {
        "task": "reporting.follow_satisfaction",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "warn-early-of-figures": {
        "task": "reporting.warn_early",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "ask-for-calendar": {
        "task": "tenants.ask_for_calendar",
        # 09:00 in Shanghai.
        "schedule": crontab(hour=1, minute=0),
        "options": {"expires": 3600},
    },
    "tell-ledger-heads": {
        "task": "tenants.tell_ledger_heads",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "close-idle-inquiries": {
        "task": "conversations.close_idle_inquiries",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "wake-snoozed": {
        "task": "conversations.wake_snoozed",
        "schedule": 5.0,
        "options": {"expires": 10},
    },
    "notice-silent-agents": {
        "task": "conversations.notice_silent_agents",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "route-waiting": {
        "task": "conversations.route_waiting",
        "schedule": 1.0,
        "options": {"expires": 2},
    },
    "recalibrate": {
        "task": "conversations.recalibrate",
        "schedule": crontab(hour=19, minute=15),
        "options": {"expires": 3600},
    },
    "roll-up-days": {
        "task": "reporting.roll_up_days",
        "schedule": crontab(minute=20),
        "options": {"expires": 3000},
    },
    "compare-answers": {
        "task": "conversations.compare_answers",
        "schedule": crontab(hour=18, minute=45),
        "options": {"expires": 3600},
    },
    "prepare-embedders": {
        "task": "knowledge.prepare_embedders",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "draft-entries": {
        "task": "conversations.draft_entries",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "clear-uploads": {
        "task": "conversations.clear_uploads",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "find-overdue-tickets": {
        "task": "conversations.find_overdue_tickets",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "close-solved-tickets": {
        "task": "conversations.close_solved_tickets",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "send-ticket-notices": {
        "task": "conversations.send_ticket_notices",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "tend-profiles": {
        "task": "conversations.tend_profiles",
        "schedule": 600.0,
        "options": {"expires": 600},
    },
    "run-rules": {
        "task": "conversations.run_rules",
        "schedule": 1.0,
        "options": {"expires": 2},
    },
    "send-webhooks": {
        "task": "conversations.send_webhooks",
        "schedule": 1.0,
        "options": {"expires": 2},
    },
    "keep-service-times": {
        "task": "conversations.keep_service_times",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "mail-notices": {
        "task": "conversations.mail_notices",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "clear-service-log": {
        "task": "conversations.clear_service_log",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "draw-audits": {
        "task": "reporting.draw_audits",
        # After the roll-up, so that the month's last day is counted where the zone's hour is whole.
        "schedule": crontab(minute=40),
        "options": {"expires": 3000},
    },
    "plan-reports": {
        "task": "reporting.plan_reports",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "make-reports": {
        "task": "reporting.make_reports",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "send-reports": {
        "task": "reporting.send_reports",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "beat": {"task": "reporting.beat", "schedule": 10.0, "options": {"expires": 10}},
    "judge-availability": {
        "task": "reporting.judge_availability",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "clear-sessions": {
        "task": "conversations.clear_sessions",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
}
