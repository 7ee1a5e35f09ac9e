"""A tenant's own words for things, said as its knowledge base says them."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from knowledge.retrieval.text import fold, has_cjk

Pairs = tuple[tuple[str, str], ...]


def rewritten(text: str, pairs: Pairs) -> str:
    """Return the text with each pair's first words replaced by its second; unchanged without any.

    Longer words go first, what was put in is not looked at again, and spelling makes no
    difference. Words in letters stand for themselves alone, not for a part of another word.
    """
    if not pairs:
        return text
    pattern, meanings = _compiled(pairs)
    if pattern is None:
        return text
    said, count = pattern.subn(lambda found: meanings[found[0]], fold(text))
    return said if count else text


@lru_cache(maxsize=256)
def _compiled(pairs: Pairs) -> tuple[re.Pattern[str] | None, Mapping[str, str]]:
    meanings = {fold(word): meaning for word, meaning in pairs if fold(word)}
    words = sorted(meanings, key=len, reverse=True)
    return (re.compile("|".join(map(_spelled, words))) if words else None), meanings


def _spelled(word: str) -> str:
    if has_cjk(word):
        return re.escape(word)
    return rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])"


def parsed(lines: Iterable[str]) -> tuple[list[list[str]], str | None]:
    """Return the pairs of lines such as "fridge, cooler = refrigerator", and the first bad line.

    A line names words people use, separated by commas, and after = the one the entries use.
    """
    pairs: dict[str, list[str]] = {}
    for line in lines:
        left, sign, meaning = line.replace("＝", "=").partition("=")
        words = [word.strip() for word in re.split("[,，、]", left) if word.strip()]
        meaning = meaning.strip()
        if not sign or not words or not fold(meaning) or "=" in meaning:
            return [], line
        for word in words:
            known = pairs.get(fold(word))
            if len(fold(word)) < 2 or fold(word) == fold(meaning) or known:
                return [], line
            pairs[fold(word)] = [word, meaning]
    return list(pairs.values()), None
