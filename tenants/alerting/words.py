"""Codes of alerts as people read them."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

KINDS: dict[str, str | Promise] = {
    "obligation.first_reply": gettext_lazy("First reply not in time"),
    "obligation.handoff": gettext_lazy("Hand-off not in time"),
    "obligation.incident_ack": gettext_lazy("Incident not acknowledged in time"),
    "obligation.incident_restore": gettext_lazy("Incident not over in time"),
    "obligation.rectification": gettext_lazy("Rectification plan not in time"),
    "obligation.running_out": gettext_lazy("Deadline comes near"),
    "approval.requested": gettext_lazy("To be signed"),
    "approval.settled": gettext_lazy("Signed or refused"),
    "calendar.missing": gettext_lazy("Working-day calendar missing"),
    "calendar.changed": gettext_lazy("Deadlines counted anew"),
    "incident.opened": gettext_lazy("Incident opened"),
    "incident.told": gettext_lazy("How an incident stands"),
    "incident.restored": gettext_lazy("Incident over"),
    "maintenance.announced": gettext_lazy("Planned work announced"),
    "maintenance.cancelled": gettext_lazy("Planned work called off"),
    "availability.claimed": gettext_lazy("Exclusion claim to be decided"),
    "availability.decided": gettext_lazy("Exclusion claim decided"),
    "availability.budget": gettext_lazy("Down time of the month being spent"),
    "availability.burning": gettext_lazy("Down time being spent fast"),
    "auto_answer.at_risk": gettext_lazy("Auto-answer rate at risk"),
    "satisfaction.at_risk": gettext_lazy("Satisfaction at risk"),
    "plan.triggered": gettext_lazy("Rectification plan to be written"),
    "plan.submitted": gettext_lazy("Rectification plan to be accepted"),
    "plan.decided": gettext_lazy("Rectification plan accepted or returned"),
    "label_audit.drawn": gettext_lazy("Labels to audit"),
    "label_audit.finished": gettext_lazy("Label audit finished"),
    "accuracy_audit.drawn": gettext_lazy("Answers to check"),
    "accuracy_audit.finished": gettext_lazy("Accuracy audit finished"),
    "ledger.head": gettext_lazy("Evidence ledger of the day"),
    "report.waiting": gettext_lazy("Report to be approved"),
    "report.sent": gettext_lazy("New report"),
    "report.overdue": gettext_lazy("Report overdue"),
    "report.answered": gettext_lazy("Report answered"),
    "report.not_mailed": gettext_lazy("Report not mailed"),
}
_ERRORS: dict[str, str | Promise] = {
    "timeout": gettext_lazy("no answer in time"),
    "unreachable": gettext_lazy("not reachable"),
    "address_refused": gettext_lazy("nothing may be sent to this address"),
    "secret_unreadable": gettext_lazy("its secret cannot be read; make a new one"),
    "signature_refused": gettext_lazy("the signature was refused: enter the secret again"),
    "token_refused": gettext_lazy("the address is not known there: copy it again"),
    "keyword_missing": gettext_lazy("the robot demands a keyword: use a signature instead"),
    "text_refused": gettext_lazy("the text was refused"),
    "too_many": gettext_lazy("too many messages; it goes on in a while"),
    "busy": gettext_lazy("busy; it goes on in a while"),
    "gone": gettext_lazy("it answered 410: gone for good"),
    "left": gettext_lazy("the person has left"),
    "switched_off": gettext_lazy("the robot is switched off"),
}


def kind_in_words(kind: str) -> str:
    """Return what an event is called; a kind without a name keeps its code."""
    plain = kind.removesuffix(".escalated")
    words = str(KINDS.get(plain, plain))
    return words if plain == kind else _("Not acknowledged: %(title)s") % {"title": words}


def error_in_words(error: str) -> str:
    """Return what went wrong; what has no words of ours keeps its code."""
    return str(_ERRORS.get(error, error))
