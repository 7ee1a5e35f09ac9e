"""Put the demonstration into the database; what is there already stays as it is."""

import csv
import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import translation

from config.demo import OPERATOR, PASSWORD, PEOPLE, reports
from config.demo.contract import agree
from config.demo.desk import furnish
from config.demo.history import play
from conversations.models import Channel, Contact, Conversation
from knowledge.models import Entry, EntryVersion, GoldenQuestion
from knowledge.services import entries, golden, releases
from reporting.models import Report
from tenants import clock
from tenants.models import Membership, Tenant, User
from tenants.scoping import tenant_scope
from tenants.services import onboarding

DATA = Path(__file__).parent
# Stories that are played, over this many days up to yesterday, at believable hours.
STORIES = 150
DAYS = 30
# Of every so many entries the first phrasing is a golden question.
GOLDEN_STEP = 12
Say = Callable[[str], None]

SHOPS: tuple[dict[str, Any], ...] = (
    {
        "slug": "demo",
        "name": "青禾生活",
        "language": "zh-hans",
        "time_zone": "Asia/Shanghai",
        "knowledge": "shop_zh.csv",
        "stories": "stories_zh.json",
        "desk": "desk_zh.json",
        "golden_for_people": "这件毛衣你们的进货价是多少",
        "channel": {
            "name": "官网",
            "language": "zh-hans",
            "assistant_name": "小禾",
            "brand_name": "青禾生活",
            "greeting": "您好，我是青禾生活的智能助手小禾。商品、订单、配送、退换货、发票，都可以问我。",
            "quick_questions": [
                "下单之后多长时间发货？",
                "尺码不合适可以换货吗？",
                "能开增值税专用发票吗？",
                "退款要多久才能到账？",
            ],
            "notice_text": (
                "为回答您的咨询，青禾生活（个人信息处理者）委托应答（受托人）处理您在对话中提供的文字、"
                "设备标识和访问页面。用途仅限客户服务与服务质量统计；对话保存 12 个月，网络地址保存 6 个月。"
                "您可以查阅、复制、更正、删除您的信息或撤回同意，直接在对话中提出即可。"
                "请不要发送身份证号、银行卡号等敏感信息。不同意也可以通过客服热线咨询。"
            ),
        },
    },
    {
        "slug": "demo-en",
        "name": "Larkfield Home",
        "language": "en",
        "time_zone": "Europe/London",
        "knowledge": "shop_en.csv",
        "stories": "stories_en.json",
        "desk": "desk_en.json",
        "golden_for_people": "What does your supplier charge you for this sweater?",
        "channel": {
            "name": "Website",
            "language": "en",
            "assistant_name": "Lark",
            "brand_name": "Larkfield Home",
            "greeting": (
                "Hello, I'm Lark, the AI assistant of Larkfield Home. Ask me about products, "
                "orders, delivery, returns or invoices."
            ),
            "quick_questions": [],
            "notice_text": (
                "To answer you, Larkfield Home (controller) has Yingda (processor) handle what you "
                "write here, a device identifier and the page you are on, for customer service and "
                "its quality only. Conversations are kept for 12 months, network addresses for 6. "
                "You may ask here to see, copy, correct or delete your data, or withdraw consent. "
                "Please do not send identity or card numbers."
            ),
        },
    },
)


def seed(say: Say) -> None:
    """Make whatever of the demonstration is missing; safe to run again."""
    for shop in SHOPS:
        _seed_shop(shop, say)
    _person(OPERATOR, "应答平台", is_operator=True)


def _seed_shop(shop: dict[str, Any], say: Say) -> None:
    tenant = Tenant.objects.filter(slug=shop["slug"]).first()
    if tenant is None:
        say(f"{shop['name']}: tenant")
        tenant = onboarding.create_tenant(
            slug=shop["slug"],
            name=shop["name"],
            language=shop["language"],
            time_zone=shop["time_zone"],
            is_demo=True,
        )
    with tenant_scope(tenant), translation.override(shop["language"]):
        _people(tenant)
        agree(tenant)
        furnish(DATA / shop["desk"])
        channel = stock(shop, say)
        if not Conversation.objects.exists():
            say(f"{shop['name']}: a month of conversations")
            with transaction.atomic():
                _history(shop, channel)
        if not Report.objects.exists():
            say(f"{shop['name']}: reports")
            reports.write(tenant)


def stock(shop: dict[str, Any], say: Say) -> Channel:
    """Give the tenant in scope a shop's knowledge and channel, where it has none."""
    _knowledge(shop, say)
    return _channel(shop)


def _people(tenant: Tenant) -> None:
    for slug, email, role, name in PEOPLE:
        if slug == tenant.slug:
            user = _person(email, name)
            Membership.objects.get_or_create(
                user=user, defaults={"role": role, "display_name": name}
            )


def _person(email: str, name: str, **fields: Any) -> User:
    user = User.objects.filter(email=email).first()
    return user or User.objects.create_user(email, PASSWORD, name=name, **fields)


def _knowledge(shop: dict[str, Any], say: Say) -> None:
    if not Entry.objects.exists():
        with (DATA / shop["knowledge"]).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        say(f"{shop['name']}: {len(rows)} knowledge entries")
        with transaction.atomic():
            for row in rows:
                entries.save_entry(
                    Entry(
                        category=entries.category_named(row["category"]),
                        question=row["question"],
                        answer=row["answer"],
                    ),
                    by=None,
                    phrasings=row["phrasings"].split(entries.PHRASING_SEPARATOR),
                )
    if releases.active_release() is None:
        releases.publish(
            by=None,
            note="Demonstration",
            progress=lambda done, total: say(f"{shop['name']}: learning phrasings {done}/{total}"),
        )
    if not GoldenQuestion.objects.exists():
        _golden(shop["golden_for_people"])


def _golden(for_people: str) -> None:
    chosen = list(Entry.objects.order_by("pk").prefetch_related("phrasings"))[::GOLDEN_STEP]
    texts = {entry.phrasings.all()[0].text: entry for entry in chosen if entry.phrasings.all()}
    golden.make_golden(texts, by=None)
    golden.save(GoldenQuestion(text=for_people), by=None)
    golden.run()


def _channel(shop: dict[str, Any]) -> Channel:
    settings = dict(shop["channel"])
    channel = Channel.objects.filter(name=settings["name"]).first()
    if channel is None:
        if not settings["quick_questions"]:
            settings["quick_questions"] = list(
                EntryVersion.objects.order_by("category_name", "question")
                .values_list("question", flat=True)
                .distinct()[:80:20]
            )
        channel = Channel.objects.create(**settings)
    return channel


def _history(shop: dict[str, Any], channel: Channel) -> None:
    stories = json.loads((DATA / shop["stories"]).read_text(encoding="utf-8"))
    versions = {version.question: version for version in EntryVersion.objects.all()}
    agents = list(Membership.objects.filter(role="agent"))
    chance = random.Random(20260101)  # noqa: S311 -- a repeatable demonstration, no secret
    count = min(STORIES, 3 * len(stories))
    for number, start in enumerate(_starts(count, channel, chance)):
        story = stories[number % len(stories)]
        repeat = number // len(stories)
        name = story["contact"]["name"]
        contact = Contact.objects.create(
            channel=channel,
            name=name if repeat == 0 else "",
            verified=False,
            locale="en" if shop["language"] == "en" else "zh-CN",
            is_demo=True,
            created_at=start,
            last_seen_at=start,
        )
        play(story, contact, channel, start, versions, agents, chance)


def _starts(count: int, channel: Channel, chance: random.Random) -> list[datetime]:
    """Instants over the past month, more by day than by night, far enough apart not to overlap."""
    zone = Tenant.objects.get(pk=channel.tenant_id).zone
    today = clock.now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    starts = []
    for number in range(count):
        day = today - timedelta(days=DAYS - number * DAYS // count)
        hour = chance.choices(range(24), weights=[1] * 8 + [5] * 14 + [2] * 2)[0]
        starts.append(
            day + timedelta(hours=hour, minutes=chance.randrange(60), seconds=chance.randrange(60))
        )
    starts = sorted(start for start in starts if start < today)
    apart = timedelta(minutes=20)
    for number in range(1, len(starts)):
        starts[number] = max(starts[number], starts[number - 1] + apart)
    return starts
