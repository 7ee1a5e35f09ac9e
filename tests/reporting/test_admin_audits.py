"""The pages of both audits: drawn, labelled blind, checked, shown once they are over."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from conversations.models import Channel, Message, MismatchReport
from conversations.services.subject_store import ERASED
from knowledge.models import Entry, EntryVersion, Release
from knowledge.services import entries, releases
from reporting.models import AccuracyAudit, LabelReview, Question
from reporting.services import answer_audits, label_audits, labels
from tenants import clock
from tenants.models import Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.reporting.plays import COMMON, MONTH, SHIPPING, UNCOMMON, ZONE, Play, at

NOW = datetime(2026, 10, 8, 10, tzinfo=ZONE)
LABELS, ITEMS = "/admin/reporting/labelreview/", "/admin/reporting/labelreviewitem/"
ANSWERS, CHECKED = "/admin/reporting/accuracyaudit/", "/admin/reporting/accuracyaudititem/"


@pytest.fixture(autouse=True)
def _now() -> Any:
    with clock.travel(NOW):
        yield


@pytest.fixture
def people(tenant: Tenant, make_member: Callable[..., User]) -> dict[str, User]:
    return {
        role: make_member(tenant, role)
        for role in (Role.ACCOUNT_MANAGER, Role.CLIENT_ADMIN, Role.SUPERVISOR)
    }


@pytest.fixture
def browser(
    people: dict[str, User], client_as: Callable[[User], Client]
) -> Callable[[str], Client]:
    def sign_in(role: str) -> Client:
        client = client_as(people[role])
        client.cookies["django_language"] = "en"
        return client

    return sign_in


@pytest.fixture
def play(
    tenant: Tenant, channel: Channel, publish: Callable[..., Release], people: dict[str, User]
) -> Play:
    """Three answered questions and one that is not, in September."""
    publish(tenant)
    with tenant_scope(tenant):
        play = Play(channel, people[Role.ACCOUNT_MANAGER])
        play.sign_catalogue()
        for number, words in enumerate(COMMON):
            play.ask(f"v{number}", words, at(1 + number))
        play.ask("v3", UNCOMMON, at(9), "handoff")
    return play


def text(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return str(response.content.decode())


def review(tenant: Tenant) -> LabelReview:
    with tenant_scope(tenant):
        return LabelReview.objects.get()


def label(client: Client, address: str, value: str) -> Any:
    """Press the button of a label for the question that is shown."""
    page = text(client, address)
    found = re.search(r'name="question" value="([0-9a-f-]{36})"', page)
    assert found is not None
    return client.post(address, {"question": found[1], "label": value})


# Labels


def test_label_audit_is_drawn_by_hand_and_labelled_blind(
    tenant: Tenant, play: Play, browser: Callable[[str], Client]
) -> None:
    manager, client_admin = browser(Role.ACCOUNT_MANAGER), browser(Role.CLIENT_ADMIN)
    drawn = manager.post(f"{LABELS}draw/", {"month": MONTH.isoformat()})
    row = review(tenant)
    page, mine = f"{LABELS}{row.pk}/change/", f"{LABELS}{row.pk}/review/"
    assert drawn["Location"] == page
    assert MONTH.isoformat() not in text(manager, f"{LABELS}draw/")

    shown = text(manager, mine)
    words = {*COMMON, UNCOMMON}
    assert len([each for each in words if each in shown]) == 1
    # Every label has its digit, and the script that listens to it is there.
    assert re.findall(r'data-key="(\d)"', shown) == [str(number) for number in range(1, 10)]
    assert "keys/keys.js" in shown
    assert "0 of 4" in shown
    # Neither where it counts nor what it is called now.
    assert not re.search(r"Counted|/reporting/question/[0-9a-f]|selected|checked", shown)
    for number in range(4):
        assert f"{number} of 4" in text(manager, mine)
        assert label(manager, mine, "common").status_code == 302
    assert "You are through. A second person now labels" in text(manager, mine)
    assert "4 and 0 of 4" in text(manager, LABELS)

    # Until the other one is through, nobody reads a label anywhere.
    for client in (manager, client_admin):
        told = text(client, f"{ITEMS}?review__id__exact={row.pk}")
        assert "Given" in told
        assert "Common question" not in told.split("result_list")[-1]
        assert len(rows(client, f"{ITEMS}?agreement=alike")) == 0
        assert "Shown once both reviewers are through" in text(client, page)
    with tenant_scope(tenant):
        item = row.items.order_by("position").first()
    one = text(client_admin, f"{ITEMS}{item.pk}/change/")
    assert "Given" in one
    assert "Common question" not in one
    assert "0 of 4" in text(client_admin, mine)
    while label_audits_left(tenant, row):
        said = "uncommon" if UNCOMMON in text(client_admin, mine) else "common"
        last = label(client_admin, mine, said)
    assert last["Location"] == page

    # κ: 3 of 4 alike; by chance (4·3 + 0·1) / 16 = 12/16: (12 - 12) / 4 = 0.
    row = review(tenant)
    assert (row.kappa, row.is_failed) == (0, True)
    over = text(manager, page)
    assert "All labels are given again" in over
    assert row.seed in over
    assert "The same sample" in over
    assert len(rows(manager, f"{ITEMS}?review__id__exact={row.pk}&agreement=apart")) == 1
    (apart,) = rows(manager, f"{ITEMS}?agreement=apart")
    assert f"/admin/reporting/question/{apart.question_id}/change/" in text(
        manager, f"{ITEMS}?agreement=apart"
    )


def label_audits_left(tenant: Tenant, row: LabelReview) -> bool:
    with tenant_scope(tenant):
        return LabelReview.objects.filter(pk=row.pk, finished_at=None).exists()


def rows(client: Client, address: str) -> list[Any]:
    response = client.get(address)
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def test_last_label_can_be_given_anew(
    tenant: Tenant, play: Play, browser: Callable[[str], Client]
) -> None:
    manager = browser(Role.ACCOUNT_MANAGER)
    manager.post(f"{LABELS}draw/", {"month": MONTH.isoformat()})
    row = review(tenant)
    mine = f"{LABELS}{row.pk}/review/"
    label(manager, mine, "common")
    with tenant_scope(tenant):
        item = row.items.get(position=1)
    again = f"{mine}?again={item.pk}"
    assert again.split("/")[-1].replace("&", "&amp;") in text(manager, mine)

    shown = text(manager, again)
    assert str(item.pk) in shown
    assert 'name="again"' in shown
    manager.post(again, {"question": str(item.pk), "label": "flow", "again": "1"})

    with tenant_scope(tenant):
        assert row.items.get(position=1).first_label == "flow"
    # A key of the item that is not theirs last shows the next one, as ever.
    with tenant_scope(tenant):
        other = row.items.get(position=3)
    assert f'value="{other.pk}"' not in text(manager, f"{mine}?again={other.pk}")
    assert manager.get(f"{mine}?again=nonsense").status_code == 200


def test_seat_is_freed_through_its_page(
    tenant: Tenant, play: Play, browser: Callable[[str], Client]
) -> None:
    manager = browser(Role.ACCOUNT_MANAGER)
    manager.post(f"{LABELS}draw/", {"month": MONTH.isoformat()})
    row = review(tenant)
    label(manager, f"{LABELS}{row.pk}/review/", "common")

    manager.post(f"{LABELS}{row.pk}/leave/", {"seat": "second"})
    assert review(tenant).first_reviewer_id is not None
    manager.post(f"{LABELS}{row.pk}/leave/", {"seat": "first"})

    assert review(tenant).first_reviewer_id is None


def test_month_without_questions_is_not_drawn(
    tenant: Tenant, play: Play, browser: Callable[[str], Client]
) -> None:
    manager = browser(Role.ACCOUNT_MANAGER)

    for address, words in ((LABELS, "No question was asked"), (ANSWERS, "gave no answer")):
        refused = manager.post(f"{address}draw/", {"month": "2026-07-01"}, follow=True)
        assert words in refused.content.decode()
    # A month that runs is not among them.
    assert manager.post(f"{LABELS}draw/", {"month": "2026-10-01"}).status_code == 200
    with tenant_scope(tenant):
        assert not LabelReview.objects.exists()


def test_questions_are_labelled_on_a_page_with_digits(
    tenant: Tenant, play: Play, browser: Callable[[str], Client]
) -> None:
    manager = browser(Role.ACCOUNT_MANAGER)
    with tenant_scope(tenant):
        play.end()
    page = f"/admin/reporting/question/review/?month={MONTH:%Y-%m}"
    assert UNCOMMON in text(manager, page)
    assert 'data-key="9"' in text(manager, page)

    label(manager, page, "e3")

    assert "Nothing is left to label" in text(manager, page)
    with tenant_scope(tenant):
        assert Question.objects.get(is_reviewed=True).label == "e3"


def next_step(client: Client, address: str) -> tuple[str, str]:
    """Return what the page says is next, and where that is done."""
    page = text(client, address)
    found = re.search(r'id="next-title".*?<p class="y-lead">(.*?)</p>(.*?)</section>', page, re.S)
    assert found is not None
    where = re.search(r'href="([^"]+)"', found[2])
    return found[1], where[1] if where else ""


def test_each_state_of_a_label_audit_says_what_is_next(
    tenant: Tenant, play: Play, browser: Callable[[str], Client], people: dict[str, User]
) -> None:
    manager, client_admin = browser(Role.ACCOUNT_MANAGER), browser(Role.CLIENT_ADMIN)
    with tenant_scope(tenant):
        row = label_audits.draw(MONTH, by=None)
    page, mine = f"{LABELS}{row.pk}/change/", f"{LABELS}{row.pk}/review/"
    again = f"/admin/reporting/question/review/?month={MONTH:%Y-%m}"

    def give(role: str, *said: str) -> None:
        for each in said:
            with tenant_scope(tenant):
                now = LabelReview.objects.latest("number")
                item = label_audits.next_item(now, people[role])
                assert item is not None
                label_audits.give(now, item.pk, each, by=people[role])

    assert next_step(manager, page) == (
        "4 questions are left for you to label by their words alone.",
        mine,
    )
    assert next_step(browser(Role.SUPERVISOR), page)[0].endswith("There is nothing for you to do.")
    give(Role.ACCOUNT_MANAGER, *["e1"] * 4)
    assert next_step(manager, page)[0].startswith("You are through. A second person now labels")
    give(Role.CLIENT_ADMIN, "e2")
    assert next_step(manager, page)[0].startswith("You are through. Both reviewers")
    assert next_step(client_admin, page)[1] == mine
    give(Role.CLIENT_ADMIN, *["e2"] * 3)

    words, where = next_step(manager, page)
    assert "4 of 4 questions are left" in words
    assert where == again
    for _number in range(4):
        label(manager, again, "common")
    words, where = next_step(manager, page)
    assert "Draw now" in words
    assert where == f"{LABELS}draw/"
    manager.post(where, {"month": MONTH.isoformat()})
    with tenant_scope(tenant):
        second = LabelReview.objects.latest("number")
    assert next_step(manager, page)[1] == f"{LABELS}{second.pk}/change/"

    for role in (Role.ACCOUNT_MANAGER, Role.CLIENT_ADMIN):
        give(role, *["common"] * 4)
    assert next_step(manager, f"{LABELS}{second.pk}/change/") == (
        "The reviewers agree well enough. Nothing is left to do.",
        "",
    )


def test_whom_an_audit_does_not_need_may_free_a_seat(
    tenant: Tenant,
    play: Play,
    browser: Callable[[str], Client],
    people: dict[str, User],
    make_member: Callable[..., User],
    client_as: Callable[[User], Client],
) -> None:
    with tenant_scope(tenant):
        row = label_audits.draw(MONTH, by=None)
        for role in (Role.ACCOUNT_MANAGER, Role.CLIENT_ADMIN):
            item = label_audits.next_item(row, people[role])
            assert item is not None
            row = label_audits.give(row, item.pk, "common", by=people[role])
    third = client_as(make_member(tenant, Role.CLIENT_ADMIN))
    third.cookies["django_language"] = "en"

    words, where = next_step(third, f"{LABELS}{row.pk}/change/")

    assert words.startswith("Two others label this audit")
    assert third.get(where).status_code == 200
    assert words in text(third, f"{LABELS}{row.pk}/review/")


# Answers


def test_each_state_of_an_accuracy_audit_says_what_is_next(
    tenant: Tenant, play: Play, browser: Callable[[str], Client], people: dict[str, User]
) -> None:
    manager, by = browser(Role.ACCOUNT_MANAGER), people[Role.ACCOUNT_MANAGER]
    with tenant_scope(tenant):
        row = answer_audits.draw(MONTH, by=None)
        first, *others = row.items.order_by("position")
    page = f"{ANSWERS}{row.pk}/change/"

    words, where = next_step(manager, page)
    assert (words.split()[0], where) == ("3", f"{ANSWERS}{row.pk}/check/")
    assert next_step(browser(Role.CLIENT_ADMIN), page)[1] == ""
    with tenant_scope(tenant):
        answer_audits.check(first, wrong=True, kind="stale", owner="provider", by=by)
    assert "1 of 1 checked answers wrong: a full count, as all 3 answers" in text(manager, page)
    with tenant_scope(tenant):
        for item in others:
            answer_audits.check(item, wrong=False, by=by)

    words, where = next_step(manager, page)
    assert "1 mismatch report is open" in words
    assert manager.get(where).status_code == 200
    with tenant_scope(tenant):
        MismatchReport.objects.update(closed_at=NOW)
    assert next_step(manager, page) == ("The faults found are settled. Nothing is left to do.", "")


def test_answers_are_checked_and_a_wrong_one_is_reported(
    tenant: Tenant, play: Play, browser: Callable[[str], Client], people: dict[str, User]
) -> None:
    manager = browser(Role.ACCOUNT_MANAGER)
    author = people[Role.SUPERVISOR]
    with tenant_scope(tenant):
        entry = Entry.objects.get(question=SHIPPING)
        entry.answer = "现货 24 小时内发货。"
        entries.save_entry(entry, by=author)
        releases.publish(by=author)
        version = EntryVersion.objects.get(answer=entry.answer)
        assert version.created_by == author
        Message.objects.filter(entry_version__question=SHIPPING).update(
            entry_version=version, text=entry.answer
        )
    manager.post(f"{ANSWERS}draw/", {"month": MONTH.isoformat()})
    with tenant_scope(tenant):
        row = AccuracyAudit.objects.get()
        items = list(row.items.select_related("version").order_by("position"))
    page, check = f"{ANSWERS}{row.pk}/change/", f"{ANSWERS}{row.pk}/check/"

    shown = text(manager, check)
    assert items[0].version.question in shown
    assert items[0].version.answer in shown
    for item in items:
        one = text(manager, f"{check}?item={item.pk}")
        assert item.version.answer in one
        assert author.email not in one
        assert "supervisor" not in one
    assert re.findall(r'data-key="(\d)"', shown) == ["1", "2"]
    assert "0 of 3" in shown
    manager.post(check, {"item": items[0].pk, "finding": "right"})

    # The second digit asks how it is wrong and whose fault it is.
    asked = text(manager, f"{check}?item={items[1].pk}&finding=wrong")
    assert 'name="kind"' in asked
    assert manager.post(check, {"item": items[1].pk, "finding": "wrong"}).status_code == 200
    with tenant_scope(tenant):
        assert not MismatchReport.objects.exists()
    manager.post(
        check,
        {"item": items[1].pk, "finding": "wrong", "kind": "stale", "owner": "provider"},
    )
    with tenant_scope(tenant):
        report = MismatchReport.objects.get()
    assert (report.found_by, report.message_id) == ("audit", items[1].message_id)
    told = manager.post(check, {"item": items[1].pk, "finding": "right"}, follow=True)
    assert "Somebody has checked" in told.content.decode()
    with tenant_scope(tenant):
        Message.objects.filter(pk=items[2].message_id).update(text=ERASED)
    assert "were erased" in text(manager, check)
    manager.post(check, {"item": items[2].pk, "finding": "gone"})

    over = text(manager, check)
    assert "Every answer of this audit is checked" in over
    assert "1 of 2 checked answers wrong: a full count, as all 3 answers" in over
    assert "95 %" not in over
    assert "1 mismatch report is open" in over
    assert "Faults found" in text(manager, page)
    assert "3 / 3" in text(manager, ANSWERS)
    wrong = rows(manager, f"{CHECKED}?audit__id__exact={row.pk}&finding__exact=wrong")
    assert [each.pk for each in wrong] == [items[1].pk]
    assert f"/mismatchreport/{report.pk}/" in text(manager, f"{CHECKED}{items[1].pk}/change/")
    assert manager.post(check, {"item": "nonsense", "finding": "right"}).status_code == 200


def test_client_sees_the_audit_and_does_not_check(
    tenant: Tenant, play: Play, browser: Callable[[str], Client]
) -> None:
    with tenant_scope(tenant):
        row = answer_audits.draw(MONTH, by=None)
    client = browser(Role.CLIENT_ADMIN)

    assert row.seed in text(client, f"{ANSWERS}{row.pk}/change/")
    assert client.get(f"{ANSWERS}{row.pk}/check/").status_code == 403


# The home page


def cards(client: Client) -> dict[str, tuple[int, str]]:
    due = client.get("/admin/").context["due"]
    return {str(each.label): (each.figure, each.link) for each in due}


def test_home_says_which_audits_wait_for_whom(
    tenant: Tenant, play: Play, browser: Callable[[str], Client], people: dict[str, User]
) -> None:
    with tenant_scope(tenant):
        row = label_audits.draw(MONTH, by=None)
        answer_audits.draw(MONTH, by=None)
    manager, client_admin = browser(Role.ACCOUNT_MANAGER), browser(Role.CLIENT_ADMIN)

    found = cards(manager)
    assert found["Labels to audit"] == (4, f"{LABELS}{row.pk}/review/")
    assert found["Answers to check"][0] == 3
    assert manager.get(found["Answers to check"][1]).status_code == 200
    assert "Answers to check" not in cards(client_admin)
    assert not {"Labels to audit", "Answers to check"} & set(cards(browser(Role.SUPERVISOR)))

    label(manager, f"{LABELS}{row.pk}/review/", "common")
    assert cards(manager)["Labels to audit"][0] == 3
    assert cards(client_admin)["Labels to audit"][0] == 4


def test_home_counts_the_labels_to_give_again(
    tenant: Tenant, play: Play, browser: Callable[[str], Client], people: dict[str, User]
) -> None:
    with tenant_scope(tenant):
        row = label_audits.draw(MONTH, by=None)
        for role, said in ((Role.ACCOUNT_MANAGER, "e1"), (Role.CLIENT_ADMIN, "e2")):
            row = LabelReview.objects.get()
            while (item := label_audits.next_item(row, people[role])) is not None:
                row = label_audits.give(row, item.pk, said, by=people[role])
    manager = browser(Role.ACCOUNT_MANAGER)

    count, address = cards(manager)["Labels to give again"]

    assert count == 4
    label(manager, address, "common")
    assert cards(manager)["Labels to give again"][0] == 3
    with tenant_scope(tenant):
        assert labels.progress(MONTH) == labels.Progress(1, 4)
