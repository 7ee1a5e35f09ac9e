"""Brings questions into one form: spelling variants, politeness and repeats taken away."""

import hashlib
import re
import unicodedata
from functools import lru_cache
from typing import Literal

from opencc import OpenCC

Language = Literal["zh", "en"]

MIN_CJK = 2
MIN_LETTERS = 3

_CJK = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff\u00ad]")
_PUNCTUATION_RUN = re.compile(r"([^\w\s])\1+")
_LONG_RUN = re.compile(r"([^\W\d])\1{2,}")
_SPACE = re.compile(r"\s+")
_SPACE_IN_CJK = re.compile("(?<=[\u3000-\u303f\u3400-\u9fff]) (?=[\u3000-\u303f\u3400-\u9fff])")
_QUESTION = re.compile(r"[^?!.;\n。]+[?]")
_EDGES = " \t,.;:!?~-_*\"'`|/\\<>()[]{}…、。·—“”‘’《》【】「」"
_FOLDED = str.maketrans("，。！？；：（）“”‘’、", ",.!?;:()\"\"'',")

# Longer phrases stand first, so that "麻烦问一下" goes as a whole.
_ZH_OPENERS = (
    "(?:麻烦|想|我想|我要|请|打扰|不好意思|那个)*"
    "(?:请问|请教|(?:咨询|问|了解|打听)(?:一?下|一声))(?:一?下)?(?:你们|您)?",
    "(?:你|您|大家)好[啊呀哦]?",
    "(?:早上|上午|中午|下午|晚上)好",
    "有人(?:在)?[吗嘛么]",
    "(?:客服|亲|亲亲|老板|老师|师傅|小姐姐|小哥哥|美女|帅哥)(?:们)?(?:你好|您好|在[吗嘛么]?)?(?=[,.!? ]|$)",
    "(?:你|您)?在(?:吗|嘛|么|不在|不)(?=[,.!? ]|$)",
    "(?:不好意思|打扰了|打扰一下|麻烦了|麻烦您|麻烦你|劳驾|拜托)(?=[,.!? ]|$)",
    "麻烦(?=帮|给)",
    "哈喽|哈啰|嗨|喂(?=[,.!? ]|$)",
)
_ZH_CLOSERS = (
    "(?:非常|十分|先|多|太)?(?:感谢|谢谢|谢了|谢)(?:你|您|啦|了|哈|啊|哦|呀|亲)*",
    "(?:麻烦|辛苦|拜托|打扰)(?:你|您)?(?:啦|了)",
    "(?:急|在线等|求解答|求回复|求助|跪求)+",
)
_EN_OPENERS = (
    "(?:hi|hello|hey|hiya|heya|yo|greetings)(?: there| all| guys| team)?(?![a-z])",
    "good (?:morning|afternoon|evening|day)",
    "(?:excuse me|sorry to bother you|quick question|just a quick question|dear (?:sir|madam|team))",
    "(?:please|pls|plz)(?: can| could| would)?(?: you| u)?(?: please)?(?: tell me| let me know)?(?![a-z])",
    "(?:can|could|would|will) (?:you|u)(?: please| pls| kindly)? (?:tell me|let me know|explain to me)",
    "(?:i (?:just )?(?:was wondering|wonder|want to know|wanna know|would like to know|need to know))(?: if| whether)?",
    "(?:i'd like to know|i'm wondering|im wondering|do you know)(?: if| whether)?",
)
_EN_CLOSERS = (
    "(?:many |so )?(?:thanks|thank you|thank u|thx|tnx|cheers|ta)(?: so much| very much| a lot| in advance)?",
    "(?:please|pls|plz)",
)
_OPENER = re.compile("^(?:" + "|".join(_ZH_OPENERS + _EN_OPENERS) + ")")
_CLOSER = re.compile(
    "(?:" + "|".join(_ZH_CLOSERS) + "|(?<![a-z])(?:" + "|".join(_EN_CLOSERS) + "))$"
)

_FILLERS = frozenset(
    [
        "嗯",
        "嗯嗯",
        "好",
        "好的",
        "好吧",
        "好滴",
        "哦",
        "哦哦",
        "噢",
        "啊",
        "呃",
        "额",
        "哈",
        "哈哈",
        "呵呵",
        "行",
        "可以",
        "是",
        "是的",
        "对",
        "对的",
        "不",
        "不是",
        "没有",
        "没",
        "知道了",
        "明白",
        "明白了",
        "收到",
        "了解",
        "在",
        "在吗",
        "有人吗",
        "你好",
        "您好",
        "谢谢",
        "再见",
        "拜拜",
        "什么",
        "怎么",
        "为什么",
        "ok",
        "okay",
        "okey",
        "yes",
        "yeah",
        "yep",
        "no",
        "nope",
        "nah",
        "hm",
        "hmm",
        "lol",
        "haha",
        "wow",
        "cool",
        "great",
        "fine",
        "sure",
        "right",
        "bye",
        "hi",
        "hello",
        "hey",
        "thanks",
        "what",
        "why",
        "how",
        "huh",
        "test",
    ]
)


_simplified = OpenCC("t2s").convert


def has_cjk(text: str) -> bool:
    """Return whether the text holds a Chinese character."""
    return _CJK.search(text) is not None


def fold(text: str) -> str:
    """Return the text in one spelling: NFKC, lower case, half-width punctuation, single spaces.

    Traditional characters become simplified ones. Runs of the same sign shrink to one and runs of the same letter to two; digits stay.
    """
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).lower().translate(_FOLDED)
    text = _PUNCTUATION_RUN.sub(r"\1", text)
    text = _LONG_RUN.sub(r"\1\1", text)
    text = _SPACE_IN_CJK.sub("", _SPACE.sub(" ", text)).strip(_EDGES)
    return _simplified(text) if has_cjk(text) else text


@lru_cache(maxsize=4096)
def normalise(text: str) -> str:
    """Return the folded text without greetings and politeness at its ends.

    A text of nothing but politeness comes back folded and otherwise whole.
    """
    folded = fold(text)
    rest = folded
    while True:
        shorter = _CLOSER.sub("", _OPENER.sub("", rest, count=1).strip(_EDGES)).strip(_EDGES)
        if shorter == rest:
            return rest
        if not shorter:
            return folded
        rest = shorter


def text_key(text: str) -> str:
    """Return the key under which a text's vector is kept: equal for equal normalised texts."""
    return hashlib.sha1(normalise(text).encode(), usedforsecurity=False).hexdigest()


def guess_language(text: str) -> Language:
    """Return zh or en; a message in both is zh when at least a third of it is Chinese."""
    characters = len(_CJK.findall(text))
    words = len(_WORD.findall(text.lower()))
    return "zh" if characters and characters >= words / 2 else "en"


def questions_in(text: str) -> list[str]:
    """Return the single questions of a text: its parts that end in a question mark."""
    # Folding takes the mark at the end away.
    folded = fold(text) + ("?" if text.rstrip().endswith(("?", "？")) else "")
    parts = (part.strip(_EDGES) for part in _QUESTION.findall(folded))
    return [part for part in parts if part and not is_low_content(part)]


def is_low_content(text: str) -> bool:
    """Return whether a text says too little to be matched: a greeting, a sound, a bare number."""
    rest = normalise(text)
    if rest.strip(_EDGES) in _FILLERS:
        return True
    if _OPENER.sub("", rest).strip(_EDGES) == "" or _CLOSER.sub("", rest).strip(_EDGES) == "":
        return True
    letters = sum(len(word) for word in _WORD.findall(rest))
    return len(_CJK.findall(rest)) < MIN_CJK and letters < MIN_LETTERS
