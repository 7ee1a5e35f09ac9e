"""Converts the 4-bit weight file of multilingual-e5-small into an ONNX graph and a tokenizer."""

import struct
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from knowledge.retrieval.adaptation import Adaptation
from knowledge.retrieval.graph import MICROSOFT, Graph, kept_rows, unigram_tokenizer

MAGIC = b"E5S1"
BLOCK = 32
# An fp16 scale followed by 32 nibbles.
BLOCK_BYTES = 18
SPECIAL_PIECES = 4
INT8_LIMIT = 127


class WeightFileError(Exception):
    """The weight file does not have the expected layout."""


@dataclass(frozen=True)
class TensorSpan:
    """Where one tensor lies in the weight file."""

    offset: int
    size: int


@dataclass(frozen=True)
class WeightFile:
    """A parsed weight file: dimensions, vocabulary and where each tensor lies."""

    data: NDArray[np.uint8]
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    epsilon: float
    pieces: list[str]
    scores: NDArray[np.float32]
    tensors: dict[str, TensorSpan]
    adaptation: Adaptation = field(default_factory=dict)

    def floats(self, name: str) -> NDArray[np.float32]:
        """Return a tensor stored as 32-bit floats, flat."""
        span = self.tensors[name]
        raw = self.data[span.offset : span.offset + span.size]
        return np.frombuffer(raw.tobytes(), "<f4").copy()

    def blocks(
        self, name: str, rows: int, columns: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return a 4-bit tensor as values 0-15 [rows, columns/32, 32] and scales [rows, columns/32]."""
        per_row = columns // BLOCK
        offset = self.tensors[name].offset
        raw = self.data[offset : offset + rows * per_row * BLOCK_BYTES]
        raw = np.ascontiguousarray(raw).reshape(rows, per_row, BLOCK_BYTES)
        scales = raw[:, :, :2].copy().view("<f2")[:, :, 0].astype(np.float32)
        packed = raw[:, :, 2:]
        return np.concatenate([packed & 15, packed >> 4], axis=-1), scales

    def matrix(self, name: str, rows: int, columns: int) -> NDArray[np.float32]:
        """Return a 4-bit tensor as floats [rows, columns], with what our training adds to it."""
        values, scales = self.blocks(name, rows, columns)
        signed = values.astype(np.float32) - 8
        matrix = (signed * scales[..., None]).reshape(rows, columns)
        if name in self.adaptation:
            left, right = self.adaptation[name]
            matrix += left @ right
        return matrix


def read_weight_file(path: Path) -> WeightFile:
    """Parse the weight file. Raises WeightFileError when the layout is not the expected one."""
    data: NDArray[np.uint8] = np.memmap(path, dtype=np.uint8, mode="r")
    if bytes(data[:4]) != MAGIC:
        raise WeightFileError(f"{path.name}: not an E5S1 file")
    cursor = 8

    def take(layout: str) -> tuple[Any, ...]:
        nonlocal cursor
        values = struct.unpack_from(layout, data.data, cursor)
        cursor += struct.calcsize(layout)
        return values

    hidden, layers, heads, feed_forward, _, _, _ = take("<7i")
    (epsilon,) = take("<f")
    (block,) = take("<i")
    if block != BLOCK:
        raise WeightFileError(f"{path.name}: block size {block}, expected {BLOCK}")
    count, *_ = take("<5i")
    (blob_size,) = take("<Q")
    starts = np.frombuffer(data[cursor : cursor + 4 * (count + 1)].tobytes(), "<u4")
    cursor += 4 * (count + 1)
    scores = np.frombuffer(data[cursor : cursor + 4 * count].tobytes(), "<f4")
    cursor += 4 * count
    blob = bytes(data[cursor : cursor + blob_size])
    cursor += blob_size
    pieces = [blob[starts[i] : starts[i + 1]].decode() for i in range(count)]
    # The per-character normalisation map: NFKC of the tokenizers library does the same.
    _, map_size = take("<iI")
    cursor += map_size
    tensors = {}
    (tensor_count,) = take("<i")
    for _ in range(tensor_count):
        (name_size,) = take("<H")
        name = bytes(data[cursor : cursor + name_size]).decode()
        cursor += name_size
        # A type byte and an element count stand first; both follow from the tensor's name.
        _, _, offset, size = take("<BIQQ")
        tensors[name] = TensorSpan(offset, size)
    return WeightFile(
        data, hidden, layers, heads, feed_forward, float(epsilon), pieces, scores, tensors
    )


def _linear(
    graph: Graph, weights: WeightFile, source: str, names: list[str], shape: tuple[int, int]
) -> str:
    """Multiply by matrices stacked along their output dimension; shape is (out, in).

    Integers on both sides: weights scaled by output, activations by token. A scale for each
    token keeps outliers apart and makes a vector independent of its neighbours in a batch.
    """
    key = names[0]
    stacked = np.concatenate([weights.matrix(name, *shape) for name in names])
    scales = np.abs(stacked).max(axis=1) / INT8_LIMIT
    values = np.round(stacked / scales[:, None]).astype(np.int8).T
    graph.add("Abs", [source], f"{key}.magnitude")
    graph.add("ReduceMax", [f"{key}.magnitude", "last"], f"{key}.peak", keepdims=1)
    graph.add("Mul", [f"{key}.peak", "per_step"], f"{key}.step")
    graph.add("Div", [source, f"{key}.step"], f"{key}.steps")
    # Cast cuts off, so the half rounds.
    graph.add("Add", [f"{key}.steps", "middle_and_half"], f"{key}.shifted")
    graph.add("Cast", [f"{key}.shifted"], f"{key}.bytes", to=onnx.TensorProto.UINT8)
    graph.add(
        "MatMulIntegerToFloat",
        [
            f"{key}.bytes",
            graph.constant(f"{key}.values", values),
            "unit",
            graph.constant(f"{key}.scales", scales.astype(np.float32)),
            "middle",
        ],
        f"{key}.product",
        domain=MICROSOFT,
    )
    return graph.add("Mul", [f"{key}.product", f"{key}.step"], f"{key}.out")


def _scalars(graph: Graph) -> None:
    for name, value in (("zero", 0), ("one", 1), ("two", 2), ("last", -1)):
        graph.constant(name, np.array([value], np.int64))
    graph.constant("unit", np.array(1, np.float32))
    graph.constant("per_step", np.array(1 / INT8_LIMIT, np.float32))
    graph.constant("middle", np.array(128, np.uint8))
    graph.constant("middle_and_half", np.array(128.5, np.float32))


def _embeddings(graph: Graph, weights: WeightFile, rows: NDArray[np.int64]) -> str:
    hidden = weights.hidden
    values, scales = weights.blocks("emb.word", len(weights.pieces), hidden)
    nibbles = (values[rows].reshape(-1, 2).astype(np.int16) - 8).astype(np.uint8) & 15
    table = onnx.TensorProto(
        name="words.values",
        data_type=onnx.TensorProto.INT4,
        dims=[len(rows), hidden],
        raw_data=(nibbles[:, 0] | (nibbles[:, 1] << 4)).astype(np.uint8).tobytes(),
    )
    graph.constants.append(table)
    graph.constant("words.scales", scales[rows])
    graph.add(
        "GatherBlockQuantized",
        ["words.values", "input_ids", "words.scales"],
        "words",
        domain=MICROSOFT,
        block_size=BLOCK,
        gather_axis=0,
        quantize_axis=1,
    )
    positions = weights.floats("emb.pos").reshape(-1, hidden)
    graph.constant("positions", positions + weights.floats("emb.type").reshape(-1, hidden)[:1])
    graph.add("Shape", ["input_ids"], "shape")
    graph.add("Slice", ["shape", "one", "two"], "length")
    graph.add("Slice", ["positions", "zero", "length"], "used_positions")
    graph.add("Add", ["words", "used_positions"], "summed")
    return graph.add(
        "LayerNormalization",
        [
            "summed",
            graph.constant("embedding.norm.weight", weights.floats("emb.ln.w")),
            graph.constant("embedding.norm.bias", weights.floats("emb.ln.b")),
        ],
        "embedded",
        axis=-1,
        epsilon=weights.epsilon,
    )


def _add_and_norm(
    graph: Graph, weights: WeightFile, source: str, skip: str, norm: str, bias: str
) -> str:
    return graph.add(
        "SkipLayerNormalization",
        [
            source,
            skip,
            graph.constant(f"{norm}.weight", weights.floats(f"{norm}.w")),
            graph.constant(f"{norm}.bias", weights.floats(f"{norm}.b")),
            graph.constant(f"{bias}.bias", weights.floats(f"{bias}.b")),
        ],
        f"{norm}.out",
        domain=MICROSOFT,
        epsilon=weights.epsilon,
    )


def _layer(graph: Graph, weights: WeightFile, source: str, prefix: str) -> str:
    hidden, feed_forward = weights.hidden, weights.feed_forward
    square = (hidden, hidden)
    stacked = _linear(graph, weights, source, [f"{prefix}.{part}.w" for part in "qkv"], square)
    split = [f"{prefix}.{part}" for part in "qkv"]
    graph.add("Split", [stacked], *split, axis=-1, num_outputs=3)
    bias = np.concatenate([weights.floats(f"{prefix}.{part}.b") for part in "qkv"])
    attended = graph.add(
        "MultiHeadAttention",
        [*split, graph.constant(f"{prefix}.qkv.bias", bias), "mask32"],
        f"{prefix}.attended",
        domain=MICROSOFT,
        num_heads=weights.heads,
    )
    projected = _linear(graph, weights, attended, [f"{prefix}.ao.w"], square)
    middle = _add_and_norm(
        graph, weights, projected, source, norm=f"{prefix}.aln", bias=f"{prefix}.ao"
    )
    widened = _linear(graph, weights, middle, [f"{prefix}.fi.w"], (feed_forward, hidden))
    activated = graph.add(
        "BiasGelu",
        [widened, graph.constant(f"{prefix}.fi.bias", weights.floats(f"{prefix}.fi.b"))],
        f"{prefix}.activated",
        domain=MICROSOFT,
    )
    narrowed = _linear(graph, weights, activated, [f"{prefix}.fo.w"], (hidden, feed_forward))
    return _add_and_norm(
        graph, weights, narrowed, middle, norm=f"{prefix}.oln", bias=f"{prefix}.fo"
    )


def _mean_pool(graph: Graph, source: str) -> None:
    graph.add("Cast", ["attention_mask"], "mask", to=onnx.TensorProto.FLOAT)
    graph.add("Unsqueeze", ["mask", "last"], "mask_column")
    graph.add("Mul", [source, "mask_column"], "masked")
    graph.add("ReduceSum", ["masked", "one"], "total", keepdims=0)
    graph.add("ReduceSum", ["mask_column", "one"], "tokens", keepdims=0)
    graph.add("Div", ["total", "tokens"], "mean")
    graph.add("LpNormalization", ["mean"], "embedding", axis=-1, p=2)


def build_graph(weights: WeightFile, rows: NDArray[np.int64]) -> onnx.ModelProto:
    """Return the encoder as ONNX: input_ids and attention_mask [n, tokens] to embedding [n, hidden].

    The word table stays in 4 bits, the layers become 8-bit; vectors come out L2-normalised.
    """
    graph = Graph()
    _scalars(graph)
    graph.add("Cast", ["attention_mask"], "mask32", to=onnx.TensorProto.INT32)
    state = _embeddings(graph, weights, rows)
    for layer in range(weights.layers):
        state = _layer(graph, weights, state, f"l{layer}")
    _mean_pool(graph, state)
    return graph.model("multilingual-e5-small", weights.hidden)


def convert(source: Path, folder: Path, adaptation: Adaptation) -> None:
    """Write model.onnx and tokenizer.json into `folder` from the weight file and what is added."""
    weights = replace(read_weight_file(source), adaptation=adaptation)
    rows = kept_rows(weights.pieces, SPECIAL_PIECES)
    onnx.save(build_graph(weights, rows), folder / "model.onnx")
    vocabulary = [(weights.pieces[i], float(weights.scores[i])) for i in rows]
    tokenizer = unigram_tokenizer(vocabulary, unknown=3, start=0, end=2)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
