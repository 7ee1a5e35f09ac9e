"""A person's rights over what is kept of them: everything is found, and erased when they wish."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.apps import apps
from django.core.cache import cache

from conversations import profile, wire
from conversations.bench.canary import CANARY, plant
from conversations.models import (
    Attachment,
    BotDecision,
    Channel,
    Contact,
    ContactSession,
    Conversation,
    Message,
    SubjectRequest,
    SubjectRequestKind,
    Tag,
)
from conversations.services import contacts, fidelity, merging, profiles, subjects
from conversations.services.contacts import Admission, TokenExpiredError
from conversations.services.profiles import ErasedContactError
from conversations.services.subject_export import archive, collect
from conversations.services.subject_store import ERASED
from conversations.services.subject_stores import (
    STORES,
    reached_models,
    stores_of,
    text_columns,
)
from conversations.services.subjects import (
    IdentityCheckNeededError,
    RefusalReasonNeededError,
    RunningConversationError,
    SettledRequestError,
    WrongNameError,
)
from conversations.traces import find_files, find_traces
from knowledge.models import Release
from tenants import clock
from tenants.models import LedgerEntry, Membership, Tenant
from tenants.scoping import TenantModel
from tenants.services import ledger
from tests.conversations.conftest import ANSWER, KNOWN
from tests.conversations.doors import ask, ledger_kinds, send

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
EVERY = [model for model in apps.get_models() if issubclass(model, TenantModel)]
# What names rows of conversations by value, without a foreign key.
BY_VALUE = {"message_id", "conversation_id", "contact_id", "subject_id", "subject"}


# The list of stores


def test_every_model_that_leads_to_a_contact_is_a_store() -> None:
    by_value = {
        model
        for model in EVERY
        if any(
            column.name in BY_VALUE and not column.is_relation
            for column in model._meta.concrete_fields
        )
    }

    assert reached_models(EVERY) | by_value == {store.model for store in STORES}


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.name)
def test_every_text_column_of_a_store_is_decided_about(store: Any) -> None:
    decided = set(store.erased) | set(store.kept)
    columns = text_columns(store.model)

    if store.removed:
        assert not decided
    else:
        assert columns - decided == set()
        assert set(store.kept) - columns == set()
    assert not set(store.erased) & set(store.kept)


def test_stores_of_one_model_part_its_rows(
    in_tenant: Tenant, channel: Channel, agent: Membership, knowledge: Release
) -> None:
    person = plant(channel, by=agent, question=KNOWN)
    for model in {store.model for store in STORES}:
        keys = [
            pk for store in stores_of(model) for (pk,) in store.rows([person.pk]).values_list("pk")
        ]
        assert len(keys) == len(set(keys)), model


# Finding, handing out


def test_person_is_found_by_id_number_phone_and_mail(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission], agent: Membership
) -> None:
    told = admit(channel, profile={"name": "李雷", "phone": "13800000000"}, user_id="K-7").session
    noted = admit(channel).session.contact
    profiles.edit_contact(noted, {"phone": "13811111111", "email": "Li@Example.com"}, by=agent)

    found = {
        term: subjects.find_contacts(term)
        for term in (str(told.contact_id), "K-7", "138-0000 0000", "13811111111", "li@example.COM")
    }

    assert list(found.values()) == [[told.contact]] * 3 + [[noted]] * 2
    assert subjects.find_contacts("1380000") == subjects.find_contacts(" ") == []
    merging.merge_contacts(told.contact, noted, by=agent)
    assert subjects.find_contacts("13811111111") == [told.contact]


def request_for(person: Contact, kind: SubjectRequestKind, by: Membership) -> SubjectRequest:
    return subjects.open_request(person, kind, identity_check="回拨登记号码", by=by)


def test_archive_holds_every_canary(
    in_tenant: Tenant, channel: Channel, agent: Membership, knowledge: Release
) -> None:
    """Source: T55, found 100 %."""
    person = plant(channel, by=agent, question=KNOWN)
    planted = {(trace.table, trace.column) for trace in find_traces([CANARY])}
    request = request_for(person, SubjectRequestKind.ACCESS, agent)

    found = {
        (store.model._meta.db_table, column)
        for sheet in collect(request)
        for store in STORES
        if store.name == sheet.name
        for row in sheet.rows
        for column, value in row.items()
        if CANARY in json.dumps(value, ensure_ascii=False, default=str)
    }

    assert len(planted) >= 20
    assert planted == found


# Columns that are emptied though nobody can write words into them, or only by hashes and ids.
WORDLESS = {
    "conversations_contact.vouched",
    "conversations_contact.from_ticket",
    "conversations_contact.fingerprint_key",
    "conversations_contactmerge.moved",
    "conversations_contactsession.locale",
    "conversations_contactsession.token_hash",
    "conversations_contactsession.refresh_hash",
    "conversations_contactsession.spent_refresh_hashes",
    "conversations_message.buttons",
    "conversations_rulerun.outcomes",
    "conversations_surveyinvite.token_hash",
    "conversations_ticketnotice.error",
    "conversations_webhookdelivery.kind",
    "conversations_webhookdelivery.last_error",
    "conversations_webhookdelivery.message_id",
    "knowledge_proposal.answer",
    "knowledge_proposal.text_key",
    "reporting_question.text_key",
}


def test_mark_lies_in_every_column_that_is_erased(
    in_tenant: Tenant, channel: Channel, agent: Membership, knowledge: Release
) -> None:
    """Otherwise finding none of it afterwards would prove nothing."""
    plant(channel, by=agent, question=KNOWN)
    planted = {f"{trace.table}.{trace.column}" for trace in find_traces([CANARY])}

    erased = {
        f"{store.model._meta.db_table}.{column}"
        for store in STORES
        for column in text_columns(store.model)
        if store.removed or column in store.erased
    }

    assert sorted(erased - planted) == sorted(WORDLESS)


def test_archive_can_be_read_by_machines_spreadsheets_and_people(
    in_tenant: Tenant,
    channel: Channel,
    admit: Callable[..., Admission],
    agent: Membership,
    knowledge: Release,
) -> None:
    session = admit(channel, profile={"name": "李雷"}).session
    send(session, "=HYPERLINK(1)")
    ask(session, KNOWN)
    request = request_for(session.contact, SubjectRequestKind.ACCESS, agent)

    packed = zipfile.ZipFile(io.BytesIO(archive(request, by=agent)))

    data = json.loads(packed.read("data.json"))
    assert [row["ai"] for row in data["message"]] == [False, False, True]
    assert (data["AIGC"]["Label"], data["ai_notice"]) in [
        ("1", notice) for notice in wire.AI_NOTICE.values()
    ]
    assert not [key for key in data["contactsession"][0] if "hash" in key]
    page = packed.read("index.html").decode()
    assert 'name="AIGC"' in page
    assert data["ai_notice"] in page
    assert wire.AI_BADGE["zh-CN"] in page or wire.AI_BADGE["en"] in page
    assert "李雷" in page
    sheet = packed.read("csv/message.csv")
    assert sheet.startswith(b"\xef\xbb\xbf")
    cells = [cell for row in csv.reader(io.StringIO(sheet.decode("utf-8-sig"))) for cell in row]
    assert "'=HYPERLINK(1)" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    listed = list(csv.reader(io.StringIO(packed.read("files.csv").decode("utf-8-sig"))))[1:]
    assert {name for name, _size, _hash in listed} == set(packed.namelist()) - {"files.csv"}
    assert {"contactsession.token_hash"} & {
        f"contactsession.{key}" for key in data["contactsession"][0]
    } == set()
    assert ledger_kinds()[-1] == "subject.exported"
    assert SubjectRequest.objects.get().exported_at is not None


def test_archive_holds_nothing_of_anybody_else(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission], agent: Membership
) -> None:
    plant(channel, by=agent, question=KNOWN)
    other = admit(channel, profile={"name": "韩梅梅"}).session
    send(other, "别人的问题")
    request = request_for(other.contact, SubjectRequestKind.ACCESS, agent)

    text = json.dumps([sheet.rows for sheet in collect(request)], default=str, ensure_ascii=False)

    assert "别人的问题" in text
    assert CANARY not in text


# Erasing


def test_nothing_of_an_erased_person_is_left_anywhere(
    in_tenant: Tenant,
    channel: Channel,
    agent: Membership,
    knowledge: Release,
    django_capture_on_commit_callbacks: Any,
) -> None:
    """Source: T55, 0 after erasing."""
    person = plant(channel, by=agent, question=KNOWN)
    request = request_for(person, SubjectRequestKind.DELETE, agent)
    packed = zipfile.ZipFile(io.BytesIO(archive(request, by=agent)))
    sent = [name for name in packed.namelist() if name.startswith("files/")]
    assert [CANARY in packed.read(name).decode() for name in sent] == [True] * 3
    files = len(list(find_files([CANARY])))

    with django_capture_on_commit_callbacks(execute=True):
        erased = subjects.erase(request, typed=person.display_name, by=agent)

    assert list(find_traces([CANARY])) == []
    assert (files, list(find_files([CANARY]))) == (3, [])
    assert set(Attachment.objects.values_list("name", "path")) == {("", "")}
    assert (
        erased["attachment"] == LedgerEntry.objects.filter(kind="attachment.removed").count() == 3
    )
    assert CANARY not in str(vars(cache).get("_cache", ""))
    assert erased["message"] > 3
    assert ledger.verify()[1] is None
    person = Contact.objects.get(pk=person.pk)
    assert person.erased_at is not None
    assert (person.display_name, person.verified) == (f"#{person.pk.hex[-6:].upper()}", False)
    assert CANARY not in str(list(LedgerEntry.objects.values_list("data", flat=True)))


def test_erasing_leaves_the_figures(
    in_tenant: Tenant, channel: Channel, agent: Membership, knowledge: Release
) -> None:
    person = plant(channel, by=agent, question=KNOWN)
    ids = [person.pk]
    before = (profile.counts(ids), profile.satisfaction(ids), BotDecision.objects.count())
    answers = Message.objects.filter(kind="answer").count()

    request = request_for(person, SubjectRequestKind.DELETE, agent)
    subjects.erase(request, typed=person.display_name, by=agent)

    assert (profile.counts(ids), profile.satisfaction(ids), BotDecision.objects.count()) == before
    assert Message.objects.filter(kind="answer", text=ANSWER).count() == answers > 0
    assert fidelity.compare().mismatched == 0
    assert set(Message.objects.filter(author_kind="customer").values_list("text", flat=True)) == {
        ERASED
    }


def test_erasing_reaches_those_merged_into_the_person_and_nobody_else(
    in_tenant: Tenant, channel: Channel, admit: Callable[..., Admission], agent: Membership
) -> None:
    kept = admit(channel, profile={"name": "李雷"}).session
    merged = admit(channel, profile={"name": "小李"}).session
    other = admit(channel, profile={"name": "韩梅梅"}).session
    for session in (kept, merged, other):
        send(session, f"{session.contact.name}的问题")
    merge = merging.merge_contacts(kept.contact, merged.contact, by=agent)

    request = request_for(merged.contact, SubjectRequestKind.DELETE, agent)
    subjects.erase(request, typed="李雷", by=agent)

    assert sorted(Contact.objects.values_list("name", flat=True)) == ["", "", "韩梅梅"]
    said = Message.objects.filter(author_kind="customer").values_list("text", flat=True)
    assert sorted(said) == sorted([ERASED, ERASED, "韩梅梅的问题"])
    assert list(ContactSession.objects.values_list("contact", flat=True)) == [other.contact_id]
    with pytest.raises(TokenExpiredError):
        contacts.renewed(merged)
    with pytest.raises(ErasedContactError):
        merging.undo_merge(merge, by=agent)
    with pytest.raises(ErasedContactError):
        profiles.add_note(kept.contact, "再记", by=agent)


def test_person_who_comes_back_after_erasing_is_somebody_new(
    in_tenant: Tenant, channel: Channel, agent: Membership
) -> None:
    person = plant(channel, by=agent, question=KNOWN)
    request = request_for(person, SubjectRequestKind.DELETE, agent)
    subjects.erase(request, typed=person.display_name, by=agent)

    again = plant(channel, by=agent, question=KNOWN)

    assert again.pk != person.pk
    assert again.verified


def test_erasing_needs_the_name_typed_and_nobody_talking(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    conversation = send(visitor, "我要人工").message.conversation
    request = request_for(visitor.contact, SubjectRequestKind.DELETE, agent)
    name = visitor.contact.display_name

    with pytest.raises(WrongNameError):
        subjects.erase(request, typed="李雷", by=agent)
    Conversation.objects.filter(pk=conversation.pk).update(
        status="waiting_human", waiting_since=clock.now()
    )
    with pytest.raises(RunningConversationError):
        subjects.erase(request, typed=name, by=agent)

    assert Message.objects.get(seq=1).text == "我要人工"
    assert SubjectRequest.objects.get().is_open


# Requests


def test_request_is_due_in_fifteen_working_days_and_needs_an_identity_check(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    with pytest.raises(IdentityCheckNeededError):
        subjects.open_request(
            visitor.contact, SubjectRequestKind.ACCESS, identity_check=" ", by=agent
        )

    with clock.travel(NOON):
        request = request_for(visitor.contact, SubjectRequestKind.ACCESS, agent)

    # Asked on 20 November, which does not count; the fifteenth working day ends at 24:00.
    assert request.due_at == datetime(2026, 12, 11, 16, tzinfo=UTC)
    assert ledger_kinds()[-1] == "subject.requested"


def test_refusal_needs_a_reason_and_settles(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    request = request_for(visitor.contact, SubjectRequestKind.DELETE, agent)

    with pytest.raises(RefusalReasonNeededError):
        subjects.refuse_request(request, reason="", by=agent)
    subjects.refuse_request(request, reason="身份无法核实", by=agent)

    settled = SubjectRequest.objects.get()
    assert (settled.refused_reason, settled.is_open, settled.done_by) == (
        "身份无法核实",
        False,
        agent,
    )
    for again in (
        lambda: subjects.refuse_request(request, reason="又", by=agent),
        lambda: subjects.erase(request, typed=visitor.contact.display_name, by=agent),
    ):
        with pytest.raises(SettledRequestError):
            again()


def test_withdrawal_ends_profiling_and_sessions(
    in_tenant: Tenant, visitor: ContactSession, agent: Membership
) -> None:
    tag = profiles.save_tag(Tag(name="规则"), by=agent)
    profiles.add_tag(visitor.contact, tag, by=None, source="rule")  # type: ignore[arg-type]
    request = request_for(visitor.contact, SubjectRequestKind.WITHDRAW, agent)

    subjects.complete_request(request, by=agent)

    contact = Contact.objects.get()
    assert contact.opted_out_of_profile
    assert profile.tags_of(contact) == []
    with pytest.raises(TokenExpiredError):
        contacts.renewed(visitor)
