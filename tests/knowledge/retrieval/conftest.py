"""A small shop's knowledge, asked with the encoder where it is installed and by words elsewhere."""

import pytest

from knowledge.retrieval.encoder import Encoder, load_encoder
from knowledge.retrieval.index import Index, IndexEntry, build_index

SHOP = (
    ("cancel", "还没发货的订单怎么取消？", ("下错单了想取消", "未发货可以取消订单吗"), "在“我的订单”里点取消，24 小时内退款。"),
    ("shipping", "运费怎么算？", ("快递费多少钱", "满多少包邮"), "满 99 元包邮，不足收 8 元。"),
    ("invoice", "怎么开电子发票？", ("发票在哪里申请", "能开增值税发票吗"), "下单时勾选发票，或在订单详情里补开。"),
    ("warranty", "保修期是多久？", ("质保几年", "坏了免费修吗"), "整机保修一年，主要部件三年。"),
    ("password", "How do I reset my password?", ("I forgot my password", "Can't log in"), "Use the link on the sign-in page."),
    ("opening", "What are your opening hours?", ("When do you open", "Are you open on Sunday"), "Monday to Friday, 9 to 5."),
)  # fmt: skip


@pytest.fixture
def encoder() -> Encoder | None:
    """Return the installed encoder, or None: every test holds in both cases."""
    return load_encoder()


@pytest.fixture
def entries() -> list[IndexEntry]:
    """Return the shop's entries."""
    return [
        IndexEntry(key, question, phrasings, answer, "")
        for key, question, phrasings, answer in SHOP
    ]


@pytest.fixture
def shop(entries: list[IndexEntry], encoder: Encoder | None) -> Index:
    """Return the shop's index with whatever is installed."""
    return build_index(entries, encoder=encoder)
