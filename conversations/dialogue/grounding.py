"""Say whether other words for a standard answer say the same: pure, and strict.

A wording may be kinder, and shorter by sentences that bind nobody. Each of its sentences is one of
the answer's, word for word but for courtesy and words that only join; every sentence with a
figure, a link, a negation or a condition is among them (R89). Freer rules were tried: swapping who
pays whom takes the same words.
"""

import re
import unicodedata

# How much longer than the answer a wording may be: room for courtesy.
MOST_TIMES, MOST_MORE = 1.5, 40

_SENTENCE_END = re.compile(r"(?<=[。！？!?；;])|(?<=\.)\s+|\n+")
_TOKEN = re.compile(
    r"https?://[^\s\u3000-\u303f\uff00-\uffef\u4e00-\u9fff]+|[^\s@\u4e00-\u9fff]+@[\w.\-]+"
    r"|\d+(?:[.,:/\-]\d+)*%?|[a-z]+(?:['’][a-z]+)?|[\u3400-\u9fff]|[^\W_]"
)
# Signs that may stand where the answer has none: a question mark or an emoji may turn it round.
_PUNCTUATION = frozenset("，。！、：；,.!:;~～—-–()（）“”\"'‘’…·")
# Courtesy says nothing about the matter; longer phrases first.
_COURTESY = re.compile(
    "非常感谢您的(?:咨询|理解|耐心)|感谢您的(?:咨询|理解|支持|耐心)|很高兴(?:为您|能)?(?:服务|解答|帮到您)?|希望(?:能|可以)?帮到您|希望对您有(?:所)?帮助"
    "|祝您(?:生活愉快|购物愉快|一切顺利)|您好|你好|亲爱的(?:顾客|客户|用户)?|谢谢您|谢谢|感谢|麻烦您|辛苦了|好的|没问题|收到|明白了"
    "|(?:为|给|帮)您(?:解答|说明|介绍)(?:一下|如下)?|具体(?:说明)?如下|关于(?:这个|您(?:的|问的|咨询的))(?:问题|情况)|温馨提示|这边|哦|呢|呀|哈|啦|哟|噢"
    r"|\b(?:hi|hello|hey|dear|thanks?(?: you)?(?: (?:so|very) much)?(?: for (?:asking|your (?:question|patience|message)))?"
    r"|(?:i )?hope (?:this|that) helps|happy to help|of course|certainly|great question|good question|no problem|sure"
    r"|here(?:'s| is) (?:what you need to know|the answer)|have a (?:nice|great|lovely) day)\b"
)
# Words that only join; a sentence says the same with or without them.
_LIGHT = frozenset(
    [
        *"的了着地得请会将就是吧啊也还呢哦",
        *[
            "a",
            "an",
            "the",
            "is",
            "are",
            "be",
            "will",
            "please",
            "so",
            "just",
            "then",
            "also",
            "do",
            "does",
        ],
    ]
)
# Words that bind: a sentence that holds one may not be left out.
_BINDING = frozenset(
    [
        *"不没無无非未勿别莫免仅只限除若如果须需必禁止否前后内外起至上下多少满超每各均或先再后",
        *[
            "not",
            "no",
            "never",
            "none",
            "nor",
            "without",
            "only",
            "except",
            "unless",
            "if",
            "must",
            "need",
            "before",
            "after",
            "within",
            "until",
            "from",
            "up",
            "least",
            "most",
            "more",
            "less",
            "over",
            "under",
            "per",
            "each",
            "every",
            "all",
            "any",
            "free",
            "cannot",
            "can't",
            "don't",
            "doesn't",
            "won't",
            "isn't",
            "aren't",
            "or",
        ],
    ]
)


def faults(wording: str, answer: str) -> tuple[str, ...]:
    """Return why the wording may not be said instead of the answer; empty when it may.

    empty: it says nothing. long: far longer than the answer. markup: it holds a
    sign that is neither usual nor the answer's. claim: a sentence says what no sentence of the
    answer says. omission: a sentence of the answer that binds is missing.
    """
    found = []
    if not wording.strip():
        return ("empty",)
    if len(wording) > len(answer) * MOST_TIMES + MOST_MORE:
        found.append("long")
    if any(_is_strange(sign) and sign not in answer for sign in wording):
        found.append("markup")
    told = [sentence for part in _sentences(answer) if (sentence := _content(part))]
    left = list(told)
    for part in _sentences(wording):
        said = _content(part)
        if not said:
            continue
        if said not in left:
            found.append("claim")
            break
        left.remove(said)
    if any(_binds(token) for own in left for token in own) or len(left) == len(told):
        found.append("omission")
    return tuple(found)


def _is_strange(sign: str) -> bool:
    return not (sign.isalnum() or sign.isspace() or sign in _PUNCTUATION)


def _sentences(text: str) -> list[str]:
    return _SENTENCE_END.split(unicodedata.normalize("NFKC", text).casefold())


def _content(sentence: str) -> list[str]:
    plain = _COURTESY.sub(" ", sentence)
    tokens = _TOKEN.findall(plain.replace("你", "您"))
    return [token for token in tokens if token not in _LIGHT]


def _binds(token: str) -> bool:
    return token in _BINDING or any(sign.isdigit() for sign in token) or "@" in token


def invented(text: str, sources: str) -> frozenset[str]:
    """Return the figures, links and addresses in a text that its sources do not hold."""

    def told(words: str) -> set[str]:
        return {
            token
            for sentence in _sentences(words)
            for token in _TOKEN.findall(sentence)
            if "@" in token or "/" in token or any(sign.isdigit() for sign in token)
        }

    return frozenset(told(text) - told(sources))
