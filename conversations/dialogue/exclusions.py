"""Topics that only people may handle, and the wish for a person: by lexicon, then by likelihood.

The lexicon holds what can hardly mean anything else; everything said in other words is left to the
topic model, whose probabilities come with what the knowledge base offers (R23-R25).
"""

import re
import unicodedata

from conversations.dialogue.types import Lexicon, Options

EXCLUDED = ("complaint", "legal", "privacy")
# From these probabilities on, the topic model has the word: for the wish for a person, and for why
# the knowledge base has nothing.
LIKELY_PERSON, LIKELY_REASON = 0.5, 0.5
_NO_WORDS = Lexicon()

# Spaces between Chinese characters say nothing.
_SPACED = re.compile(r"(?<=[\u4e00-\u9fff])[ \t]+(?=[\u4e00-\u9fff])")
_PERSON = re.compile(
    r"(转|接|找|要|换|叫|喊|请|派|安排|联系|连).{0,8}(人工|真人|活人|真的?人|坐席|客服|主管|经理|专员|工作人员|接线员)"
    r"|^\W*+(人工|人工(客服|服务)|真人|真人客服|客服|坐席|转人|换人|找人|rengong)\W*+(谢谢)?\W*+$"
    r"|(人工|真人)(客服|服务|坐席)|(人工|真人|活人)(在|呢|啊|来)|(要|来|换)个?(真|活)?人(来|吧|说|跟|行|聊)|我(就|只)?要人"
    r"|不(想|要)(跟|和|再)?.{0,4}(机器人|自动回复)|机器人?(走开|闭嘴)|有人(吗|在吗|在不)|(接线员|客服)(在不在|在哪|在吗)"
    r"|找能解决的人|换人$|zhuan\s*ren\s*gong|(跟|和)人(当面)?(讲|说|聊)|转接?(一下)?人",
    re.IGNORECASE,
)
_PERSON_EN = re.compile(
    r"\b(talk|speak|chat|connect|transfer|put|get|give|need|want|switch|pass)(ing)?\b.{0,30}"
    r"\b(human|agent|person|someone(?! else)|somebody(?! else)|representative|rep|advis[oe]r|operator|"
    r"staff|manager|supervisor|people|colleague)\b"
    r"|\b(talk|speak|chat)(ing)? (to|with) (any(one|body)|you lot|your team|customer (service|care|support)s?)\b"
    r"|\bput me through\b|\b(anyone|anybody|someone|somebody) (real|human|i can (talk|speak|chat) (to|with))\b"
    r"|^\W*(customer (service|care|support)s?|live (chat|agent|support)|support( team)?|helpdesk)( please| pls| plz| now)?\W*$"
    r"|\b(no|not|stop|enough( of)?|sick of|tired of|hate)( more| talking to| with| this| these| the| you| a)* (bots?|robots?|chatbots?|machines?)\b"
    r"|^\W*(a |an |the )?(real |live |actual )?(human|agent|person|operator|representative|advis[oe]r|rep)"
    r"( please| pls| plz| now)?\W*$"
    r"|\b(real|live|actual) (human|person|agent)\b|找个?agent",
    re.IGNORECASE,
)
_NOT_PERSON = re.compile(
    r"人工(费|智能|成本|呼吸|草坪)|真人(秀|不骗|不露|照片|试穿|模特)|human (rights|resources|hair)"
    r"|客服(电话|热线|几点|上班|时间|邮箱)|(电话|热线|几点|上班时间).{0,4}(是多少|是什么)"
    r"|(不用|不必|无需|不需要|别|先不|没必要)(再|给我|帮我)?(转接?|找|接|要|用)?(人工(客服|服务)?|真人|客服)"
    r"|(no need|do not|don'?t) (to |need |want |wish )*(to )?(talk to |speak to )?(an? |any )?(real )?(human|agent|person)\b",
    re.IGNORECASE,
)

_TOPICS: dict[str, re.Pattern[str]] = {
    "legal": re.compile(
        r"告你们|起诉(你|贵|他们|公司|商家)|(我|咱|们)(要|会|去|已经?|准备|打算|决定).{0,4}(起诉|上诉|打官司|申请(劳动)?仲裁)|打官司|法[院庭]见"
        r"|律师函|(走|通过|采取)法律(程序|途径|手段)|法律责任|应诉|退一赔三|假一赔十|惩罚性赔偿|侵(犯|害)了?我|侵权(了|责任)|法院(传票|立案)|收到传票"
        r"|\bsu(e|ing) (you|your|them)\b|\blawsuit|legal (action|proceedings)|see you in court|\b(you|this|it) to court\b"
        r"|small claims|breach of contract|infring(es|ed|ing|ement) (my|our)|letter before action|cease and desist"
        r"|\bmy (lawyer|solicitor|attorney) (will|is|has|says|said|advise[sd])",
        re.IGNORECASE,
    ),
    "complaint": re.compile(
        r"(?<!\d)(?:12315|12345)(?!\d)|消协|消费者协会|市场监管局|银保监|黑猫|举报你们|曝光你们|投诉你们|我要投诉|(正式|向.{1,8})投诉|投诉到"
        r"|(记者|媒体|报社|电视台|微博).{0,8}(曝光|爆料)|出人命|死了人|(起火|着火|爆炸|冒烟|漏电)了|触电了|(烧|炸|烫)伤了|住院了?([，,。！!]|$)|食物中毒了"
        r"|(你们|是|都是|遇到)(诈骗|骗子|骗钱|欺诈)|骗(了)?我(的)?钱|偷税|违法经营"
        r"|formal complaint|trading standards|\bto the (press|media|papers|newspapers)\b|caught fire|\bexploded\b|electrocuted"
        r"|food poisoning|(this|it|you|your company) (is|are|'re) an? (fraud|scam)|\byou('ve| have)? (scammed|defrauded)|whistlebl"
        r"|report(ed|ing)? you to",
        re.IGNORECASE,
    ),
    "privacy": re.compile(
        r"(泄露|泄漏|外泄|贩卖|倒卖|出卖|卖)了?(我|客户|用户|顾客).{0,6}(信息|数据|资料|隐私|号码|电话)|(信息|数据|资料|隐私).{0,6}被?(泄露|泄漏|外泄|卖了)"
        r"|(别人|他人|其他客户|别的客户|另一个客户|前任|前夫|前妻|邻居|同事).{0,6}的?(订单|地址|电话|手机号|购买记录|住址)(?!.{0,4}(改|换|写错|填错))"
        r"|(客户|用户|会员)名单|(员工|老板|客服|经理|骑手|师傅).{0,6}(住址|身份证|工资|私人电话|手机号|家庭)|进货价|成本价|利润率|拿货价"
        r"|(给|看|发|要|导出?).{0,6}源代码|商业机密|数据库.{0,6}(密码|导出)|系统提示词|(删除|清除|删掉).{0,6}我的(全部|所有).{0,4}(数据|资料|信息)"
        r"|\bgdpr\b|data (breach|leak)|\bleaked\b|customer list|trade secret|someone else'?s (order|address|account|balance|phone|details)"
        r"|\b(his|her|ex'?s|neighbou?r'?s) (order|address|balance|phone)|home address of|supplier prices?|system prompt"
        r"|(delete|erase) all (my|the) (personal )?(data|information)",
        re.IGNORECASE,
    ),
}
# Ordinary questions that carry such words; what they match is taken out before the topics look.
_ORDINARY = re.compile(
    r"爆炸盐|法院(路|街|家属楼|旁|对面|附近)|(派出所|消防|医院)(路|旁|对面|附近)|律师(事务所)?(楼|大厦)|律师函(样|模板|怎么写)|隐私政策"
    r"|投诉(电话|渠道|邮箱)|怎么投诉|举报电话|防爆|legal ?& ?general|human rights|privacy policy|court (road|street)|hospital (road|street)",
    re.IGNORECASE,
)
# Scripts of languages that no knowledge base here is written in.
_FOREIGN_LETTER = re.compile(
    "[\u0370-\u1aff\u1c80-\u1cff\u2c00-\u2dff\u3040-\u30ff\u3131-\u318e\uac00-\ud7af]"
)


def asks_for_person(text: str) -> bool:
    """Return whether the visitor wants to speak to a person, at any point of any dialogue."""
    text = _SPACED.sub("", unicodedata.normalize("NFKC", text))
    if _NOT_PERSON.search(text):
        text = _NOT_PERSON.sub(" ", text)
    return bool(_PERSON.search(text) or _PERSON_EN.search(text))


def excluded_topic(text: str, lexicon: Lexicon = _NO_WORDS) -> str:
    """Return "complaint", "legal" or "privacy" for a topic people must handle, else "".

    The tenant's own triggers may name other topics as well, of less weight than these; its
    exceptions alarm nobody.
    """
    text = _folded(text)
    for phrase in lexicon.exceptions:
        text = text.replace(_folded(phrase), " ")
    # What is ordinary in general may be what this tenant wants people to see.
    own = [topic for topic, phrase in lexicon.triggers if _folded(phrase) in text]
    text = _ORDINARY.sub(" ", text)
    for topic in EXCLUDED:
        if topic in own or _TOPICS[topic].search(text):
            return topic
    return own[0] if own else ""


def likely_topic(text: str, options: Options, lexicon: Lexicon = _NO_WORDS) -> str:
    """Return the topic people must handle that the message is probably about, else "".

    The probability is the whole message's, so one exception of the tenant's in it silences it.
    """
    if any(_folded(phrase) in _folded(text) for phrase in lexicon.exceptions):
        return ""
    if options.excluded < options.excluded_threshold:
        return ""
    return max(EXCLUDED, key=lambda topic: options.topics.get(topic, 0.0))


def likely_asks_for_person(options: Options) -> bool:
    """Return whether the message probably asks for a person in words the lexicon lacks."""
    return options.topics.get("human", 0.0) >= LIKELY_PERSON


def why_unanswered(text: str, options: Options) -> str:
    """Return why the knowledge base has nothing for a message: fault, offtopic, language or ""."""
    if is_foreign_script(text):
        return "language"
    for reason in ("fault", "offtopic"):
        if options.topics.get(reason, 0.0) >= LIKELY_REASON:
            return reason
    return ""


def is_foreign_script(text: str) -> bool:
    """Return whether most letters of a message are of a script other than Chinese and Latin."""
    text = unicodedata.normalize("NFKC", text)
    letters = sum(sign.isalpha() for sign in text)
    return letters > 0 and len(_FOREIGN_LETTER.findall(text)) * 2 > letters


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
