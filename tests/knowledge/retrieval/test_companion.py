"""A second embedder beside the local encoder, and what becomes of it when it falls silent."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from conversations.bench.model_server import spelled
from knowledge.retrieval import companion
from knowledge.retrieval.companion import CombinedEncoder, DropIn, UnusableModelError
from knowledge.retrieval.index import IndexEntry, build_index, texts_to_embed
from knowledge.retrieval.semantic import Part, unit
from tests.knowledge.embedding import Spelling

LETTERS = "发货运费发票退款怎么多少abcdefgh "


def drop_in(folder: Path, *, pooled: bool = False, **settings: object) -> Path:
    """Write a tiny encoder: a vector for each letter, averaged inside or left to be pooled."""
    folder.mkdir(parents=True)
    vocabulary = {"[UNK]": 0} | {letter: 1 + place for place, letter in enumerate(set(LETTERS))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.save(str(folder / "tokenizer.json"))
    table = np.random.default_rng(1).normal(0, 1, (len(vocabulary), 8)).astype(np.float32)
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["states"])]
    output, shape = "states", ["n", "t", 8]
    if pooled:
        nodes.append(helper.make_node("ReduceMean", ["states", "axes"], ["pooled"], keepdims=0))
        output, shape = "pooled", ["n", 8]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "t"])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        [
            numpy_helper.from_array(table, "table"),
            numpy_helper.from_array(np.array([1], np.int64), "axes"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, str(folder / "model.onnx"))
    if settings:
        (folder / "embedder.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize("pooled", [True, False])
def test_a_dropped_in_model_gives_unit_vectors(tmp_path: Path, *, pooled: bool) -> None:
    model = DropIn(drop_in(tmp_path / "tiny", pooled=pooled))

    vectors = model.encode(["怎么发货", "发货怎么", "a"])

    assert vectors.shape == (3, 8)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert model.id.startswith("tiny-")


def test_padding_does_not_change_a_vector(tmp_path: Path) -> None:
    model = DropIn(drop_in(tmp_path / "tiny"))

    together = model.encode(["发", "怎么发货运费多少"])

    np.testing.assert_allclose(together[0], model.encode(["发"])[0], atol=1e-5)


def test_pooling_and_prefix_are_as_the_settings_say(tmp_path: Path) -> None:
    plain = DropIn(drop_in(tmp_path / "plain"))
    first = DropIn(drop_in(tmp_path / "first", pooling="first", prefix="a"))

    np.testing.assert_allclose(first.encode(["发货"]), plain.encode(["a"]), atol=1e-5)


def test_what_is_no_model_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(companion, "models_folder", lambda: tmp_path)
    folder = drop_in(tmp_path / "drop-in" / "tiny")
    broken = drop_in(tmp_path / "drop-in" / "broken")
    (broken / "model.onnx").write_bytes(b"nothing")

    assert companion.drop_ins() == ["broken", "tiny"]
    with pytest.raises(UnusableModelError, match="broken"):
        DropIn(broken)
    with pytest.raises(UnusableModelError, match=r"\.\."):
        companion.load_drop_in("../tiny")
    (folder / "embedder.json").write_text("[]")
    with pytest.raises(UnusableModelError, match="no object"):
        DropIn(folder)


ENTRIES = [
    IndexEntry("ship", "什么时候发货", ("几天寄出", "何时出库"), "两天内发货。", ""),
    IndexEntry("fee", "运费多少", ("邮费几块", "快递收费吗"), "运费八元。", ""),
    IndexEntry("bill", "怎么开发票", ("要发票", "报销凭证"), "下单时勾选。", ""),
]


def test_a_companion_that_is_silent_leaves_what_the_local_one_finds() -> None:
    local = Spelling("local", (Part(384, 0.86, 0.6), Part(512, 0.14, 0.4)))
    combined = CombinedEncoder(local, "other", 96, 0.3)
    texts = texts_to_embed(ENTRIES)
    combined.remember(texts, unit(np.array([spelled(text) for text in texts], np.float32)))
    alone = build_index(ENTRIES, encoder=local)
    both = build_index(ENTRIES, encoder=combined)

    for text in ("何时寄出来", "快递多少钱", "报销用的票"):
        mine, theirs = alone.search(text), both.search(text)
        assert mine.candidates[0].key == theirs.candidates[0].key
        assert mine.candidates[0].p == pytest.approx(theirs.candidates[0].p, abs=0.1)


def test_a_companion_that_speaks_tips_the_balance() -> None:
    local = Spelling("local", (Part(384, 0.86, 0.6), Part(512, 0.14, 0.4)))
    combined = CombinedEncoder(local, "other", 3, 0.6)
    # It knows that the strange words mean the bill.
    meanings = {"ship": [1, 0, 0], "fee": [0, 1, 0], "bill": [0, 0, 1]}
    for entry in ENTRIES:
        texts = [entry.question, *entry.phrasings, entry.answer]
        combined.remember(texts, np.array([meanings[entry.key]] * len(texts), np.float32))
    index = build_index(ENTRIES, encoder=combined)
    before = index.search("qwerty zxcv")
    combined.remember(["qwerty zxcv"], np.array([[0, 0, 1]], np.float32))

    after = index.search("qwerty zxcv")

    assert after.candidates[0].key == "bill"
    assert after.candidates[0].score > before.candidates[0].score
    # What it is about is told by the local encoder alone.
    assert after.topics == pytest.approx(before.topics)


def test_shares_are_those_of_the_comparison() -> None:
    combined = CombinedEncoder(Spelling("local", (Part(4, 1.0, 1.0),)), "other", 2, 0.3)

    assert combined.dim == 6
    assert [round(part.share, 3) for part in combined.parts] == [0.7, 0.3]
    joined = combined.joined(unit(np.ones((1, 4), np.float32)), unit(np.ones((1, 2), np.float32)))
    np.testing.assert_allclose(np.linalg.norm(joined), 1, atol=1e-5)
