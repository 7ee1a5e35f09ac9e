"""Set up the entrances of a tenant."""

import secrets

from django.db import transaction

from conversations.models import Channel
from tenants.models import User
from tenants.services import ledger
from tenants.services.ledger import Event


def save_channel(channel: Channel, *, by: User | None) -> Channel:
    """Write a channel; a changed privacy notice gets the next version number.

    Every visitor is asked again under a new version. Recorded in the ledger.
    """
    with transaction.atomic():
        created = channel._state.adding
        if not created:
            standing = Channel.objects.select_for_update().get(pk=channel.pk)
            renewed = standing.notice_text != channel.notice_text
            channel.notice_version = standing.notice_version + renewed
        channel.save()
        facts = {
            "by": by.pk if by else None,
            "status": channel.status,
            "notice_version": channel.notice_version,
            "notice": ledger.fingerprint(channel.notice_text),
        }
        kind = "channel.created" if created else "channel.changed"
        ledger.append(Event(kind, channel.pk, facts))
    return channel


def rotate_secret(channel: Channel, *, by: User) -> str:
    """Give the channel a new identity secret and return it, for the only time.

    Identities signed with the old one are refused from now on.
    """
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        Channel.objects.filter(pk=channel.pk).update(identity_secret=secret)
        ledger.append(Event("channel.secret_rotated", channel.pk, {"by": by.pk}))
    return secret
