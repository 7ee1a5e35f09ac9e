"""What it amounted to."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReportingConfig(AppConfig):
    """Figures about what happened."""

    name = "reporting"
    verbose_name = _("Reports")

    def ready(self) -> None:
        """Add what this app keeps of people, and what of it is signed, to the lists of all apps."""
        from conversations.services import subject_stores  # noqa: PLC0415 -- models are loaded now
        from reporting.services import catalogues  # noqa: PLC0415 -- models are loaded now
        from reporting.subject_stores import STORES  # noqa: PLC0415 -- models are loaded now
        from tenants.models import ApprovalKind  # noqa: PLC0415 -- models are loaded now
        from tenants.services import approvals  # noqa: PLC0415 -- models are loaded now

        subject_stores.add(STORES)
        approvals.add_subject(ApprovalKind.QUESTION_CATALOGUE, catalogues.SUBJECT)
