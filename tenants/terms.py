"""What the contract promises, as figures; the defaults of every contract."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType

# Clause 2.1(1), R50-R51: first visitor message of an inquiry to the first visible reply.
FIRST_REPLY = timedelta(seconds=10)
# Clause 2.1(3), R63: triggering message to the acknowledged hand-off package.
HANDOFF = timedelta(seconds=60)
# R66: what the client's system has not acknowledged after this goes to our own console.
HANDOFF_FAILOVER = timedelta(seconds=45)
# What our console needs to list a hand-off that it takes over, inside the promise.
FAILOVER_MARGIN = timedelta(seconds=2)
# R-definition of an inquiry: it ends after this silence.
INQUIRY_IDLE = timedelta(minutes=30)
# Clause 2.2(3), R91: from the report to the wrong entry out of use, and to its correction.
WRONG_ENTRY_OUT = timedelta(hours=1)
MISMATCH_CORRECTED = timedelta(hours=4)

CLAUSE_FIRST_REPLY = "2.1(1)"
CLAUSE_HANDOFF = "2.1(3)"

# The version of terms where no contract is in force.
DEFAULT_VERSION = "default"


@dataclass(frozen=True)
class IncidentTime:
    """How soon an incident of one level is answered and over, in minutes (I1).

    `working` means minutes of working hours, else they run day and night; `restore` None means
    as planned with the client, `update` None that none are owed at fixed times.
    """

    acknowledge: int
    restore: int | None
    update: int | None = None
    working: bool = False


@dataclass(frozen=True)
class CreditTier:
    """From this availability up, this share of the month's fee is credited (I5)."""

    at_least: Decimal
    share: Decimal


# A working day has eight hours here.
_WORKING_DAY = 8 * 60
INCIDENT_TIMES: Mapping[str, IncidentTime] = MappingProxyType(
    {
        "P1": IncidentTime(15, 4 * 60, 30),
        "P2": IncidentTime(30, 8 * 60, 60),
        "P3": IncidentTime(4 * 60, 3 * _WORKING_DAY, working=True),
        "P4": IncidentTime(_WORKING_DAY, None, working=True),
    }
)
CREDIT_TIERS = (
    CreditTier(Decimal("0.995"), Decimal("0")),
    CreditTier(Decimal("0.99"), Decimal("0.10")),
    CreditTier(Decimal("0.95"), Decimal("0.25")),
    CreditTier(Decimal("0"), Decimal("0.50")),
)
# Very satisfied, satisfied, fair, dissatisfied, very dissatisfied (Q6).
SCORES = (100, 80, 60, 40, 20)


@dataclass(frozen=True)
class Terms:
    """What is agreed at one instant: every parameter of the contract, with the product's defaults.

    Shares are fractions of 1, the satisfaction target a score out of 100. `version` names the
    terms on whatever was measured by them.
    """

    version: str = DEFAULT_VERSION
    # 2.1(1)
    first_reply: timedelta = FIRST_REPLY
    inquiry_idle: timedelta = INQUIRY_IDLE
    # 2.1(2)
    auto_answer_target: Decimal = Decimal("0.95")
    # 2.1(3)
    handoff: timedelta = HANDOFF
    console_staff: str = "client"
    # 1.1(2), 1.3
    oos_policy: str = "transfer"
    clarifications: int = 2
    # 1.1(4)
    year_kind: str = "calendar"
    confirm_working_days: int = 5
    # 1.1(5)
    knowledge_working_days: int = 2
    knowledge_lead_working_days: int = 5
    # 1.2
    patch_needs_order: bool = False
    order_expiry_days: int = 30
    # 2.2(1)
    survey_method: str = "survey"
    satisfaction_target: Decimal = Decimal("85")
    scores: tuple[int, ...] = SCORES
    sample_size: int = 100
    rectification_working_days: int = 7
    # 2.2(2)
    availability_target: Decimal = Decimal("0.995")
    availability_rule: str = "strict"
    downtime_unit: str = "second"
    maintenance_excluded: bool = False
    exclusion_working_days: int = 2
    # 2.2(3)
    mismatch_working_days: int = 1
    wrong_entry_out: timedelta = WRONG_ENTRY_OUT
    mismatch_corrected: timedelta = MISMATCH_CORRECTED
    # Usual further clauses: incidents, maintenance, fees, data
    incident_times: Mapping[str, IncidentTime] = field(default_factory=lambda: INCIDENT_TIMES)
    incident_report_working_days: int = 3
    security_notice: timedelta = timedelta(hours=1)
    maintenance_notice: timedelta = timedelta(hours=72)
    monthly_fee: Decimal | None = None
    credit_tiers: tuple[CreditTier, ...] = CREDIT_TIERS
    credit_cap: Decimal = Decimal("1")
    credit_claim_days: int = 60
    subject_working_days: int = 15
    asks_age: bool = False
    export_days: int = 7
    deletion_days: int = 30

    @property
    def failover(self) -> timedelta:
        """After which silence of the client's system our console takes over, inside the promise."""
        return max(timedelta(0), min(HANDOFF_FAILOVER, self.handoff - FAILOVER_MARGIN))


DEFAULTS = Terms()
