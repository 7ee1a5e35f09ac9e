"""Builds ONNX graphs and tokenizers piece by piece."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers import models as tokenizer_models

MICROSOFT = "com.microsoft"

# Pieces in other scripts are dropped: the assistant speaks Chinese and English, and the embedding
# table is most of a model. A dropped piece becomes unknown, so such text is still accepted.
KEPT_PIECE = re.compile(
    "^[\u0020-\u007e\u00a0-\u00bf\u2000-\u22ff\u2460-\u24ff\u25a0-\u27bf\u2581"
    "\u3000-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]+$"
)


def kept_rows(pieces: Sequence[str], special: int) -> NDArray[np.int64]:
    """Return the ids of the pieces that stay: the first `special`, ASCII, CJK, punctuation."""
    return np.array([i for i, piece in enumerate(pieces) if i < special or KEPT_PIECE.match(piece)])


class Graph:
    """Nodes and constants of an ONNX graph under construction."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Add a constant and return its name."""
        self.constants.append(onnx.numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(
        self, operator: str, inputs: Sequence[str], *outputs: str, domain: str = "", **options: Any
    ) -> str:
        """Add a node and return the name of its first output."""
        self.nodes.append(
            helper.make_node(operator, list(inputs), list(outputs), domain=domain, **options)
        )
        return outputs[0]

    def model(self, name: str, width: int) -> onnx.ModelProto:
        """Return the model: input_ids and attention_mask [n, tokens] to embedding [n, width]."""
        integers, floats = onnx.TensorProto.INT64, onnx.TensorProto.FLOAT
        inputs = [
            helper.make_tensor_value_info(part, integers, ["n", "tokens"])
            for part in ("input_ids", "attention_mask")
        ]
        outputs = [helper.make_tensor_value_info("embedding", floats, ["n", width])]
        proto = helper.make_graph(self.nodes, name, inputs, outputs, self.constants)
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(proto, opset_imports=opsets, ir_version=10)


def unigram_tokenizer(
    vocabulary: list[tuple[str, float]], *, unknown: int, start: int, end: int
) -> Tokenizer:
    """Return a SentencePiece-like tokenizer whose ids are positions in `vocabulary`.

    Every text is put between the pieces `start` and `end`.
    """
    tokenizer = Tokenizer(tokenizer_models.Unigram(vocabulary, unk_id=unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(
        replacement="\u2581", prepend_scheme="always", split=False
    )
    first, last = vocabulary[start][0], vocabulary[end][0]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(first, start), (last, end)]
    )
    return tokenizer
