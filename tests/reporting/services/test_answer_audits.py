"""A month's answers, a sample of each channel, checked against what they cite (R90, R91)."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from conversations.models import Channel, Message, MismatchReport
from conversations.services.subject_store import ERASED
from knowledge.models import EntryVersion
from reporting import tasks
from reporting.models import AccuracyAudit, AccuracyAuditItem, Question
from reporting.sections import Section
from reporting.services import answer_audits, audit_months, figures, sections_accuracy
from reporting.services.answer_audits import (
    AlreadyCheckedError,
    ErasedAnswerError,
    FaultMissingError,
    NoAnswersError,
)
from tenants import clock
from tenants.models import LedgerEntry, Notification, Tenant, User
from tenants.scoping import tenant_scope
from tenants.services import ledger
from tests.conversations.doors import at_once
from tests.reporting.plays import (
    COMMON,
    EXCHANGE,
    MONTH,
    OCTOBER,
    PERIOD,
    SHIPPING,
    ZONE,
    Play,
    at,
    total,
)


def answers(play: Play, count: int, *, who: str = "v") -> None:
    for number in range(count):
        play.ask(f"{who}{number}", COMMON[number % 3], at(1 + number % 28))


def draw(when: datetime = OCTOBER) -> AccuracyAudit:
    with clock.travel(when):
        return answer_audits.draw(MONTH, by=None)


def check_all(audit: AccuracyAudit, by: User) -> None:
    with clock.travel(OCTOBER + timedelta(hours=9)):
        while (item := answer_audits.next_item(audit)) is not None:
            answer_audits.check(item, wrong=False, by=by)


def accuracy() -> Section:
    return sections_accuracy.build(PERIOD, None)


def item_of(audit: AccuracyAudit, question: str) -> AccuracyAuditItem:
    found: AccuracyAuditItem = audit.items.filter(version__question=question).first()  # type: ignore[assignment]
    return found


# The draw


def test_channels_are_drawn_in_proportion_and_the_seed_repeats_it(
    play: Play,
    in_tenant: Tenant,
    make_channel: Callable[..., Channel],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answer_audits, "SIZE", 10)
    other = Play(make_channel(in_tenant, name="小程序"), play.reviewer)
    answers(play, 25)
    answers(other, 8, who="w")

    audit = draw()

    # 10 of 33: 25 · 10/33 = 7.58 and 8 · 10/33 = 2.42; the larger remainder gets the one left.
    assert audit.strata == {str(play.channel.pk): [8, 25], str(other.channel.pk): [2, 8]}
    assert (audit.size, audit.population) == (10, 33)
    assert audit.items.filter(channel=play.channel).count() == 8
    assert answer_audits.is_reproduced(audit)
    kinds = LedgerEntry.objects.filter(subject=str(audit.pk)).order_by("position")
    assert [each.kind for each in kinds] == ["accuracy_audit.seeded", "accuracy_audit.drawn"]
    assert kinds[0].data["seed_sha256"] == ledger.fingerprint(audit.seed)
    assert audit.seed not in str([each.data for each in kinds])
    AccuracyAudit.objects.update(seed="another")
    assert not answer_audits.is_reproduced(AccuracyAudit.objects.get())


def test_what_is_no_answer_to_a_visitor_is_not_drawn(play: Play) -> None:
    play.ask("a", SHIPPING, at(2))
    play.ask("b", SHIPPING, at(3), demo=True)
    play.ask("c", "谢谢", at(4), "smalltalk")
    play.ask("d", EXCHANGE, at(5), "handoff")
    # The last second of August and the first of October, in the tenant's zone.
    play.ask("e", SHIPPING, at(1, 0, 0) - timedelta(seconds=2))
    play.ask("f", SHIPPING, at(30, 23, 59, 59))

    assert draw().population == 1


def test_month_without_answers_has_no_audit_and_the_report_says_so(play: Play) -> None:
    with pytest.raises(NoAnswersError):
        draw()
    with clock.travel(OCTOBER):
        assert answer_audits.draw_due() == []
        assert "2026-09" in accuracy().notes[0]


def test_month_is_drawn_when_it_is_over_and_once(play: Play) -> None:
    answers(play, 3)

    with pytest.raises(audit_months.AuditMonthRunningError):
        draw(OCTOBER - timedelta(minutes=41))
    draw()
    with pytest.raises(audit_months.AuditDrawnError):
        draw()


def test_task_draws_for_each_tenant_alone_and_catches_up(play: Play, other_tenant: Tenant) -> None:
    answers(play, 3)
    AccuracyAudit.objects.create(month=date(2026, 6, 1), seed="s", drawn_at=at(1), created_at=at(1))
    AccuracyAudit.objects.create(month=MONTH, seed="kept", created_at=OCTOBER)

    with clock.travel(OCTOBER):
        tasks.draw_audits()
        tasks.draw_audits()

    # July and August had no answer; September goes on with its seed.
    row = AccuracyAudit.objects.get(month=MONTH)
    assert (row.seed, row.size) == ("kept", 3)
    assert AccuracyAudit.objects.count() == 2
    told = Notification.objects.get(kind="accuracy_audit.drawn")
    assert {line.user_id for line in told.recipients.all()} == {play.reviewer.pk}
    with tenant_scope(other_tenant):
        assert not AccuracyAudit.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_processes_draw_one_audit(in_tenant: Tenant, play: Play) -> None:
    answers(play, 5)

    def work(_number: int) -> AccuracyAudit:
        with tenant_scope(in_tenant), clock.travel(OCTOBER):
            return answer_audits.draw(MONTH, by=None)

    lost = [each for each in at_once(4, work) if isinstance(each, Exception)]

    assert {type(each) for each in lost} <= {audit_months.AuditDrawnError}
    assert (AccuracyAudit.objects.count(), AccuracyAuditItem.objects.count()) == (1, 5)


# Checking


def test_checker_sees_what_was_asked_said_and_cited_and_nobodys_name(play: Play) -> None:
    play.ask("a", SHIPPING, at(2), before=("你好",))
    (item,) = draw().items.all()

    shown = answer_audits.shown(item)

    version = EntryVersion.objects.get(question=SHIPPING)
    assert shown == answer_audits.Shown(
        f"你好\n{SHIPPING}", version.answer, SHIPPING, version.answer
    )


def test_all_right_says_how_many_are_wrong_at_most(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(play, 20)
    monkeypatch.setattr(answer_audits, "SIZE", 10)
    audit = draw()
    assert "10" in accuracy().notes[0]

    check_all(audit, play.reviewer)

    audit.refresh_from_db()
    result = answer_audits.result(audit)
    assert (result.right, result.wrong, result.left) == (10, 0, 0)
    # 1 - 0.05 ** (1 / 10), rounded up.
    assert result.at_most == pytest.approx(0.25887, abs=1e-5)
    assert "25.89%" in accuracy().notes[0]
    assert audit.is_finished
    assert LedgerEntry.objects.get(kind="accuracy_audit.finished").data["right"] == 10
    share = next(each for each in accuracy().figures if each.key == "accuracy_audit")
    assert (share.part, share.whole) == (10, 10)


def test_where_every_answer_was_checked_nothing_is_estimated(play: Play) -> None:
    answers(play, 4)
    audit = draw()
    check_all(audit, play.reviewer)

    assert answer_audits.result(audit).at_most is None
    assert "4" in accuracy().notes[0]
    assert "95" not in accuracy().notes[0].replace(audit.seed, "")


def test_where_every_answer_is_drawn_nothing_is_estimated_on_the_way(play: Play) -> None:
    answers(play, 4)
    audit = draw()
    item = answer_audits.next_item(audit)
    assert item is not None
    answer_audits.check(item, wrong=False, by=play.reviewer)

    result = answer_audits.result(audit)

    assert (result.is_whole, result.at_most, result.left) == (True, None, 3)
    note = accuracy().notes[0].replace(audit.seed, "")
    assert "95" not in note
    assert "1" in note


def test_wrong_opens_a_report_and_every_answer_of_the_version_is_lost(play: Play) -> None:
    play.sign_catalogue()
    answers(play, 9)
    with clock.travel(OCTOBER):
        play.end()
    audit = draw()
    assert total() == (9, 9)
    item = item_of(audit, EXCHANGE)

    with clock.travel(OCTOBER + timedelta(hours=9)):
        row = answer_audits.check(
            item, wrong=True, kind="configured", owner="provider", note="旧规则", by=play.reviewer
        )

    report = MismatchReport.objects.get()
    assert row.report == report
    assert (report.found_by, report.message_id, report.owner) == (
        "audit",
        item.message_id,
        "provider",
    )
    assert report.affected_replies().count() == 3
    assert total() == (6, 9)
    wrong = Question.objects.filter(why="wrong")
    assert {each.version_id for each in wrong} == {item.version_id}
    # A later count of the days says the same.
    with clock.travel(datetime(2026, 10, 5, tzinfo=ZONE)):
        figures.refresh(PERIOD)
    assert total() == (6, 9)
    assert answer_audits.result(audit).wrong == 1


def test_what_the_clients_own_text_got_wrong_stays_answered(play: Play) -> None:
    answers(play, 3)
    with clock.travel(OCTOBER):
        play.end()
    audit = draw()

    answer_audits.check(
        item_of(audit, EXCHANGE), wrong=True, kind="client_text", owner="client", by=play.reviewer
    )

    with clock.travel(datetime(2026, 10, 5, tzinfo=ZONE)):
        figures.refresh(PERIOD)
    assert total() == (3, 3)
    assert answer_audits.result(audit).wrong == 1


def test_second_fault_of_a_version_joins_the_report_that_is_open(play: Play) -> None:
    answers(play, 6)
    audit = draw()
    fault = {"wrong": True, "kind": "stale", "owner": "provider", "by": play.reviewer}

    rows = [
        answer_audits.check(item, **fault)  # type: ignore[arg-type]
        for item in audit.items.filter(version__question=EXCHANGE)
    ]

    assert len(rows) == 2
    assert {row.report for row in rows} == {MismatchReport.objects.get()}


@pytest.mark.parametrize(
    "fault", [{}, {"kind": "stale"}, {"kind": "stale", "owner": "nobody"}, {"owner": "provider"}]
)
def test_wrong_without_kind_and_owner_is_refused(play: Play, fault: dict[str, Any]) -> None:
    answers(play, 1)
    (item,) = draw().items.all()

    with pytest.raises(FaultMissingError):
        answer_audits.check(item, wrong=True, by=play.reviewer, **fault)
    assert not AccuracyAuditItem.objects.exclude(finding="").exists()


def test_what_was_found_is_final(play: Play) -> None:
    answers(play, 2)
    item = answer_audits.next_item(draw())
    assert item is not None
    answer_audits.check(item, wrong=False, by=play.reviewer)

    with pytest.raises(AlreadyCheckedError):
        answer_audits.check(item, wrong=True, kind="stale", owner="provider", by=play.reviewer)
    assert not MismatchReport.objects.exists()


def test_erased_answer_is_left_out_and_no_other_can_be(play: Play) -> None:
    answers(play, 3)
    audit = draw()
    gone, kept = audit.items.all()[:2]
    Message.objects.filter(pk=gone.message_id).update(text=ERASED)

    assert answer_audits.shown(gone) is None
    with pytest.raises(ErasedAnswerError):
        answer_audits.check(gone, wrong=False, by=play.reviewer)
    answer_audits.pass_over(gone)
    answer_audits.pass_over(kept)
    check_all(audit, play.reviewer)

    result = answer_audits.result(audit)
    assert (result.right, result.gone, result.left) == (2, 1, 0)
    assert AccuracyAudit.objects.get().is_finished
    share = next(each for each in accuracy().figures if each.key == "accuracy_audit")
    assert (share.part, share.whole) == (2, 2)


@pytest.mark.django_db(transaction=True)
def test_two_checkers_of_one_answer_race(in_tenant: Tenant, play: Play) -> None:
    answers(play, 6)
    audit = draw()
    items = list(audit.items.order_by("position"))
    fault = {"kind": "stale", "owner": "provider"}

    def work(number: int) -> int:
        kept = 0
        with tenant_scope(in_tenant), clock.travel(OCTOBER + timedelta(hours=1)):
            for item in items:
                try:
                    answer_audits.check(item, wrong=bool(number % 2), by=play.reviewer, **fault)
                    kept += 1
                except AlreadyCheckedError:
                    pass
        return kept

    results = at_once(4, work)

    assert [each for each in results if isinstance(each, Exception)] == []
    assert sum(each for each in results if isinstance(each, int)) == 6
    assert LedgerEntry.objects.filter(kind="accuracy_audit.checked").count() == 6
    assert LedgerEntry.objects.filter(kind="accuracy_audit.finished").count() == 1
    assert MismatchReport.objects.count() <= 3
