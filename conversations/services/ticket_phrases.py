"""What is said about tickets in conversations, in the language in use."""

from django.utils.translation import gettext as _


def opened(number: str) -> str:
    """Return what the visitor hears when an agent opens a ticket for them."""
    return _(
        "Your request has been recorded as ticket %(number)s. You can ask after it under this "
        "number at any time."
    ) % {"number": number}


def nothing_said() -> str:
    """Return the description of a ticket for somebody who has written nothing yet."""
    return _("The visitor asked for a person and wrote nothing.")
