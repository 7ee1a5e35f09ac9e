"""What rehearsals in a throw-away database have in common."""

from conversations.models import Channel


def open_channel() -> Channel:
    """Open a channel of the tenant in scope for visitors who do not exist."""
    return Channel.objects.create(
        name="Rehearsal",
        assistant_name="Assistant",
        brand_name="Rehearsal",
        greeting="Hello",
        notice_text="A rehearsal.",
    )
