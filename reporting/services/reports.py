"""Make reports when they are due, correct, approve and send them; the client answers (R31-R35)."""

import logging
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from reporting import periods
from reporting.models import (
    DeliveryChannel,
    Report,
    ReportAnswer,
    ReportDelivery,
    ReportDue,
    ReportRecipient,
    ReportStage,
    ReportVerdict,
)
from reporting.sections import Period
from reporting.services import due as promises
from reporting.services import evidence, report_alerts, snapshots
from tenants import clock
from tenants.errors import DomainError
from tenants.models import Membership, Tenant, User
from tenants.scoping import active_tenant_id
from tenants.services import calendars, contracts, ledger
from tenants.services.ledger import Event
from tenants.workdays import YearNotPublishedError

logger = logging.getLogger(__name__)

_BATCH = 50


class PeriodNotOverError(DomainError):
    """The figures of a period are reported once it is over."""

    code = "period_not_over"
    status = 409
    message = _("The period is not over yet.")


class NothingToCorrectError(DomainError):
    """A correction follows a report."""

    code = "nothing_to_correct"
    status = 409
    message = _("There is no report of this period to correct.")


class NotApprovedError(DomainError):
    """What goes to the client was approved first."""

    code = "report_not_approved"
    status = 409
    message = _("Approve the report before it is sent.")


class NotAnswerableError(DomainError):
    """Answers are taken once, from the sending to the end of the fifth working day after it."""

    code = "report_not_answerable"
    status = 409
    message = _("This report takes no answer: it was answered, not sent yet, or its time is over.")


class SupersededError(DomainError):
    """A later version is what the client answers."""

    code = "report_superseded"
    status = 409
    message = _(
        "This version takes no answer any more: version %(version)s has taken its place. Please "
        "answer that one."
    )


class FinalNotSentError(SupersededError):
    """A later version is what the client answers, as soon as they have it."""

    message = _(
        "This version takes no answer any more: version %(version)s takes its place. Please answer "
        "that one as soon as it is sent."
    )


class WordsMissingError(DomainError):
    """An objection says what it objects to."""

    code = "words_missing"
    status = 422
    message = _("Say what you object to.")


def make_due() -> list[Report]:
    """Make every report of the tenant in scope that is due and missing, the oldest first.

    What fails is noted on its row and tried again in the next run; it keeps nothing else back.
    """
    made = []
    rows = ReportDue.objects.filter(made_at__isnull=True, due_at__lte=clock.now())
    for row in rows.order_by("due_at", "period_start")[:_BATCH]:
        try:
            report = make(row.kind, row.period_start, row.stage)
        except Exception as error:
            logger.exception("Report not made: %s %s", row.kind, row.period_start)
            ReportDue.objects.filter(pk=row.pk).update(
                attempts=F("attempts") + 1, error=type(error).__name__
            )
            continue
        made.append(report)
    return made


def make(kind: str, start: date, stage: str, *, by: User | None = None) -> Report:
    """Return the report of the period at this stage, made now unless it was made before.

    However many ask at once, one is made: the row of what is due is locked. What is made without a
    person goes out at once, unless REPORTS_NEED_APPROVAL. Raises PeriodNotOverError.
    """
    tenant = Tenant.objects.get(pk=active_tenant_id())
    period = periods.period(kind, start, tenant.zone)
    if clock.now() < period.end_at:
        raise PeriodNotOverError
    with evidence.packing(tenant, kind, period) as pack, transaction.atomic():
        due, _created = ReportDue.objects.get_or_create(kind=kind, period_start=start, stage=stage)
        due = ReportDue.objects.select_for_update().get(pk=due.pk)
        if due.made_at is not None:
            return _of(kind, start).filter(stage=stage).latest("version")
        promised = promises.promise(due, tenant)
        if promised:
            ledger.append(*promised)
        report = _write(pack, tenant, period, kind, stage, reason="", by=by)
        ReportDue.objects.filter(pk=due.pk).update(made_at=report.made_at, error="")
        if by is None and not settings.REPORTS_NEED_APPROVAL:
            _approve(report, by=None)
            _send(report)
        else:
            report_alerts.report_waits(report)
    return Report.objects.get(pk=report.pk)


def correct(report: Report, *, reason: str, by: User) -> Report:
    """Make the next version of a report, with its reason and what it changes (R34).

    It waits for its approval. Raises NothingToCorrectError.
    """
    tenant = Tenant.objects.get(pk=active_tenant_id())
    period = periods.period(report.kind, report.period_start, tenant.zone)
    with evidence.packing(tenant, report.kind, period) as pack, transaction.atomic():
        # The rows of one period are locked in one order, whoever makes a version of it.
        list(
            ReportDue.objects.select_for_update()
            .filter(kind=report.kind, period_start=report.period_start)
            .order_by("pk")
        )
        if not _of(report.kind, report.period_start).exists():
            raise NothingToCorrectError
        return _write(
            pack,
            tenant,
            period,
            report.kind,
            ReportStage.CORRECTED,
            reason=reason.strip(),
            by=by,
        )


def approve(report: Report, *, by: User) -> Report:
    """Note who approved the report; approving again changes nothing."""
    with transaction.atomic():
        found: Report = Report.objects.select_for_update().get(pk=report.pk)
        if found.approved_at is None:
            _approve(found, by=by)
    return Report.objects.get(pk=report.pk)


def send(report: Report, *, by: User) -> Report:
    """Put an approved report on its way to all who get its kind. Raises NotApprovedError."""
    with transaction.atomic():
        found: Report = Report.objects.select_for_update().get(pk=report.pk)
        if found.approved_at is None:
            raise NotApprovedError
        if found.sent_at is None:
            _send(found, by=by)
    return Report.objects.get(pk=report.pk)


def resend(delivery: ReportDelivery, *, by: User) -> ReportDelivery:
    """Put one mail on its way again, as a row of its own; the former stays as evidence."""
    with transaction.atomic():
        report = Report.objects.select_for_update().get(pk=delivery.report_id)
        same = ReportDelivery.objects.filter(
            report=report, channel=delivery.channel, email=delivery.email
        )
        latest = same.latest("round")
        if latest.due_at is not None:
            return latest
        at = clock.now()
        row = ReportDelivery.objects.create(
            report=report,
            channel=delivery.channel,
            recipient=delivery.recipient,
            name=delivery.name,
            email=delivery.email,
            language=delivery.language,
            round=latest.round + 1,
            created_at=at,
            due_at=at,
        )
        ledger.append(Event("report.resent", report.pk, {"delivery": row.pk, "by": by.pk}))
    return row


def to_answer() -> QuerySet[Report]:
    """Return the reports that the client may confirm or object to now: the latest version of each."""
    newer = Report.objects.filter(
        kind=OuterRef("kind"),
        period_start=OuterRef("period_start"),
        version__gt=OuterRef("version"),
    )
    found: QuerySet[Report] = Report.objects.filter(
        ~Exists(newer.filter(sent_at__isnull=False)),
        ~Q(stage=ReportStage.PROVISIONAL) | ~Exists(newer),
        Q(answer_due_at=None) | Q(answer_due_at__gt=clock.now()),
        sent_at__isnull=False,
        answer=None,
    )
    return found


def superseded_by(report: Report) -> Report | None:
    """Return the version that takes the client's answer in place of this one, if there is one.

    The latest that was sent; of a provisional version also one that is made and not sent yet.
    """
    newer = _of(report.kind, report.period_start).filter(version__gt=report.version)
    sent = newer.filter(sent_at__isnull=False).order_by("-version").first()
    if sent is not None or report.stage != ReportStage.PROVISIONAL:
        return sent
    return newer.order_by("-version").first()


def superseded(newer: Report) -> SupersededError:
    """Return what somebody is told who answers an earlier version than `newer`."""
    kind = SupersededError if newer.sent_at else FinalNotSentError
    return kind(version=newer.version)


def takes_answer(report: Report) -> bool:
    """Return whether the client may confirm or object to this version now."""
    return (
        report.may_be_answered(clock.now())
        and not ReportAnswer.objects.filter(report=report).exists()
        and superseded_by(report) is None
    )


def answer(report: Report, verdict: str, *, text: str, by: Membership) -> ReportAnswer:
    """Take the client's confirmation of a report, or their objection, once (R35).

    Raises NotAnswerableError, SupersededError, WordsMissingError. Not to answer agrees to nothing.
    """
    text = text.strip()
    if verdict == ReportVerdict.OBJECTED and not text:
        raise WordsMissingError
    with transaction.atomic():
        found: Report = Report.objects.select_for_update().get(pk=report.pk)
        at = clock.now()
        if not found.may_be_answered(at) or ReportAnswer.objects.filter(report=found).exists():
            raise NotAnswerableError
        newer = superseded_by(found)
        if newer is not None:
            raise superseded(newer)
        row = ReportAnswer.objects.create(
            report=found, verdict=verdict, text=text, member=by, answered_at=at
        )
        found.deliveries.filter(channel=DeliveryChannel.APP).update(confirmed_at=at)
        facts = {
            "verdict": row.verdict,
            "text": ledger.fingerprint(text) if text else "",
            "by": by.user_id,
            "sha256": found.sha256,
        }
        ledger.append(Event("report.answered", found.pk, facts))
        report_alerts.report_answered(found, row)
    return row


def note_opened(report: Report, *, by: Membership) -> None:
    """Note the first time that a member of the client opened a sent report in the product."""
    with transaction.atomic():
        unread = ReportDelivery.objects.filter(
            report=report, channel=DeliveryChannel.APP, opened_at__isnull=True
        )
        if unread.update(opened_at=clock.now()):
            ledger.append(Event("report.opened", report.pk, {"by": by.user_id}))


def _of(kind: str, start: date) -> QuerySet[Report]:
    return Report.objects.filter(kind=kind, period_start=start)


def _write(
    pack: evidence.Pack,
    tenant: Tenant,
    period: Period,
    kind: str,
    stage: str,
    *,
    reason: str,
    by: User | None,
) -> Report:
    start = period.first
    earlier = _of(kind, start).order_by("-version").first()
    version = earlier.version + 1 if earlier else 1
    at = clock.now()
    text, sha256 = snapshots.take(
        tenant,
        kind,
        period,
        version=version,
        stage=stage,
        reason=reason,
        at=at,
        earlier=earlier,
        gather=pack.gather,
    )
    report = Report(
        kind=kind,
        period_start=start,
        period_end=period.end,
        version=version,
        stage=stage,
        snapshot=text,
        sha256=sha256,
        reason=reason,
        made_at=at,
        made_by=by,
    )
    pack.keep(report)
    report.save()
    facts = {
        "kind": kind,
        "period_start": start,
        "version": version,
        "stage": stage,
        "sha256": sha256,
        "evidence_sha256": report.evidence_sha256,
        "previous": earlier.sha256 if earlier else "",
        "by": by.pk if by else None,
    }
    ledger.append(Event("report.made", report.pk, facts))
    return report


def _approve(report: Report, *, by: User | None) -> None:
    Report.objects.filter(pk=report.pk).update(approved_at=clock.now(), approved_by=by)
    ledger.append(
        Event(
            "report.approved",
            report.pk,
            {"sha256": report.sha256, "by": by.pk if by else None},
        )
    )


def _send(report: Report, *, by: User | None = None) -> None:
    tenant = Tenant.objects.get(pk=active_tenant_id())
    at = clock.now()
    Report.objects.filter(pk=report.pk).update(sent_at=at, answer_due_at=_answer_due(at, tenant))
    rows = [
        ReportDelivery(
            report=report,
            channel=DeliveryChannel.APP,
            name=tenant.name,
            language=tenant.language,
            created_at=at,
            sent_at=at,
        )
    ]
    rows += [
        ReportDelivery(
            report=report,
            channel=DeliveryChannel.MAIL,
            recipient=recipient,
            name=recipient.name,
            email=recipient.email,
            language=recipient.language,
            created_at=at,
            due_at=at,
        )
        for recipient in ReportRecipient.objects.filter(is_active=True)
        if report.kind in recipient.kinds
    ]
    ReportDelivery.objects.bulk_create(rows)
    facts = {
        "sha256": report.sha256,
        "deliveries": [row.pk for row in rows],
        "by": by.pk if by else None,
    }
    ledger.append(Event("report.sent", report.pk, facts), *promises.keep(report, at))
    report_alerts.report_sent(report)


def _answer_due(at: datetime, tenant: Tenant) -> datetime | None:
    try:
        return calendars.due_at(at, contracts.terms_at(at).confirm_working_days, tenant.zone)
    except YearNotPublishedError:
        return None
