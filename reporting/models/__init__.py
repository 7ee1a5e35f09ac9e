"""What was counted and checked of it, what was reported, who got it and what they answered."""

from reporting.models.audit import AccuracyAudit, AccuracyAuditItem, AuditFinding
from reporting.models.catalogue import CatalogueState, CommonQuestionCatalogue
from reporting.models.downtime import (
    AvailabilitySettings,
    ClaimDecision,
    ClaimFile,
    DownInterval,
    ExclusionClaim,
    ExclusionKind,
    IntervalKind,
)
from reporting.models.figure import DailyFigure
from reporting.models.incident import (
    AuthorityWay,
    Incident,
    IncidentKind,
    IncidentLevel,
    IncidentUpdate,
    MaintenanceWindow,
    OwnerParty,
)
from reporting.models.probe import Heartbeat, Prober, ProbeResult, ProcessKind
from reporting.models.question import (
    LabelSource,
    Question,
    QuestionLabel,
    QuestionLabels,
    QuestionStanding,
    QuestionWhy,
)
from reporting.models.rectification import PlanState, RectificationPlan
from reporting.models.report import (
    Report,
    ReportAnswer,
    ReportDue,
    ReportKind,
    ReportStage,
    ReportVerdict,
)
from reporting.models.report_delivery import DeliveryChannel, ReportDelivery, ReportRecipient
from reporting.models.review import LabelReview, LabelReviewItem

__all__ = [
    "AccuracyAudit",
    "AccuracyAuditItem",
    "AuditFinding",
    "AuthorityWay",
    "AvailabilitySettings",
    "CatalogueState",
    "ClaimDecision",
    "ClaimFile",
    "CommonQuestionCatalogue",
    "DailyFigure",
    "DeliveryChannel",
    "DownInterval",
    "ExclusionClaim",
    "ExclusionKind",
    "Heartbeat",
    "Incident",
    "IncidentKind",
    "IncidentLevel",
    "IncidentUpdate",
    "IntervalKind",
    "LabelReview",
    "LabelReviewItem",
    "LabelSource",
    "MaintenanceWindow",
    "OwnerParty",
    "PlanState",
    "ProbeResult",
    "Prober",
    "ProcessKind",
    "Question",
    "QuestionLabel",
    "QuestionLabels",
    "QuestionStanding",
    "QuestionWhy",
    "RectificationPlan",
    "Report",
    "ReportAnswer",
    "ReportDelivery",
    "ReportDue",
    "ReportKind",
    "ReportRecipient",
    "ReportStage",
    "ReportVerdict",
]
