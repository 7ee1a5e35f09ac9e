"""Twenty months whose figures were reckoned by hand (T8, T9)."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from fractions import Fraction

import pytest

from conversations import survey_figures
from conversations.models import Message
from reporting import metrics
from reporting.judging import Label, machine_label
from reporting.models import Question
from reporting.sections import Verdict
from reporting.services import figures
from tests.reporting.plays import (
    COMMON,
    EXCHANGE,
    INVOICE,
    MONTH,
    PERIOD,
    SHIPPING,
    UNCOMMON,
    Play,
    at,
)


def quiet(play: Play) -> None:
    play.sign_catalogue()


def nineteen_of_twenty(play: Play) -> None:
    play.sign_catalogue()
    for number in range(19):
        play.ask(f"v{number}", COMMON[number % 3], at(1 + number))
    play.ask("v19", SHIPPING, at(25), "handoff")


def unreviewed_failures_stay(play: Play) -> None:
    play.sign_catalogue()
    play.ask("a", SHIPPING, at(2))
    play.ask("b", UNCOMMON, at(3), "handoff")
    play.ask("c", "你们老板喜欢什么颜色呢", at(4), "clarify")


def reviewed_failures_leave(play: Play) -> None:
    unreviewed_failures_stay(play)
    play.end()
    play.label(UNCOMMON, "uncommon")
    play.label("你们老板喜欢什么颜色呢", "e3")


def disputed_failures_come_back(play: Play) -> None:
    reviewed_failures_leave(play)
    play.label(UNCOMMON, "uncommon", disputed=True)


def answered_but_uncommon(play: Play) -> None:
    play.sign_catalogue()
    play.ask("a", SHIPPING, at(2))
    play.ask("b", UNCOMMON, at(3), entry=INVOICE)
    play.end()
    play.label(UNCOMMON, "uncommon")


def clarified_once(play: Play) -> None:
    play.sign_catalogue()
    play.ask("a", SHIPPING, at(2, 10, 0), "clarify")
    play.ask("a", EXCHANGE, at(2, 10, 1))
    play.ask("b", SHIPPING, at(3, 10, 0), "clarify")
    play.ask("b", "转人工", at(3, 10, 1), "handoff", reason="asked")
    play.ask("c", SHIPPING, at(4, 10, 0), "clarify")


def silent_in_an_outage(play: Play) -> None:
    play.sign_catalogue()
    play.ask("a", SHIPPING, at(2))
    play.ask("b", SHIPPING, at(2, 11), "silent")
    play.ask("c", EXCHANGE, at(2, 12), "silent")


def wish_for_a_person_first(play: Play) -> None:
    play.sign_catalogue()
    play.ask("a", "转人工", at(2), "handoff", reason="asked")
    play.ask("b", "人工客服", at(3), "handoff", reason="asked")
    play.ask("c", SHIPPING, at(4))
    play.ask("c", "谢谢", at(4, 10, 1), "smalltalk")


def ten_times_the_same(play: Play) -> None:
    play.sign_catalogue()
    for number in range(10):
        play.ask("a", SHIPPING, at(2, 10, number), "answered")
    play.ask("a", SHIPPING, at(2, 10, 10), "answered")
    play.ask("b", SHIPPING, at(2, 10, 3), "answered")


def handed_over_on_the_second_asking(play: Play) -> None:
    play.sign_catalogue()
    play.ask("a", SHIPPING, at(2, 10, 0))
    play.ask("a", SHIPPING, at(2, 10, 2), "handoff", reason="repeated")
    play.ask("b", EXCHANGE, at(2, 11))


def found_wrong(play: Play) -> None:
    play.sign_catalogue()
    play.ask("a", SHIPPING, at(2))
    play.ask("b", EXCHANGE, at(3))
    play.ask("c", INVOICE, at(4))
    play.report(EXCHANGE)
    play.report(INVOICE, owner="client")


def not_solved(play: Play) -> None:
    play.sign_catalogue()
    play.ask("a", SHIPPING, at(2))
    thumb = play.ask("b", EXCHANGE, at(3))
    assert thumb is not None
    Message.objects.filter(pk=thumb.pk).update(feedback="unhelpful")
    play.ask("c", INVOICE, at(4, 10, 0))
    play.ask("c", INVOICE, at(5, 9, 59))
    play.ask("d", SHIPPING, at(6))
    play.hand_over("d", at(6, 10, 5))


def over_midnight(play: Play) -> None:
    play.sign_catalogue()
    play.ask("a", SHIPPING, at(1, 0, 0))
    play.ask("b", SHIPPING, at(1, 0, 0) - timedelta(seconds=1))
    play.ask("c", SHIPPING, at(30, 23, 59, 59))
    play.ask("d", SHIPPING, at(30, 23, 59, 59) + timedelta(seconds=1))
    play.ask("e", EXCHANGE, at(10, 23, 59), "clarify")
    play.ask("e", SHIPPING, at(11, 0, 1))


def three_quick_messages_and_a_test(play: Play) -> None:
    play.sign_catalogue()
    play.ask("a", SHIPPING, at(2), before=("在吗", "想问一下"))
    play.ask("t", EXCHANGE, at(3), "handoff", demo=True)


def catalogue_is_not_retroactive(play: Play) -> None:
    play.sign_catalogue(day=0)
    play.ask("a", UNCOMMON, at(5), entry=INVOICE)
    play.sign_catalogue(*COMMON, UNCOMMON, day=11)
    play.ask("b", UNCOMMON, at(10), entry=INVOICE)
    play.ask("c", UNCOMMON, at(11), entry=INVOICE)


AAR: dict[str, tuple[Callable[[Play], None], int, int, int, int, Verdict]] = {
    "quiet": (quiet, 0, 0, 0, 0, Verdict.NEUTRAL),
    "nineteen of twenty": (nineteen_of_twenty, 19, 20, 1, 19, Verdict.KEPT),
    "unreviewed": (unreviewed_failures_stay, 1, 3, 2, 1, Verdict.MISSED),
    "reviewed": (reviewed_failures_leave, 1, 1, 0, 1, Verdict.KEPT),
    "disputed": (disputed_failures_come_back, 1, 2, 1, 1, Verdict.MISSED),
    "answered but uncommon": (answered_but_uncommon, 1, 1, 0, 1, Verdict.KEPT),
    "clarified": (clarified_once, 1, 3, 2, 1, Verdict.MISSED),
    "silent": (silent_in_an_outage, 1, 3, 2, 1, Verdict.MISSED),
    "wish for a person": (wish_for_a_person_first, 1, 1, 0, 1, Verdict.KEPT),
    "ten times": (ten_times_the_same, 3, 3, 0, 2, Verdict.KEPT),
    "second asking": (handed_over_on_the_second_asking, 1, 2, 1, 1, Verdict.MISSED),
    "found wrong": (found_wrong, 2, 3, 1, 2, Verdict.MISSED),
    "not solved": (not_solved, 5, 5, 0, 2, Verdict.KEPT),
    "midnight": (over_midnight, 3, 3, 0, 3, Verdict.KEPT),
    "quick messages": (three_quick_messages_and_a_test, 1, 1, 0, 1, Verdict.KEPT),
    "two catalogues": (catalogue_is_not_retroactive, 1, 1, 0, 1, Verdict.KEPT),
}


@pytest.mark.parametrize("name", AAR)
def test_auto_answer_rate_is_the_hand_computed_one(play: Play, name: str) -> None:
    script, numerator, denominator, default, solved, verdict = AAR[name]
    script(play)
    play.end()

    rate = figures.total(PERIOD, "auto_answer")
    assert (rate.part, rate.whole) == (numerator, denominator)
    assert figures.total(PERIOD, "auto_answer", "default").whole == default
    resolved = figures.total(PERIOD, "resolved")
    assert (resolved.part, resolved.whole) == (solved, denominator)
    share = metrics.ratio(rate.part, rate.whole)
    assert metrics.verdict(share, Fraction(95, 100)) == verdict
    # The rows behind it, the days and the channels come to the same.
    counted = Question.objects.filter(day__gte=MONTH, day__lt=PERIOD.end).exclude(standing="out")
    assert counted.count() == denominator
    assert counted.filter(standing="answered").count() == numerator
    assert sum(day.whole for day in figures.by_day(PERIOD, "auto_answer").values()) == denominator
    channels = figures.by_dimension(PERIOD, "auto_answer", "channel:").values()
    assert sum(each.whole for each in channels) == denominator


CSAT: dict[str, tuple[Sequence[tuple[int | None, str]], str, Verdict, str]] = {
    "exactly 85": ([(100, "")] * 20 + [(80, "")] * 10 + [(60, "")] * 10, "85.00", Verdict.KEPT, "enough"),
    "a hair below": ([(80, "")] * 3 + [(60, "")] + [(100, "")] * 1 + [(80, "")] * 20
                     + [(100, "")] * 7, "84.37", Verdict.MISSED, "enough"),
    "too few answers": ([(100, "")] * 29 + [(None, "")] * 11, "100.00", Verdict.KEPT,
                        "needs_sampling"),
    "excluded ones are shown apart": ([(100, "")] * 30 + [(20, "staff")] * 5, "100.00",
                                      Verdict.KEPT, "enough"),
}  # fmt: skip


@pytest.mark.parametrize("name", CSAT)
def test_satisfaction_is_the_hand_computed_one(play: Play, name: str) -> None:
    given, shown, verdict, standing = CSAT[name]
    for number, (score, excluded) in enumerate(given):
        play.rate(score, at(1 + number % 28, 9, number % 60), excluded=excluded)

    found = survey_figures.month_figures(MONTH)

    assert found.bot.shown == shown
    assert metrics.shown_score(found.bot.score) == shown
    assert metrics.verdict(found.bot.score, 85) == verdict
    assert found.standing == standing
    assert found.inquiries == len(given)


def test_small_talk_by_its_sound_is_no_question() -> None:
    """What the topic model hears as small talk, or as a wish for a person, is not counted."""
    assert machine_label("好了，收到了", {"smalltalk": 0.9}, None) == Label.CHITCHAT
    assert machine_label("好了，收到了", {"smalltalk": 0.6}, None) == Label.COMMON
    assert machine_label("能不能来个活人", {"human": 0.8}, None) == Label.PERSON
