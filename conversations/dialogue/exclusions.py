"""Topics that only people may handle, and the wish for a person, by lexicon (R23-R25)."""

import re
import unicodedata

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
        r"起诉|诉讼|诉状|应诉|被告(?![知诉])|原告|上诉|胜诉|败诉|立案|开庭|法庭|传票|判决|打官司|仲裁|公证处|律师(函|费|会|说|处理)"
        r"|(请|委托|找|咨询).{0,4}律师|法律(责任|途径|程序|手段|意见|咨询)|侵权|违约(金|责任)|合同(纠纷|欺诈|无效)"
        r"|(我|去|会|要)(告|起诉)你们|告你们|法院(见|起诉|告|立案|传票)|赔偿(责任|损失)|民法典|消费者权益保护法|惩罚性赔偿|退一赔三|假一赔十"
        r"|\bsu(e|ing)\b|lawsuit|\blawyers?\b|attorney|solicitor|legal (action|advice|proceedings|claim)|\bin court\b|to court"
        r"|small claims|breach of contract|infring|tribunal|ombudsman|liab(le|ility)|arbitration",
        re.IGNORECASE,
    ),
    "complaint": re.compile(
        r"12315|12345|消协|消费者协会|工商局|市场监管|监管局|银保监|黑猫|举报(你们|到|电话)?|(记者|媒体|报社|电视台|微博).{0,8}(曝光|爆料|找|联系)"
        r"|曝光你们|(我要|正式|严重|向.{1,8})投诉(你们)?|投诉到|(爆炸|起火|着火|冒烟|漏电|触电)(了|，|,|。|！|!|$)|(烧|炸)伤|受伤|住院|中毒|出人命|死了人"
        r"|诈骗|欺诈|骗子|骗钱|偷税|报警|犯罪|违法经营|假货.{0,6}(举报|曝光)"
        r"|formal complaint|regulator|trading standards|watchdog|consumer protection|injur(ed|y)|to the (press|media|papers|police)"
        r"|caught fire|exploded|electric shock|poison(ed|ing)|hospital|\bfraud(ulent)?\b|\bscam(med|mers?)?\b|whistlebl",
        re.IGNORECASE,
    ),
    "privacy": re.compile(
        r"(泄露|泄漏|外泄|贩卖|倒卖|卖).{0,6}(信息|数据|资料|隐私|号码)|(信息|数据|资料|隐私).{0,6}(被?(泄露|泄漏|外泄|卖))"
        r"|(别人|他人|其他客户|别的客户|另一个客户|前任|前夫|前妻|老公|老婆|男朋友|女朋友|邻居|同事).{0,12}(订单|地址|电话|手机号|购买记录|住址|信息)"
        r"|客户名单|用户名单|(员工|老板|客服|经理|骑手|师傅).{0,6}(住址|身份证|工资|私人电话|手机号|家庭)|(供应商|进货价|成本价|利润率|底价|内部(文件|价|资料|规则))"
        r"|源代码|商业秘密|商业机密|配方|数据库.{0,6}(密码|导出)|(删除|清除|注销).{0,6}(个人|我的全部).{0,4}(数据|资料|信息)"
        r"|\bgdpr\b|data (breach|leak)|leaked|customer list|confidential|trade secret|someone else'?s|(his|her|their|ex'?s|neighbou?r'?s) "
        r"(order|address|account|balance|phone)|home address of|internal (cost|price|memo)|supplier price|my personal data",
        re.IGNORECASE,
    ),
}
# Ordinary questions that carry such words; what they match is taken out before the topics look.
_ORDINARY = re.compile(
    r"爆炸盐|法院(路|街|家属楼|旁|对面|附近)|(派出所|消防|医院)(路|旁|对面|附近)|律师(事务所)?(楼|大厦)|隐私政策|投诉(电话|渠道|邮箱)|怎么投诉|举报电话"
    r"|防爆|legal ?& ?general|human rights|privacy policy|court (road|street)|hospital (road|street)",
    re.IGNORECASE,
)


def asks_for_person(text: str) -> bool:
    """Return whether the visitor wants to speak to a person, at any point of any dialogue."""
    text = _SPACED.sub("", unicodedata.normalize("NFKC", text))
    if _NOT_PERSON.search(text):
        text = _NOT_PERSON.sub(" ", text)
    return bool(_PERSON.search(text) or _PERSON_EN.search(text))


def excluded_topic(text: str) -> str:
    """Return "complaint", "legal" or "privacy" for a topic people must handle, else ""."""
    text = _ORDINARY.sub(" ", unicodedata.normalize("NFKC", text))
    for topic in ("complaint", "legal", "privacy"):
        if _TOPICS[topic].search(text):
            return topic
    return ""
