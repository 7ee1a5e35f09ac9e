"""The second embedders a tenant may choose: drop-in models, and its approved embeddings service."""

import hashlib
import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge.retrieval.companion import (
    Companion,
    UnusableModelError,
    drop_ins,
    load_drop_in,
)
from knowledge.retrieval.semantic import unit
from tenants.masking import masked
from tenants.models import Subprocessor, SubprocessorKind
from tenants.services import subprocessors
from tenants.services.subprocessors import Connection, UnavailableError

logger = logging.getLogger(__name__)

Vectors = NDArray[np.float32]

SERVICE = "service"
DROP_IN = "drop-in:"
# A visitor waits for one call; reading a knowledge base may take longer.
QUESTION_SECONDS, READING_SECONDS = 0.8, 30.0
_MOST_CHARACTERS = 2000
_MOST_DIMENSIONS = 8192


class SilentError(Exception):
    """The embedder gave no vectors; `cause` says why in a word."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class Service:
    """The tenant's embeddings service: what people wrote reaches it with contact data masked."""

    def __init__(self, row: Subprocessor, *, seconds: float) -> None:
        space = hashlib.sha256(f"{row.base_url}\x00{row.model}".encode()).hexdigest()
        self.id = f"service-{space[:12]}"
        self._seconds = seconds

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return L2-normalised vectors [len(texts), dim]. Raises SilentError."""
        shown = [masked(text)[:_MOST_CHARACTERS] or " " for text in texts]
        most = sum(map(len, shown)) * 2 + len(shown)

        def work(connection: Connection) -> tuple[Vectors, object]:
            found = connection.client.embeddings.create(
                model=connection.model, input=shown, encoding_format="float"
            )
            rows = sorted(found.data, key=lambda each: each.index)
            vectors = np.asarray([row.embedding for row in rows], np.float32)
            if vectors.ndim != 2 or len(vectors) != len(shown):
                raise ValueError("not one vector a text")
            if not 0 < vectors.shape[1] <= _MOST_DIMENSIONS or not np.isfinite(vectors).all():
                raise ValueError("no usable vectors")
            return unit(vectors), getattr(found.usage, "total_tokens", None)

        try:
            return subprocessors.ask(
                SubprocessorKind.EMBEDDINGS, work, seconds=self._seconds, most_tokens=most
            )
        except UnavailableError as error:
            raise SilentError(error.cause) from error


def choices() -> list[tuple[str, str]]:
    """Return the embedders the tenant in scope may choose, as (name, label)."""
    found = [(f"{DROP_IN}{name}", name) for name in drop_ins()]
    row = Subprocessor.objects.filter(kind=SubprocessorKind.EMBEDDINGS).first()
    if row is not None:
        found.append((SERVICE, f"{row.name} ({row.model})"))
    return found


def find(name: str, *, seconds: float = QUESTION_SECONDS) -> Companion:
    """Return the embedder of a name for the tenant in scope. Raises SilentError.

    `seconds` is what one call to a service may take.
    """
    if name == SERVICE:
        row = subprocessors.current(SubprocessorKind.EMBEDDINGS)
        if row is None:
            raise SilentError("unapproved")
        return Service(row, seconds=seconds)
    try:
        return load_drop_in(name.removeprefix(DROP_IN))
    except UnusableModelError as error:
        logger.warning("Drop-in embedder not usable: %s", error)
        raise SilentError("unusable") from error
