"""Two contacts that are one person, and what taking that back restores."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from conversations import happenings, profile
from conversations.models import (
    Channel,
    Contact,
    ContactMerge,
    ContactNote,
    ContactSession,
    ContactTag,
    Conversation,
    Tag,
)
from conversations.persons import contact_ids_of, person_of
from conversations.services import blocks, merging, profiles
from conversations.services.contacts import Admission, BlockedError, renewed
from conversations.services.merging import (
    KeepVerifiedError,
    LaterMergeError,
    SameContactError,
    TwoIdentitiesError,
    UndoneError,
)
from conversations.services.profiles import ErasedContactError, MergedContactError
from conversations.visitors import own_conversation
from tenants import clock
from tenants.errors import NotFoundError
from tenants.models import LedgerEntry, Membership, Tenant
from tenants.scoping import tenant_scope
from tests.conversations.doors import ledger_kinds, send
from tests.conversations.services.test_profiles import token

Enter = Callable[..., ContactSession]


@pytest.fixture
def enter(in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission]) -> Enter:
    """Let somebody in who writes one message: enter("小李", sub="u-1") -> session."""

    def come(name: str, *, sub: str = "", **who: Any) -> ContactSession:
        if sub:
            who["identity_token"] = token(channel, sub, name=name)
        session = admit(channel, profile={"name": name}, **who).session
        send(session, f"{name}来问")
        return session

    return come


def snapshot() -> dict[str, Any]:
    """Return all that a merge could touch; keys of fingerprints come into being at will."""
    columns = [
        column.attname
        for column in Contact._meta.concrete_fields
        if column.name != "fingerprint_key"
    ]
    return {
        "contacts": list(Contact.objects.order_by("pk").values_list(*columns)),
        **{
            model.__name__: list(model._base_manager.order_by("pk").values_list())
            for model in (ContactTag, ContactNote, ContactSession, Conversation)
        },
    }


def test_merge_brings_all_that_colleagues_know_together(enter: Enter, agent: Membership) -> None:
    kept, merged = enter("李雷", sub="u-1").contact, enter("小李").contact
    tag = profiles.save_tag(Tag(name="老客户"), by=agent)
    profiles.add_tag(merged, tag, by=agent)
    profiles.add_note(merged, "常来", by=agent)
    profiles.edit_contact(merged, {"phone": "13800000000"}, by=agent)

    merging.merge_contacts(kept, merged, by=agent)

    kept = Contact.objects.get(pk=kept.pk)
    assert person_of(Contact.objects.get(pk=merged.pk)) == kept
    assert contact_ids_of(kept) == [kept.pk, merged.pk]
    card = profile.card(kept)
    assert [row["name"] for row in card["tags"]] == ["老客户"]
    assert [note["text"] for note in card["notes"]] == ["常来"]
    assert card["facts"]["phone"]["noted"] == "13800000000"
    assert card["counts"]["conversations"] == 2
    page, _edge = happenings.timeline(kept)
    assert [each.text for each in page if each.kind == "conversation"] == ["小李来问", "李雷来问"]
    assert ledger_kinds()[-1] == "contact.merged"


def test_merged_device_is_shown_and_believed_no_more_than_before(
    enter: Enter, agent: Membership
) -> None:
    """Source: R37. A colleague's belief proves nothing to a visitor's door."""
    known, stranger = enter("李雷", sub="u-1"), enter("自称李雷")
    theirs = Conversation.objects.get(contact=known.contact)

    merging.merge_contacts(known.contact, stranger.contact, by=agent)

    session = renewed(stranger)
    assert not session.contact.verified
    with pytest.raises(NotFoundError):
        own_conversation(session, theirs.pk)
    assert send(session, "还在").message.conversation.contact_id == stranger.contact_id


@pytest.mark.parametrize("seed", range(12))
def test_merge_then_undo_leaves_everything_as_before(
    enter: Enter, agent: Membership, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 -- repeatable cases, no secret
    sessions = [enter("甲", sub="u-1" if chance.random() < 0.5 else ""), enter("乙")]
    tags = [profiles.save_tag(Tag(name=f"标签{n}"), by=agent) for n in range(4)]
    for session in sessions:
        for tag in chance.sample(tags, chance.randint(0, 4)):
            with clock.travel(clock.now() + timedelta(days=chance.randint(0, 9))):
                profiles.add_tag(session.contact, tag, by=agent)
        for number in range(chance.randint(0, 3)):
            profiles.add_note(session.contact, f"记{number}", by=agent)
        fields = {"name": "新名", "phone": "13800000000", "remark": "注"}
        chosen = chance.sample(sorted(fields), chance.randint(0, 3))
        profiles.edit_contact(session.contact, {f: fields[f] for f in chosen}, by=agent)
        if chance.random() < 0.3:
            profiles.set_opt_out(session.contact, out=True, by=agent)
        if chance.random() < 0.3:
            blocks.block_contact(session.contact, by=agent, reason="骚扰")
    before = snapshot()

    merge = merging.merge_contacts(*(session.contact for session in sessions), by=agent)
    between = snapshot()
    undone = merging.undo_merge(merge, by=agent)

    assert between != before
    assert undone.left == ()
    assert snapshot() == before


def test_undo_leaves_what_was_changed_since_and_says_so(enter: Enter, agent: Membership) -> None:
    kept, merged = enter("甲").contact, enter("乙").contact
    tag = profiles.save_tag(Tag(name="老客户"), by=agent)
    profiles.add_tag(merged, tag, by=agent)
    gone = profiles.add_note(merged, "删去的", by=agent)
    profiles.add_note(merged, "留下的", by=agent)
    profiles.edit_contact(merged, {"phone": "13800000000", "remark": "旧"}, by=agent)
    merge = merging.merge_contacts(kept, merged, by=agent)
    profiles.remove_tag(kept, tag.pk, by=agent)
    profiles.remove_note(kept, gone.pk, by=agent)
    profiles.edit_contact(kept, {"remark": "新"}, by=agent)
    profiles.add_note(kept, "之后写的", by=agent)

    undone = merging.undo_merge(merge, by=agent)

    assert dict(undone.left) == {"tags": 1, "notes": 1, "fields": 1}
    kept, merged = Contact.objects.get(pk=kept.pk), Contact.objects.get(pk=merged.pk)
    assert (kept.noted_phone, kept.remark, merged.noted_phone, merged.remark) == (
        "",
        "新",
        "13800000000",
        "旧",
    )
    assert [note.text for note in profile.notes_of(kept)] == ["之后写的"]
    assert [note.text for note in profile.notes_of(merged)] == ["留下的"]


def test_merges_that_cannot_be(enter: Enter, agent: Membership, other_tenant: Tenant) -> None:
    first, second = enter("甲", sub="u-1").contact, enter("乙", sub="u-2").contact
    loose, spare = enter("丙").contact, enter("丁").contact

    with pytest.raises(TwoIdentitiesError):
        merging.merge_contacts(first, second, by=agent)
    with pytest.raises(KeepVerifiedError):
        merging.merge_contacts(loose, first, by=agent)
    with pytest.raises(SameContactError):
        merging.merge_contacts(loose, loose, by=agent)
    merging.merge_contacts(first, loose, by=agent)
    for pair in ((second, loose), (loose, spare)):
        with pytest.raises(MergedContactError):
            merging.merge_contacts(*pair, by=agent)
    Contact.objects.filter(pk=spare.pk).update(erased_at=clock.now())
    with pytest.raises(ErasedContactError):
        merging.merge_contacts(first, spare, by=agent)
    with tenant_scope(other_tenant), pytest.raises(NotFoundError):
        merging.merge_contacts(first, second, by=agent)
    assert ContactMerge.objects.count() == 1


def test_chain_of_merges_is_undone_from_its_end(enter: Enter, agent: Membership) -> None:
    first, second, third = (enter(name).contact for name in "甲乙丙")
    inner = merging.merge_contacts(second, third, by=agent)
    outer = merging.merge_contacts(first, second, by=agent)

    assert contact_ids_of(first) == [first.pk, second.pk, third.pk]
    assert profile.find_contact(third.pk) == first
    with pytest.raises(LaterMergeError):
        merging.undo_merge(inner, by=agent)
    merging.undo_merge(outer, by=agent)
    merging.undo_merge(inner, by=agent)
    with pytest.raises(UndoneError):
        merging.undo_merge(inner, by=agent)
    assert not Contact.objects.exclude(merged_into=None).exists()


def test_block_of_one_holds_for_the_person_while_they_are_merged(
    enter: Enter, agent: Membership
) -> None:
    kept, other = enter("甲"), enter("乙")
    blocks.block_contact(other.contact, by=agent, reason="骚扰")

    merge = merging.merge_contacts(kept.contact, other.contact, by=agent)
    with pytest.raises(BlockedError):
        renewed(kept)
    merging.undo_merge(merge, by=agent)

    assert renewed(kept).contact == kept.contact
    with pytest.raises(BlockedError):
        renewed(other)


def test_ledger_names_what_moved_by_count_and_no_words(enter: Enter, agent: Membership) -> None:
    kept, merged = enter("甲").contact, enter("乙").contact
    profiles.add_note(merged, "机密的话", by=agent)

    merge = merging.merge_contacts(kept, merged, by=agent)

    row = LedgerEntry.objects.get(kind="contact.merged")
    assert row.data["moved"] == {"tags": 0, "notes": 1, "fields": 0, "conversations": 1}
    assert "机密的话" not in str(merge.moved) + str(row.data)
