"""What the assistant may say."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KnowledgeConfig(AppConfig):
    """Entries, releases, search."""

    name = "knowledge"
    verbose_name = _("Knowledge base")
