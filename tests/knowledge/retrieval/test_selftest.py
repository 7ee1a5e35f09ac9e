"""A knowledge base asked its own phrasings, each left out in turn."""

from knowledge.retrieval.index import IndexEntry
from knowledge.retrieval.selftest import SelfTest, self_test

ENTRIES = [
    IndexEntry(
        str(number),
        f"怎么办理{word}",
        tuple(f"{word}{end}" for end in ("怎么弄", "在哪办", "的流程", "要多久")),
        f"{word}在柜台办理。",
        "",
    )
    for number, word in enumerate(("挂失", "开户", "销户", "改密", "贷款", "汇款"))
]


def test_phrasings_that_share_words_find_each_other() -> None:
    found = self_test(ENTRIES, None, {})

    assert found.questions == 24
    assert found.top1 == 1.0
    assert found == self_test(ENTRIES, None, {})


def test_phrasings_of_nothing_in_common_do_not() -> None:
    strange = [
        IndexEntry(
            entry.key, entry.question, tuple("天地玄黄"[place] * 4 for place in range(4)), "", ""
        )
        for entry in ENTRIES
    ]

    assert self_test(strange, None, {}).top1 < 0.5


def test_without_phrasings_nothing_is_asked() -> None:
    alone = [IndexEntry(entry.key, entry.question, (), "", "") for entry in ENTRIES]

    assert self_test(alone, None, {}) == SelfTest(0, 0.0, 0.5)


def test_neither_figure_may_fall() -> None:
    before = SelfTest(100, 0.8, 0.9)

    assert SelfTest(100, 0.8, 0.9).is_no_worse_than(before)
    assert SelfTest(100, 0.797, 0.95).is_no_worse_than(before)
    assert not SelfTest(100, 0.9, 0.88).is_no_worse_than(before)
    assert not SelfTest(100, 0.78, 0.99).is_no_worse_than(before)
