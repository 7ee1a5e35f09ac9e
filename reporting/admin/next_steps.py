"""What is to be done next about an audit, in words, with the page on which it is done."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversations.models import MismatchReport
from reporting.models import AccuracyAudit, LabelReview
from reporting.services import answer_audits, label_audits, labels
from tenants.models import User


@dataclass(frozen=True)
class NextStep:
    """What the person reads, and where it is done; without a page there is nothing to do now."""

    words: str
    label: str = ""
    link: str = ""


def of_label_audit(row: LabelReview, person: User, *, may_label: bool) -> NextStep:
    """Return what comes next about an audit of labels, for this person."""
    if not row.is_finished:
        return _to_label(row, person) if may_label else _not_theirs()
    if row.is_failed:
        return _to_give_again(row, may_label=may_label)
    told = labels.progress(row.month)
    left = told.total - told.done
    if row.disputed and left:
        words = _(
            "The reviewers agree well enough. What they labelled differently counts as disputed "
            "until somebody gives it a label that stands; %(left)s questions of the month are left."
        )
        return _labelling(row, words % {"left": left}, may_label=may_label)
    return NextStep(_("The reviewers agree well enough. Nothing is left to do."))


def of_answer_audit(row: AccuracyAudit, *, may_check: bool) -> NextStep:
    """Return what comes next about an audit of answers."""
    if not row.is_finished:
        if not may_check:
            return NextStep(
                _("Those who check answers are not through yet. There is nothing for you to do.")
            )
        left = answer_audits.result(row).left
        words = ngettext(
            "%(left)s answer is left to be checked against the version it cites.",
            "%(left)s answers are left to be checked against the versions they cite.",
            left,
        )
        page = reverse("admin:reporting_accuracyaudit_check_page", args=[row.pk])
        return NextStep(words % {"left": left}, _("Check"), page)
    reports = row.items.filter(report__isnull=False).values("report")
    still_open = MismatchReport.objects.filter(pk__in=reports, closed_at=None).count()
    if still_open:
        words = ngettext(
            "A fault was found; %(count)s mismatch report is open. It says who is told and what is "
            "put right, and until when.",
            "Faults were found; %(count)s mismatch reports are open. They say who is told and what "
            "is put right, and until when.",
            still_open,
        )
        page = reverse("admin:conversations_mismatchreport_changelist")
        return NextStep(words % {"count": still_open}, _("Mismatch reports"), page)
    if answer_audits.result(row).wrong:
        return NextStep(_("The faults found are settled. Nothing is left to do."))
    return NextStep(_("No fault was found. Nothing is left to do."))


def _not_theirs() -> NextStep:
    return NextStep(
        _("Two of those who label questions label the sample. There is nothing for you to do.")
    )


def _to_label(row: LabelReview, person: User) -> NextStep:
    told = label_audits.progress(row, person)
    left = told.total - told.done
    held = (row.first_reviewer_id, row.second_reviewer_id)
    if label_audits.next_item(row, person) is not None:
        words = ngettext(
            "%(left)s question is left for you to label by its words alone.",
            "%(left)s questions are left for you to label by their words alone.",
            left,
        )
        page = reverse("admin:reporting_labelreview_review_page", args=[row.pk])
        return NextStep(words % {"left": left}, _("Label"), page)
    leave = reverse("admin:reporting_labelreview_leave_page", args=[row.pk])
    if person.pk not in held:
        return NextStep(
            _(
                "Two others label this audit: there is nothing for you to do. Should one of them be "
                "unable to go on, free their seat."
            ),
            _("Free a seat"),
            leave,
        )
    if None in held:
        return NextStep(
            _(
                "You are through. A second person now labels the whole sample: ask somebody else who "
                "labels questions to open this audit."
            )
        )
    return NextStep(
        _(
            "You are through. Both reviewers' labels are compared as soon as the other one is. "
            "Should they be unable to go on, free their seat."
        ),
        _("Free a seat"),
        leave,
    )


def _to_give_again(row: LabelReview, *, may_label: bool) -> NextStep:
    last = LabelReview.objects.filter(month=row.month).order_by("-number").first()
    if last is not None and last.pk != row.pk:
        return NextStep(
            _("The month's labels were given again, and another audit has followed this one."),
            _("Open the later audit"),
            reverse("admin:reporting_labelreview_change", args=[last.pk]),
        )
    if labels.is_through(row.month):
        return NextStep(
            _(
                "All labels of the month are given again. Its next audit is drawn by itself; “Draw "
                "now” does it at once."
            ),
            _("Draw now") if may_label else "",
            reverse("admin:reporting_labelreview_draw_page") if may_label else "",
        )
    told = labels.progress(row.month)
    words = _(
        "The reviewers agree too little, so all labels of the month are given again: %(left)s of "
        "%(all)s questions are left. Then the month is audited once more."
    )
    filled = words % {"left": told.total - told.done, "all": told.total}
    return _labelling(row, filled, may_label=may_label)


def _labelling(row: LabelReview, words: str, *, may_label: bool) -> NextStep:
    if not may_label:
        return NextStep(words)
    page = reverse("admin:reporting_question_review_page")
    return NextStep(words, _("Label questions"), f"{page}?month={row.month:%Y-%m}")
