"""The learning loop: what visitors said is kept, counted, decided, and found lacking."""

import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from django.contrib.messages import get_messages
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from knowledge import upkeep
from knowledge.models import (
    Entry,
    EntryVersion,
    Phrasing,
    Proposal,
    ProposalSource,
    ProposalState,
    TextVector,
)
from knowledge.retrieval.text import text_key
from knowledge.services import entries, proposals
from tenants.models import LedgerEntry, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services.onboarding import create_tenant

QUEUE = "/admin/knowledge/proposal/"
BUTTON, UNANSWERED = ProposalSource.BUTTON, ProposalSource.UNANSWERED
WORDS = "我买的东西啥时候能寄出来呀"
UNKNOWN = "你们支持对公转账吗"


def make(question: str, *, phrasings: Sequence[str] = (), category: str = "配送") -> Entry:
    return entries.save_entry(
        Entry(category=entries.category_named(category), question=question, answer="答案。"),
        by=None,
        phrasings=phrasings,
    )


def version_of(entry: Entry) -> EntryVersion:
    return EntryVersion.objects.create(
        entry=entry,
        number=entry.versions.count() + 1,
        category_name="配送",
        question=entry.question,
        phrasings=[],
        answer=entry.answer,
        content_hash="0" * 64,
    )


def propose(entry: Entry | None, text: str = WORDS, **more: Any) -> Proposal | None:
    source = UNANSWERED if entry is None else BUTTON
    version_id = None if entry is None else version_of(entry).pk
    return proposals.propose(text, source=more.pop("source", source), version_id=version_id, **more)


def kept(entry: Entry | None, text: str = WORDS, **more: Any) -> Proposal:
    proposal = propose(entry, text, **more)
    assert proposal is not None
    return proposal


def texts(entry: Entry) -> list[str]:
    return list(Phrasing.objects.filter(entry=entry).values_list("text", flat=True))


@pytest.fixture
def entry(in_tenant: Tenant) -> Entry:
    return make("下单之后多长时间发货？", phrasings=["几天能寄出来"])


@pytest.fixture
def person(in_tenant: Tenant, make_member: Callable[..., User]) -> User:
    return make_member(in_tenant, Role.KNOWLEDGE_EDITOR)


# What is kept


def test_words_are_kept_with_their_entry_and_counted(entry: Entry) -> None:
    first, last = uuid.uuid4(), uuid.uuid4()

    one = kept(entry, f"  {WORDS} ", message_id=first, p=0.41)
    two = kept(entry, f"请问{WORDS}？", message_id=str(last), p=0.62)

    assert one.pk == two.pk
    assert (two.text, two.text_key) == (WORDS, text_key(WORDS))
    assert (two.entry_id, two.source, two.state) == (entry.pk, "button", "pending")
    assert (two.times, two.p, two.message_id) == (2, 0.62, last)
    assert one.last_seen <= two.last_seen
    assert two.first_seen == one.first_seen


def test_one_message_counts_once(entry: Entry) -> None:
    message = uuid.uuid4()

    kept(entry, message_id=message)
    kept(entry, message_id=message, source=ProposalSource.THUMB)

    assert kept(entry).times == 2


def test_the_same_words_may_mean_two_entries(entry: Entry) -> None:
    other = make("如何催促发货？")

    assert kept(entry).pk != kept(other).pk
    assert Proposal.objects.count() == 2


@pytest.mark.parametrize(
    "text",
    [
        "你好",
        "嗯嗯",
        "多" * 201,
        "发到 li.si@example.com 可以吗",
        "我的手机号13800138000查一下",
        "我的手机号 138-0013 8000 查一下",
        "订单１２３４５６到哪里了",
        "电话(010) 6552 9988没人接",
        "几天能寄出来",
        "请问几天能寄出来？",
        "下单之后多长时间发货",
        " ",
    ],
)
def test_words_that_are_no_phrasing_are_not_kept(entry: Entry, text: str) -> None:
    assert propose(entry, text) is None
    assert Proposal.objects.count() == 0


@pytest.mark.parametrize("text", ["满99包邮吗，我买了12345元的", "2026年能发货吗"])
def test_short_numbers_are_no_personal_data(entry: Entry, text: str) -> None:
    assert kept(entry, text).text == text


@pytest.mark.parametrize("version_id", ["00000000-0000-4000-8000-000000000000", "no-id"])
def test_an_unknown_version_keeps_nothing(entry: Entry, version_id: str) -> None:
    assert proposals.propose(WORDS, source=BUTTON, version_id=version_id) is None
    assert Proposal.objects.count() == 0


def test_another_tenants_version_keeps_nothing(entry: Entry, other_tenant: Tenant) -> None:
    version = version_of(entry)

    with tenant_scope(other_tenant):
        assert proposals.propose(WORDS, source=BUTTON, version_id=version.pk) is None
        assert kept(None).entry is None
        assert Proposal.objects.count() == 1

    assert Proposal.objects.count() == 0


def test_an_answer_that_becomes_known_replaces_the_open_question(entry: Entry) -> None:
    kept(None)

    known = kept(entry)

    assert list(Proposal.objects.all()) == [known]
    assert kept(None).pk == known.pk, "no second row while the answer is not heard yet"
    assert Proposal.objects.get().times == 2


def test_what_the_working_copy_knows_is_no_open_question(entry: Entry) -> None:
    assert propose(None, "几天能寄出来") is None
    assert propose(None, entry.question) is None


@pytest.mark.parametrize("known", [True, False])
def test_rows_are_single_by_rule_of_the_database(entry: Entry, known: bool) -> None:
    proposal = kept(entry if known else None)
    values = {"text": WORDS, "text_key": proposal.text_key, "source": BUTTON}
    seen = {"first_seen": proposal.first_seen, "last_seen": proposal.last_seen}

    with pytest.raises(IntegrityError), transaction.atomic():
        Proposal.objects.create(entry=proposal.entry, **values, **seen)


# What is decided


def test_accepted_words_become_the_last_phrasing(entry: Entry, person: User) -> None:
    proposal = kept(entry)

    phrasing = proposals.accept(proposal, by=person)

    assert (phrasing.text, phrasing.entry_id) == (WORDS, entry.pk)
    assert texts(entry) == ["几天能寄出来", WORDS]
    proposal.refresh_from_db()
    entry.refresh_from_db()
    assert (proposal.state, proposal.decided_by, entry.updated_by) == ("accepted", person, person)
    assert proposal.decided_at is not None
    recorded = LedgerEntry.objects.latest("position")
    assert (recorded.kind, recorded.subject) == ("proposal.accepted", str(proposal.pk))
    assert recorded.data["entry"] == str(entry.pk)
    assert WORDS not in str(recorded.data)


def test_words_without_an_entry_need_one(entry: Entry) -> None:
    proposal = kept(None, UNKNOWN)

    with pytest.raises(proposals.EntryNeededError):
        proposals.accept(proposal, by=None)
    proposals.accept(proposal, by=None, entry=entry)

    assert UNKNOWN in texts(entry)
    assert Proposal.objects.get().entry_id == entry.pk


def test_another_entry_may_be_chosen_and_takes_its_own_row_in(entry: Entry) -> None:
    better = make("如何催促发货？")
    wrong, twin = kept(entry), kept(better)

    phrasing = proposals.accept(wrong, by=None, entry=better)

    assert phrasing.entry_id == better.pk
    assert texts(entry) == ["几天能寄出来"]
    left = Proposal.objects.get()
    assert (left.pk, left.entry_id, left.times) == (wrong.pk, better.pk, wrong.times + twin.times)


def test_a_phrasing_that_stands_meanwhile_is_not_doubled(entry: Entry) -> None:
    proposal = kept(entry)
    entries.save_entry(entry, by=None, phrasings=[f"{WORDS}？"])

    assert proposals.accept(proposal, by=None).text == f"{WORDS}？"
    assert texts(entry) == [f"{WORDS}？"]


@pytest.mark.parametrize("first", ["accept", "dismiss"])
@pytest.mark.parametrize("second", ["accept", "dismiss"])
def test_only_the_first_decision_counts(entry: Entry, first: str, second: str) -> None:
    proposal = kept(entry)
    stale = Proposal.objects.get()
    getattr(proposals, first)(proposal, by=None)
    before, said = LedgerEntry.objects.count(), texts(entry)

    with pytest.raises(proposals.AlreadyDecidedError):
        getattr(proposals, second)(stale, by=None)

    assert (LedgerEntry.objects.count(), texts(entry)) == (before, said)


def test_dismissed_words_stay_dismissed(entry: Entry, person: User) -> None:
    proposals.dismiss(kept(entry), by=person)

    again = kept(entry)

    assert (again.state, again.times, again.decided_by) == ("dismissed", 2, person)
    assert LedgerEntry.objects.latest("position").kind == "proposal.dismissed"


def test_accepted_words_stay_accepted_until_they_are_heard(entry: Entry) -> None:
    proposals.accept(kept(entry), by=None)

    assert propose(entry) is None
    assert propose(None) is None
    assert kept(None, f"请问{WORDS}").state == ProposalState.ACCEPTED


def test_writing_the_words_by_hand_settles_them(entry: Entry, person: User) -> None:
    unknown = kept(None, UNKNOWN)
    proposal = kept(entry)
    elsewhere = kept(make("如何催促发货？"))
    entries.save_entry(entry, by=person, phrasings=[WORDS, f"{UNKNOWN}？"])

    assert proposals.settle(entry, by=person) == 2

    states = dict(Proposal.objects.values_list("pk", "state"))
    assert states == {unknown.pk: "accepted", proposal.pk: "accepted", elsewhere.pk: "pending"}


def test_another_tenants_entry_takes_no_words(entry: Entry, other_tenant: Tenant) -> None:
    proposal = kept(entry)

    with tenant_scope(other_tenant):
        with pytest.raises(proposals.AlreadyDecidedError):
            proposals.accept(proposal, by=None)
        mine = kept(None)
        with pytest.raises(proposals.EntryNeededError):
            proposals.accept(mine, by=None, entry=entry)

    assert texts(entry) == ["几天能寄出来"]


THREADS = 4


def in_threads(work: Callable[[], object], tenant: Tenant) -> list[object]:
    """Do the work in all threads at the same time; return what each of them gave."""
    start = threading.Barrier(THREADS)

    def run(_number: int) -> object:
        start.wait()
        try:
            with tenant_scope(tenant):
                return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_words_that_come_at_the_same_time_make_one_row(transactional_db: None) -> None:
    tenant = create_tenant(slug="busy", name="忙")
    with tenant_scope(tenant):
        version_id = version_of(make("下单之后多长时间发货？")).pk

    in_threads(lambda: proposals.propose(WORDS, source=BUTTON, version_id=version_id), tenant)

    with tenant_scope(tenant):
        assert Proposal.objects.get().times == THREADS


def test_of_those_who_accept_at_the_same_time_one_does(transactional_db: None) -> None:
    tenant = create_tenant(slug="busy", name="忙")
    with tenant_scope(tenant):
        proposal = kept(make("下单之后多长时间发货？"))

    def accept() -> bool:
        try:
            proposals.accept(Proposal.objects.get(pk=proposal.pk), by=None)
        except proposals.AlreadyDecidedError:
            return False
        return True

    assert sorted(map(bool, in_threads(accept, tenant))) == [False, False, False, True]
    with tenant_scope(tenant):
        assert Phrasing.objects.get().text == WORDS
        assert LedgerEntry.objects.filter(kind="proposal.accepted").count() == 1


# Where the knowledge base wants work


def store(text: str, *direction: float) -> None:
    vector = np.zeros(4, "<f2")
    vector[: len(direction)] = direction
    vector /= np.linalg.norm(vector)
    TextVector.objects.create(encoder="four", text_key=text_key(text), vector=vector.tobytes())


class Four:
    """An encoder that knows what is stored, and answers the last axis to everything else."""

    id = "four"
    dim = 4

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        return np.tile(np.array([0, 0, 0, 1], np.float32), (len(texts), 1))


def test_thin_entries_come_by_how_often_they_are_asked(entry: Entry) -> None:
    quiet = make("如何催促发货？")
    make("能退货吗？", phrasings=["退货", "怎么退货", "想退掉", "能不能退"])
    unused = make("停用的？")
    unused.is_active = False
    entries.save_entry(unused, by=None)
    kept(entry)

    found = upkeep.thin_entries()

    assert [(thin.entry_id, thin.wordings, thin.asked) for thin in found] == [
        (entry.pk, 2, 1),
        (quiet.pk, 1, 0),
    ]
    assert [thin.entry_id for thin in upkeep.thin_entries(at_least=2)] == [quiet.pk]


def test_wordings_that_two_entries_share_are_found(
    entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "load_encoder", Four)
    near = make("如何催促发货？", phrasings=["催一下发货"])
    far = make("能退货吗？", phrasings=["催一下发货！"])
    store("几天能寄出来", 1, 0.1)
    store("如何催促发货？", 1, 0)
    store("能退货吗？", 0, 1)

    same, close = upkeep.near_duplicates()

    assert {same.first.entry_id, same.second.entry_id} == {near.pk, far.pk}
    assert same.cosine == 1.0
    assert {close.first.text, close.second.text} == {"几天能寄出来", "如何催促发货？"}
    assert 0.95 <= close.cosine < 1
    assert len(upkeep.near_duplicates(limit=1)) == 1
    assert upkeep.near_duplicates(cosine=0.999) == [same]


def test_only_the_same_words_are_found_without_an_encoder(
    entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "load_encoder", lambda: None)
    make("如何催促发货？", phrasings=["几天能寄出来？"])

    (pair,) = upkeep.near_duplicates()

    assert (pair.first.text, pair.second.text) == ("几天能寄出来", "几天能寄出来？")


def test_open_questions_are_grouped(in_tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    store("能对公打款吗", 1, 0)
    store(UNKNOWN, 1, 0.1)
    store("有线下门店吗", 0, 1)
    for text, times in ((UNKNOWN, 2), ("能对公打款吗", 2), ("有线下门店吗", 3), ("招聘吗现在", 1)):
        for _time in range(times):
            kept(None, text)
    proposals.dismiss(kept(None, "可以送我一个吗"), by=None)

    monkeypatch.setattr(upkeep, "load_encoder", Four)
    together = upkeep.repeated_unknowns()
    monkeypatch.setattr(upkeep, "load_encoder", lambda: None)
    apart = upkeep.repeated_unknowns(limit=3)

    assert [group.times for group in together] == [4, 3, 1]
    assert {row.text for row in together[0].proposals} == {UNKNOWN, "能对公打款吗"}
    assert [group.times for group in apart] == [3, 2, 2]


# The pages


@pytest.fixture
def editor(tenant: Tenant, make_member: Callable[..., User], client_as: Any) -> Client:
    client: Client = client_as(make_member(tenant, Role.KNOWLEDGE_EDITOR))
    return client


@pytest.fixture
def reader(tenant: Tenant, make_member: Callable[..., User], client_as: Any) -> Client:
    client: Client = client_as(make_member(tenant, Role.CLIENT_READONLY))
    return client


@pytest.fixture
def queue(tenant: Tenant) -> tuple[Proposal, Proposal]:
    """A proposal with its entry, and one without."""
    with tenant_scope(tenant):
        entry = make("下单之后多长时间发货？")
        return kept(entry, p=0.613), kept(None, UNKNOWN)


def said(response: Any) -> str:
    return " ".join(str(note) for note in get_messages(response.wsgi_request))


def state_of(proposal: Proposal) -> str:
    with tenant_scope(proposal.tenant_id):
        return Proposal.objects.get(pk=proposal.pk).state


def test_the_queue_shows_what_is_to_be_decided(
    tenant: Tenant, queue: tuple[Proposal, Proposal], editor: Client
) -> None:
    known, unknown = queue
    with tenant_scope(tenant):
        proposals.dismiss(unknown, by=None)

    pending = editor.get(QUEUE)
    every = editor.get(QUEUE, {"state": "all"})
    dismissed = editor.get(QUEUE, {"state": "dismissed", "source__exact": "unanswered"})
    category = known.entry.category_id if known.entry else None
    by_category = editor.get(QUEUE, {"entry__category__id__exact": str(category)})

    assert list(pending.context["cl"].result_list) == [known]
    assert set(every.context["cl"].result_list) == {known, unknown}
    assert list(dismissed.context["cl"].result_list) == [unknown]
    assert list(by_category.context["cl"].result_list) == [known]
    page = pending.content.decode()
    assert "61%" in page
    assert f'formaction="{QUEUE}{known.pk}/accept/' in page


def test_a_click_accepts_and_looking_does_not(
    tenant: Tenant, queue: tuple[Proposal, Proposal], editor: Client
) -> None:
    known, _unknown = queue
    url = f"{QUEUE}{known.pk}/accept/?_changelist_filters=source__exact%3Dbutton"

    looked = editor.get(url)
    assert (looked.status_code, state_of(known)) == (200, "pending")
    clicked = editor.post(url)

    assert clicked.status_code == 302
    assert clicked["Location"] == f"{QUEUE}?source__exact=button"
    assert state_of(known) == "accepted"
    assert "/admin/knowledge/entry/publish/" in said(clicked)
    with tenant_scope(tenant):
        assert Phrasing.objects.get().text == WORDS
    again = editor.post(url)
    assert said(again).endswith(str(proposals.AlreadyDecidedError().detail))
    with tenant_scope(tenant):
        assert Phrasing.objects.count() == 1


def test_a_click_dismisses_and_looking_does_not(
    queue: tuple[Proposal, Proposal], editor: Client
) -> None:
    known, _unknown = queue

    looked = editor.get(f"{QUEUE}{known.pk}/dismiss/")
    assert (looked.status_code, state_of(known)) == (200, "pending")
    editor.post(f"{QUEUE}{known.pk}/dismiss/")

    assert state_of(known) == "dismissed"


def test_a_click_without_an_entry_says_what_is_missing(
    queue: tuple[Proposal, Proposal], editor: Client
) -> None:
    _known, unknown = queue

    response = editor.post(f"{QUEUE}{unknown.pk}/accept/")

    assert str(proposals.EntryNeededError().detail) in said(response)
    assert state_of(unknown) == "pending"


def test_the_entry_is_chosen_on_the_page(
    tenant: Tenant, queue: tuple[Proposal, Proposal], editor: Client
) -> None:
    known, unknown = queue
    url = f"{QUEUE}{unknown.pk}/change/"

    page = editor.get(url)
    empty = editor.post(url, {"entry": ""})
    chosen = editor.post(url, {"entry": str(known.entry_id)})
    decided = editor.get(url)

    assert "/admin/autocomplete/" in page.content.decode()
    assert empty.context["adminform"].form.errors["entry"]
    assert chosen.status_code == 302
    assert state_of(unknown) == "accepted"
    with tenant_scope(tenant):
        assert Phrasing.objects.get().text == UNKNOWN
    assert decided.status_code == 200
    assert 'name="_save"' not in decided.content.decode()
    assert editor.post(url, {"entry": str(known.entry_id)}).status_code == 403


def test_a_new_entry_is_made_of_a_question(
    queue: tuple[Proposal, Proposal],
    editor: Client,
    django_capture_on_commit_callbacks: Any,
) -> None:
    known, unknown = queue
    assert known.entry is not None

    form = editor.get(f"{QUEUE}{unknown.pk}/new-entry/", follow=True)
    with django_capture_on_commit_callbacks() as callbacks:
        editor.post(
            "/admin/knowledge/entry/add/",
            {
                "category": str(known.entry.category_id),
                "question": UNKNOWN,
                "phrasings": "",
                "answer": "支持。",
                "is_active": "on",
            },
        )
    with tenant_scope(known.tenant_id):
        for callback in callbacks:
            callback()

    assert form.context["adminform"].form.initial["question"] == UNKNOWN
    assert state_of(unknown) == "accepted"


def test_selected_ones_are_decided_together(
    tenant: Tenant, queue: tuple[Proposal, Proposal], editor: Client
) -> None:
    known, unknown = queue
    selected = {"_selected_action": [str(known.pk), str(unknown.pk)], "index": "0"}

    accepted = editor.post(QUEUE, {"action": "accept_selected", **selected})
    dismissed = editor.post(QUEUE, {"action": "dismiss_selected", **selected})
    nothing = editor.post(QUEUE, {"action": "dismiss_selected", **selected})

    assert (state_of(known), state_of(unknown)) == ("accepted", "dismissed")
    assert said(accepted).count("1") == 2, "one accepted, one without an entry"
    assert "1" in said(dismissed)
    assert nothing.status_code == 302


def test_readers_see_the_queue_and_decide_nothing(
    queue: tuple[Proposal, Proposal], reader: Client
) -> None:
    known, _unknown = queue

    page = reader.get(QUEUE)

    assert (page.status_code, reader.get(f"{QUEUE}upkeep/").status_code) == (200, 200)
    assert "formaction" not in page.content.decode()
    for name in ("accept", "dismiss", "new-entry"):
        assert reader.post(f"{QUEUE}{known.pk}/{name}/").status_code == 403
    assert reader.post(f"{QUEUE}{known.pk}/change/", {}).status_code == 403
    reader.post(QUEUE, {"action": "accept_selected", "_selected_action": [str(known.pk)]})
    assert state_of(known) == "pending"


def test_agents_do_not_see_the_queue(
    tenant: Tenant, make_member: Callable[..., User], client_as: Any
) -> None:
    agent = client_as(make_member(tenant, Role.AGENT))

    assert agent.get(QUEUE).status_code == 302
    assert agent.get(f"{QUEUE}upkeep/").status_code == 302


def test_another_tenants_words_are_not_there(
    queue: tuple[Proposal, Proposal],
    other_tenant: Tenant,
    make_member: Callable[..., User],
    client_as: Any,
) -> None:
    known, unknown = queue
    stranger = client_as(make_member(other_tenant, Role.CLIENT_ADMIN))

    for name in ("accept", "dismiss", "new-entry", "change"):
        assert stranger.post(f"{QUEUE}{known.pk}/{name}/").status_code == 302
    ids = [str(known.pk), str(unknown.pk)]
    stranger.post(QUEUE, {"action": "dismiss_selected", "_selected_action": ids})

    assert (state_of(known), state_of(unknown)) == ("pending", "pending")
    for url in (QUEUE, f"{QUEUE}upkeep/", f"{QUEUE}?state=all"):
        page = stranger.get(url).content.decode()
        assert WORDS not in page
        assert UNKNOWN not in page


def test_upkeep_shows_what_wants_work(queue: tuple[Proposal, Proposal], editor: Client) -> None:
    known, unknown = queue

    page = editor.get(f"{QUEUE}upkeep/")

    assert [thin.entry_id for thin in page.context["thin"]] == [known.entry_id]
    assert [group.text for group, _url in page.context["unknowns"]] == [UNKNOWN]
    assert page.context["duplicates"] == []
    assert f"/admin/knowledge/proposal/{unknown.pk}/change/" in page.content.decode()


def test_an_empty_queue_says_what_gathers_there(tenant: Tenant, editor: Client) -> None:
    assert 'class="y-empty"' in editor.get(QUEUE).content.decode()
    assert editor.get(f"{QUEUE}upkeep/").status_code == 200


def test_the_queue_asks_as_much_for_one_row_as_for_three(tenant: Tenant, editor: Client) -> None:
    def count() -> int:
        editor.get(QUEUE)
        with CaptureQueriesContext(connection) as captured:
            assert editor.get(QUEUE).status_code == 200
        return len(captured)

    def add(number: int) -> None:
        with tenant_scope(tenant):
            kept(make(f"第{number}个问题是什么？", category=f"第{number}类"))

    add(1)
    one = count()
    add(2)
    add(3)

    assert count() == one
