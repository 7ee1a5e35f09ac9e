"""Reports: when each is due, what each version said, and what the client answered."""

import hashlib
import json
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import Membership
from tenants.models.ledger import AppendOnlyError, AppendOnlyManager
from tenants.scoping import ScopedManager, TenantModel, TenantQuerySet

ANSWER_LENGTH = 4000
REASON_LENGTH = 1000


class ReportKind(models.TextChoices):
    """How long the period of a report is."""

    WEEKLY = "weekly", _("Weekly report")
    MONTHLY = "monthly", _("Monthly report")
    ANNUAL = "annual", _("Annual report")


class ReportStage(models.TextChoices):
    """How firm the figures of a version are."""

    PROVISIONAL = "provisional", _("Provisional figures")
    FINAL = "final", _("Final figures")
    CORRECTED = "corrected", _("Correction")


class ReportVerdict(models.TextChoices):
    """What the client says to a report."""

    CONFIRMED = "confirmed", _("Confirmed")
    OBJECTED = "objected", _("Objected")


class ReportDue(TenantModel):
    """One report that is owed: `due_at` is None while the year's holidays are not published."""

    kind = models.CharField(_("kind"), max_length=8, choices=ReportKind)
    period_start = models.DateField(_("first day of the period"))
    stage = models.CharField(_("stage"), max_length=12, choices=ReportStage)
    due_at = models.DateTimeField(_("due"), null=True)
    made_at = models.DateTimeField(_("made at"), null=True)
    # Since when it is known that it was not delivered two hours after it was due.
    overdue_since = models.DateTimeField(_("overdue since"), null=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    # What went wrong the last time it was to be made: the name of the fault.
    error = models.CharField(_("fault"), max_length=80, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("report due")
        verbose_name_plural = _("reports due")
        ordering = ("due_at", "period_start")
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "kind", "period_start", "stage"), name="report_due_once"
            )
        ]
        indexes = [
            models.Index(
                fields=("due_at",),
                condition=models.Q(made_at__isnull=True),
                name="report_due_to_make",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.period_start:%Y-%m-%d}"

    @property
    def waits_for_calendar(self) -> bool:
        """Whether its day can't be told before the State Council's holiday notice (R2)."""
        return self.due_at is None


class ReportQuerySet(TenantQuerySet):
    """Refuses to change what a report says, and to remove one."""

    def update(self, **kwargs: Any) -> int:
        if not kwargs.keys() <= Report.CHANGEABLE:
            raise AppendOnlyError("what a report says is never changed; make a new version")
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("reports are never removed")


class ReportManager(ScopedManager.from_queryset(ReportQuerySet)):  # type: ignore[misc]
    """The manager of reports."""


class Report(TenantModel):
    """One version of one report: what it says is written once, only its way to the client moves."""

    CHANGEABLE: ClassVar[frozenset[str]] = frozenset(
        {"approved_at", "approved_by", "approved_by_id", "sent_at", "answer_due_at"}
    )

    kind = models.CharField(_("kind"), max_length=8, choices=ReportKind)
    period_start = models.DateField(_("first day of the period"))
    period_end = models.DateField(_("day after the period"))
    version = models.PositiveIntegerField(_("version"))
    stage = models.CharField(_("stage"), max_length=12, choices=ReportStage)
    # Canonical JSON: keys sorted, no spaces, UTF-8. Its SHA-256 is the report's hash.
    snapshot = models.TextField(_("snapshot"))
    sha256 = models.CharField(_("hash"), max_length=64)
    # The evidence pack lies under MEDIA_ROOT; a report made before packs were kept has none.
    evidence_path = models.CharField(max_length=120, blank=True, editable=False)
    evidence_sha256 = models.CharField(
        _("hash of the evidence"), max_length=64, blank=True, editable=False
    )
    reason = models.CharField(_("reason"), max_length=REASON_LENGTH, blank=True)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(
        "tenants.User",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("made by"),
    )
    approved_at = models.DateTimeField(_("approved at"), null=True)
    approved_by = models.ForeignKey(
        "tenants.User",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("approved by"),
    )
    sent_at = models.DateTimeField(_("sent at"), null=True)
    answer_due_at = models.DateTimeField(_("answer until"), null=True)

    objects: ClassVar[ReportManager] = ReportManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering = ("-period_end", "kind", "-version")
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "kind", "period_start", "version"), name="report_version_once"
            ),
            models.CheckConstraint(
                condition=models.Q(sent_at__isnull=True) | models.Q(approved_at__isnull=False),
                name="report_sent_after_approval",
            ),
            models.CheckConstraint(
                condition=~models.Q(stage="corrected") | ~models.Q(reason=""),
                name="report_correction_has_reason",
            ),
        ]
        indexes = [models.Index(fields=("tenant", "-made_at"), name="report_by_time")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.period_start:%Y-%m-%d} v{self.version}"

    @property
    def last_day(self) -> date:
        """The last day of the period."""
        return self.period_end - timedelta(days=1)

    @property
    def is_intact(self) -> bool:
        """Whether the snapshot still has the hash that it was written with."""
        return hashlib.sha256(self.snapshot.encode()).hexdigest() == self.sha256

    @property
    def data(self) -> dict[str, Any]:
        """What the report says, as plain data. Raises ValueError if it was tampered with."""
        if not self.is_intact:
            raise ValueError(f"the snapshot of report {self.pk} does not match its hash")
        found: dict[str, Any] = json.loads(self.snapshot)
        return found

    def may_be_answered(self, at: datetime) -> bool:
        """Return whether the client may still confirm or object at the instant `at`.

        While the year's holidays are not published the time does not run out.
        """
        return self.sent_at is not None and (self.answer_due_at is None or at < self.answer_due_at)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("what a report says is never changed; make a new version")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("reports are never removed")


class ReportAnswer(TenantModel):
    """What the client said to one version of a report, once (R35)."""

    report = models.OneToOneField(
        Report, on_delete=models.PROTECT, related_name="answer", verbose_name=_("report")
    )
    verdict = models.CharField(_("client's answer"), max_length=10, choices=ReportVerdict)
    text = models.TextField(_("what the client says"), max_length=ANSWER_LENGTH, blank=True)
    member = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="+", verbose_name=_("by")
    )
    answered_at = models.DateTimeField(_("answered at"))

    objects: ClassVar[AppendOnlyManager] = AppendOnlyManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("answer to a report")
        verbose_name_plural = _("answers to reports")
        ordering = ("-answered_at",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(verdict="confirmed") | ~models.Q(text=""),
                name="report_objection_has_words",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()} {self.answered_at:%Y-%m-%d %H:%M}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("an answer is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("an answer is never removed")
