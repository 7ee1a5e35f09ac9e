"""Who a visitor is: tokens, identities, consent; nobody becomes somebody else."""

import hashlib
import hmac
import math
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest

from conversations.models import (
    Channel,
    ChannelStatus,
    Consent,
    Contact,
    ContactSession,
    Conversation,
    Message,
)
from conversations.services import contacts, endings, intake
from conversations.services.contacts import (
    Admission,
    ChannelDisabledError,
    TokenExpiredError,
)
from conversations.services.identity import IdentityRefusedError, Introduction
from tenants import clock
from tenants.errors import NotFoundError
from tenants.models import LedgerEntry, Tenant
from tests.conversations.doors import at_once, ledger_kinds, send


def identity_token(channel: Channel, *, secret: str = "", **claims: Any) -> str:
    now = int(time.time())
    content = {"sub": "u_42", "aud": channel.key, "iat": now, "exp": now + 600, **claims}
    return jwt.encode(content, secret or channel.identity_secret, algorithm="HS256")


def user_hash(channel: Channel, user_id: str) -> str:
    return hmac.new(channel.identity_secret.encode(), user_id.encode(), hashlib.sha256).hexdigest()


def test_stranger_gets_a_contact_and_tokens_that_are_stored_nowhere(
    in_tenant: Tenant, channel: Channel
) -> None:
    admission = contacts.admit(
        channel,
        Introduction(
            device_id="d1",
            profile={"name": "李雷", "phone": "13800000000", "email": "l@example.com"},
            locale="en-US",
            attributes={"vip": "gold", "nested": {"a": 1}, "long": "x" * 1025, "age": 7},
        ),
    )

    contact = Contact.objects.get()
    session = ContactSession.objects.get()
    assert (contact.name, contact.phone, contact.email) == ("李雷", "13800000000", "l@example.com")
    assert (contact.verified, contact.external_id, contact.locale) == (False, "", "en")
    assert contact.attributes == {"vip": "gold", "age": 7}
    assert admission.token.startswith(f"cs_{in_tenant.code}_")
    assert admission.refresh_token.startswith(f"cr_{in_tenant.code}_")
    stored = str(ContactSession.objects.values().get())
    assert admission.token not in stored
    assert admission.refresh_token not in stored
    assert session.token_hash == hashlib.sha256(admission.token.encode()).hexdigest()
    assert contacts.session_of(admission.token) == session


def test_every_stranger_is_somebody_else(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    first, second = admit(channel, device_id="d1"), admit(channel, device_id="d1")

    assert first.session.contact != second.session.contact
    assert first.token != second.token


@pytest.mark.django_db(transaction=True)
def test_odd_attributes_are_stored_on_every_database(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    odd = {"a": "\x00", "b": "\udfff", "c": math.inf, "\x00": 1, "d": 10**40, "e": "💡"}

    contact = admit(channel, attributes=odd).session.contact

    assert Contact.objects.get(pk=contact.pk).attributes == {"d": 10**40, "e": "💡"}


def test_person_vouched_for_is_one_contact_on_all_devices(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    first = admit(channel, device_id="phone", identity_token=identity_token(channel, name="李雷"))
    second = admit(
        channel,
        device_id="pad",
        identity_token=identity_token(channel, name="李磊", email="l@x.cn"),
    )

    contact = Contact.objects.get()
    assert first.session.contact == second.session.contact == contact
    assert (contact.verified, contact.external_id) == (True, "u_42")
    assert (contact.name, contact.email) == ("李磊", "l@x.cn")


@pytest.mark.django_db(transaction=True)
def test_devices_of_one_person_at_once_make_one_contact(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    token = identity_token(channel)

    results = at_once(
        6, lambda number: admit(channel, device_id=f"d{number}", identity_token=token)
    )

    assert len({result.session.contact_id for result in results}) == 1
    assert Contact.objects.count() == 1


NOW = int(time.time())
REFUSED = {
    "expired": {"exp": NOW - 120, "iat": NOW - 600},
    "for another channel": {"aud": "ck_other"},
    "valid for too long": {"exp": NOW + 3 * 3600},
    "valid for ever": {"exp": 10**12},
    "not yet issued": {"iat": NOW + 3600, "exp": NOW + 4000},
    "no person": {"sub": ""},
    "blank person": {"sub": "  "},
    "number for a person": {"sub": 42},
    "person too long": {"sub": "x" * 121},
    "person with NUL": {"sub": "u\x0042"},
    "exp is no number": {"exp": "soon"},
    "wrong secret": {"secret": "not-the-secret-of-this-channel-at-all"},
}


@pytest.mark.parametrize("claims", REFUSED.values(), ids=REFUSED.keys())
def test_identity_token_that_does_not_hold_is_refused(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission], claims: dict[str, Any]
) -> None:
    with pytest.raises(IdentityRefusedError) as refused:
        admit(channel, identity_token=identity_token(channel, **claims))

    assert (refused.value.code, refused.value.status) == ("identity_refused", 422)
    assert Contact.objects.count() == 0


@pytest.mark.parametrize("missing", ["sub", "aud", "exp", "iat"])
def test_identity_token_lacks_nothing(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission], missing: str
) -> None:
    now = int(time.time())
    claims = {"sub": "u_42", "aud": channel.key, "iat": now, "exp": now + 600}
    del claims[missing]
    token = jwt.encode(claims, channel.identity_secret, algorithm="HS256")

    with pytest.raises(IdentityRefusedError):
        admit(channel, identity_token=token)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("algorithm", ["none", "HS512"])
def test_identity_token_of_another_algorithm_is_refused(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission], algorithm: str
) -> None:
    now = int(time.time())
    token = jwt.encode(
        {"sub": "u_42", "aud": channel.key, "iat": now, "exp": now + 600},
        None if algorithm == "none" else channel.identity_secret,
        algorithm=algorithm,
    )

    with pytest.raises(IdentityRefusedError):
        admit(channel, identity_token=token)


@pytest.mark.parametrize("skew", [-50, 50])
def test_identity_token_of_a_clock_slightly_off_holds(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission], skew: int
) -> None:
    now = int(time.time()) + skew
    token = identity_token(channel, iat=now, exp=now + (3600 if skew > 0 else 10))

    assert admit(channel, identity_token=token).session.contact.verified


def test_user_hash_is_accepted_where_the_channel_allows_it(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    proof = {"user_id": "u_42", "user_hash": user_hash(channel, "u_42")}

    ignored = admit(channel, **proof).session.contact
    channel.accepts_user_hash = True
    channel.save()
    accepted = admit(channel, **proof).session.contact

    assert (ignored.verified, accepted.verified) == (False, True)
    with pytest.raises(IdentityRefusedError):
        admit(channel, user_id="u_42", user_hash=user_hash(channel, "u_43"))


def test_unproven_user_id_merges_nobody(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    person = admit(channel, identity_token=identity_token(channel)).session
    send(person, "我的隐私")

    liars = [admit(channel, user_id="u_42").session for _ in range(2)]

    assert len({person.contact_id, *(liar.contact_id for liar in liars)}) == 3
    for liar in liars:
        assert (liar.contact.verified, liar.contact.external_id) == (False, "u_42")
        assert intake.current_conversation(liar.contact, channel) is None


def test_disabled_channel_admits_nobody(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    admission = admit(channel)
    channel.status = ChannelStatus.DISABLED
    channel.save()

    with pytest.raises(ChannelDisabledError):
        admit(channel)
    with pytest.raises(ChannelDisabledError):
        contacts.session_of(admission.token)
    with pytest.raises(ChannelDisabledError):
        contacts.live_session(admission.session.pk)
    with pytest.raises(ChannelDisabledError):
        contacts.refresh(admission.refresh_token)
    channel.status = ChannelStatus.ACTIVE
    channel.save()
    assert contacts.refresh(admission.refresh_token).session == admission.session


def test_token_lives_a_day_from_its_last_use(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    start = clock.now()
    admission = admit(channel)
    for hours in (13, 26, 39):
        with clock.travel(start + timedelta(hours=hours)):
            contacts.session_of(admission.token)
    with clock.travel(start + timedelta(hours=52)):
        contacts.live_session(admission.session.pk)

    with clock.travel(start + timedelta(hours=77)):
        with pytest.raises(TokenExpiredError):
            contacts.session_of(admission.token)
        with pytest.raises(TokenExpiredError):
            contacts.live_session(admission.session.pk)


def test_refresh_gives_new_tokens_and_spends_the_old(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    first = admit(channel)

    second = contacts.refresh(first.refresh_token)

    assert second.session.contact == first.session.contact
    assert contacts.session_of(second.token) == first.session
    with pytest.raises(TokenExpiredError):
        contacts.session_of(first.token)


def test_spent_refresh_token_revokes_the_family(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    first = admit(channel)
    second = contacts.refresh(first.refresh_token)
    third = contacts.refresh(second.refresh_token)

    with pytest.raises(TokenExpiredError):
        contacts.refresh(first.refresh_token)

    for use, token in ((contacts.session_of, third.token), (contacts.refresh, third.refresh_token)):
        with pytest.raises(TokenExpiredError):
            use(token)
    assert LedgerEntry.objects.get(kind="session.revoked").data == {"why": "refresh token reused"}


def test_refresh_token_that_was_never_given_revokes_nothing(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    admission = admit(channel)
    prefix = admission.refresh_token.rsplit("_", 1)[0]

    for forged in (f"{prefix}_guess", "cr_x", "", "cr_" + "_" * 5):
        with pytest.raises(TokenExpiredError):
            contacts.refresh(forged)

    assert contacts.session_of(admission.token) == admission.session


def test_refresh_token_lives_ninety_days(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    start = clock.now()
    admission = admit(channel)

    with clock.travel(start + timedelta(days=89)):
        admission = contacts.refresh(admission.refresh_token)
    with clock.travel(start + timedelta(days=180)), pytest.raises(TokenExpiredError):
        contacts.refresh(admission.refresh_token)


@pytest.mark.django_db(transaction=True)
def test_of_refreshes_at_once_one_wins_and_the_copy_is_noticed(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    admission = admit(channel)

    results = at_once(4, lambda _number: contacts.refresh(admission.refresh_token))

    assert [type(result) for result in results].count(Admission) == 1
    assert [type(result) for result in results].count(TokenExpiredError) == 3
    assert ContactSession.objects.get().revoked_at is not None


def test_revoked_session_is_worth_nothing(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    admission = admit(channel)

    contacts.revoke(admission.session)

    for use, key in (
        (contacts.session_of, admission.token),
        (contacts.refresh, admission.refresh_token),
        (contacts.live_session, admission.session.pk),
    ):
        with pytest.raises(TokenExpiredError):
            use(key)  # type: ignore[operator]


def test_login_moves_the_current_conversation_and_no_other(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    person = admit(channel, device_id="pad", identity_token=identity_token(channel)).session
    at_home = send(person, "在家里说的").message.conversation
    session = admit(channel, device_id="phone").session
    ended = send(session, "早先的").message.conversation
    endings.close_by_contact(ended.pk)
    current = send(session, "登录前的").message.conversation
    other_device = admit(channel, device_id="tv").session
    foreign = send(other_device, "别人的").message.conversation

    contacts.identify(session, Introduction(device_id="", identity_token=identity_token(channel)))

    owners = dict(Conversation.objects.values_list("pk", "contact"))
    anonymous = Conversation.objects.get(pk=ended.pk).contact_id
    assert session.contact == person.contact
    assert owners[current.pk] == owners[at_home.pk] == person.contact_id
    assert anonymous not in (person.contact_id, other_device.contact_id)
    assert owners[foreign.pk] == other_device.contact_id
    assert Message.objects.get(conversation=current, seq=1).contact == person.contact
    assert "contact.identified" in ledger_kinds()


@pytest.mark.django_db(transaction=True)
def test_message_on_its_way_during_a_login_belongs_to_its_conversations_owner(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    session = admit(channel).session
    conversation = send(session, "登录前的").message.conversation
    token = identity_token(channel)

    def work(thread: int) -> object:
        if thread:
            return send(session, f"第{thread}条", conversation_id=conversation.pk).created
        mine = ContactSession.objects.select_related("channel", "contact").get()
        return contacts.identify(mine, Introduction(device_id="", identity_token=token)).pk

    results = at_once(5, work)

    conversation.refresh_from_db()
    assert conversation.contact.external_id == "u_42"
    assert results[0] == session.pk
    refused = [type(result) for result in results if isinstance(result, Exception)]
    assert set(refused) <= {NotFoundError}
    stored = Message.objects.filter(conversation=conversation)
    assert set(stored.values_list("contact", flat=True)) == {conversation.contact_id}
    assert stored.count() == 5 - len(refused) == conversation.last_seq


def test_login_without_proof_is_refused(
    in_tenant: Tenant, channel: Channel, visitor: ContactSession
) -> None:
    before = visitor.contact_id

    with pytest.raises(IdentityRefusedError):
        contacts.identify(visitor, Introduction(device_id="", user_id="u_42"))

    visitor.refresh_from_db()
    assert visitor.contact_id == before


def test_second_login_on_a_device_takes_nothing_along(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    session = admit(channel, identity_token=identity_token(channel, sub="first")).session
    theirs = send(session, "第一个人的").message.conversation

    contacts.identify(
        session, Introduction(device_id="", identity_token=identity_token(channel, sub="second"))
    )

    assert session.contact.external_id == "second"
    theirs.refresh_from_db()
    assert theirs.contact.external_id == "first"
    assert intake.current_conversation(session.contact, channel) is None


def test_notice_is_delivered_with_the_session_and_accepted_by_the_visitor(
    in_tenant: Tenant, channel: Channel, visitor: ContactSession
) -> None:
    delivered = list(Consent.objects.values_list("version", "basis"))
    before = contacts.has_accepted(visitor)

    contacts.accept_notice(visitor, 1)
    contacts.accept_notice(visitor, 1)

    assert (delivered, before) == ([(1, "delivered")], False)
    assert contacts.has_accepted(visitor)
    assert Consent.objects.filter(basis="accepted").count() == 1


def test_acceptance_ends_with_a_new_version_and_survives_a_login(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    session = admit(channel, notice_version=1).session
    contacts.identify(session, Introduction(device_id="", identity_token=identity_token(channel)))
    accepted = contacts.has_accepted(session)

    session.channel.notice_version = 2

    assert (accepted, contacts.has_accepted(session)) == (True, False)


def test_dead_sessions_are_cleared(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    live, dead = admit(channel).session, admit(channel).session
    ContactSession.objects.filter(pk=dead.pk).update(
        refresh_expires_at=clock.now() - timedelta(seconds=1)
    )

    assert contacts.clear_sessions() == 1
    assert ContactSession.objects.get() == live
