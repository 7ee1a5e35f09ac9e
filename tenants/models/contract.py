"""The contract with a client: its parties, and its terms by version (R13, R14)."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants import identifiers, secrets, terms, terms_lists
from tenants.models.ledger import AppendOnlyError
from tenants.scoping import TenantModel


def validate_credit_code(value: str) -> None:
    """Raise ValidationError unless this is a unified social credit code (GB 32100)."""
    if not identifiers.is_credit_code(value):
        raise ValidationError(
            _("This is no unified social credit code: its check character does not fit."),
            code="credit_code",
        )


class PartyKind(models.TextChoices):
    """What the client is in law."""

    COMPANY = "company", _("Company")
    PERSON = "person", _("Natural person")


class OosPolicy(models.TextChoices):
    """What happens to a question that is not the client's business (Q11)."""

    TRANSFER = "transfer", _("Handed to people")
    OFFER = "offer_transfer", _("People are offered")
    DECLINE = "decline", _("Declined politely")


class ConsoleStaff(models.TextChoices):
    """Who sits at the temporary console (Q12)."""

    CLIENT = "client", _("The client's people")
    PROVIDER = "provider", _("The provider's people")


class YearKind(models.TextChoices):
    """Which year an annual report covers (Q13)."""

    CALENDAR = "calendar", _("Calendar year")
    CONTRACT = "contract", _("Year of the contract")


class SatisfactionMethod(models.TextChoices):
    """How satisfaction is measured (R71)."""

    SURVEY = "survey", _("Survey of visitors")
    SAMPLING = "sampling", _("Sampling by raters")
    BOTH = "both", _("Both, reported apart")


class AvailabilityRule(models.TextChoices):
    """What counts as down where there are several channels (R79)."""

    STRICT = "strict", _("One channel down is down")
    WEIGHTED = "weighted", _("Each channel counts by its share of the inquiries")


class DowntimeUnit(models.TextChoices):
    """In what an outage is counted (R86)."""

    SECOND = "second", _("Seconds")
    MINUTE = "minute", _("Whole minutes, rounded up; shorter than one does not count")


class Contract(TenantModel):
    """One contract with its two parties; what is promised in it stands in its terms."""

    number = models.CharField(_("contract number"), max_length=60)
    place = models.CharField(_("place of signing"), max_length=120, blank=True)
    signed_on = models.DateField(_("signed on"), null=True, blank=True)
    effective_from = models.DateField(_("in force from"))
    effective_to = models.DateField(
        _("in force until"),
        null=True,
        blank=True,
        help_text=_("The last day. Empty: no end agreed."),
    )
    party_a_kind = models.CharField(
        _("kind of client"), max_length=8, choices=PartyKind, default=PartyKind.COMPANY
    )
    party_a_name = models.CharField(_("client (party A)"), max_length=120)
    party_a_code = models.CharField(
        _("client's credit code"),
        max_length=18,
        blank=True,
        validators=[validate_credit_code],
        help_text=_("Unified social credit code of 18 signs; of a company."),
    )
    sealed_party_a_identity = models.TextField(blank=True, editable=False)
    party_a_address = models.CharField(_("client's address"), max_length=200, blank=True)
    party_a_representative = models.CharField(
        _("client's legal representative"), max_length=60, blank=True
    )
    party_a_phone = models.CharField(_("client's telephone"), max_length=40, blank=True)
    party_a_email = models.EmailField(_("client's e-mail"), blank=True)
    party_b_name = models.CharField(_("provider (party B)"), max_length=120)
    party_b_code = models.CharField(
        _("provider's credit code"), max_length=18, validators=[validate_credit_code]
    )
    party_b_address = models.CharField(_("provider's address"), max_length=200, blank=True)
    party_b_representative = models.CharField(
        _("provider's legal representative"), max_length=60, blank=True
    )
    party_b_phone = models.CharField(_("provider's telephone"), max_length=40, blank=True)
    party_b_email = models.EmailField(_("provider's e-mail"), blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("contract")
        verbose_name_plural = _("contracts")
        ordering = ("-effective_from",)
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "number"),
                name="contract_number_once",
                violation_error_message=_("There is a contract of this number already."),
            ),
            models.CheckConstraint(
                condition=models.Q(effective_to=None)
                | models.Q(effective_to__gte=models.F("effective_from")),
                name="contract_ends_after_start",
                violation_error_message=_("The contract ends before it begins."),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def party_a_identity(self) -> str:
        """The client's identity number as people may see it. Raises SecretUnreadableError."""
        return identifiers.masked_identity(secrets.unseal(self.sealed_party_a_identity))


def _days(label: Any, default: int, help_text: Any = "", least: int = 1) -> Any:
    return models.PositiveSmallIntegerField(
        label,
        default=default,
        validators=[MinValueValidator(least), MaxValueValidator(366)],
        help_text=help_text,
    )


def _share(label: Any, default: Any, help_text: Any = "") -> Any:
    return models.DecimalField(
        label,
        max_digits=6,
        decimal_places=5,
        default=default,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=help_text or _("As a fraction of 1: 0.95 is 95 %."),
    )


class ContractTerms(TenantModel):
    """One version of a contract's terms; what both parties signed never changes again."""

    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, related_name="terms", verbose_name=_("contract")
    )
    number = models.PositiveSmallIntegerField(_("version"), editable=False)
    effective_from = models.DateField(
        _("in force from"),
        help_text=_("From 00:00 of this day; at the earliest a minute after the second signature."),
    )
    # Set by the second signature; from then on the row is evidence.
    in_force_at = models.DateTimeField(_("in force since"), null=True, editable=False)
    content_hash = models.CharField(
        _("fingerprint of the content"), max_length=64, blank=True, editable=False
    )
    created_at = models.DateTimeField(_("created at"), editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("created by"),
    )

    first_reply_seconds = models.PositiveSmallIntegerField(
        _("first reply, seconds"),
        default=10,
        validators=[MinValueValidator(3), MaxValueValidator(3600)],
        help_text=_("From the first message of an inquiry to the first reply the visitor sees."),
    )
    inquiry_idle_minutes = models.PositiveSmallIntegerField(
        _("silence that ends an inquiry, minutes"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(1440)],
    )
    auto_answer_target = _share(_("auto-answer rate, at least"), terms.DEFAULTS.auto_answer_target)
    handoff_seconds = models.PositiveSmallIntegerField(
        _("hand-off, seconds"),
        default=60,
        validators=[MinValueValidator(10), MaxValueValidator(3600)],
        help_text=_("From the message that calls for people to the delivered package."),
    )
    console_staff = models.CharField(
        _("who staffs the temporary console"),
        max_length=10,
        choices=ConsoleStaff,
        default=ConsoleStaff.CLIENT,
    )
    oos_policy = models.CharField(
        _("questions outside the client's business"),
        max_length=16,
        choices=OosPolicy,
        default=OosPolicy.TRANSFER,
    )
    clarifications = models.PositiveSmallIntegerField(
        _("questions back in a row before people take over"),
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(10)],
    )
    year_kind = models.CharField(
        _("year of the annual report"),
        max_length=10,
        choices=YearKind,
        default=YearKind.CALENDAR,
    )
    confirm_working_days = _days(_("client confirms or objects to a report, working days"), 5)
    knowledge_working_days = _days(
        _("provider configures an update, working days"),
        2,
        _("The day on which the complete material came is not counted; due at 24:00."),
    )
    knowledge_lead_working_days = _days(_("client submits an update ahead, working days"), 5)
    patch_needs_order = models.BooleanField(
        _("a patch version of an app needs an order of its own"), default=False
    )
    order_expiry_days = _days(_("an unsigned channel order lapses after, days"), 30)
    survey_method = models.CharField(
        _("how satisfaction is measured"),
        max_length=8,
        choices=SatisfactionMethod,
        default=SatisfactionMethod.SURVEY,
    )
    satisfaction_target = models.DecimalField(
        _("satisfaction, at least"),
        max_digits=5,
        decimal_places=2,
        default=terms.DEFAULTS.satisfaction_target,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text=_("Points out of 100, per calendar month."),
    )
    scores = models.JSONField(
        _("what the five answers are worth"),
        default=terms_lists.default_scores,
        validators=[terms_lists.validate_scores],
        help_text=_("From “very satisfied” to “very dissatisfied”."),
    )
    sample_size = models.PositiveSmallIntegerField(
        _("inquiries sampled for quality each month"),
        default=100,
        validators=[MinValueValidator(30), MaxValueValidator(2000)],
    )
    rectification_working_days = _days(
        _("rectification plan due, working days"),
        7,
        _("After the day on which the second low month is final."),
    )
    availability_target = _share(_("availability, at least"), terms.DEFAULTS.availability_target)
    availability_rule = models.CharField(
        _("several channels"),
        max_length=10,
        choices=AvailabilityRule,
        default=AvailabilityRule.STRICT,
    )
    downtime_unit = models.CharField(
        _("outages are counted in"),
        max_length=8,
        choices=DowntimeUnit,
        default=DowntimeUnit.SECOND,
    )
    maintenance_excluded = models.BooleanField(
        _("announced maintenance is no outage"),
        default=False,
        help_text=_("Only where an annex signed by both parties says so."),
    )
    exclusion_working_days = _days(_("an exclusion is claimed within, working days"), 2)
    mismatch_working_days = _days(_("client is told of a wrong answer within, working days"), 1)
    wrong_entry_out_minutes = models.PositiveSmallIntegerField(
        _("wrong entry out of use, minutes"), default=60, validators=[MinValueValidator(1)]
    )
    mismatch_corrected_minutes = models.PositiveSmallIntegerField(
        _("wrong entry corrected, minutes"), default=240, validators=[MinValueValidator(1)]
    )
    incident_times = models.JSONField(
        _("incidents: times per level"),
        default=terms_lists.default_incident_times,
        validators=[terms_lists.validate_incident_times],
    )
    incident_report_working_days = _days(_("report after a P1 or P2 incident, working days"), 3)
    security_notice_minutes = models.PositiveSmallIntegerField(
        _("client is told of a security incident within, minutes"),
        default=60,
        validators=[MinValueValidator(1)],
    )
    maintenance_notice_hours = models.PositiveSmallIntegerField(
        _("maintenance is announced ahead, hours"), default=72, validators=[MinValueValidator(1)]
    )
    monthly_fee = models.DecimalField(
        _("monthly fee, CNY"),
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("What service credits are shares of. Empty: credits are shown as shares."),
    )
    credit_tiers = models.JSONField(
        _("service credits"),
        default=terms_lists.default_credit_tiers,
        validators=[terms_lists.validate_credit_tiers],
    )
    credit_cap = _share(_("most of a month's fee that is credited"), terms.DEFAULTS.credit_cap)
    credit_claim_days = _days(_("credits are claimed within, days"), 60)
    late_fee_rate = _share(
        _("penalty for delay, share a day"), 0, _("For the record; nothing is computed with it.")
    )
    liability_cap = models.CharField(
        _("limit of liability"), max_length=200, blank=True, help_text=_("In the contract's words.")
    )
    subject_working_days = _days(_("a person's data request is answered within, working days"), 15)
    asks_age = models.BooleanField(_("visitors are asked for their age"), default=False)
    export_days = _days(_("data handed back after the end, days"), 7)
    deletion_days = _days(_("data deleted after the end, days"), 30)
    remarks = models.TextField(
        _("further agreements"),
        blank=True,
        help_text=_("Disputes, copies, annexes: what has no field of its own."),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("contract terms")
        verbose_name_plural = _("contract terms")
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(
                fields=("tenant", "contract", "number"), name="contract_terms_number_once"
            ),
            models.CheckConstraint(
                condition=models.Q(in_force_at=None) | ~models.Q(content_hash=""),
                name="contract_terms_in_force_are_signed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract} v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self._refuse_if_signed()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        self._refuse_if_signed()
        return super().delete(*args, **kwargs)

    def _refuse_if_signed(self) -> None:
        if (
            not self._state.adding
            and type(self).objects.filter(pk=self.pk, in_force_at__isnull=False).exists()
        ):
            raise AppendOnlyError("signed terms are never changed; agree on the next version")
