"""A second embedder beside the local encoder: one that is dropped in, or asked over the network.

It has a share of every comparison; topics and certainty rest on the local encoder, so that what was
learnt for that one stays true, and a companion that falls silent costs its share and nothing else.
"""

import json
import math
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from knowledge.retrieval.encoder import Encoder
from knowledge.retrieval.models import MODEL_FILE, TOKENIZER_FILE, file_digest, models_folder
from knowledge.retrieval.semantic import Part, unit
from knowledge.retrieval.text import normalise

Vectors = NDArray[np.float32]

FOLDER = "drop-in"
# Beside the model, what it wants: {"prefix": "", "pooling": "mean" | "first", "max_tokens": 128}.
SETTINGS_FILE = "embedder.json"
# Shares of a comparison that are tried.
SHARES = (0.3, 0.6)
_REMEMBERED = 512
_BATCH = 16


class UnusableModelError(Exception):
    """The files in a drop-in folder are no model that embeds sentences; says why."""


class Companion(Protocol):
    """Anything that maps sentences to vectors; `id` names the vector space."""

    @property
    def id(self) -> str:
        """The name of the vector space."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return L2-normalised vectors [len(texts), dim]."""


class DropIn:
    """A sentence encoder that the operator put into the models' folder, as ONNX.

    It needs input_ids and attention_mask (token_type_ids if its inputs name them) and gives
    vectors, or states of tokens that are pooled here. Raises UnusableModelError.
    """

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False
        try:
            wants = _settings(folder)
            self._session = onnxruntime.InferenceSession(
                str(folder / MODEL_FILE), options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
            self._tokenizer.enable_truncation(int(str(wants.get("max_tokens", 128))))
            self._tokenizer.no_padding()
            self.id = f"{folder.name[:40]}-{file_digest(folder / MODEL_FILE)[:12]}"
            self._prefix, self._pooling = str(wants.get("prefix", "")), wants.get("pooling", "mean")
            self._inputs = {each.name for each in self._session.get_inputs()}
            self.encode(["测试 test"])
        except Exception as error:
            raise UnusableModelError(f"{folder.name}: {error}") from error

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return L2-normalised vectors [len(texts), dim]."""
        encodings = self._tokenizer.encode_batch([self._prefix + text for text in texts])
        tokens = [encoding.ids for encoding in encodings]
        parts = [
            self._run(tokens[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)
        ]
        return unit(np.concatenate(parts))

    def _run(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        width = max(1, *map(len, tokens))
        ids = np.zeros((len(tokens), width), np.int64)
        mask = np.zeros((len(tokens), width), np.int64)
        for row, own in enumerate(tokens):
            ids[row, : len(own)] = own
            mask[row, : len(own)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        wanted = {name: value for name, value in feed.items() if name in self._inputs}
        found = np.asarray(self._session.run(None, wanted)[0], np.float32)
        if found.ndim == 2:
            return found
        if self._pooling == "first":
            return np.asarray(found[:, 0], np.float32)
        weights = mask[..., None].astype(np.float32)
        return np.asarray((found * weights).sum(1) / np.maximum(weights.sum(1), 1), np.float32)


def drop_ins() -> list[str]:
    """Return the names of the models in the drop-in folder."""
    folder = models_folder() / FOLDER
    return sorted(path.parent.name for path in folder.glob(f"*/{MODEL_FILE}"))


@lru_cache(maxsize=4)
def load_drop_in(name: str) -> DropIn:
    """Return a drop-in model of this process. Raises UnusableModelError."""
    if name not in drop_ins():
        raise UnusableModelError(f"{name}: not in {models_folder() / FOLDER}")
    return DropIn(models_folder() / FOLDER / name)


class CombinedEncoder:
    """The local encoder with a companion beside it.

    A text whose companion's vector is not known is encoded by the local one alone: its other
    components are zero.
    """

    def __init__(self, local: Encoder, companion_id: str, dim: int, share: float) -> None:
        self._local, self._dim, self._share = local, dim, share
        self.id = f"{local.id}+{companion_id}@{share}"
        self.dim = local.dim + dim
        self.parts = (
            *(
                Part(part.dim, part.share * (1 - share), part.share_of_answers * (1 - share))
                for part in local.parts
            ),
            Part(dim, share, share),
        )
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return vectors [len(texts), dim]; safe to call from several threads."""
        others = np.zeros((len(texts), self._dim), np.float32)
        with self._lock:
            for row, text in enumerate(map(normalise, texts)):
                known = self._known.get(text)
                if known is not None:
                    others[row] = known
        return self.joined(self._local.encode(texts), others)

    def knows(self, text: str) -> bool:
        """Return whether the companion's vector of a text is at hand."""
        return normalise(text) in self._known

    def remember(self, texts: Sequence[str], vectors: Vectors) -> None:
        """Keep the companion's vectors of some texts for the next questions."""
        with self._lock:
            for text, vector in zip(map(normalise, texts), vectors, strict=True):
                self._known[text] = vector.copy()
                self._known.move_to_end(text)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)

    def joined(self, local: Vectors, others: Vectors) -> Vectors:
        """Return the vectors of both encoders side by side, by their shares."""
        parts = (local * math.sqrt(1 - self._share), others * math.sqrt(self._share))
        return np.concatenate(parts, axis=-1).astype(np.float32)


def _settings(folder: Path) -> Mapping[str, object]:
    path = folder / SETTINGS_FILE
    found = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if not isinstance(found, dict):
        raise TypeError(f"{SETTINGS_FILE} is no object")
    return found
