"""What was counted, for people to check, and the reports made of it."""

from reporting.admin import (
    audits,
    catalogues,
    deliveries,
    downtime,
    due,
    figures,
    incidents,
    maintenance,
    probers,
    questions,
    recipients,
    rectification,
    reports,
)

__all__ = [
    "audits",
    "catalogues",
    "deliveries",
    "downtime",
    "due",
    "figures",
    "incidents",
    "maintenance",
    "probers",
    "questions",
    "recipients",
    "rectification",
    "reports",
]
