"""Turns sentences into vectors with the local multilingual encoders."""

import logging
import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from knowledge.retrieval.models import (
    E5_FOLDER,
    ENCODER_ID,
    MODEL_FILE,
    TOKENIZER_FILE,
    USE_FOLDER,
    find_model,
    is_whole,
)
from knowledge.retrieval.semantic import Part
from knowledge.retrieval.text import normalise

logger = logging.getLogger(__name__)

Vectors = NDArray[np.float32]

MAX_TOKENS = 128
BATCH = 32
REMEMBERED_TEXTS = 2048
# multilingual-e5 was trained with this marker; both sides of a comparison carry it.
E5_PREFIX = "query: "
# What e5 counts beside the other encoder: it was trained on questions, hardly on answers.
E5_SHARE = 0.86
E5_SHARE_OF_ANSWERS = 0.6


class Encoder(Protocol):
    """Anything that maps sentences to comparable vectors.

    `id` names the vector space: vectors of different ids must never be compared.
    """

    @property
    def id(self) -> str:
        """The name of the vector space."""

    @property
    def dim(self) -> int:
        """The number of components of a vector."""

    @property
    def parts(self) -> Sequence[Part]:
        """The pieces a vector is made of, in their order; together `dim` components."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return L2-normalised vectors [len(texts), dim]; safe to call from several threads."""


class OnnxModel:
    """A model.onnx with its tokenizer.json, run on one processor thread."""

    def __init__(self, folder: Path, *, prefix: str = "") -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # The arena would keep the memory of the largest batch for ever.
        options.enable_cpu_mem_arena = False
        self._session = onnxruntime.InferenceSession(
            str(folder / MODEL_FILE), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        self._prefix = prefix
        self.dim = int(self._session.get_outputs()[0].shape[1])

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return L2-normalised vectors [len(texts), dim]."""
        encodings = self._tokenizer.encode_batch([self._prefix + text for text in texts])
        tokens = [encoding.ids for encoding in encodings]
        # Sentences of like length share a batch, so little is spent on padding.
        order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
        vectors = np.empty((len(texts), self.dim), np.float32)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            width = max(len(tokens[i]) for i in batch)
            ids = np.zeros((len(batch), width), np.int64)
            mask = np.zeros((len(batch), width), np.int64)
            for row, i in enumerate(batch):
                ids[row, : len(tokens[i])] = tokens[i]
                mask[row, : len(tokens[i])] = 1
            feed = {"input_ids": ids, "attention_mask": mask}
            vectors[batch] = self._session.run(None, feed)[0]
        return vectors


class LocalEncoder:
    """Both local models side by side, each text normalised first.

    Vectors of recent texts are remembered, so asking again costs nothing.
    """

    id = ENCODER_ID

    def __init__(self, folder: Path) -> None:
        self._e5 = OnnxModel(folder / E5_FOLDER, prefix=E5_PREFIX)
        self._use = OnnxModel(folder / USE_FOLDER)
        self._recent: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()
        self.dim = self._e5.dim + self._use.dim
        self.parts = (
            Part(self._e5.dim, E5_SHARE, E5_SHARE_OF_ANSWERS),
            Part(self._use.dim, 1 - E5_SHARE, 1 - E5_SHARE_OF_ANSWERS),
        )

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return L2-normalised vectors [len(texts), dim]; equal for equal normalised texts."""
        vectors = np.empty((len(texts), self.dim), np.float32)
        unknown: dict[str, list[int]] = {}
        with self._lock:
            for row, text in enumerate(map(normalise, texts)):
                if text in self._recent:
                    self._recent.move_to_end(text)
                    vectors[row] = self._recent[text]
                else:
                    unknown.setdefault(text, []).append(row)
        if unknown:
            fresh = self._compute(list(unknown))
            for rows, vector in zip(unknown.values(), fresh, strict=True):
                vectors[rows] = vector
            self._remember(list(unknown), fresh)
        return vectors

    def _compute(self, texts: list[str]) -> Vectors:
        return np.hstack(
            [
                self._e5.encode(texts) * np.float32(math.sqrt(E5_SHARE)),
                self._use.encode(texts) * np.float32(math.sqrt(1 - E5_SHARE)),
            ]
        )

    def _remember(self, texts: list[str], vectors: Vectors) -> None:
        with self._lock:
            for text, vector in zip(texts, vectors, strict=True):
                # A copy, lest one row keep its whole batch alive.
                self._recent[text] = vector.copy()
            while len(self._recent) > REMEMBERED_TEXTS:
                self._recent.popitem(last=False)


@lru_cache(maxsize=1)
def load_encoder() -> Encoder | None:
    """Return this process's encoder, or None when no whole model is installed.

    The models are read once; ones installed later are seen after a restart.
    """
    folder = find_model()
    if folder is None:
        logger.info("No encoder installed: answers are matched by words alone")
        return None
    if not is_whole(folder):
        logger.error("The encoder's files are damaged: answers are matched by words alone")
        return None
    return LocalEncoder(folder)
