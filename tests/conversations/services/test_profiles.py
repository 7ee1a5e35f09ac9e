"""What colleagues write down of a contact: facts, tags, notes, the right to opt out."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from django.utils import timezone

from conversations import profile, visitors
from conversations.models import (
    Channel,
    Contact,
    ContactNote,
    ContactSession,
    ContactTag,
    Tag,
    TagRule,
    TagSource,
)
from conversations.services import endings, profiles, tagging
from conversations.services.contacts import Admission
from conversations.services.profiles import (
    EmptyNoteError,
    InvalidProfileError,
    MergedContactError,
    OptedOutError,
)
from conversations.tasks import tend_profiles
from knowledge.models import Release
from tenants import clock
from tenants.errors import NotFoundError
from tenants.models import LedgerEntry, Membership, Tenant
from tenants.services.ledger import fingerprint
from tests.conversations import ticketing
from tests.conversations.conftest import KNOWN
from tests.conversations.doors import ask, ledger_kinds, send

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def token(channel: Channel, sub: str, **claims: Any) -> str:
    at = int(timezone.now().timestamp())
    facts = {"sub": sub, "aud": channel.key, "iat": at, "exp": at + 300, **claims}
    return jwt.encode(facts, channel.identity_secret, algorithm="HS256")


@pytest.fixture
def contact(in_tenant: Tenant, visitor: ContactSession) -> Contact:
    return visitor.contact


# Facts


def test_what_a_colleague_was_told_stands_apart_from_what_came_in(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission], agent: Membership
) -> None:
    contact = admit(channel, profile={"name": "小李", "phone": "13800000000"}).session.contact

    profiles.edit_contact(contact, {"name": "李雷", "remark": "常买童装"}, by=agent)

    stands = Contact.objects.get()
    assert (stands.name, stands.noted_name, stands.phone) == ("小李", "李雷", "13800000000")
    assert (stands.display_name, stands.known("phone"), stands.remark) == (
        "李雷",
        "13800000000",
        "常买童装",
    )
    assert profile.fact(stands, "name") == {"value": "小李", "source": "told", "noted": "李雷"}


def test_what_the_clients_system_signed_goes_before_what_colleagues_noted(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission], agent: Membership
) -> None:
    signed = token(channel, "u-1", name="李雷", phone="13800000000")
    contact = admit(channel, identity_token=signed).session.contact

    profiles.edit_contact(contact, {"name": "李磊", "email": "li@example.com"}, by=agent)

    stands = Contact.objects.get()
    assert stands.vouched == ["name", "phone"]
    assert (stands.display_name, stands.known("email")) == ("李雷", "li@example.com")
    assert profile.fact(stands, "name") == {"value": "李雷", "source": "signed", "noted": "李磊"}


def test_what_only_a_page_tells_does_not_replace_what_was_signed(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    admit(channel, identity_token=token(channel, "u-1", phone="13800000000"))

    again = {"name": "改名", "phone": "13999999999"}
    admit(channel, identity_token=token(channel, "u-1"), profile=again)

    stands = Contact.objects.get()
    assert (stands.name, stands.phone, stands.vouched) == ("改名", "13800000000", ["phone"])


def test_what_a_visitor_gives_with_a_ticket_reaches_the_profile_unchecked(
    contact: Contact, visitor: ContactSession, agent: Membership
) -> None:
    ticketing.open_one(visitor)
    first = Contact.objects.get()
    ticketing.open_one(visitor, name="别人", phone="13700000000")

    stands = Contact.objects.get()
    assert profile.fact(first, "phone") == {
        "value": ticketing.PHONE,
        "source": "ticket",
        "noted": "",
    }
    assert (stands.name, stands.phone, stands.email) == (first.name, first.phone, first.email)
    assert (stands.name, stands.verified, stands.external_id) == ("李雷", False, "")
    (event,) = LedgerEntry.objects.filter(kind="contact.told_by_ticket")
    assert event.data["fields"] == ["email", "name", "phone"]
    assert ticketing.PHONE not in str(event.data)


def test_a_ticket_replaces_nothing_that_was_signed_and_says_what_is_not(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]
) -> None:
    signed = token(channel, "u-1", name="李雷")
    session = admit(channel, identity_token=signed).session

    ticketing.open_one(session, name="韩梅梅", phone="13700000000")
    stands = Contact.objects.get()
    admit(channel, identity_token=token(channel, "u-1", phone="13800000000"))
    later = Contact.objects.get()

    assert (stands.name, stands.vouched, stands.from_ticket) == (
        "李雷",
        ["name"],
        ["email", "phone"],
    )
    assert profile.fact(stands, "name")["source"] == "signed"
    assert profile.fact(stands, "phone")["source"] == "ticket"
    assert (later.phone, later.from_ticket) == ("13800000000", ["email"])
    assert profile.fact(later, "phone")["source"] == "signed"


@pytest.mark.parametrize("why", ["opted out", "opened by a colleague"])
def test_a_ticket_tells_the_profile_nothing(
    contact: Contact, visitor: ContactSession, agent: Membership, why: str
) -> None:
    """Not of somebody who opted out, and not what a colleague typed for them."""
    if why == "opted out":
        profiles.set_opt_out(contact, out=True, by=agent)

    ticketing.open_one(visitor, by=agent if why == "opened by a colleague" else None)

    stands = Contact.objects.get()
    assert (stands.name, stands.phone, stands.from_ticket) == ("", "", [])


def test_ledger_holds_keyed_fingerprints_of_an_edit_and_no_value(
    contact: Contact, agent: Membership
) -> None:
    profiles.edit_contact(contact, {"phone": "13812345678"}, by=agent)
    profiles.edit_contact(contact, {"phone": "13887654321"}, by=agent)

    first, second = LedgerEntry.objects.filter(kind="contact.edited").order_by("position")
    marks = [row.data["changed"]["phone"] for row in (first, second)]
    assert marks[0]["before"] == ""
    assert marks[0]["after"] == marks[1]["before"] != marks[1]["after"]
    assert "13812345678" not in str(first.data)
    assert fingerprint("13812345678") != marks[0]["after"]
    key = Contact.objects.get().fingerprint_key
    assert len(key) == 64
    assert key not in str(first.data)


def test_an_edit_that_changes_nothing_leaves_no_trace(contact: Contact, agent: Membership) -> None:
    profiles.edit_contact(contact, {"name": "李雷"}, by=agent)
    before = len(ledger_kinds())

    profiles.edit_contact(contact, {"name": " 李雷 "}, by=agent)

    assert len(ledger_kinds()) == before


@pytest.mark.parametrize(
    ("field", "value"), [("email", "no-mail"), ("phone", "打给我"), ("remark", "长" * 501)]
)
def test_values_that_do_not_fit_are_refused(
    contact: Contact, agent: Membership, field: str, value: str
) -> None:
    with pytest.raises(InvalidProfileError):
        profiles.edit_contact(contact, {field: value}, by=agent)

    assert Contact.objects.get().known("phone") == ""


def test_merged_contact_takes_no_edits(
    contact: Contact, visitor: ContactSession, agent: Membership
) -> None:
    other = Contact.objects.create(
        channel=visitor.channel, created_at=clock.now(), last_seen_at=clock.now()
    )
    Contact.objects.filter(pk=contact.pk).update(merged_into=other)

    with pytest.raises(MergedContactError):
        profiles.edit_contact(contact, {"name": "李雷"}, by=agent)


# Tags


def test_a_tag_says_who_gave_it_and_falls_off_after_its_days(
    contact: Contact, agent: Membership
) -> None:
    tag = profiles.save_tag(Tag(name="老客户", life_days=10), by=agent)

    with clock.travel(NOON):
        row = profiles.add_tag(contact, tag, by=agent, reason="三年前就买过")
    with clock.travel(NOON + timedelta(days=9)):
        kept, shown = profiles.clear_expired_tags(), profile.tags_of(contact)
    with clock.travel(NOON + timedelta(days=10)):
        unseen = profile.tags_of(contact)
        cleared = profiles.clear_expired_tags()

    assert (row.source, row.by, row.expires_at) == (
        TagSource.AGENT,
        agent,
        NOON + timedelta(days=10),
    )
    assert (kept, shown, unseen, cleared) == (0, [row], [], 1)
    assert not ContactTag.objects.exists()
    assert ledger_kinds()[-3:] == ["tag.changed", "contact.tagged", "contact.tag_expired"]


def test_the_same_tag_again_starts_its_days_anew_and_stays_one(
    contact: Contact, agent: Membership, colleague: Membership
) -> None:
    tag = profiles.save_tag(Tag(name="老客户", life_days=10), by=agent)
    with clock.travel(NOON):
        profiles.add_tag(contact, tag, by=agent)
    with clock.travel(NOON + timedelta(days=5)):
        profiles.add_tag(contact, tag, by=colleague)

    row = ContactTag.objects.get()
    assert (row.by, row.expires_at) == (agent, NOON + timedelta(days=15))


def test_a_new_name_makes_a_tag_and_a_known_one_does_not(
    in_tenant: Tenant, agent: Membership
) -> None:
    made = profiles.named_tag(" VIP  客户 ", by=agent)

    assert profiles.named_tag("vip 客户", by=agent) == made
    assert made.name == "VIP 客户"
    with pytest.raises(InvalidProfileError):
        profiles.named_tag(" \x00 ", by=agent)


def test_tag_out_of_use_is_given_no_more_and_shown_no_more(
    contact: Contact, agent: Membership
) -> None:
    tag = profiles.save_tag(Tag(name="旧标签"), by=agent)
    profiles.add_tag(contact, tag, by=agent)
    tag.is_active = False
    profiles.save_tag(tag, by=agent)

    with pytest.raises(NotFoundError):
        profiles.add_tag(contact, tag, by=agent)
    assert profile.tags_of(contact) == []


def test_who_opted_out_is_tagged_by_people_alone(contact: Contact, agent: Membership) -> None:
    by_rule, by_agent = (profiles.save_tag(Tag(name=name), by=agent) for name in ("规则", "人工"))
    profiles.add_tag(contact, by_rule, by=None, source=TagSource.RULE)
    profiles.add_tag(contact, by_agent, by=agent)

    profiles.set_opt_out(contact, out=True, by=agent)

    assert [row.tag for row in profile.tags_of(contact)] == [by_agent]
    for source in (TagSource.RULE, TagSource.ASSISTANT):
        with pytest.raises(OptedOutError):
            profiles.add_tag(contact, by_rule, by=None, source=source)


# Rules


def ruled(rule: TagRule) -> Tag:
    return profiles.save_tag(Tag(name=f"自动{rule}", rule=rule), by=None)


def test_rule_tags_a_complaint_once_and_not_again_after_a_colleague_took_it_off(
    contact: Contact, visitor: ContactSession, agent: Membership
) -> None:
    tag = ruled(TagRule.COMPLAINT)
    send(visitor, "你好")
    before = tagging.apply_rules()
    reply = ask(visitor, "我要投诉你们，再不处理就找12315")

    first, again = tagging.apply_rules(), tagging.apply_rules()
    row = ContactTag.objects.get()
    profiles.remove_tag(contact, tag.pk, by=agent)

    assert (before, first, again, tagging.apply_rules()) == (0, 1, 0, 0)
    assert (row.source, row.by, row.conversation_id) == (
        TagSource.RULE,
        None,
        reply.conversation_id,
    )


def test_rule_tags_who_found_an_answer_not_helpful(
    in_tenant: Tenant, visitor: ContactSession, knowledge: Release
) -> None:
    ruled(TagRule.UNHELPFUL)
    reply = ask(visitor, KNOWN)
    visitors.judge(visitor, reply.pk, helpful=True, comment="")
    assert tagging.apply_rules() == 0

    visitors.judge(visitor, reply.pk, helpful=False, comment="")

    assert tagging.apply_rules() == 1


def test_rule_tags_who_comes_often_unless_they_opted_out(
    contact: Contact, visitor: ContactSession, agent: Membership
) -> None:
    ruled(TagRule.OFTEN)
    for number in range(3):
        message = send(visitor, f"第 {number} 次").message
        endings.close_by_contact(message.conversation_id)
    profiles.set_opt_out(contact, out=True, by=agent)
    out = tagging.apply_rules()
    profiles.set_opt_out(contact, out=False, by=agent)

    assert (out, tagging.apply_rules()) == (0, 1)


def test_chore_tends_each_tenant(contact: Contact, other_tenant: Tenant, agent: Membership) -> None:
    tag = profiles.save_tag(Tag(name="短", life_days=1), by=agent)
    with clock.travel(NOON):
        profiles.add_tag(contact, tag, by=agent)

    tend_profiles()

    assert not ContactTag.objects.exists()


# Notes


def test_notes_stand_pinned_first_then_latest(contact: Contact, agent: Membership) -> None:
    with clock.travel(NOON):
        old = profiles.add_note(contact, "先", by=agent)
    new = profiles.add_note(contact, " 后 ", by=agent)

    profiles.pin_note(contact, old.pk, by=agent, pinned=True)

    assert [note.text for note in profile.notes_of(contact)] == ["先", "后"]
    profiles.remove_note(contact, new.pk, by=agent)
    assert ContactNote.objects.get() == old
    assert ledger_kinds()[-2:] == ["contact.note_pinned", "contact.note_removed"]


def test_note_without_words_and_one_that_is_not_there(
    contact: Contact, visitor: ContactSession, agent: Membership
) -> None:
    other = Contact.objects.create(
        channel=visitor.channel, created_at=clock.now(), last_seen_at=clock.now()
    )
    note = profiles.add_note(other, "别人的", by=agent)

    with pytest.raises(EmptyNoteError):
        profiles.add_note(contact, " \x00 ", by=agent)
    with pytest.raises(NotFoundError):
        profiles.pin_note(contact, note.pk, by=agent, pinned=True)
    with pytest.raises(NotFoundError):
        profiles.remove_note(contact, note.pk, by=agent)
