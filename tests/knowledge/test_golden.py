"""Golden questions: tried after changes, and nothing that was right is broken by publishing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from knowledge import tasks
from knowledge.models import (
    Entry,
    GoldenQuestion,
    Proposal,
    ProposalSource,
    Release,
)
from knowledge.services import entries, golden, proposals, releases
from knowledge.services.golden import GoldenWorseError
from knowledge.services.publishing import publish_for
from tenants.models import Tenant, User
from tenants.roles import Role
from tests.conftest import KNOWLEDGE

QUESTION, KNOWN = KNOWLEDGE[0][1], KNOWLEDGE[0][2][0]
LIST = "/admin/knowledge/goldenquestion/"


@pytest.fixture
def released(in_tenant: Tenant, publish: Callable[..., Release]) -> Release:
    return publish(in_tenant)


@pytest.fixture
def editor(in_tenant: Tenant, make_member: Callable[..., User]) -> User:
    return make_member(in_tenant, Role.KNOWLEDGE_EDITOR)


def entry(question: str = QUESTION) -> Entry:
    return Entry.objects.get(question=question)


def keep(text: str, of: Entry | None) -> GoldenQuestion:
    return golden.save(GoldenQuestion(text=text, entry=of), by=None)


def take_words_away() -> None:
    """Let the entry forget the phrasing, and another entry know it instead."""
    entries.save_entry(entry(), by=None, phrasings=[])
    other = entry(KNOWLEDGE[1][1])
    entries.save_entry(other, by=None, phrasings=[*KNOWLEDGE[1][2], KNOWN])


def test_each_is_right_wrong_or_answered_though_people_should(released: Release) -> None:
    keep(KNOWN, entry())
    keep(KNOWLEDGE[1][2][0], entry())
    keep("谁发明了电灯泡呀", None)
    keep(KNOWLEDGE[2][1], None)

    trial = golden.run()

    assert dict(GoldenQuestion.objects.values_list("text", "state")) == {
        KNOWN: "right",
        KNOWLEDGE[1][2][0]: "wrong",
        "谁发明了电灯泡呀": "right",
        KNOWLEDGE[2][1]: "unwanted",
    }
    assert (trial.questions, trial.right, trial.right_before, trial.worse) == (4, 2, 2, ())
    assert GoldenQuestion.objects.get(text=KNOWLEDGE[2][1]).found == KNOWLEDGE[2][1]


def test_what_would_break_it_is_not_published(released: Release, tmp_path: Path) -> None:
    row = keep(KNOWN, entry())
    take_words_away()

    with pytest.raises(GoldenWorseError) as refused:
        publish_for(60, by=None)
    assert KNOWN in refused.value.detail

    assert releases.active_release() == released
    row.refresh_from_db()
    assert (row.state, row.heard_state, row.is_worse) == ("wrong", "right", True)
    file = tmp_path / "faq.csv"
    file.write_text("category,question,phrasings,answer\n发票,发票抬头怎么改？,,联系客服修改。\n")
    with pytest.raises(CommandError, match=KNOWN):
        call_command("import_faq", "--tenant", "qinghe", "--publish", file)
    assert releases.active_release() == released


def test_something_for_people_may_not_become_an_answer(released: Release) -> None:
    keep("你们老板住哪里", None)
    entries.save_entry(entry(), by=None, phrasings=["你们老板住哪里"])

    with pytest.raises(GoldenWorseError) as refused:
        publish_for(60, by=None)
    assert QUESTION in refused.value.detail


def test_what_was_wrong_before_stops_nobody(released: Release) -> None:
    keep(KNOWLEDGE[1][2][0], entry())
    entries.save_entry(entry(), by=None, phrasings=["多久能发出"])

    assert isinstance(publish_for(60, by=None), Release)


def test_two_points_may_be_lost() -> None:
    assert not golden.Trial(100, 97, 99, (), lost=0.02).is_blocked
    assert golden.Trial(100, 96, 99, (), lost=0.03).is_blocked


def test_what_is_lost_is_counted_among_those_with_an_entry(released: Release) -> None:
    keep(KNOWN, entry())
    for number in range(9):
        keep(f"谁发明了第{number}个电灯泡呀", None)
    take_words_away()

    assert golden.run().lost == 1.0


def test_accepting_words_has_them_tried(
    released: Release, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    keep(KNOWN, entry())
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(
        tasks.try_golden_questions, "apply_async", lambda **options: sent.append(options)
    )
    version = releases.active_release().versions.get(question=QUESTION)  # type: ignore[union-attr]

    with django_capture_on_commit_callbacks(execute=True):
        for text in ("包裹几时动身", "货什么时候走"):
            row = proposals.propose(text, source=ProposalSource.BUTTON, version_id=version.pk)
            assert row is not None
            proposals.accept(row, by=None)
    tasks.try_golden_questions()

    assert sent == [{"countdown": golden.SETTLE_SECONDS}]
    assert GoldenQuestion.objects.get().state == "right"


def test_without_golden_questions_nothing_is_tried(
    released: Release, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        assert golden.run() == golden.Trial(0, 0, 0, ())


def test_editors_keep_and_try_them(
    released: Release, editor: User, client_as: Callable[[User], Client]
) -> None:
    browser = client_as(editor)
    browser.post(f"{LIST}add/", {"text": KNOWN, "entry": entry().pk})
    browser.post(f"{LIST}add/", {"text": "你们老板住哪里", "entry": ""})

    page = browser.get(f"{LIST}try/", follow=True).content.decode()

    assert set(GoldenQuestion.objects.values_list("text", "state")) == {
        (KNOWN, "right"),
        ("你们老板住哪里", "right"),
    }
    assert KNOWN in page


def test_publishing_leads_to_what_would_break(
    released: Release, editor: User, client_as: Callable[[User], Client]
) -> None:
    keep(KNOWN, entry())
    take_words_away()

    answer = client_as(editor).post("/admin/knowledge/entry/publish/", {"note": ""}, follow=True)

    assert answer.redirect_chain[-1][0] == LIST
    page = answer.content.decode()
    assert page.count(KNOWN) >= 2
    assert QUESTION in page
    assert releases.active_release() == released


def test_accepted_words_become_golden_questions(
    released: Release, editor: User, client_as: Callable[[User], Client]
) -> None:
    version = released.versions.get(question=QUESTION)
    row = proposals.propose("包裹几时动身", source=ProposalSource.BUTTON, version_id=version.pk)
    assert row is not None

    client_as(editor).post(
        "/admin/knowledge/proposal/",
        {"action": "make_golden", "_selected_action": [row.pk]},
    )

    assert list(GoldenQuestion.objects.values_list("text", "entry__question")) == [
        ("包裹几时动身", QUESTION)
    ]
    assert Proposal.objects.get().state == "pending"
