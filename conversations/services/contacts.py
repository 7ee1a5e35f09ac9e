"""Let visitors in: contacts, the tokens of their devices, and what they consented to."""

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from conversations.models import (
    Channel,
    Consent,
    Contact,
    ContactSession,
    Conversation,
    Message,
)
from conversations.page_values import plain_values
from conversations.services import attachments
from conversations.services.identity import (
    EXTERNAL_ID_LENGTH,
    Identity,
    IdentityRefusedError,
    Introduction,
    prove,
)
from conversations.services.messages import lock_conversation
from conversations.states import ConversationStatus
from tenants import clock
from tenants.errors import DomainError
from tenants.models import Tenant
from tenants.scoping import active_tenant_id, as_uuid
from tenants.services import ledger
from tenants.services.ledger import Event

TOKEN_LIFE = timedelta(hours=24)
REFRESH_LIFE = timedelta(days=90)
_ATTRIBUTES = 50
_SPENT_KEPT = 20


class TokenExpiredError(DomainError):
    """The token is unknown, revoked or too old."""

    code = "token_expired"
    status = 401
    message = _("Your session has expired. Please start a new one.")


class ChannelDisabledError(DomainError):
    """The channel takes no visitors."""

    code = "channel_disabled"
    status = 403
    message = _("This channel is not in service.")


class BlockedError(DomainError):
    """The visitor is not served (services.blocks)."""

    code = "blocked"
    status = 403
    message = _("This service is not available to you at present. Please contact us another way.")


@dataclass(frozen=True)
class Admission:
    """A session with the only copies of its tokens that will ever exist."""

    session: ContactSession
    token: str
    refresh_token: str


def admit(channel: Channel, who: Introduction) -> Admission:
    """Open a session on the channel for a new visitor, or for the person whose identity holds.

    A person the client's system vouches for becomes one contact on all devices. An unproven
    `user_id` is kept as told and identifies nobody (R37). The channel's privacy notice goes out
    with the session, which notes its version (L1). Raises ChannelDisabledError, BlockedError,
    IdentityRefusedError.
    """
    if not channel.is_active:
        raise ChannelDisabledError
    identity = prove(channel, who)
    with transaction.atomic():
        at = clock.now()
        contact = _contact_for(channel, who, identity, at)
        _refuse_blocked(contact, at)
        return _open_session(channel, contact, who, at)


def refresh(refresh_token: str) -> Admission:
    """Exchange a refresh token for a new pair of tokens.

    A token that was used before revokes the whole session: somebody has copied it. Raises
    TokenExpiredError, ChannelDisabledError, BlockedError.
    """
    session_id = as_uuid(_part(refresh_token, 2))
    with transaction.atomic():
        session = (
            ContactSession.objects.select_for_update(of=("self",))
            .select_related("channel", "contact")
            .filter(pk=session_id, revoked_at=None)
            .first()
        )
        at = clock.now()
        if session is None or session.refresh_expires_at <= at:
            raise TokenExpiredError
        if not session.channel.is_active:
            raise ChannelDisabledError
        _refuse_blocked(session.contact, at)
        digest = _digest(refresh_token)
        reused = digest in session.spent_refresh_hashes
        if reused:
            session.revoked_at = at
            session.save(update_fields=["revoked_at"])
            ledger.append(Event("session.revoked", session.pk, {"why": "refresh token reused"}, at))
        elif not hmac.compare_digest(digest, session.refresh_hash):
            raise TokenExpiredError
        else:
            spent = [*session.spent_refresh_hashes, digest][-_SPENT_KEPT:]
            session.spent_refresh_hashes = spent
            token, refresh_token = _mint(session, at)
            session.save()
    if reused:
        raise TokenExpiredError
    return Admission(session=session, token=token, refresh_token=refresh_token)


def session_of(token: str) -> ContactSession:
    """Return the live session of a token, with channel and contact; keep it alive 24 h more.

    Raises TokenExpiredError, ChannelDisabledError, BlockedError.
    """
    at = clock.now()
    session = (
        ContactSession.objects.select_related("channel", "contact")
        .filter(token_hash=_digest(token), revoked_at=None, expires_at__gt=at)
        .first()
    )
    return _alive(session, at)


def renewed(session: ContactSession) -> ContactSession:
    """Return the session as it stands now; it is read whole only if something about it changed.

    Raises TokenExpiredError, ChannelDisabledError, BlockedError.
    """
    at = clock.now()
    known = (
        session.contact_id,
        session.notice_version,
        session.expires_at,
        session.channel.status,
        session.channel.notice_version,
        session.contact.blocked_until,
    )
    stands = (
        ContactSession.objects.filter(pk=session.pk, revoked_at=None, expires_at__gt=at)
        .order_by()
        .values_list(
            "contact_id",
            "notice_version",
            "expires_at",
            "channel__status",
            "channel__notice_version",
            "contact__blocked_until",
        )
        .first()
    )
    fresh = (
        session.channel.is_active
        and session.expires_at - at >= TOKEN_LIFE / 2
        and not session.contact.is_blocked(at)
    )
    return session if fresh and stands == known else live_session(session.pk)


def live_session(session_id: uuid.UUID) -> ContactSession:
    """Return a session known before as it stands now; keep it alive 24 h more.

    Raises TokenExpiredError, ChannelDisabledError, BlockedError.
    """
    at = clock.now()
    session = (
        ContactSession.objects.select_related("channel", "contact")
        .filter(pk=session_id, revoked_at=None, expires_at__gt=at)
        .first()
    )
    return _alive(session, at)


def _alive(session: ContactSession | None, at: datetime) -> ContactSession:
    if session is None:
        raise TokenExpiredError
    if not session.channel.is_active:
        raise ChannelDisabledError
    _refuse_blocked(session.contact, at)
    if session.expires_at - at < TOKEN_LIFE / 2:
        session.expires_at = at + TOKEN_LIFE
        ContactSession.objects.filter(pk=session.pk).update(expires_at=session.expires_at)
    return session


def identify(session: ContactSession, who: Introduction) -> ContactSession:
    """Turn the session's anonymous visitor into the person whose identity holds.

    Only the current conversation moves to the identified contact, never another device's history.
    Raises IdentityRefusedError if nothing proves who it is.
    """
    identity = prove(session.channel, who)
    if identity is None:
        raise IdentityRefusedError(reason=_("nothing proves it"))
    with transaction.atomic():
        at = clock.now()
        before = session.contact
        person = _contact_for(session.channel, who, identity, at)
        _refuse_blocked(person, at)
        if person.pk != before.pk:
            current = (
                Conversation.objects.filter(contact=before, channel=session.channel)
                .exclude(status=ConversationStatus.CLOSED)
                .order_by("-created_at")
                .first()
            )
            if current is not None and not before.verified:
                # A message on its way in must find the conversation before the move, or after it.
                lock_conversation(current.pk)
                Conversation.objects.filter(pk=current.pk).update(contact=person)
                Message.objects.filter(conversation=current, contact=before).update(contact=person)
            if not before.verified:
                attachments.follow(before, person, current)
            if has_accepted(session):
                _consent(person, session.channel, session.channel.notice_version, "accepted", at)
            session.contact = person
            session.save(update_fields=["contact"])
            ledger.append(
                Event("contact.identified", person.pk, {"from": before.pk, "session": session.pk})
            )
    return session


def accept_notice(session: ContactSession, version: int) -> None:
    """Record that the visitor read this version of the privacy notice and goes on."""
    with transaction.atomic():
        session.notice_version = version
        session.save(update_fields=["notice_version"])
        _consent(session.contact, session.channel, version, "accepted", clock.now())


def has_accepted(session: ContactSession) -> bool:
    """Return whether the visitor accepted the channel's privacy notice as it stands now."""
    return Consent.objects.filter(
        contact=session.contact,
        channel=session.channel,
        version=session.channel.notice_version,
        basis="accepted",
    ).exists()


def revoke(session: ContactSession) -> None:
    """End the session: its tokens are worth nothing from now on."""
    ContactSession.objects.filter(pk=session.pk).update(revoked_at=clock.now())


def clear_sessions() -> int:
    """Remove sessions that can never be used again; return how many."""
    removed, _rows = ContactSession.objects.filter(refresh_expires_at__lt=clock.now()).delete()
    return removed


def tenant_code_of(token: str) -> str:
    """Return the tenant code inside a key or token of ours, "" where there is none."""
    return _part(token, 1)


def _refuse_blocked(contact: Contact, at: datetime) -> None:
    if contact.is_blocked(at):
        raise BlockedError


def _contact_for(
    channel: Channel, who: Introduction, identity: Identity | None, at: datetime
) -> Contact:
    told = _told(who, identity)
    signed = identity.signed & told.keys() if identity else frozenset()
    if who.probe:
        return _probe(channel, who.probe, at)
    if identity is None:
        return Contact.objects.create(
            channel=channel,
            external_id=who.user_id[:EXTERNAL_ID_LENGTH],
            created_at=at,
            last_seen_at=at,
            **told,
        )
    known = Contact.objects.filter(external_id=identity.external_id, verified=True)
    contact = known.first()
    if contact is None:
        try:
            with transaction.atomic():
                return Contact.objects.create(
                    channel=channel,
                    external_id=identity.external_id,
                    verified=True,
                    vouched=sorted(signed),
                    created_at=at,
                    last_seen_at=at,
                    **told,
                )
        except IntegrityError:
            contact = known.get()
    for name, value in told.items():
        # What only a page tells does not replace what the client's system signed.
        if name in signed or name not in contact.vouched:
            setattr(contact, name, value)
    contact.vouched = sorted(signed.union(contact.vouched))
    contact.from_ticket = [name for name in contact.from_ticket if name not in told]
    contact.last_seen_at = at
    contact.save(update_fields=[*told, "vouched", "from_ticket", "last_seen_at"])
    return contact


def _probe(channel: Channel, name: str, at: datetime) -> Contact:
    # The same one at every start of the program: it would fill the list of contacts.
    known = Contact.objects.filter(channel=channel, is_probe=True, external_id=name).first()
    return known or Contact.objects.create(
        channel=channel,
        external_id=name,
        name=name[:60],
        is_probe=True,
        created_at=at,
        last_seen_at=at,
    )


def _told(who: Introduction, identity: Identity | None) -> dict[str, Any]:
    profile = {**(who.profile or {}), **(identity.profile if identity else {})}
    limits = {"name": 60, "phone": 40, "email": 254}
    told: dict[str, Any] = {
        name: str(profile[name])[:limit] for name, limit in limits.items() if profile.get(name)
    }
    if who.locale:
        told["locale"] = "en" if who.locale.lower().startswith("en") else "zh-CN"
    if who.attributes:
        told["attributes"] = plain_values(who.attributes, keys=_ATTRIBUTES)
    return told


def _open_session(channel: Channel, contact: Contact, who: Introduction, at: datetime) -> Admission:
    accepted = who.notice_version == channel.notice_version
    session = ContactSession(
        channel=channel,
        contact=contact,
        device_id=who.device_id[:64],
        notice_version=channel.notice_version,
        locale=contact.locale,
        created_at=at,
    )
    token, refresh_token = _mint(session, at)
    session.save()
    _consent(contact, channel, channel.notice_version, "accepted" if accepted else "delivered", at)
    return Admission(session=session, token=token, refresh_token=refresh_token)


def _consent(contact: Contact, channel: Channel, version: int, basis: str, at: datetime) -> None:
    Consent.objects.get_or_create(
        contact=contact, channel=channel, version=version, basis=basis, defaults={"at": at}
    )


def _mint(session: ContactSession, at: datetime) -> tuple[str, str]:
    code = Tenant.objects.values_list("code", flat=True).get(pk=active_tenant_id())
    token = f"cs_{code}_{secrets.token_urlsafe(32).replace('_', '-')}"
    refresh_token = f"cr_{code}_{session.pk.hex}_{secrets.token_urlsafe(32).replace('_', '-')}"
    session.token_hash = _digest(token)
    session.refresh_hash = _digest(refresh_token)
    session.expires_at = at + TOKEN_LIFE
    session.refresh_expires_at = at + REFRESH_LIFE
    return token, refresh_token


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _part(token: str, index: int) -> str:
    parts = token.split("_")
    return parts[index] if len(parts) > index else ""
