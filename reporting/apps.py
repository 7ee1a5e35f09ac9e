"""What it amounted to."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReportingConfig(AppConfig):
    """Figures about what happened."""

    name = "reporting"
    verbose_name = _("Reports")
