"""Who a visitor is by the word of the client's own system, and nobody else's."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
from django.utils.translation import gettext_lazy as _

from conversations.models import Channel
from conversations.page_values import is_storable, plain_values
from tenants import clock
from tenants.errors import DomainError

EXTERNAL_ID_LENGTH = 120
_LEEWAY_SECONDS = 60
_LONGEST_IDENTITY = timedelta(hours=1)


class IdentityRefusedError(DomainError):
    """What was to identify the visitor does not hold."""

    code = "identity_refused"
    status = 422
    message = _("The identity could not be verified: %(reason)s.")


@dataclass(frozen=True)
class Introduction:
    """How a visitor's device presents itself."""

    device_id: str
    identity_token: str = ""
    user_id: str = ""
    user_hash: str = ""
    profile: Mapping[str, str] | None = None
    locale: str = ""
    attributes: Mapping[str, Any] | None = None
    notice_version: int | None = None
    # The name of the prober that it proved to be; "" for a visitor.
    probe: str = ""


@dataclass(frozen=True)
class Identity:
    """A person as the client's own system names them; `signed` are the members it vouches for."""

    external_id: str
    profile: Mapping[str, str]
    signed: frozenset[str] = frozenset()


def prove(channel: Channel, who: Introduction) -> Identity | None:
    """Return the identity that the client's system vouches for, or None where it vouches for none.

    A signed token, or a hash of the id where the channel still takes one, under the channel's
    secret (R37). Raises IdentityRefusedError for a proof that does not hold.
    """
    if who.identity_token:
        return _read_identity_token(channel, who.identity_token)
    if who.user_id and who.user_hash and channel.accepts_user_hash:
        expected = hmac.new(
            channel.identity_secret.encode(), who.user_id.encode(), hashlib.sha256
        ).hexdigest()
        if not hmac.compare_digest(expected.encode(), who.user_hash.lower().encode()):
            raise IdentityRefusedError(reason=_("the hash does not match"))
        return Identity(_whole_id(who.user_id), dict(who.profile or {}))
    return None


def _read_identity_token(channel: Channel, token: str) -> Identity:
    try:
        claims = jwt.decode(
            token,
            channel.identity_secret,
            algorithms=["HS256"],
            audience=channel.key,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["sub", "aud", "exp", "iat"]},
        )
    except jwt.ExpiredSignatureError:
        raise IdentityRefusedError(reason=_("the identity token has expired")) from None
    except jwt.PyJWTError:
        raise IdentityRefusedError(reason=_("the identity token is not valid")) from None
    longest = _LONGEST_IDENTITY.total_seconds() + _LEEWAY_SECONDS
    if int(claims["exp"]) - clock.now().timestamp() > longest:
        raise IdentityRefusedError(reason=_("the identity token is valid for more than an hour"))
    profile = {key: str(claims[key]) for key in ("name", "email", "phone") if claims.get(key)}
    told = plain_values(profile, keys=3)
    return Identity(_whole_id(claims["sub"]), told, signed=frozenset(told))


def _whole_id(external_id: str) -> str:
    # Cut short, or empty, the id of one person would be that of another.
    if not external_id.strip() or len(external_id) > EXTERNAL_ID_LENGTH:
        raise IdentityRefusedError(reason=_("its customer number is empty or too long"))
    if not is_storable(external_id):
        raise IdentityRefusedError(reason=_("the identity token is not valid"))
    return external_id
