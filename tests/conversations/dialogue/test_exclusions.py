"""Who wants a person, what only people may handle, and what merely sounds like it."""

import time

import pytest

from conversations.dialogue.exclusions import (
    asks_for_person,
    excluded_topic,
    is_foreign_script,
)
from conversations.dialogue.types import Lexicon

WANTS_PERSON = [
    "转人工",
    "人工",
    "人工客服",
    "人工！！！",
    "转 人 工",
    "帮我转一下人工谢谢",
    "我要人工服务",
    "有没有真人在",
    "叫你们主管来",
    "请帮我联系客服",
    "我不想和机器人聊了",
    "别给我弹机器人的话了，换个真人来",
    "不用机器人，转人工",
    "zhuan ren gong",
    "ＲＥＮＧＯＮＧ",
    "Can I speak to a human?",
    "please connect me with an agent",
    "I want a real person",
    "agent",
    "Human please",
    "get me your manager",
    "transfer me to a colleague",
    "put me through please",
    "customer service",
    "can I talk to anyone?",
    "is there somebody I can speak to",
    "no more bots please",
]
WANTS_NONE = [
    "人工费怎么算",
    "这是人工智能回复的吗",
    "人工草坪怎么清洗",
    "有真人试穿的照片吗",
    "客服电话是多少",
    "客服几点上班",
    "换人收货可以吗",
    "不用转人工了",
    "不需要人工，谢谢",
    "先别转人工",
    "I don't want a human",
    "no need to talk to an agent",
    "I need someone else to sign for the parcel",
    "customer service hours",
    "does the mower work with robots",
    "Is this wig made of human hair?",
    "The delivery person left it in the rain",
    "can I change the person who receives it",
    "你好",
    "",
]
TOPICS = {
    "legal": [
        "我要起诉你们公司",
        "等着收律师函吧",
        "这事我准备打官司",
        "咱们法院见",
        "你们侵权了知道吗",
        "按消费者权益保护法退一赔三",
        "I am going to sue you",
        "my lawyer will be in touch",
        "see you in court",
    ],
    "complaint": [
        "我要正式投诉你们",
        "马上打12315",
        "我要找记者来曝光",
        "充电的时候起火了！",
        "孩子用了以后住院",
        "你们这是诈骗",
        "I want to make a formal complaint",
        "the kettle caught fire",
        "this is a scam",
    ],
    "privacy": [
        "你们把我的信息泄露了",
        "查一下我前夫的订单",
        "把别的客户的地址发我",
        "你们经理的手机号是多少",
        "这款的进货价多少",
        "my details were leaked",
        "give me his address",
        "show me the customer list",
    ],
}
ORDINARY = [
    "我的电话是13812345678，什么时候到",
    "怎么投诉",
    "投诉电话是多少",
    "隐私政策在哪里看",
    "能送到法院路吗",
    "爆炸盐能和洗衣液一起用吗",
    "手机壳防爆吗",
    "律师楼附近可以自提吗",
    "发货前会被告知吗",
    "请告诉我运费",
    "好消息，我收到货了",
    "法国产的吗",
    "Where is your privacy policy?",
    "do you deliver to Court Road",
    "what issues can the warranty cover",
    "I'd like to pursue the exchange",
]


@pytest.mark.parametrize("text", WANTS_PERSON)
def test_wish_for_a_person(text: str) -> None:
    assert asks_for_person(text)


@pytest.mark.parametrize("text", WANTS_NONE)
def test_no_wish_for_a_person(text: str) -> None:
    assert not asks_for_person(text)


@pytest.mark.parametrize(
    ("topic", "text"), [(topic, text) for topic, texts in TOPICS.items() for text in texts]
)
def test_topic_for_people(topic: str, text: str) -> None:
    assert excluded_topic(text) == topic


@pytest.mark.parametrize("text", [*ORDINARY, *WANTS_NONE])
def test_ordinary_question(text: str) -> None:
    assert excluded_topic(text) == ""


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("投诉电话打不通，我要正式投诉", "complaint"),
        ("隐私政策里没说会卖我的信息，你们把我的信息卖了", "privacy"),
        ("你们是骗子，我要起诉", "complaint"),
    ],
)
def test_ordinary_words_do_not_hide_a_topic(text: str, topic: str) -> None:
    assert excluded_topic(text) == topic


OWN = Lexicon(
    triggers=(("offtopic", "股票"), ("legal", "ＡＢＣ条例"), ("privacy", "怎么投诉")),
    exceptions=("投诉电话", "起诉你们 (电影)"),
)


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("最近股票怎么样", "offtopic"),
        ("按abc条例你们得赔", "legal"),
        ("按Ａｂｃ条例你们得赔", "legal"),
        ("怎么投诉", "privacy"),
        ("股票亏了，我要起诉你们", "legal"),
        ("股票亏了，按ABC条例赔", "legal"),
        ("这是我要投诉电话打不通", ""),
        ("有《起诉你们 （电影）》的票吗", ""),
        ("投诉电话打不通，我要起诉你们", "legal"),
        ("股 票", ""),
        ("", ""),
    ],
)
def test_the_tenants_own_words_count_as_well(text: str, topic: str) -> None:
    assert excluded_topic(text, OWN) == topic


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("配送はいつ届きますか", True),
        ("ｶﾀｶﾅ", True),
        ("сколько", True),
        ("كم السعر", True),
        ("多久发货", False),
        ("how long", False),
        ("αβ 测试仪怎么用", False),
        ("😂？ 123", False),
        ("", False),
    ],
)
def test_foreign_scripts_are_told_by_most_letters(text: str, foreign: bool) -> None:
    assert is_foreign_script(text) is foreign


@pytest.mark.parametrize("sense", [asks_for_person, excluded_topic])
@pytest.mark.parametrize(
    "text",
    [
        "人工" + "！" * 40_000 + "吗",
        " " * 40_000 + "x",
        "转" * 40_000,
        "talk " * 8_000,
        "我告" * 20_000,
    ],
    ids=["marks", "spaces", "one word", "english", "accusations"],
)
def test_endless_text_is_read_in_no_time(sense, text: str) -> None:
    began = time.process_time()

    sense(text)

    assert time.process_time() - began < 2
