"""Greetings and the like: only as a whole message."""

import itertools
import time

import pytest

from conversations.dialogue.smalltalk import LIKELY, is_likely, reply_to
from conversations.dialogue.types import Options

TALK = {
    "greeting": [
        "你好",
        "您好！",
        "在吗？",
        "在吗在吗",
        "亲亲",
        "早上好呀",
        "你好，在吗",
        "Hi",
        "hello there",
        "good morning",
        "hi, how are you?",
        "morning all",
        "Is anyone there?",
    ],
    "thanks": [
        "谢谢",
        "谢谢您啦～",
        "谢谢谢谢",
        "多谢",
        "太感谢了",
        "辛苦了",
        "THX",
        "Thank you so much!",
        "Great, thanks for your help. Have a good day!",
        "perfect — that’s helpful, cheers mate",
        "ok ty",
    ],
    "goodbye": [
        "ok that's all, bye",
        "Have a nice day!",
        "再见",
        "拜拜啦",
        "88",
        "晚安",
        "bye bye",
        "good night",
    ],
    "fine": ["好的", "嗯嗯", "OK", "好的，谢谢", "明白了", "没事了", "got it", "No worries"],
    "who": ["你是机器人吗", "你是真人吗？", "你叫什么名字", "who are you", "are you a bot?"],
    "chat": ["nice one!", "哈哈哈", "你真聪明", "hahaha", "lol", "👍", "😂😂", "！！！♥"],
}
NOT_TALK = [
    "",
    "   ",
    "？",
    "?!",
    "……",
    "你好，多久发货",
    "谢谢，那发票呢",
    "好的那什么时候到",
    "在吗有货吗",
    "哈哈哈这个多少钱",
    "hi do you ship to Leeds",
    "thanks but where is my order",
    "that's fine but it never arrived",
    "good morning delivery times",
    "please",
    "no refund",
    "is anyone there on Sundays",
    "she",
    "谢谢惠顾卡怎么用",
    "早上几点开门",
    "可以退货",
]


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in TALK.items() for text in texts]
)
def test_small_talk(name: str, text: str) -> None:
    assert reply_to(text) == name


@pytest.mark.parametrize("text", NOT_TALK)
def test_no_small_talk(text: str) -> None:
    assert reply_to(text) == ""


@pytest.mark.parametrize(
    ("topics", "likely"),
    [({"smalltalk": LIKELY}, True), ({"smalltalk": LIKELY - 0.01}, False), ({}, False)],
)
def test_small_talk_in_other_words_is_told_by_likelihood(
    topics: dict[str, float], likely: bool
) -> None:
    assert is_likely("吃了没呀", Options((), 0.8, 0.2, topics=topics)) is likely


@pytest.mark.parametrize("text", ["哈" * 500, "嗯" * 500, "谢" * 500, "h" + "a" * 500 + "ha"])
def test_drawn_out_words_count_like_short_ones(text: str) -> None:
    assert reply_to(text) != ""


def test_no_text_keeps_the_process_busy() -> None:
    words = [
        "哈哈",
        "呵呵",
        "嗯嗯",
        "好",
        "好的",
        "谢谢",
        "谢谢你",
        "亲亲",
        "拜拜",
        "ha",
        "haha",
        "88",
        "ok",
        "bye ",
    ]
    runs = [word * 300 + "吗" for word in words]
    mixed = [(one + other) * 30 for one, other in itertools.permutations(words, 2)]
    began = time.process_time()

    for text in (*runs, *(text[:39] + "吗" for text in mixed)):
        reply_to(text)

    assert time.process_time() - began < 5


def test_marks_alone_are_no_small_talk_however_likely() -> None:
    assert not is_likely("？", Options((), 0.8, 0.2, topics={"smalltalk": 1.0}))
