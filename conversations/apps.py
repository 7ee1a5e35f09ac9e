"""What is said."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConversationsConfig(AppConfig):
    """Channels, contacts, conversations, the assistant's turn, the agents' desk."""

    name = "conversations"
    verbose_name = _("Conversations")
