"""What the people of the tenant in scope were told."""

from tenants.models import Membership, Notification, NotificationRecipient


def told(kind: str) -> list[tuple[str, str, set[str]]]:
    """Return what was told of this kind: level, title, and the roles of those who heard it."""
    return [
        (
            row.level,
            row.title,
            set(
                Membership.objects.filter(
                    user__in=NotificationRecipient.objects.filter(notification=row).values("user")
                ).values_list("role", flat=True)
            ),
        )
        for row in Notification.objects.filter(kind=kind).order_by("created_at")
    ]
