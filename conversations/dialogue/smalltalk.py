"""Greetings, thanks and the like: recognised as a whole message, answered from a small table."""

import re
import unicodedata

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


def reply_to(text: str) -> str:
    """Return the name of the phrase to answer with, or "" if this is no small talk.

    Only a whole message counts: a greeting in front of a question is part of the question. A
    message of nothing but emoji or marks is small talk too, unless it asks ("？").
    """
    folded = unicodedata.normalize("NFKC", text).strip().lower()
    bare = _SPACE_AND_MARKS.sub(" ", folded).strip()
    if not bare:
        return "" if not folded or set(folded) <= set("?!.… ") else "chat"
    bare = _DRAWN_OUT.sub(r"\1\1", bare)
    if len(bare) > _LONGEST:
        return ""
    packed = bare.replace(" ", "")
    for name, pattern in _PATTERNS:
        if pattern.fullmatch(bare) or pattern.fullmatch(packed):
            return name
    return ""
