"""Tell of audits of labels and of answers: to be done, and what they came to.

Source: contract R61, R90. Every function writes rows only, in the caller's transaction.
"""

from django.urls import reverse
from django.utils.translation import gettext as _

from reporting.models import AccuracyAudit, LabelReview
from tenants.models import AlertLevel
from tenants.roles import FOR_BOTH, FOR_PROVIDER
from tenants.services.notifications import in_tenants_words, notify


def label_audit_drawn(row: LabelReview) -> None:
    """Ask both parties for the labels of an audit: two people, one from each at best (R61)."""
    with in_tenants_words():
        notify(
            "label_audit.drawn",
            title=_("Label audit to be done: %(month)s") % {"month": row},
            body=_(
                "%(count)s questions, to be labelled by two people who do not consult each other."
            )
            % {"count": row.size},
            roles=FOR_BOTH,
            subject=str(row.pk),
            level=AlertLevel.WARNING,
            link=reverse("admin:reporting_labelreview_review_page", args=[row.pk]),
            dedupe=f"label_audit.drawn:{row.pk}",
        )


def label_audit_finished(row: LabelReview) -> None:
    """Tell both parties what an audit came to, and that all labels are given again if it failed."""
    with in_tenants_words():
        if row.is_failed:
            title = _("All labels of %(month)s are to be given again")
            body = _(
                "The two reviewers agree too little: kappa %(kappa)s, and 0.8 is needed. Until a "
                "person has labelled every question of the month, those without an answer count "
                "as common. Then a new audit is drawn."
            ) % {"kappa": row.kappa_shown}
            page = reverse("admin:reporting_question_review_page")
            link = f"{page}?month={row.month:%Y-%m}"
        else:
            title = _("Label audit done: %(month)s")
            body = _(
                "Kappa %(kappa)s; %(agreed)s labelled alike, %(relabelled)s relabelled, "
                "%(disputed)s disputed and to be reviewed once more."
            ) % {
                "kappa": row.kappa_shown,
                "agreed": row.agreed,
                "relabelled": row.relabelled,
                "disputed": row.disputed,
            }
            link = reverse("admin:reporting_labelreview_change", args=[row.pk])
        notify(
            "label_audit.finished",
            title=title % {"month": row},
            body=body,
            roles=FOR_BOTH,
            subject=str(row.pk),
            level=AlertLevel.WARNING if row.is_failed else AlertLevel.INFO,
            link=link,
            dedupe=f"label_audit.finished:{row.pk}",
        )


def accuracy_audit_drawn(row: AccuracyAudit) -> None:
    """Ask account managers to check a sample of answers (R90)."""
    with in_tenants_words():
        notify(
            "accuracy_audit.drawn",
            title=_("Accuracy audit to be done: %(month)s") % {"month": row},
            body=_("%(count)s answers, to be checked against the versions they cite.")
            % {"count": row.size},
            roles=FOR_PROVIDER,
            subject=str(row.pk),
            level=AlertLevel.WARNING,
            link=reverse("admin:reporting_accuracyaudit_check_page", args=[row.pk]),
            dedupe=f"accuracy_audit.drawn:{row.pk}",
        )


def accuracy_audit_finished(row: AccuracyAudit, *, wrong: int, checked: int) -> None:
    """Tell both parties what an audit of answers found (R90)."""
    with in_tenants_words():
        notify(
            "accuracy_audit.finished",
            title=_("Accuracy audit done: %(month)s") % {"month": row},
            body=_("%(wrong)s of %(checked)s answers found wrong.")
            % {"wrong": wrong, "checked": checked},
            roles=FOR_BOTH,
            subject=str(row.pk),
            level=AlertLevel.WARNING if wrong else AlertLevel.INFO,
            link=reverse("admin:reporting_accuracyaudit_change", args=[row.pk]),
            dedupe=f"accuracy_audit.finished:{row.pk}",
        )
