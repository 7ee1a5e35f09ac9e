"""A month's labels audited by two people who see the words alone (R56-R58, R61)."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from conversations.models import Channel
from knowledge.models import Release
from reporting import tasks
from reporting.models import (
    DailyFigure,
    LabelReview,
    LabelReviewItem,
    Question,
    QuestionLabel,
)
from reporting.services import (
    audit_months,
    due,
    figures,
    label_audits,
    labels,
    sections_auto_answer,
)
from reporting.services.label_audits import NoQuestionsError, SeatFreeError, SeatTakenError
from tenants import clock
from tenants.errors import NotFoundError
from tenants.models import Breach, LedgerEntry, Notification, Obligation, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services import ledger
from tests.conversations.doors import at_once
from tests.reporting.plays import (
    COMMON,
    MONTH,
    OCTOBER,
    PERIOD,
    SHIPPING,
    UNCOMMON,
    ZONE,
    Play,
    at,
    total,
)


@pytest.fixture
def pair(play: Play, in_tenant: Tenant, make_member: Callable[..., User]) -> tuple[User, User]:
    """One reviewer of each party."""
    return play.reviewer, make_member(in_tenant, Role.CLIENT_ADMIN)


def ten(play: Play) -> None:
    """Eight answered common questions, an unanswered one outside the catalogue, and a wish."""
    play.sign_catalogue()
    for number in range(8):
        play.ask(f"v{number}", COMMON[number % 3], at(1 + number))
    play.ask("v8", UNCOMMON, at(20), "handoff")
    play.ask("v9", "转人工", at(21), "handoff", reason="asked")


def draw(when: datetime = OCTOBER) -> LabelReview:
    with clock.travel(when):
        return label_audits.draw(MONTH, by=None)


def label_all(
    review: LabelReview,
    person: User,
    called: Mapping[str, str],
    *,
    when: datetime = OCTOBER + timedelta(hours=9),
) -> LabelReview:
    """Let a reviewer label all that is left for them: by its words, else common."""
    review = LabelReview.objects.get(pk=review.pk)
    with clock.travel(when):
        while (item := label_audits.next_item(review, person)) is not None:
            words = labels.words_of(item.question)
            review = label_audits.give(review, item.pk, called.get(words, "common"), by=person)
    return review


RIGHT = {UNCOMMON: "uncommon", "转人工": "person"}


# The draw


def test_seed_is_fixed_before_the_draw_and_gives_the_same_sample_again(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        play.ask(f"v{number}", COMMON[number % 3], at(1 + number % 28))
    monkeypatch.setattr(label_audits, "SIZE", 12)

    review = draw()

    assert (review.size, review.population) == (12, 30)
    assert list(review.items.values_list("position", flat=True)) == list(range(1, 13))
    assert label_audits.is_reproduced(review)
    kinds = list(
        LedgerEntry.objects.filter(subject=str(review.pk))
        .order_by("position")
        .values("kind", "data")
    )
    assert [each["kind"] for each in kinds] == [
        "label_audit.seeded",
        "label_audit.drawn",
        "obligation.started",
    ]
    assert review.seed not in str(kinds)
    assert kinds[0]["data"]["seed_sha256"] == ledger.fingerprint(review.seed)
    LabelReview.objects.filter(pk=review.pk).update(seed="another")
    assert not label_audits.is_reproduced(LabelReview.objects.get())


def test_draw_that_was_broken_off_goes_on_with_its_seed(play: Play) -> None:
    ten(play)
    play.end()
    LabelReview.objects.create(month=MONTH, seed="kept", created_at=OCTOBER)

    with clock.travel(OCTOBER):
        (review,) = label_audits.draw_due()

    assert (review.seed, review.size) == ("kept", 10)
    assert LabelReview.objects.count() == 1


def test_tests_and_the_same_again_are_not_drawn(play: Play) -> None:
    play.ask("a", SHIPPING, at(2, 10, 0))
    play.ask("a", SHIPPING, at(2, 10, 5))
    play.ask("b", SHIPPING, at(3), demo=True)
    play.ask("c", "谢谢", at(4), "smalltalk")

    review = draw()

    words = {labels.words_of(item.question) for item in review.items.all()}
    assert (review.size, words) == (2, {SHIPPING, "谢谢"})


def test_erased_words_are_not_drawn_and_those_erased_later_not_waited_for(
    play: Play, pair: tuple[User, User]
) -> None:
    ten(play)
    play.end()
    first, second, *_others = Question.objects.order_by("asked_at")
    Question.objects.filter(pk=first.pk).update(text_key="")
    review = draw()
    assert review.size == 9
    label_all(review, pair[0], RIGHT)
    Question.objects.filter(pk=second.pk).update(text_key="")

    review = label_all(review, pair[1], RIGHT)

    assert (review.is_finished, review.agreed, review.kappa_shown) == (True, 8, "1.0000")


def test_audit_whose_rest_was_erased_ends_by_itself(play: Play, pair: tuple[User, User]) -> None:
    ten(play)
    review = draw()
    item = label_audits.next_item(review, pair[0])
    assert item is not None
    label_audits.give(review, item.pk, "common", by=pair[0])
    Question.objects.update(text_key="")

    with clock.travel(OCTOBER + timedelta(hours=1)):
        label_audits.draw_due()

    row = LabelReview.objects.get()
    assert (row.is_finished, row.kappa, row.is_failed, row.agreed) == (True, None, False, 0)


def test_month_is_drawn_when_it_is_over_and_once(play: Play) -> None:
    ten(play)

    with pytest.raises(audit_months.AuditMonthRunningError):
        draw(OCTOBER - timedelta(minutes=41))
    draw()
    with pytest.raises(audit_months.AuditDrawnError):
        draw()


def test_days_that_no_roll_up_has_seen_are_counted_for_the_draw(play: Play) -> None:
    ten(play)
    assert not Question.objects.exists()

    assert draw().population == 10


def test_month_without_traffic_has_no_audit_and_the_report_says_so(play: Play) -> None:
    with clock.travel(OCTOBER), pytest.raises(NoQuestionsError):
        label_audits.draw(MONTH, by=None)

    with clock.travel(OCTOBER):
        assert label_audits.draw_due() == []
        notes = sections_auto_answer.build(PERIOD, None).notes
    assert "2026-09" in notes[0]
    assert not LabelReview.objects.exists()


@pytest.mark.parametrize("change", [{"status": "suspended"}, {"is_demo": True}])
def test_nobody_is_asked_by_itself_where_nobody_is_served(
    play: Play, in_tenant: Tenant, change: dict[str, Any]
) -> None:
    ten(play)
    play.end()
    Tenant.objects.filter(pk=in_tenant.pk).update(**change)

    with clock.travel(OCTOBER):
        assert label_audits.draw_due() == []


def test_task_draws_for_each_tenant_alone_and_catches_up(
    play: Play,
    other_tenant: Tenant,
    make_channel: Callable[..., Channel],
    publish: Callable[..., Release],
    make_member: Callable[..., User],
) -> None:
    ten(play)
    with tenant_scope(other_tenant):
        publish(other_tenant)
        other = Play(make_channel(other_tenant), make_member(other_tenant, Role.ACCOUNT_MANAGER))
        other.ask("x", SHIPPING, at(5))

    with clock.travel(OCTOBER):
        tasks.draw_audits()
        tasks.draw_audits()
    assert (LabelReview.objects.count(), LabelReview.objects.get().size) == (1, 10)
    with tenant_scope(other_tenant):
        assert LabelReview.objects.get().size == 1
    # No run was there from then to the new year; October had questions, November and on had not.
    play.say("v0", "还有货吗", datetime(2026, 10, 9, 10, tzinfo=ZONE), "customer")
    with clock.travel(datetime(2027, 1, 3, tzinfo=ZONE)):
        tasks.draw_audits()

    months = LabelReview.objects.order_by("month").values_list("month", flat=True)
    assert list(months) == [MONTH, date(2026, 10, 1)]


@pytest.mark.django_db(transaction=True)
def test_two_processes_draw_one_audit(in_tenant: Tenant, play: Play) -> None:
    ten(play)
    play.end()

    def work(_number: int) -> LabelReview:
        with tenant_scope(in_tenant), clock.travel(OCTOBER):
            return label_audits.draw(MONTH, by=None)

    results = at_once(4, work)

    won = [each for each in results if isinstance(each, LabelReview)]
    lost = [each for each in results if isinstance(each, Exception)]
    assert {type(each) for each in lost} <= {audit_months.AuditDrawnError}
    assert len(won) >= 1
    assert (LabelReview.objects.count(), LabelReviewItem.objects.count()) == (1, 10)
    assert LedgerEntry.objects.filter(kind="label_audit.drawn").count() == 1


# The promise


def test_review_is_due_before_the_final_figures_and_kept_by_finishing(
    play: Play, pair: tuple[User, User]
) -> None:
    ten(play)
    review = draw()

    promise = Obligation.objects.get(kind="label_review")
    assert (promise.subject_id, promise.clause, promise.working_days) == (review.pk, "2.1(2)", 3)
    # The 8th, the 9th and Saturday the 10th at 24:00; the final report is due on the 13th.
    assert promise.due_at == datetime(2026, 10, 10, 16, tzinfo=UTC)
    assert promise.due_at < due.due_at("monthly", MONTH, "final", ZONE)
    label_all(review, pair[0], RIGHT)
    assert Obligation.objects.get(pk=promise.pk).state == "running"
    label_all(review, pair[1], RIGHT, when=datetime(2026, 10, 10, 12, tzinfo=ZONE))
    assert Obligation.objects.get(pk=promise.pk).state == "met"


def test_review_that_ends_too_late_is_a_breach(play: Play, pair: tuple[User, User]) -> None:
    ten(play)
    review = draw()
    label_all(review, pair[0], RIGHT)
    label_all(review, pair[1], RIGHT, when=datetime(2026, 10, 11, 0, 1, tzinfo=ZONE))

    breach = Breach.objects.get()
    assert (breach.subject_id, breach.clause) == (review.pk, "2.1(2)")


def test_both_parties_are_asked_and_told(play: Play, pair: tuple[User, User]) -> None:
    ten(play)
    review = draw()
    label_all(review, pair[0], RIGHT)
    label_all(review, pair[1], RIGHT)

    for kind in ("label_audit.drawn", "label_audit.finished"):
        told = Notification.objects.get(kind=kind)
        assert {line.user_id for line in told.recipients.all()} == {each.pk for each in pair}


# The reviewers


def test_two_people_label_the_same_sample(play: Play, pair: tuple[User, User]) -> None:
    ten(play)
    review = draw()
    first, second = pair
    assert label_audits.progress(review, first) == labels.Progress(0, 10)

    review = label_all(review, first, RIGHT)
    assert label_audits.progress(review, first) == labels.Progress(10, 10)
    assert label_audits.progress(review, second) == labels.Progress(0, 10)
    assert not review.is_finished
    review = label_all(review, second, RIGHT)

    assert (review.is_finished, review.first_reviewer, review.second_reviewer) == (
        True,
        first,
        second,
    )
    assert review.items.filter(first_by=first, second_by=second).count() == 10


def test_one_person_cannot_be_both_reviewers(play: Play, pair: tuple[User, User]) -> None:
    ten(play)
    review = draw()
    review = label_all(review, pair[0], RIGHT)
    item = review.items.first()

    review = label_audits.give(review, item.pk, "flow", by=pair[0])

    assert (review.second_reviewer, review.items.exclude(second_by=None).count()) == (None, 0)
    assert review.items.get(pk=item.pk).first_label != "flow"
    # Nor by any way around the service.
    for row, fields in (
        (LabelReview.objects.filter(pk=review.pk), {"second_reviewer": pair[0]}),
        (LabelReviewItem.objects.filter(pk=item.pk), {"second_by": pair[0]}),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            row.update(**fields)


def test_a_third_person_has_no_seat(
    play: Play, pair: tuple[User, User], in_tenant: Tenant, make_member: Callable[..., User]
) -> None:
    ten(play)
    review = draw()
    for person in pair:
        item = label_audits.next_item(review, person)
        assert item is not None
        review = label_audits.give(review, item.pk, "common", by=person)
    third = make_member(in_tenant, Role.ACCOUNT_MANAGER)

    assert label_audits.next_item(review, third) is None
    assert label_audits.waiting_for(third) == []
    assert [each.left for each in label_audits.waiting_for(pair[0])] == [9]
    with pytest.raises(SeatTakenError):
        label_audits.give(review, review.items.last().pk, "common", by=third)


def test_label_pressed_twice_stays_and_only_an_asked_change_counts(
    play: Play, pair: tuple[User, User]
) -> None:
    ten(play)
    review = draw()
    item = label_audits.next_item(review, pair[0])
    assert item is not None

    def pressed(label: str, **how: Any) -> str:
        label_audits.give(review, item.pk, label, by=pair[0], **how)
        return LabelReviewItem.objects.get(pk=item.pk).first_label

    assert pressed("common") == "common"
    assert pressed("flow") == "common"
    assert label_audits.last_item(review, pair[0]) == item
    assert pressed("flow", again=True) == "flow"
    # What the other one gave is never in reach.
    label_audits.give(review, item.pk, "e1", by=pair[1], again=True)
    assert LabelReviewItem.objects.get(pk=item.pk).first_label == "flow"
    with pytest.raises(labels.UnknownLabelError):
        pressed("no such")


def test_what_is_not_in_the_sample_takes_no_seat(play: Play, pair: tuple[User, User]) -> None:
    ten(play)
    review = draw()

    with pytest.raises(NotFoundError):
        label_audits.give(review, review.pk, "common", by=pair[0])

    assert LabelReview.objects.get().first_reviewer is None


def test_seat_is_freed_with_its_labels(
    play: Play, pair: tuple[User, User], in_tenant: Tenant, make_member: Callable[..., User]
) -> None:
    ten(play)
    review = label_all(draw(), pair[0], RIGHT)
    third = make_member(in_tenant, Role.ACCOUNT_MANAGER)

    review = label_audits.leave(review, "first", by=pair[1])

    assert (review.first_reviewer, review.items.exclude(first_label="").count()) == (None, 0)
    event = LedgerEntry.objects.get(kind="label_audit.seat_freed")
    assert (event.data["reviewer"], event.data["dropped"]) == (pair[0].pk, 10)
    with pytest.raises(SeatFreeError):
        label_audits.leave(review, "second", by=pair[1])
    label_all(review, third, RIGHT)
    review = label_all(review, pair[1], RIGHT)
    assert review.is_finished
    with pytest.raises(SeatFreeError):
        label_audits.leave(review, "first", by=pair[1])


@pytest.mark.django_db(transaction=True)
def test_four_people_race_for_two_seats(
    in_tenant: Tenant, play: Play, make_member: Callable[..., User]
) -> None:
    others = [make_member(in_tenant, Role.ACCOUNT_MANAGER) for _number in range(3)]
    people = [play.reviewer, *others]
    ten(play)
    review = draw()
    items = list(review.items.order_by("position"))

    def work(number: int) -> int:
        given = 0
        with tenant_scope(in_tenant), clock.travel(OCTOBER + timedelta(hours=1)):
            for item in items:
                try:
                    label_audits.give(review, item.pk, "common", by=people[number])
                    given += 1
                except SeatTakenError:
                    return given
        return given

    results = at_once(4, work)

    assert [each for each in results if isinstance(each, Exception)] == []
    row = LabelReview.objects.get()
    seated = {row.first_reviewer_id, row.second_reviewer_id}
    assert row.is_finished
    assert len(seated) == 2
    assert seated <= {each.pk for each in people}
    assert sorted(results) == [0, 0, 10, 10]  # type: ignore[type-var]
    assert LedgerEntry.objects.filter(kind="label_audit.finished").count() == 1


# What follows


def test_agreed_labels_are_taken_over_and_others_are_disputed(
    play: Play, pair: tuple[User, User]
) -> None:
    play.sign_catalogue()
    for number in range(8):
        play.ask(f"v{number}", COMMON[number % 3], at(1 + number))
    words = ("你们仓库的面积有多大", "你们老板喜欢什么颜色呢", "谢谢你的帮助啊")
    for number, text in enumerate(words):
        play.ask(f"w{number}", text, at(20), "handoff")
    review = draw()
    before = {labels.words_of(row): row for row in Question.objects.all()}
    assert total() == (8, 11 - (before[words[2]].standing == "out"))
    first = {words[0]: "e3", words[1]: "uncommon", words[2]: "chitchat"}
    second = {**first, words[1]: "e2"}

    label_all(review, pair[0], first)
    review = label_all(review, pair[1], second)

    # Alike: 8 common, 1 e3, 1 chitchat of 11. By chance: (8·8 + 1·1 + 1·1) / 121 = 66/121.
    # kappa = (10/11 - 66/121) / (1 - 66/121) = (110 - 66) / (121 - 66) = 44/55 = 0.8.
    assert (review.kappa, review.is_failed) == (8000, False)
    assert (review.agreed, review.disputed) == (10, 1)
    after = {labels.words_of(row): row for row in Question.objects.all()}
    assert (after[words[0]].label, after[words[0]].standing) == ("e3", "out")
    disputed = after[words[1]]
    assert disputed.label == before[words[1]].label
    assert (disputed.is_disputed, disputed.standing) == (True, "default")
    assert labels.next_to_review(MONTH) == disputed
    changed = [words[0]] + ([words[2]] if before[words[2]].label != "chitchat" else [])
    assert review.relabelled == len(changed)
    assert total() == (8, 9)
    assert review.change["after"] == [8, 9]
    history = QuestionLabel.objects.filter(source="person")
    assert history.count() == len(changed) + 1
    assert LedgerEntry.objects.filter(kind="question.labelled").count() == len(changed) + 1
    assert LedgerEntry.objects.get(kind="label_audit.finished").data["kappa"] == 8000


def test_one_in_ten_apart_may_be_too_much(play: Play, pair: tuple[User, User]) -> None:
    ten(play)
    review = draw()
    words = SHIPPING
    one = next(
        item
        for item in review.items.order_by("position")
        if labels.words_of(item.question) == words
    )
    with clock.travel(OCTOBER + timedelta(hours=1)):
        for person, label in ((pair[0], "common"), (pair[1], "uncommon")):
            label_audits.give(review, one.pk, label, by=person)
    label_all(review, pair[0], RIGHT)
    review = label_all(review, pair[1], RIGHT)

    # 9 of 10 alike; by chance (8·7 + 1·2 + 1·1) / 100: kappa = (90 - 59) / 41 = 0.756.
    assert review.kappa == 7560
    assert review.is_failed


def test_disputed_answer_is_reviewed_again(play: Play) -> None:
    ten(play)
    play.end()
    answered = Question.objects.filter(standing="answered").first()
    assert answered is not None
    assert labels.progress(MONTH) == labels.Progress(0, 2)

    with transaction.atomic():
        review = LabelReview.objects.create(month=MONTH, seed="s", created_at=OCTOBER)
        labels.take_over({}, [answered.pk], audit=review)

    assert labels.progress(MONTH) == labels.Progress(0, 3)
    labels.relabel(answered.pk, "common", by=play.reviewer)
    assert labels.progress(MONTH) == labels.Progress(0, 2)


def test_each_day_is_added_up_once(
    play: Play, pair: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    play.sign_catalogue()
    for number in range(12):
        play.ask(f"v{number}", COMMON[number % 3], at(1))
        play.ask(f"w{number}", f"{UNCOMMON}{number}", at(2, 10, number), "handoff")
    review = draw()
    counted: list[date] = []
    recount = figures.recount

    def note(day: date) -> None:
        counted.append(day)
        recount(day)

    monkeypatch.setattr(figures, "recount", note)
    calls = {f"{UNCOMMON}{number}": "e3" for number in range(12)}
    label_all(review, pair[0], calls)
    review = label_all(review, pair[1], calls)

    assert (review.kappa_shown, review.relabelled) == ("1.0000", 12)
    assert counted == [date(2026, 9, 2)]


# Too little agreement


def failed(play: Play, pair: tuple[User, User]) -> LabelReview:
    """Two who agree on nothing but what is common, after people had labelled the month."""
    ten(play)
    play.end()
    play.label(UNCOMMON, "uncommon")
    review = draw()
    label_all(review, pair[0], {UNCOMMON: "e1", "转人工": "flow"})
    return label_all(review, pair[1], {UNCOMMON: "e2", "转人工": "e3"})


def test_too_little_agreement_opens_all_labels_of_the_month(
    play: Play, pair: tuple[User, User]
) -> None:
    ten(play)
    play.end()
    play.label(UNCOMMON, "uncommon")
    assert total() == (8, 8)
    before = Question.objects.count()

    review = draw()
    label_all(review, pair[0], {UNCOMMON: "e1", "转人工": "flow"})
    review = label_all(review, pair[1], {UNCOMMON: "e2", "转人工": "e3"})

    # 8 of 10 alike, by chance 64/100: kappa = (80 - 64) / (100 - 64) = 16/36, cut off.
    assert (review.kappa, review.is_failed) == (4444, True)
    assert (review.agreed, review.relabelled, review.disputed) == (8, 0, 0)
    assert not Question.objects.filter(is_reviewed=True).exists()
    assert labels.is_redone(MONTH)
    assert labels.months_redone() == [MONTH]
    assert labels.progress(MONTH) == labels.Progress(0, before)
    # What people had taken out counts again until it is reviewed (R57).
    assert total() == (8, 9)
    assert review.change == {"before": [8, 8], "after": [8, 9]}
    told = Notification.objects.get(kind="label_audit.finished")
    assert {line.user_id for line in told.recipients.all()} == {each.pk for each in pair}
    assert f"month={MONTH:%Y-%m}" in told.link
    assert LedgerEntry.objects.get(kind="labels.reopened").data["opened"] == 1


def test_new_audit_is_drawn_once_all_are_labelled_again(
    play: Play, pair: tuple[User, User]
) -> None:
    first = failed(play, pair)
    later = OCTOBER + timedelta(days=2)
    with clock.travel(later):
        assert label_audits.draw_due() == []
        with pytest.raises(audit_months.AuditDrawnError):
            label_audits.draw(MONTH, by=None)
        while (row := labels.next_to_review(MONTH)) is not None:
            label = RIGHT.get(labels.words_of(row), "common")
            labels.relabel(row.pk, label, by=play.reviewer)
        assert labels.progress(MONTH) == labels.Progress(10, 10)
        (second,) = label_audits.draw_due()
        assert label_audits.draw_due() == []

    assert (second.number, str(second), second.size) == (2, "2026-09 (2)", 10)
    assert second.seed != first.seed
    assert Obligation.objects.filter(kind="label_review").count() == 2
    assert not labels.is_redone(MONTH)
    label_all(second, pair[0], RIGHT, when=later)
    second = label_all(second, pair[1], RIGHT, when=later)
    assert (second.kappa_shown, second.relabelled) == ("1.0000", 0)
    with clock.travel(later):
        assert label_audits.draw_due() == []


def test_nearly_all_alike_may_still_be_too_little(play: Play, pair: tuple[User, User]) -> None:
    play.sign_catalogue()
    for number in range(20):
        play.ask(f"v{number}", COMMON[number % 3], at(1 + number))
    review = draw()
    review = label_all(review, pair[0], {})
    item = label_audits.next_item(review, pair[1])
    assert item is not None
    with clock.travel(OCTOBER + timedelta(hours=1)):
        label_audits.give(review, item.pk, "uncommon", by=pair[1])
    review = label_all(review, pair[1], {})

    # 19 of 20 alike, but one reviewer calls all of them common: chance alone gives as much.
    assert (review.kappa, review.agreed, review.is_failed) == (0, 19, True)


# What is said of it


def test_report_prints_the_audit_and_the_change_it_made(
    play: Play, pair: tuple[User, User]
) -> None:
    ten(play)
    with clock.travel(OCTOBER):
        play.end()
    assert "2026-09" in sections_auto_answer.build(PERIOD, None).notes[0]
    review = draw()
    drawn = sections_auto_answer.build(PERIOD, None).notes
    assert review.seed in drawn[0]
    called = {UNCOMMON: "e3", "转人工": "person"}
    label_all(review, pair[0], called)
    label_all(review, pair[1], called)

    with translation.override("en"):
        notes = sections_auto_answer.build(PERIOD, None).notes

    assert notes[0] == (
        f"Label audit 2026-09: 10 of 10 questions, seed {review.seed}, kappa 1.0000."
    )
    assert notes[1] == "10 labelled alike, 1 relabelled, 0 disputed."
    # The unanswered question is not the client's business, both say: it is in no sum any more.
    assert notes[2] == (
        "With the audit the auto-answer rate went from 88.88% (8 of 9) to 100.00% (8 of 8)."
    )


def test_agreeing_with_a_machine_reviews_nothing(play: Play, pair: tuple[User, User]) -> None:
    ten(play)
    review = draw()

    label_all(review, pair[0], RIGHT)
    review = label_all(review, pair[1], RIGHT)

    # What has no answer stays in the sum until its own review, as the audit changed no label.
    assert (review.relabelled, review.change) == (0, {"before": [8, 9], "after": [8, 9]})
    assert labels.progress(MONTH).done == 0


def test_audit_of_a_tenant_is_out_of_another_ones_reach(
    play: Play, pair: tuple[User, User], other_tenant: Tenant
) -> None:
    ten(play)
    review = draw()
    item = review.items.first()

    with tenant_scope(other_tenant):
        assert not LabelReview.objects.exists()
        assert label_audits.waiting_for(pair[0]) == []
        with pytest.raises(LabelReview.DoesNotExist):
            label_audits.give(review, item.pk, "common", by=pair[0])
    assert DailyFigure.objects.filter(metric="auto_answer").exists()
