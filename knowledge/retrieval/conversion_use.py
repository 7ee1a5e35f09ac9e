"""Converts the weights of Universal Sentence Encoder multilingual into an ONNX graph."""

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from knowledge.retrieval.graph import Graph, kept_rows, unigram_tokenizer

# The word table is stored in parts: word i is row i // PARTS of part i % PARTS.
PARTS = 17
CHANNELS = 256
SPECIAL_PIECES = 3
# Width of each convolution branch's window, and how many of its tokens lie to the left.
BRANCHES = ((2, 0), (3, 1), (5, 2))

Arrays = Mapping[str, NDArray[Any]]


def _varint(data: bytes, cursor: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[cursor]
        cursor += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, cursor
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and bytes of each field of a protocol buffer message."""
    cursor = 0
    while cursor < len(data):
        tag, cursor = _varint(data, cursor)
        kind = tag & 7
        start = cursor
        if kind == 0:
            _, cursor = _varint(data, cursor)
        elif kind == 2:
            size, start = _varint(data, cursor)
            cursor = start + size
        else:
            cursor += 8 if kind == 1 else 4
        yield tag >> 3, data[start:cursor]


def read_pieces(path: Path) -> list[tuple[str, float]]:
    """Return the pieces of a SentencePiece model with their scores, in order of their ids."""
    pieces = []
    for number, message in _fields(path.read_bytes()):
        if number == 1:
            parts = dict(_fields(message))
            score = struct.unpack("<f", parts[2])[0] if 2 in parts else 0.0
            pieces.append((parts[1].decode(), score))
    return pieces


def _words(graph: Graph, arrays: Arrays, rows: NDArray[np.int64]) -> str:
    part = rows % PARTS
    table = np.stack([arrays[f"q{p + 1}"][row] for p, row in zip(part, rows // PARTS, strict=True)])
    graph.constant("words.values", table)
    graph.constant("words.scale", arrays["scale"][part][:, None].astype(np.float32))
    graph.constant("words.low", arrays["lo"][part][:, None].astype(np.float32))
    for name in ("values", "scale", "low"):
        graph.add("Gather", [f"words.{name}", "input_ids"], f"words.{name}.used")
    graph.add("Cast", ["words.values.used"], "words.floats", to=TensorProto.FLOAT)
    graph.add("Mul", ["words.floats", "words.scale.used"], "words.scaled")
    return graph.add("Add", ["words.scaled", "words.low.used"], "words")


def _dense(graph: Graph, source: str, weight: str, values: NDArray[Any]) -> str:
    return graph.add("MatMul", [source, graph.constant(weight, values)], f"{weight}.out")


def _normalise(graph: Graph, source: str, name: str, arrays: list[NDArray[Any]], eps: float) -> str:
    gain, bias = (graph.constant(f"{name}.{i}", array) for i, array in enumerate(arrays))
    return graph.add(
        "LayerNormalization", [source, gain, bias], f"{name}.out", axis=-1, epsilon=eps
    )


def _convolve(graph: Graph, arrays: Arrays, source: str, step: str, window: int, left: int) -> str:
    """Look at `window` neighbouring tokens and add what is seen to the source."""
    key = f"{step}_{window}"
    kernel = arrays[f"w{key}"].reshape(window, CHANNELS, CHANNELS).transpose(2, 1, 0)
    graph.add(
        "Conv",
        [
            source,
            graph.constant(f"w{key}", kernel),
            graph.constant(f"b{key}", arrays[f"b{key}"]),
        ],
        f"conv{key}",
        pads=[left, window - 1 - left],
    )
    graph.add("Relu", [f"conv{key}"], f"relu{key}")
    graph.add("Add", [f"relu{key}", source], f"sum{key}")
    # Past the end of a sentence there is nothing to see for its neighbours.
    return graph.add("Mul", [f"sum{key}", "mask_row"], f"masked{key}")


def build_graph(arrays: Arrays, rows: NDArray[np.int64]) -> onnx.ModelProto:
    """Return the encoder as ONNX; vectors come out L2-normalised."""
    graph = Graph()
    eps = float(arrays["eps"])
    graph.constant("one", np.array([1], np.int64))
    graph.constant("last", np.array([-1], np.int64))
    graph.add("Cast", ["attention_mask"], "mask", to=TensorProto.FLOAT)
    graph.add("Unsqueeze", ["mask", "last"], "mask_column")
    graph.add("Unsqueeze", ["mask", "one"], "mask_row")
    words = _words(graph, arrays, rows)

    def joined(name: str, axis: int = 0) -> NDArray[Any]:
        return np.concatenate([arrays[f"{name}{window}"] for window, _ in BRANCHES], axis)

    projected = _dense(graph, words, "projection", joined("proj", axis=1))
    graph.add("Add", [projected, graph.constant("projection.bias", joined("proj_b"))], "biased")
    inner = _normalise(graph, "biased", "inner", [joined("ln_g"), joined("ln_b")], eps)
    graph.add("Mul", [inner, "mask_column"], "inner.masked")
    graph.add("Transpose", ["inner.masked"], "inner.channels", perm=[0, 2, 1])
    branches = [f"branch{window}" for window, _ in BRANCHES]
    graph.add("Split", ["inner.channels"], *branches, axis=1, num_outputs=len(BRANCHES))
    seen = []
    for branch, (window, left) in zip(branches, BRANCHES, strict=True):
        first = _convolve(graph, arrays, branch, "1", window, left)
        seen.append(_convolve(graph, arrays, first, "2", window, left))
    graph.add("Concat", seen, "seen.channels", axis=1)
    graph.add("Transpose", ["seen.channels"], "seen", perm=[0, 2, 1])
    graph.add("Concat", [words, "seen"], "features", axis=-1)
    outer = _normalise(graph, "features", "outer", [arrays["ln_g"], arrays["ln_b"]], eps)
    graph.add("Mul", [outer, "mask_column"], "outer.masked")
    graph.add("ReduceSum", ["outer.masked", "one"], "total", keepdims=0)
    graph.add("ReduceSum", ["mask_column", "one"], "tokens", keepdims=0)
    graph.add("Sqrt", ["tokens"], "root")
    bias = graph.constant("sentence.bias", arrays["cnn_b"])
    graph.add("Mul", ["tokens", bias], "sentence.biases")
    summed = _dense(graph, "total", "sentence.weight", arrays["cnn_W"])
    graph.add("Add", [summed, "sentence.biases"], "sentence.sum")
    sentence = graph.add("Div", ["sentence.sum", "root"], "sentence")
    graph.add("Relu", [_dense(graph, sentence, "d0", arrays["d0"])], "y0")
    direct = _dense(graph, sentence, "p1", arrays["p1"])
    graph.add("Add", [direct, _dense(graph, "y0", "d1", arrays["d1"])], "y1.sum")
    graph.add("Relu", ["y1.sum"], "y1")
    graph.add("Relu", [_dense(graph, "y1", "d2", arrays["d2"])], "y2")
    direct = _dense(graph, "y1", "p3", arrays["p3"])
    graph.add("Add", [direct, _dense(graph, "y2", "d3", arrays["d3"])], "y3.sum")
    graph.add("Tanh", ["y3.sum"], "y3")
    graph.add("LpNormalization", ["y3"], "embedding", axis=-1, p=2)
    return graph.model("universal-sentence-encoder-multilingual", arrays["d3"].shape[1])


def convert(weights: Path, sentencepiece: Path, folder: Path) -> None:
    """Write model.onnx and tokenizer.json into `folder` from the two source files."""
    pieces = read_pieces(sentencepiece)
    rows = kept_rows([piece for piece, _ in pieces], SPECIAL_PIECES)
    with np.load(weights, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    onnx.save(build_graph(arrays, rows), folder / "model.onnx")
    tokenizer = unigram_tokenizer([pieces[i] for i in rows], unknown=0, start=1, end=2)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
