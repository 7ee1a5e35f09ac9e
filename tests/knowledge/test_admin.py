"""The knowledge base's admin pages, through the door: by role, by tenant, by what they write."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from knowledge import queries, search
from knowledge.admin import publishing
from knowledge.models import Category, Entry, Release, TextVector
from knowledge.queries import EntryState
from knowledge.retrieval.semantic import Part
from knowledge.services import entries, releases
from tenants.models import LedgerEntry, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope

LIST = "/admin/knowledge/entry/"
SECRET = "云杉机密"


@pytest.fixture
def editor(tenant: Tenant, make_member: Callable[..., User], client_as: Any) -> Client:
    client: Client = client_as(make_member(tenant, Role.KNOWLEDGE_EDITOR, name="周禾"))
    return client


@pytest.fixture
def reader(tenant: Tenant, make_member: Callable[..., User], client_as: Any) -> Client:
    client: Client = client_as(make_member(tenant, Role.CLIENT_READONLY))
    return client


@pytest.fixture
def released(tenant: Tenant, publish: Callable[..., Release]) -> Release:
    return publish(tenant)


def make(question: str, *, answer: str = "答", category: str = "其他", **kwargs: Any) -> Entry:
    return entries.save_entry(
        Entry(category=entries.category_named(category), question=question, answer=answer),
        by=None,
        **kwargs,
    )


@pytest.fixture
def foreign(other_tenant: Tenant) -> Entry:
    with tenant_scope(other_tenant):
        entry = make(f"{SECRET}问题", answer=f"{SECRET}答案", category=f"{SECRET}分类")
        releases.publish(by=None, note=f"{SECRET}发布")
        return entry


def fields(entry: Entry | None = None, **changed: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "category": str(entry.category_id if entry else ""),
        "question": entry.question if entry else "新的问题？",
        "phrasings": "",
        "answer": entry.answer if entry else "新的答案。",
        "is_active": "on",
    }
    return {**values, **changed}


def change_url(entry: Entry) -> str:
    return reverse("admin:knowledge_entry_change", args=[entry.pk])


def upload(client: Client, data: bytes, name: str = "faq.csv") -> Any:
    return client.post(f"{LIST}import/", {"file": SimpleUploadedFile(name, data)})


# What a page does


def test_saving_replaces_the_phrasings_and_names_the_editor(
    tenant: Tenant, released: Release, editor: Client
) -> None:
    with tenant_scope(tenant):
        entry = Entry.objects.get(question="能开增值税专用发票吗？")

    response = editor.post(
        change_url(entry),
        fields(
            entry,
            phrasings="专票\r\n\r\n 电子专票 \r\n专票\r\n能开增值税专用发票吗？",
            answer="可以。\r\n三天内。",
        ),
    )

    assert response.status_code == 302
    with tenant_scope(tenant):
        entry.refresh_from_db()
        assert [phrasing.text for phrasing in entry.phrasings.all()] == ["专票", "电子专票"]
        assert entry.answer == "可以。\n三天内。"
        assert entry.updated_by is not None
        assert entry.updated_by.email.startswith(Role.KNOWLEDGE_EDITOR)
        latest = LedgerEntry.objects.latest("position")
        assert (latest.kind, latest.subject) == ("entry.changed", str(entry.pk))


def test_adding_takes_the_question_only_once(
    tenant: Tenant, released: Release, editor: Client
) -> None:
    with tenant_scope(tenant):
        entry = Entry.objects.earliest("created_at")
        count = Entry.objects.count()

    twice = editor.post(f"{LIST}add/", fields(entry))
    new = editor.post(f"{LIST}add/", fields(entry, question="另一个问题？"))

    assert twice.status_code == 200
    assert twice.context["adminform"].form.errors
    assert new.status_code == 302
    with tenant_scope(tenant):
        assert Entry.objects.count() == count + 1


def test_the_same_question_may_stand_in_two_tenants(
    tenant: Tenant, released: Release, foreign: Entry, editor: Client
) -> None:
    with tenant_scope(tenant):
        category = Category.objects.earliest("name")

    response = editor.post(
        f"{LIST}add/", fields(category=str(category.pk), question=foreign.question)
    )

    assert response.status_code == 302


def test_a_phrasing_that_is_too_long_is_named_by_its_line(
    tenant: Tenant, released: Release, editor: Client
) -> None:
    with tenant_scope(tenant):
        entry = Entry.objects.earliest("created_at")

    response = editor.post(change_url(entry), fields(entry, phrasings=f"短\n{'长' * 201}"))

    (error,) = response.context["adminform"].form.errors["phrasings"]
    assert "2" in error
    assert "201" in error
    assert "200" in error


def states(tenant: Tenant) -> dict[str, str]:
    with tenant_scope(tenant):
        heard = queries.heard_versions()
        return {
            entry.question: queries.state_of(entry, heard.get(entry.pk))
            for entry in Entry.objects.select_related("category").prefetch_related("phrasings")
        }


@pytest.fixture
def all_states(tenant: Tenant, released: Release) -> dict[str, str]:
    """One entry in each state, and the counts of what is pending."""
    with tenant_scope(tenant):
        changed, leaving, _same = Entry.objects.order_by("created_at")
        changed.answer = "改过的答案。"
        entries.save_entry(changed, by=None)
        leaving.is_active = False
        entries.save_entry(leaving, by=None)
        make("新的？")
        unused = make("没用过？")
        unused.is_active = False
        entries.save_entry(unused, by=None)
    return states(tenant)


def test_states_agree_with_what_publishing_counts(
    tenant: Tenant, all_states: dict[str, str]
) -> None:
    assert sorted(all_states.values()) == sorted(EntryState.values)
    with tenant_scope(tenant):
        counted = releases.pending_changes()
        listed = [item.state for item in queries.pending()]
    assert (counted.added, counted.changed, counted.removed) == tuple(
        listed.count(state) for state in (EntryState.NEW, EntryState.CHANGED, EntryState.LEAVING)
    )


@pytest.mark.parametrize("state", EntryState.values)
def test_the_state_filter_shows_what_stands_so(
    tenant: Tenant, all_states: dict[str, str], editor: Client, state: str
) -> None:
    shown = editor.get(LIST, {"state": state}).context["cl"].result_list

    assert {entry.question for entry in shown} == {
        question for question, stands in all_states.items() if stands == state
    }
    assert {entry.standing for entry in shown} == {state}


def test_the_pending_filter_shows_all_that_publishing_changes(
    all_states: dict[str, str], editor: Client
) -> None:
    shown = editor.get(LIST, {"state": "pending"}).context["cl"].result_list

    assert {entry.standing for entry in shown} == {"new", "changed", "leaving"}


def test_the_form_shows_what_visitors_hear_instead(
    tenant: Tenant, released: Release, editor: Client
) -> None:
    with tenant_scope(tenant):
        entry = Entry.objects.get(question="能开增值税专用发票吗？")
        entry.answer = entry.answer.replace("请提供开票资料", "三天内寄到")
        entries.save_entry(entry, by=None)

    page = editor.get(change_url(entry)).content.decode()

    assert "<del>请提供开票资料</del>" in page.replace("\n", "")
    assert "<ins>三天内寄到</ins>" in page.replace("\n", "")


def test_publishing_previews_asks_and_publishes(
    tenant: Tenant, all_states: dict[str, str], editor: Client
) -> None:
    page = editor.get(f"{LIST}publish/")
    with tenant_scope(tenant):
        before = releases.active_release()

    response = editor.post(f"{LIST}publish/", {"note": "双十一"})

    assert [count for _label, count in page.context["counts"]] == [1, 1, 1]
    assert response.status_code == 302
    with tenant_scope(tenant):
        release = releases.active_release()
        assert release is not None
        assert before is not None
        assert (release.number, release.note) == (before.number + 1, "双十一")
        assert releases.pending_changes().total == 0


def test_publishing_nothing_says_so(released: Release, tenant: Tenant, editor: Client) -> None:
    response = editor.post(f"{LIST}publish/", {"note": ""}, follow=True)

    assert response.status_code == 200
    with tenant_scope(tenant):
        assert Release.objects.count() == 1


def test_an_earlier_release_is_activated_after_a_question(
    tenant: Tenant, released: Release, editor: Client
) -> None:
    with tenant_scope(tenant):
        make("新的？")
        second = releases.publish(by=None)
    url = reverse("admin:knowledge_release_activate_page", args=[released.pk])

    asked = editor.get(url)
    with tenant_scope(tenant):
        assert releases.active_release() == second
    done = editor.post(url)

    assert (asked.status_code, done.status_code) == (200, 302)
    with tenant_scope(tenant):
        assert releases.active_release() == released


def test_a_bulk_action_asks_counts_and_undoes(
    tenant: Tenant, released: Release, editor: Client
) -> None:
    with tenant_scope(tenant):
        ids = [str(pk) for pk in Entry.objects.values_list("pk", flat=True)[:2]]
    selection = {"action": "take_out", "_selected_action": ids}

    asked = editor.post(LIST, {**selection, "index": "0"})
    with tenant_scope(tenant):
        assert Entry.objects.filter(is_active=False).count() == 0
    editor.post(LIST, {**selection, "confirmed": "1"})

    assert "2" in asked.context["title"]
    with tenant_scope(tenant):
        assert {
            str(pk) for pk in Entry.objects.filter(is_active=False).values_list("pk", flat=True)
        } == set(ids)
        assert LedgerEntry.objects.filter(kind="entry.changed").count() == 2
    assert len(editor.get(f"{LIST}{ids[0]}/history/").context["action_list"]) == 1
    editor.post(LIST, {"action": "put_back", "_selected_action": ids, "confirmed": "1"})
    with tenant_scope(tenant):
        assert Entry.objects.filter(is_active=False).count() == 0


def test_categories_keep_an_order_people_give_and_their_entries(
    tenant: Tenant, released: Release, editor: Client
) -> None:
    with tenant_scope(tenant):
        category = Category.objects.get(name="发票")

    editor.post("/admin/knowledge/category/add/", {"name": "会员"})
    page = editor.post(
        reverse("admin:knowledge_category_delete", args=[category.pk]), {"post": "yes"}
    )

    assert page.context["protected"]
    assert not page.context["perms_lacking"]
    with tenant_scope(tenant):
        assert list(Category.objects.values_list("name", "position"))[-1] == ("会员", 3)
        assert Category.objects.filter(pk=category.pk).exists()


# Import and export


def test_import_checks_shows_and_writes_on_confirmation(tenant: Tenant, editor: Client) -> None:
    page = upload(editor, "category,question,answer\n配送,几天到？,三天。\n".encode("gb18030"))
    with tenant_scope(tenant):
        assert not Entry.objects.exists()

    response = editor.post(f"{LIST}import/", {"token": page.context["token"]})

    assert (page.context["outcome"].new, response.status_code) == (1, 302)
    with tenant_scope(tenant):
        entry = Entry.objects.select_related("updated_by").get()
        assert entry.question == "几天到？"
        assert entry.updated_by is not None
    again = editor.post(f"{LIST}import/", {"token": page.context["token"]}, follow=True)
    assert again.redirect_chain[-1][0].endswith("/import/"), "a token is good once"


def test_import_with_a_problem_cannot_be_confirmed(tenant: Tenant, editor: Client) -> None:
    page = upload(editor, "question,answer\n好？,好。\n,没有。\n".encode())

    assert [problem.row for problem in page.context["problems"]] == [3]
    assert page.context["token"] == ""
    editor.post(f"{LIST}import/", {"token": ""})
    with tenant_scope(tenant):
        assert not Entry.objects.exists()


@pytest.mark.parametrize("data", [b"PK\x03\x04bad", b"", b"no,such,columns\n1,2,3"])
def test_a_refused_file_is_an_error_of_the_form(editor: Client, data: bytes) -> None:
    page = upload(editor, data, "faq.xlsx")

    assert page.status_code == 200
    assert page.context["form"].errors["file"]


def test_a_checked_file_is_nobody_elses(
    tenant: Tenant,
    other_tenant: Tenant,
    editor: Client,
    make_member: Callable[..., User],
    client_as: Any,
) -> None:
    token = upload(editor, "question,answer\n甲？,乙。\n".encode()).context["token"]
    stranger = client_as(make_member(other_tenant, Role.KNOWLEDGE_EDITOR))
    colleague = client_as(make_member(tenant, Role.CLIENT_ADMIN))

    for client in (stranger, colleague):
        client.post(f"{LIST}import/", {"token": token})

    for place in (tenant, other_tenant):
        with tenant_scope(place):
            assert not Entry.objects.exists()


def sheet(response: Any) -> list[tuple[Any, ...]]:
    book = openpyxl.load_workbook(io.BytesIO(response.content))
    assert book.active is not None
    return list(book.active.iter_rows(values_only=True))


def test_exports_hold_own_entries_only(
    tenant: Tenant, released: Release, foreign: Entry, reader: Client
) -> None:
    with tenant_scope(tenant):
        entry = Entry.objects.earliest("created_at")
        count = Entry.objects.count()

    whole = sheet(reader.get(f"{LIST}export.xlsx/"))
    text = reader.get(f"{LIST}export.csv/").content.decode("utf-8-sig")
    chosen = sheet(
        reader.post(
            LIST,
            {"action": "export_selected", "_selected_action": [str(entry.pk), str(foreign.pk)]},
        )
    )

    assert len(whole) == count + 1
    assert [row[1] for row in chosen[1:]] == [entry.question]
    assert SECRET not in f"{whole}{text}{chosen}"


def test_an_import_cannot_reach_into_another_tenant(
    tenant: Tenant, foreign: Entry, editor: Client
) -> None:
    line = f"category,question,answer\n{SECRET}分类,{foreign.question},抢来的。\n"

    token = upload(editor, line.encode()).context["token"]
    editor.post(f"{LIST}import/", {"token": token})

    with tenant_scope(foreign.tenant_id):
        assert Entry.objects.get().answer == f"{SECRET}答案"
    with tenant_scope(tenant):
        assert Entry.objects.get().answer == "抢来的。"


# Other tenants


@pytest.mark.parametrize("model", ["entry", "category", "release", "entryversion"])
@pytest.mark.parametrize("page", ["change", "delete", "history"])
def test_foreign_and_missing_rows_get_one_answer(
    released: Release, foreign: Entry, editor: Client, model: str, page: str
) -> None:
    with tenant_scope(foreign.tenant_id):
        rows = {
            "entry": foreign.pk,
            "category": foreign.category_id,
            "release": Release.objects.get().pk,
            "entryversion": foreign.versions.get().pk,
        }
    missing = "01900000-0000-7000-8000-000000000000"
    told = []

    for pk in (rows[model], missing):
        response = editor.get(f"/admin/knowledge/{model}/{pk}/{page}/", follow=True)
        told.append(
            (
                response.status_code,
                response.redirect_chain,
                [str(note).replace(str(pk), "") for note in response.context["messages"]]
                if response.context
                else [],
            )
        )
        assert SECRET not in response.content.decode()

    assert told[0] == told[1]


@pytest.mark.parametrize(
    "query",
    [
        {"q": SECRET},
        {"q": "问题"},
        {"state": "new"},
        {"state": "pending"},
        {"state": "released"},
        {"o": "-2"},
        {"all": ""},
    ],
)
def test_lists_and_searches_stay_in_the_tenant(
    released: Release, foreign: Entry, editor: Client, query: dict[str, str]
) -> None:
    for model in ("entry", "category", "release", "entryversion"):
        params = query if model == "entry" or "state" not in query else {}
        response = editor.get(f"/admin/knowledge/{model}/", params)
        assert response.status_code == 200, model
        found = {str(row) for row in response.context["cl"].result_list}
        assert not [text for text in found if SECRET in text]
        # The search box repeats what was asked for; nothing else may know the word.
        assert response.content.decode().replace(f'value="{SECRET}"', "").count(SECRET) == 0


def test_filters_and_choices_offer_own_rows_only(
    tenant: Tenant, released: Release, foreign: Entry, editor: Client
) -> None:
    with tenant_scope(tenant):
        entry = Entry.objects.earliest("created_at")
    filtered = editor.get(LIST, {"category__id__exact": str(foreign.category_id)})
    by_release = editor.get("/admin/knowledge/entryversion/", {"release": str(foreign.pk)})

    moved = editor.post(change_url(entry), fields(entry, category=str(foreign.category_id)))

    assert list(filtered.context["cl"].result_list) == []
    assert list(by_release.context["cl"].result_list) == []
    assert moved.context["adminform"].form.errors["category"]
    assert SECRET not in moved.content.decode()


def test_columns_that_no_page_shows_cannot_be_filtered_by(
    released: Release, editor: Client
) -> None:
    for lookup in ("updated_by__password__startswith", "tenant__slug", "answer__startswith"):
        assert editor.get(LIST, {lookup: "a"}).status_code == 400


@pytest.mark.parametrize("action", ["take_out", "put_back"])
def test_actions_do_not_touch_foreign_rows(
    released: Release, foreign: Entry, editor: Client, action: str
) -> None:
    editor.post(LIST, {"action": action, "_selected_action": [str(foreign.pk)], "confirmed": "1"})
    editor.post(
        "/admin/knowledge/category/",
        {
            "action": "delete_selected",
            "_selected_action": [str(foreign.category_id)],
            "post": "yes",
        },
    )

    with tenant_scope(foreign.tenant_id):
        assert Entry.objects.get().is_active
        assert Category.objects.exists()


def test_another_tenants_release_cannot_be_activated(
    tenant: Tenant, released: Release, foreign: Entry, editor: Client
) -> None:
    with tenant_scope(foreign.tenant_id):
        theirs = Release.objects.get()

    response = editor.post(reverse("admin:knowledge_release_activate_page", args=[theirs.pk]))

    assert response.status_code == 302
    with tenant_scope(tenant):
        assert releases.active_release() == released


def test_autocomplete_offers_nothing_of_other_tenants(foreign: Entry, editor: Client) -> None:
    response = editor.get(
        "/admin/autocomplete/",
        {
            "app_label": "knowledge",
            "model_name": "entry",
            "field_name": "category",
            "term": SECRET,
        },
    )

    assert response.status_code == 200
    assert response.json()["results"] == []


# Roles


def test_readers_see_everything_and_change_nothing(
    tenant: Tenant, released: Release, reader: Client
) -> None:
    with tenant_scope(tenant):
        entry = Entry.objects.earliest("created_at")

    page = reader.get(change_url(entry))

    assert page.status_code == 200
    assert entry.answer in page.content.decode()
    assert 'name="_save"' not in page.content.decode()
    assert reader.post(change_url(entry), fields(entry, answer="改了")).status_code == 403
    assert reader.get(f"{LIST}add/").status_code == 403
    assert reader.get(f"{LIST}publish/").status_code == 403
    assert reader.post(f"{LIST}publish/", {"note": ""}).status_code == 403
    assert upload(reader, b"question,answer\n1,2\n").status_code == 403
    reader.post(LIST, {"action": "take_out", "_selected_action": [str(entry.pk)], "confirmed": "1"})
    with tenant_scope(tenant):
        entry.refresh_from_db()
        assert entry.is_active
        assert entry.answer != "改了"


@pytest.mark.parametrize("model", ["release", "entryversion"])
def test_what_was_released_cannot_be_changed(
    released: Release, tenant: Tenant, make_member: Callable[..., User], client_as: Any, model: str
) -> None:
    admin = client_as(make_member(tenant, Role.CLIENT_ADMIN))
    with tenant_scope(tenant):
        pk = {
            "release": released.pk,
            "entryversion": Entry.objects.earliest("created_at").versions.get().pk,
        }[model]

    assert admin.get(f"/admin/knowledge/{model}/{pk}/change/").status_code == 200
    assert admin.post(f"/admin/knowledge/{model}/{pk}/change/", {"note": "x"}).status_code == 403
    assert admin.post(f"/admin/knowledge/{model}/{pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin.get(f"/admin/knowledge/{model}/add/").status_code == 403


# Work per page


def query_count(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


@pytest.mark.parametrize("path", ["entry", "category", "release", "entryversion"])
def test_lists_ask_as_much_for_one_row_as_for_three(
    tenant: Tenant, editor: Client, path: str
) -> None:
    url = f"/admin/knowledge/{path}/"
    person = User.objects.get(email__startswith=Role.KNOWLEDGE_EDITOR)

    def add(number: int) -> None:
        with tenant_scope(tenant):
            entry = make(f"第{number}个？", category=f"第{number}类", phrasings=["甲", "乙"])
            entries.save_entry(entry, by=person)
            releases.publish(by=person)

    add(1)
    one = query_count(editor, url)
    add(2)
    add(3)

    assert query_count(editor, url) == one


class Letters:
    """An encoder small enough to follow: a vector counts a text's letters."""

    id = "letters"
    dim = 16
    parts = (Part(16, 1.0, 1.0),)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.ones((len(texts), self.dim), np.float32)
        for row, text in enumerate(texts):
            for letter in text:
                vectors[row, ord(letter) % self.dim] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_many_new_phrasings_are_learned_in_steps_before_anything_is_published(
    tenant: Tenant, editor: Client, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "load_encoder", Letters)
    monkeypatch.setattr(publishing, "STEP_SECONDS", 0)
    with tenant_scope(tenant):
        for number in range(40):
            make(
                f"第{number}问？",
                answer=f"第{number}答。",
                phrasings=[f"{number}甲", f"{number}乙"],
            )

    page = editor.post(f"{LIST}publish/", {"note": "很多"})
    steps = []
    while page.status_code == 200:
        with tenant_scope(tenant):
            assert releases.active_release() is None
            learned = TextVector.objects.count()
        steps.append((page.context["done"], page.context["total"], learned))
        again = page["Refresh"].partition("url=")[2]
        assert reader.get(again).status_code == 403
        page = editor.get(again)

    assert len(steps) >= 2
    assert steps == sorted(set(steps)), "each step gets further"
    assert {total for _done, total, _learned in steps} == {steps[0][1]}
    with tenant_scope(tenant):
        release = releases.active_release()
    assert release is not None
    assert (release.note, release.entry_count) == ("很多", 40)
    assert editor.get(again).status_code == 302, "the step is not taken twice"
    with tenant_scope(tenant):
        assert Release.objects.count() == 1


def test_nobody_publishes_with_a_guessed_job(
    tenant: Tenant, released: Release, editor: Client
) -> None:
    with tenant_scope(tenant):
        make("新的？")

    response = editor.get(f"{LIST}publish/", {"job": "guessed"})

    assert response.status_code == 302
    with tenant_scope(tenant):
        assert releases.active_release() == released


def test_categories_are_put_in_order_in_the_list(
    tenant: Tenant, released: Release, editor: Client, reader: Client
) -> None:
    with tenant_scope(tenant):
        before = list(Category.objects.all())
    order: dict[str, Any] = {
        "form-TOTAL_FORMS": len(before),
        "form-INITIAL_FORMS": len(before),
        "_save": "1",
    }
    for place, category in enumerate(before):
        order |= {f"form-{place}-id": category.pk, f"form-{place}-position": len(before) - place}

    refused = reader.post("/admin/knowledge/category/", order)
    with tenant_scope(tenant):
        assert list(Category.objects.all()) == before
    done = editor.post("/admin/knowledge/category/", order)

    assert (refused.status_code, done.status_code) == (403, 302)
    with tenant_scope(tenant):
        assert list(Category.objects.all()) == before[::-1]
