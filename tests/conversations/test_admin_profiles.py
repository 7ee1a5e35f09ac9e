"""The admin pages about profiles: editing, blocking, undoing merges, and people's own requests."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from conversations.models import (
    BlockEntry,
    Contact,
    ContactMerge,
    ContactSession,
    ContactTag,
    Message,
    SubjectRequest,
    Tag,
)
from conversations.services import blocks, merging, profiles
from conversations.services.subject_store import ERASED
from tenants import clock
from tenants.models import Membership, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conversations.doors import send

BASE = "/admin/conversations/"


@pytest.fixture
def admin(tenant: Tenant, make_member: Callable[..., User], client_as: Any) -> Client:
    client: Client = client_as(make_member(tenant, Role.CLIENT_ADMIN))
    return client


@pytest.fixture
def contact(tenant: Tenant, visitor: ContactSession) -> Contact:
    with tenant_scope(tenant):
        send(visitor, "尺码怎么选")
    return visitor.contact


def test_contact_page_shows_the_profile_and_edits_it(
    tenant: Tenant, admin: Client, contact: Contact
) -> None:
    with tenant_scope(tenant):
        tag = profiles.save_tag(Tag(name="老客户"), by=None)
    page = f"{BASE}contact/{contact.pk}/"

    saved = admin.post(
        f"{page}edit/",
        {"name": "李雷", "phone": "13800000000", "tags": [tag.pk], "note": "急性子"},
    )
    shown = admin.get(f"{page}change/").content.decode()

    assert saved.status_code == 302
    for text in ("李雷", "13800000000", "老客户", "急性子", "尺码怎么选"):
        assert text in shown
    admin.post(f"{page}edit/", {"name": "李雷", "phone": "13800000000", "opted_out": "on"})
    with tenant_scope(tenant):
        stands = Contact.objects.get()
        assert (stands.noted_name, stands.opted_out_of_profile) == ("李雷", True)
        assert not ContactTag.objects.exists()


def test_what_does_not_fit_stands_on_the_form(
    tenant: Tenant, admin: Client, contact: Contact
) -> None:
    answer = admin.post(f"{BASE}contact/{contact.pk}/edit/", {"phone": "打给我"})

    assert answer.status_code == 200
    assert answer.context["form"].non_field_errors()


def test_contact_is_blocked_and_served_again_with_reasons(
    tenant: Tenant, admin: Client, contact: Contact
) -> None:
    admin.post(f"{BASE}contact/{contact.pk}/block/", {"reason": "骚扰", "days": "3"})
    with tenant_scope(tenant):
        entry = BlockEntry.objects.get()
        assert Contact.objects.get().is_blocked(clock.now())
    listed = admin.get(f"{BASE}blockentry/").content.decode()

    lifted = admin.post(f"{BASE}blockentry/{entry.pk}/lift/", {"reason": "误会"})

    assert "骚扰" in listed
    assert lifted.status_code == 302
    with tenant_scope(tenant):
        assert BlockEntry.objects.get().lifted_reason == "误会"
        assert not Contact.objects.get().is_blocked(clock.now())


def test_address_is_blocked_once(tenant: Tenant, admin: Client) -> None:
    body = {"address": "203.0.113.9", "reason": "攻击", "days": ""}

    first, second = (admin.post(f"{BASE}blockentry/add/", body) for _ in range(2))

    assert (first.status_code, second.status_code) == (302, 200)
    with tenant_scope(tenant):
        assert BlockEntry.objects.get().address == "203.0.113.9"
        with pytest.raises(blocks.BlockedError):
            blocks.refuse_address("203.0.113.9")


def test_merge_is_undone_on_its_page(
    tenant: Tenant, admin: Client, contact: Contact, agent: Membership
) -> None:
    with tenant_scope(tenant):
        other = Contact.objects.create(
            channel=contact.channel, name="小李", created_at=clock.now(), last_seen_at=clock.now()
        )
        merge = merging.merge_contacts(contact, other, by=agent)
    page = f"{BASE}contactmerge/{merge.pk}/"
    listed = admin.get(f"{BASE}contact/").content.decode()

    undone = admin.post(f"{page}undo/")
    again = admin.post(f"{page}undo/")

    assert "小李" not in listed
    assert (undone.status_code, again.status_code) == (302, 200)
    with tenant_scope(tenant):
        assert ContactMerge.objects.get().undone_at is not None
    assert "小李" in admin.get(f"{BASE}contact/").content.decode()


def test_request_is_taken_down_exported_and_erased(
    tenant: Tenant, admin: Client, contact: Contact, agent: Membership
) -> None:
    with tenant_scope(tenant):
        profiles.edit_contact(contact, {"name": "李雷", "phone": "13800000000"}, by=agent)
    add = f"{BASE}subjectrequest/add/"
    body = {"who": "13800000000", "kind": "delete", "identity_check": "回拨登记号码"}

    nobody = admin.post(add, {**body, "who": "13999999999"})
    taken = admin.post(add, body)
    with tenant_scope(tenant):
        row = SubjectRequest.objects.get()
    page = f"{BASE}subjectrequest/{row.pk}/"
    packed = admin.post(f"{page}export/")
    wrong = admin.post(f"{page}erase/", {"typed": "李磊"})
    erased = admin.post(f"{page}erase/", {"typed": "李雷"})

    assert (nobody.status_code, taken.status_code) == (200, 302)
    assert packed["Content-Type"] == "application/zip"
    assert "李雷" in zipfile.ZipFile(io.BytesIO(packed.content)).read("data.json").decode()
    assert (wrong.status_code, erased.status_code) == (200, 302)
    with tenant_scope(tenant):
        assert Message.objects.get(seq=1).text == ERASED
        assert not SubjectRequest.objects.get().is_open
    assert "李雷" not in admin.get(f"{BASE}contact/{contact.pk}/change/").content.decode()


def test_a_number_of_several_contacts_asks_for_the_id(
    tenant: Tenant, admin: Client, contact: Contact
) -> None:
    with tenant_scope(tenant):
        for name in ("甲", "乙"):
            Contact.objects.create(
                channel=contact.channel,
                name=name,
                phone="13800000000",
                created_at=clock.now(),
                last_seen_at=clock.now(),
            )
    body = {"kind": "access", "identity_check": "回拨"}

    unclear = admin.post(f"{BASE}subjectrequest/add/", {**body, "who": "13800000000"})
    clear = admin.post(f"{BASE}subjectrequest/add/", {**body, "who": str(contact.pk)})

    assert (unclear.status_code, clear.status_code) == (200, 302)
    assert "甲" in str(unclear.context["adminform"].form.errors)
