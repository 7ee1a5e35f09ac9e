"""What was counted, for people to check, and the reports made of it."""

from reporting.admin import (
    answer_audits,
    catalogues,
    deliveries,
    downtime,
    due,
    figures,
    incidents,
    label_audits,
    maintenance,
    probers,
    questions,
    recipients,
    rectification,
    reports,
)

__all__ = [
    "answer_audits",
    "catalogues",
    "deliveries",
    "downtime",
    "due",
    "figures",
    "incidents",
    "label_audits",
    "maintenance",
    "probers",
    "questions",
    "recipients",
    "rectification",
    "reports",
]
