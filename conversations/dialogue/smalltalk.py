"""Greetings, thanks and the like: recognised as a whole message, answered from a small table."""

import re
import unicodedata

from conversations.dialogue.types import Options

# From this probability on a message the tables do not know counts as small talk.
LIKELY = 0.7
_SPACE_AND_MARKS = re.compile(r"[^\w]+", re.UNICODE)
_DRAWN_OUT = re.compile(r"(.)\1{2,}")
# A regular expression tries every way to cut a message into words: no word below is a run of
# others, and no message is longer than this, lest a visitor who laughs long enough stop the process.
_LONGEST = 40
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "greeting",
        re.compile(
            r"(你好|您好|hello|hi|hey|嗨|哈喽|哈啰|在吗|在么|在不在|在嘛|有人吗|早|早上好|上午好|中午好|下午好|晚上好|早安|打扰了?|新年快乐"
            r"|good ?(morning|afternoon|evening)|亲|你好呀|您好呀|早上好呀|hiya|yo|howdy|greetings)+(啊|呀|哦|哈|there|again)?"
        ),
    ),
    (
        "thanks",
        re.compile(
            r"(谢(你|您|啦|了|哦|哈|亲)*|多谢|感谢|辛苦(了|啦)?|thx|thanks?( you)?( so much| a lot| very much)?|ty|cheers|"
            r"太感谢了?|麻烦(了|你了|您了))+"
        ),
    ),
    (
        "goodbye",
        re.compile(
            r"(再见|拜|再見|晚安|bye|goodbye|see (you|ya)|good ?night|cya|88)+(啦|了|囉|咯)?"
        ),
    ),
    (
        "fine",
        re.compile(
            r"(好|好的|好吧|好滴|嗯|哦|噢|喔|行|行吧|可以|可以的|明白|明白了|知道了|懂了|了解|了解了|收到|没事了?|没问题|不用了|好的谢谢"
            r"|没事了我自己搞定了|ok|okay|okey|got it|i see|fine|great|cool|alright|never ?mind|no worries|sure|yes|yep|yeah|no|nope)+"
        ),
    ),
    (
        "who",
        re.compile(
            r"(你(是|是不是)?(机器人|真人|人|ai|人工智能|谁|什么)(吗|呀|啊|么)?|你叫(啥|什么)(名字)?|你几岁(了)?|谁把?你造出来的?|你多大(了)?"
            r"|are you (a )?(bot|robot|human|real|real person|machine|ai)|who are you|what(s| is) your name|who made you|"
            r"你晚上也?不睡觉吗|how old are you|吃了没|吃了吗)"
        ),
    ),
    (
        "chat",
        re.compile(
            r"(哈|呵|嘻|嘿|h+[ae]+(h+[ae]+)+|lol|你(还|可)?(真|挺|好)?(聪明|可爱|厉害|棒|笨|傻|厉害)(的|啊|呀|哦|死了)?|笨死了(你)?|爱你(哟|哦|呀)?"
            r"|今天心情(不太好|很好|不好|不错)|tell me a joke|讲个笑话|good (bot|job)|well done|nice|love (you|it))+"
        ),
    ),
)

# English small talk is a string of set phrases: "ok great, thanks, bye". What is said by several of
# them is answered by the first of this order that occurs.
_ENGLISH: dict[str, tuple[str, ...]] = {
    "who": (
        "are you a bot", "are you a robot", "are you a machine", "are you an ai", "are you ai",
        "are you human", "are you real", "are you a real person", "who are you", "what are you",
        "what is your name", "what's your name", "who made you", "how old are you",
    ),
    "thanks": (
        "thanks", "thank you", "thank u", "thanks a lot", "thanks so much", "thank you so much",
        "thank you very much", "many thanks", "thx", "ty", "tysm", "cheers", "much appreciated",
        "appreciate it", "i appreciate it", "appreciated", "that's helpful", "that helps",
        "that was helpful", "very helpful", "that helped", "for your help", "for the help",
        "you've been very helpful", "you've been great", "you're a star", "you're the best",
    ),
    "goodbye": (
        "bye", "goodbye", "good bye", "bye now", "see you", "see ya", "see you later", "cya",
        "later", "take care", "good night", "have a nice day", "have a good day",
        "have a great day", "have a good one", "have a lovely day", "you too", "same to you",
        "that's all", "that is all", "that will be all", "nothing else", "all good", "i'm done",
    ),
    "greeting": (
        "hi", "hello", "hey", "hiya", "yo", "howdy", "greetings", "morning", "good morning",
        "afternoon", "good afternoon", "evening", "good evening", "how are you",
        "how are you doing", "how are things", "how's it going", "what's up", "sup",
        "is anyone there", "anyone there", "are you there", "nice to meet you", "happy new year",
        "merry christmas", "happy christmas",
    ),
    "chat": (
        "lol", "good bot", "good job", "nice job", "well done", "nice one", "love it", "love you",
        "i love you", "love this", "tell me a joke", "you're funny", "you are funny", "you're smart",
        "you are smart", "you're clever", "i'm bored", "wow",
    ),
    "fine": (
        "ok", "okay", "okey", "k", "got it", "i see", "fine", "great", "cool", "alright",
        "all right", "never mind", "nevermind", "no worries", "no problem", "np", "sure", "yes",
        "yep", "yeah", "no", "nope", "perfect", "brilliant", "lovely", "awesome", "excellent", "nice",
        "good", "sounds good", "makes sense", "understood", "that works", "that's great",
        "that's fine", "that's ok", "that's perfect", "noted", "right", "ah", "oh", "hmm",
    ),
}  # fmt: skip
# Said along with the phrases, and nothing by themselves.
_ALONG = frozenset(
    ("there", "again", "then", "mate", "all", "everyone", "team", "please", "so much", "now")
)
_SAYS = {
    " ".join(_SPACE_AND_MARKS.sub(" ", phrase).split()): name
    for name, phrases in _ENGLISH.items()
    for phrase in phrases
}
_WORDS_OF_LONGEST = max(phrase.count(" ") for phrase in _SAYS) + 1
_LONGEST_ENGLISH = 120


def reply_to(text: str) -> str:
    """Return the name of the phrase to answer with, or "" if this is no small talk.

    Only a whole message counts: a greeting in front of a question is part of the question. A
    message of nothing but emoji or marks is small talk too, unless it asks ("？").
    """
    folded = unicodedata.normalize("NFKC", text).strip().lower()
    bare = _SPACE_AND_MARKS.sub(" ", folded).strip()
    if not bare:
        return "" if not folded or set(folded) <= set("?!.… ") else "chat"
    found = _english(bare) if len(bare) <= _LONGEST_ENGLISH else ""
    if found:
        return found
    bare = _DRAWN_OUT.sub(r"\1\1", bare)
    if len(bare) > _LONGEST:
        return ""
    packed = bare.replace(" ", "")
    for name, pattern in _PATTERNS:
        if pattern.fullmatch(bare) or pattern.fullmatch(packed):
            return name
    return ""


def is_likely(text: str, options: Options) -> bool:
    """Return whether the message sounds like small talk in other words than the tables know."""
    said = any(sign.isalnum() for sign in text)
    return said and options.topics.get("smalltalk", 0.0) >= LIKELY


def _english(bare: str) -> str:
    words = bare.split()
    said: set[str] = set()
    start = 0
    while start < len(words):
        for length in range(min(_WORDS_OF_LONGEST, len(words) - start), 0, -1):
            phrase = " ".join(words[start : start + length])
            if phrase in _SAYS or (said and phrase in _ALONG):
                said.add(_SAYS.get(phrase, ""))
                start += length
                break
        else:
            return ""
    return next((name for name in _ENGLISH if name in said), "")
