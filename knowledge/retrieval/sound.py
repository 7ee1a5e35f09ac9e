"""Spells Chinese by its sound, so that a wrong character that sounds right still finds its entry."""

import re
from functools import lru_cache

from pypinyin import lazy_pinyin

from knowledge.retrieval.text import normalise

_LATIN = re.compile("[a-z]+")
_CJK = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
# Sounds that many speakers do not tell apart, and input methods offer for each other.
_MERGED = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ang", "an"), ("eng", "en"), ("ing", "in"))
# Each syllable is written as one character from here on, so that runs of them count like words.
_FIRST_SIGN = 0x3400
_LONGEST_SYLLABLE = 6
_INITIALS = [
    "b",
    "p",
    "m",
    "f",
    "d",
    "t",
    "n",
    "l",
    "g",
    "k",
    "h",
    "j",
    "q",
    "x",
    "zh",
    "ch",
    "sh",
    "r",
    "z",
    "c",
    "s",
    "y",
    "w",
]
_FINALS = [
    "a",
    "o",
    "e",
    "i",
    "u",
    "v",
    "ai",
    "ei",
    "ui",
    "ao",
    "ou",
    "iu",
    "ie",
    "ve",
    "er",
    "an",
    "en",
    "in",
    "un",
    "vn",
    "ang",
    "eng",
    "ing",
    "ong",
    "ia",
    "iao",
    "ian",
    "iang",
    "iong",
    "ua",
    "uo",
    "uai",
    "uan",
    "uang",
    "ue",
]
_SYLLABLES = {initial + final for initial in _INITIALS for final in _FINALS} | {
    "a", "o", "e", "ai", "ei", "ao", "ou", "an", "en", "ang", "eng", "er",
}  # fmt: skip


def _merged(syllable: str) -> str:
    for full, merged in _MERGED:
        syllable = syllable.replace(full, merged)
    return syllable


_SIGNS = {
    syllable: chr(_FIRST_SIGN + place)
    for place, syllable in enumerate(sorted({_merged(syllable) for syllable in _SYLLABLES}))
}
# Stands for every character without a sound that is known.
_UNKNOWN = chr(_FIRST_SIGN + len(_SIGNS))


def spelled(text: str) -> str:
    """Return the text with one sign for each syllable; what has no Chinese in it stays empty.

    Latin letters count where they are pinyin through and through, two syllables or more.
    """
    signs: list[str] = []
    run = normalise(text)
    if not _CJK.search(run):
        return ""
    for match in re.finditer("[a-z]+|[\u3400-\u9fff\uf900-\ufaff]|.", run):
        piece = match.group()
        if _LATIN.fullmatch(piece):
            syllables = _cut(piece)
            signs += [_sign(syllable) for syllable in syllables] if len(syllables) > 1 else [" "]
        elif _CJK.fullmatch(piece):
            signs.append(_of(piece))
        else:
            signs.append(" ")
    return "".join(signs)


@lru_cache(maxsize=16384)
def _of(character: str) -> str:
    return _sign(lazy_pinyin(character)[0])


def _sign(syllable: str) -> str:
    return _SIGNS.get(_merged(syllable), _UNKNOWN)


def _cut(letters: str) -> list[str]:
    """Return the syllables of a run of letters, [] if it is not made of syllables alone."""
    best: list[list[str] | None] = [[]] + [None] * len(letters)
    for end in range(1, len(letters) + 1):
        for start in range(max(0, end - _LONGEST_SYLLABLE), end):
            before = best[start]
            if before is not None and letters[start:end] in _SYLLABLES:
                known = best[end]
                if known is None or len(before) + 1 < len(known):
                    best[end] = [*before, letters[start:end]]
    return best[-1] or []
