"""The admin pages about channels, contacts, conversations and promises, through the door."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations.models import (
    BotDecision,
    Channel,
    ContactSession,
    Conversation,
    Message,
    TopicPhrase,
)
from conversations.services import channels, desk, endings, handoff
from conversations.states import HandoffReason
from knowledge.models import Release
from tenants import clock
from tenants.models import (
    Breach,
    LedgerEntry,
    Membership,
    Obligation,
    ObligationState,
    Tenant,
    User,
)
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conftest import KNOWLEDGE
from tests.conversations.conftest import ANSWER, EITHER, KNOWN, UNKNOWN
from tests.conversations.doors import ask, send
from tests.world import World, furnish

BENCH = "/admin/knowledge/entry/try/"
SECRET = "云杉机密"
LISTS = {
    "channel": "/admin/conversations/channel/",
    "contact": "/admin/conversations/contact/",
    "consent": "/admin/conversations/consent/",
    "conversation": "/admin/conversations/conversation/",
    "handoff": "/admin/conversations/handoff/",
    "botdecision": "/admin/conversations/botdecision/",
    "message": "/admin/conversations/message/",
    "obligation": "/admin/tenants/obligation/",
    "breach": "/admin/tenants/breach/",
}
EVIDENCE = [name for name in LISTS if name != "channel"]


@pytest.fixture
def admin(tenant: Tenant, make_member: Callable[..., User], client_as: Any) -> Client:
    client: Client = client_as(make_member(tenant, Role.CLIENT_ADMIN))
    return client


@pytest.fixture
def reader(tenant: Tenant, make_member: Callable[..., User], client_as: Any) -> Client:
    client: Client = client_as(make_member(tenant, Role.CLIENT_READONLY))
    return client


@pytest.fixture
def other(other_tenant: Tenant) -> World:
    return furnish(other_tenant, SECRET)


def url(row: Any, page: str = "change") -> str:
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=[row.pk])


def form(channel: Channel | None = None, **changed: Any) -> dict[str, Any]:
    values = {
        "name": channel.name if channel else "新渠道",
        "kind": "web",
        "status": "active",
        "brand_name": "青禾",
        "assistant_name": "小禾",
        "language": "zh-hans",
        "colour": "#0f766e",
        "greeting": "您好",
        "quick_questions": "",
        "allowed_origins": "",
        "notice_text": channel.notice_text if channel else "告知。",
    }
    return {**values, **changed}


def fresh(channel: Channel) -> Channel:
    with tenant_scope(channel.tenant_id):
        return Channel.objects.get(pk=channel.pk)


# Channels


def test_a_channels_lists_are_written_one_item_per_line(tenant: Tenant, admin: Client) -> None:
    response = admin.post(
        f"{LISTS['channel']}add/",
        form(
            allowed_origins="https://www.qinghe.example\r\n\r\nhttps://*.qinghe.example ",
            quick_questions="几天到？\r\n能退吗？",
        ),
    )

    assert response.status_code == 302
    with tenant_scope(tenant):
        channel = Channel.objects.get()
        kind = LedgerEntry.objects.latest("position").kind
    assert channel.allowed_origins == ["https://www.qinghe.example", "https://*.qinghe.example"]
    assert channel.quick_questions == ["几天到？", "能退吗？"]
    assert channel.key.startswith(f"ck_{tenant.code}_")
    assert kind == "channel.created"
    page = admin.get(url(channel)).content.decode()
    assert "https://www.qinghe.example\nhttps://*.qinghe.example" in page


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("allowed_origins", "https://ok.example\nwww.qinghe.example"),
        ("allowed_origins", "https://qinghe.example/path"),
        ("quick_questions", "\n".join("1234567")),
        ("colour", "red"),
        ("name", ""),
    ],
)
def test_what_a_channel_cannot_be_is_an_error_of_its_field(
    admin: Client, field: str, value: str
) -> None:
    response = admin.post(f"{LISTS['channel']}add/", form(**{field: value}))

    assert list(response.context["adminform"].form.errors) == [field]


def test_two_channels_cannot_have_one_name_but_two_tenants_can(
    channel: Channel, other: World, admin: Client
) -> None:
    twice = admin.post(f"{LISTS['channel']}add/", form(name=channel.name))
    shared = admin.post(f"{LISTS['channel']}add/", form(name=other.channel.name))

    assert twice.context["adminform"].form.errors
    assert shared.status_code == 302


def test_a_changed_notice_is_a_new_version(channel: Channel, admin: Client) -> None:
    admin.post(url(channel), form(channel, greeting="换了问候"))
    same = fresh(channel).notice_version
    admin.post(url(channel), form(channel, notice_text="新的告知。"))

    assert (same, fresh(channel).notice_version) == (1, 2)
    with tenant_scope(channel.tenant_id):
        assert LedgerEntry.objects.latest("position").data["notice_version"] == 2


def test_the_page_offers_the_line_for_the_website(channel: Channel, admin: Client) -> None:
    page = admin.get(url(channel))

    assert page.context["snippet"] == (
        '<script async src="http://testserver/widget/v1/loader.js" '
        f'data-channel-key="{channel.key}"></script>'
    )
    assert channel.identity_secret not in page.content.decode()


def test_a_new_secret_is_shown_once(channel: Channel, admin: Client) -> None:
    asked = admin.get(url(channel, "rotate_page"))
    unchanged = fresh(channel).identity_secret

    shown = admin.post(url(channel, "rotate_page"))

    secret = fresh(channel).identity_secret
    assert unchanged == channel.identity_secret != secret
    assert secret in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    for page in (asked, admin.get(url(channel)), admin.get(LISTS["channel"])):
        assert secret not in page.content.decode()
    with tenant_scope(channel.tenant_id):
        latest = LedgerEntry.objects.latest("position")
        assert latest.kind == "channel.secret_rotated"
        assert secret not in str(latest.data)


def test_a_secret_cannot_be_guessed_by_filtering(channel: Channel, reader: Client) -> None:
    first = channel.identity_secret[0]

    for lookup in ("identity_secret__startswith", "key__startswith"):
        assert reader.get(LISTS["channel"], {lookup: first}).status_code == 400


def test_readers_see_a_channel_and_change_nothing(
    tenant: Tenant, make_channel: Callable[..., Channel], reader: Client
) -> None:
    channel = make_channel(
        tenant, allowed_origins=["https://a.example"], quick_questions=["几天到？"]
    )

    page = reader.get(url(channel)).content.decode()

    assert "https://a.example" in page
    assert "几天到？" in page
    assert "['" not in page
    assert "[&#x27;" not in page
    assert reader.post(url(channel), form(channel, name="x")).status_code == 403
    assert reader.get(url(channel, "rotate_page")).status_code == 403
    assert reader.post(url(channel, "rotate_page")).status_code == 403
    assert reader.get(f"{LISTS['channel']}add/").status_code == 403
    assert fresh(channel).identity_secret == channel.identity_secret


def test_saving_through_the_service_keeps_the_secret(channel: Channel) -> None:
    with tenant_scope(channel.tenant_id):
        channel.status = "disabled"
        channels.save_channel(channel, by=None)

        assert fresh(channel).identity_secret == channel.identity_secret
        assert LedgerEntry.objects.latest("position").data["status"] == "disabled"


# Sensitive phrases

PHRASES = "/admin/conversations/topicphrase/"


def phrase_form(**changed: Any) -> dict[str, Any]:
    values = {
        "kind": "trigger",
        "topic": "legal",
        "phrase": "仲裁委",
        "note": "",
        "is_active": "on",
    }
    return {**values, **changed}


def test_a_phrase_is_added_and_changed_with_its_history(tenant: Tenant, admin: Client) -> None:
    added = admin.post(f"{PHRASES}add/", phrase_form(phrase=" 仲裁委 ", note="法务要求"))
    with tenant_scope(tenant):
        row = TopicPhrase.objects.select_related("updated_by").get()
    switched = admin.post(url(row), phrase_form(kind="exception", is_active=""))

    assert (added.status_code, switched.status_code) == (302, 302)
    assert (row.phrase, row.note, row.is_active) == ("仲裁委", "法务要求", True)
    assert row.updated_by is not None
    with tenant_scope(tenant):
        row.refresh_from_db()
        events = LedgerEntry.objects.filter(kind="lexicon.changed").order_by("position")
        kinds = [(event.data["before"] or {}).get("kind") for event in events]
        latest = events[1].data
    assert (row.kind, row.topic, row.is_active) == ("exception", "", False)
    assert kinds == [None, "trigger"]
    assert (latest["after"]["kind"], latest["by"]) == ("exception", row.updated_by_id)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"phrase": "法"}, "phrase"),
        ({"phrase": "、、、"}, "phrase"),
        ({"phrase": "长" * 61}, "phrase"),
        ({"topic": ""}, "topic"),
        ({"topic": "asked"}, "topic"),
        ({"kind": "other"}, "kind"),
    ],
)
def test_what_a_phrase_cannot_be_is_an_error_of_its_field(
    admin: Client, changed: dict[str, str], field: str
) -> None:
    response = admin.post(f"{PHRASES}add/", phrase_form(**changed))

    assert field in response.context["adminform"].form.errors


def test_one_phrase_stands_once_of_each_kind(tenant: Tenant, other: World, admin: Client) -> None:
    with tenant_scope(other.tenant):
        theirs = TopicPhrase.objects.get().phrase
    first = admin.post(f"{PHRASES}add/", phrase_form())

    twice = admin.post(f"{PHRASES}add/", phrase_form(topic="privacy"))
    other_kind = admin.post(f"{PHRASES}add/", phrase_form(kind="exception"))
    shared = admin.post(f"{PHRASES}add/", phrase_form(phrase=theirs))

    assert twice.context["adminform"].form.errors
    assert [page.status_code for page in (first, other_kind, shared)] == [302, 302, 302]


def test_phrases_are_found_by_kind_topic_use_and_words(tenant: Tenant, reader: Client) -> None:
    with tenant_scope(tenant):
        TopicPhrase.objects.create(topic="legal", phrase="仲裁委", note="法务要求")
        TopicPhrase.objects.create(topic="fault", phrase="蓝屏", is_active=False)
        TopicPhrase.objects.create(kind="exception", phrase="投诉电话")

    def found(**query: str) -> list[str]:
        page = reader.get(PHRASES, query)
        assert page.status_code == 200
        return sorted(row.phrase for row in page.context["cl"].result_list)

    assert found() == sorted(["仲裁委", "蓝屏", "投诉电话"])
    assert found(kind__exact="exception") == ["投诉电话"]
    assert found(topic__exact="fault") == ["蓝屏"]
    assert found(is_active__exact="0") == ["蓝屏"]
    assert found(q="法务") == ["仲裁委"]


@pytest.mark.parametrize(
    ("role", "sees", "changes"),
    [
        (Role.ACCOUNT_MANAGER, 200, 200),
        (Role.CLIENT_ADMIN, 200, 200),
        (Role.SUPERVISOR, 200, 403),
        (Role.CLIENT_READONLY, 200, 403),
        (Role.KNOWLEDGE_EDITOR, 403, 403),
        (Role.AGENT, 302, 302),
    ],
)
def test_who_may_see_and_change_the_phrases(
    tenant: Tenant,
    make_member: Callable[..., User],
    client_as: Any,
    role: str,
    sees: int,
    changes: int,
) -> None:
    with tenant_scope(tenant):
        row = TopicPhrase.objects.create(topic="legal", phrase="仲裁委")
    client = client_as(make_member(tenant, role))

    assert client.get(PHRASES).status_code == sees
    assert client.get(f"{PHRASES}add/").status_code == changes
    # What is posted is incomplete: who may change it is told so.
    assert client.post(url(row), {"phrase": "别的词"}).status_code == changes
    assert client.post(url(row, "delete"), {"post": "yes"}).status_code in (302, 403)
    with tenant_scope(tenant):
        assert TopicPhrase.objects.get().phrase == "仲裁委"


# Conversations and evidence


@pytest.fixture
def dealing(tenant: Tenant, knowledge: Release, visitor: ContactSession) -> Conversation:
    """A question answered, one not understood, and a hand-off."""
    with tenant_scope(tenant):
        ask(visitor, KNOWN)
        ask(visitor, EITHER)
        handoff.request_handoff(Conversation.objects.get().pk)
        return Conversation.objects.get()


def test_a_transcript_shows_who_said_what_and_why(
    tenant: Tenant, dealing: Conversation, reader: Client
) -> None:
    page = reader.get(url(dealing))
    text = re.sub(r"\s+", " ", page.content.decode())

    lines = page.context["lines"]
    assert [line["message"].author_kind for line in lines] == [
        "customer",
        "bot",
        "customer",
        "bot",
        "system",
    ]
    assert KNOWN in text
    assert ANSWER in text
    assert all(line["why"] for line in lines if line["message"].author_kind == "customer")
    assert text.count("AI 生成") == 2
    assert "退货的运费由谁付？" in text, "the choices stand with the message"
    assert 'name="_save"' not in text


def test_a_closed_conversation_still_tells_who_served_it_and_what_they_noted(
    tenant: Tenant, dealing: Conversation, agent: Membership, reader: Client
) -> None:
    with tenant_scope(tenant):
        desk.take(dealing.pk, by=agent)
        desk.note(dealing.pk, "<b>老客户</b>", by=agent, client_msg_id="n1")
        desk.reply(dealing.pk, "您好", by=agent, client_msg_id="r1")
        endings.close(dealing.pk, by=agent)

    page = reader.get(url(dealing))
    text = page.content.decode()

    kinds = ["note" if "note" in line else "message" for line in page.context["lines"]]
    assert kinds.index("note") < len(kinds) - 1, "the note stands where it was written"
    assert "&lt;b&gt;老客户&lt;/b&gt;" in text
    assert text.count(agent.display_name) >= 3
    assert str(HandoffReason.ASKED.label) in text


def test_what_visitors_write_is_never_markup(
    tenant: Tenant, knowledge: Release, visitor: ContactSession, reader: Client
) -> None:
    attack = "<script>alert(1)</script>"
    with tenant_scope(tenant):
        send(visitor, attack)
        conversation = Conversation.objects.get()

    for page in (reader.get(url(conversation)), reader.get(LISTS["conversation"])):
        assert attack not in page.content.decode()
        assert "&lt;script&gt;alert" in page.content.decode()


@pytest.mark.parametrize("name", EVIDENCE)
def test_evidence_is_read_only_for_everybody(tenant: Tenant, admin: Client, name: str) -> None:
    world = furnish(tenant, "甲方")
    label = f"{'tenants' if name in ('obligation', 'breach') else 'conversations'}.{name}"
    row = world.rows[label]

    assert admin.get(url(row)).status_code == 200
    assert admin.get(url(row, "history")).status_code == 200
    assert admin.post(url(row), {"text": "x"}).status_code == 403
    assert admin.post(url(row, "delete"), {"post": "yes"}).status_code == 403
    assert admin.get(f"{LISTS[name]}add/").status_code == 403
    admin.post(
        LISTS[name],
        {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"},
    )
    with tenant_scope(tenant):
        assert type(row).objects.filter(pk=row.pk).exists()


QUERIES: list[dict[str, str]] = [
    {},
    {"q": SECRET},
    {"period": "today"},
    {"period": "month"},
    {"o": "1"},
]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("query", QUERIES)
def test_lists_and_searches_stay_in_the_tenant(
    tenant: Tenant, other: World, admin: Client, name: str, query: dict[str, str]
) -> None:
    if name == "channel" and "period" in query:
        query = {}
    response = admin.get(LISTS[name], query)

    assert response.status_code == 200
    assert list(response.context["cl"].result_list) == []
    assert response.content.decode().replace(f'value="{SECRET}"', "").count(SECRET) == 0


def test_filters_by_foreign_ids_find_nothing(
    tenant: Tenant, other: World, make_channel: Callable[..., Channel], admin: Client
) -> None:
    furnish(tenant, "甲方")
    make_channel(tenant)
    contact = str(other.pk("conversations.contact"))
    channel = str(other.channel.pk)

    for query in ({"contact": contact}, {"channel__id__exact": channel}):
        response = admin.get(LISTS["conversation"], query)
        assert list(response.context["cl"].result_list) == []
        assert SECRET not in response.content.decode()


@pytest.mark.parametrize("name", LISTS)
def test_foreign_and_missing_rows_get_one_answer(
    tenant: Tenant, other: World, admin: Client, name: str
) -> None:
    label = f"{'tenants' if name in ('obligation', 'breach') else 'conversations'}.{name}"
    missing = "01900000-0000-7000-8000-000000000000"
    told = []

    for pk in (other.pk(label), missing):
        pages = [
            admin.get(f"{LISTS[name]}{pk}/{page}/", follow=True) for page in ("change", "history")
        ]
        told.append(
            [
                (
                    page.status_code,
                    page.redirect_chain,
                    [str(note).replace(str(pk), "") for note in page.context["messages"]],
                )
                for page in pages
            ]
        )
        assert all(SECRET not in page.content.decode() for page in pages)

    assert told[0] == told[1]


def test_another_tenants_secret_cannot_be_rotated(
    tenant: Tenant, other: World, admin: Client
) -> None:
    response = admin.post(url(other.channel, "rotate_page"))

    assert response.status_code == 302
    assert fresh(other.channel).identity_secret == other.channel.identity_secret


@pytest.mark.parametrize(
    "query",
    [
        {"status__exact": "waiting_human"},
        {"handoff_reason__exact": "asked"},
        {"period": "today"},
        {"period": "week"},
    ],
)
def test_filters_find_what_they_name(
    dealing: Conversation, reader: Client, query: dict[str, str]
) -> None:
    found = reader.get(LISTS["conversation"], query).context["cl"].result_list
    missed = reader.get(LISTS["conversation"], {**query, "period": "yesterday"}).context["cl"]

    assert [row.pk for row in found] == [dealing.pk]
    assert list(missed.result_list) == []


def test_days_are_cut_in_the_tenants_zone(
    tenant: Tenant, dealing: Conversation, reader: Client
) -> None:
    # 00:30 in Shanghai is still yesterday in UTC.
    night = clock.now().astimezone(tenant.zone).replace(hour=0, minute=30)
    with tenant_scope(tenant):
        Conversation.objects.filter(pk=dealing.pk).update(last_at=night)

    page = reader.get(LISTS["conversation"], {"period": f"{night:%Y-%m-%d}"})

    assert [row.pk for row in page.context["cl"].result_list] == [dealing.pk]
    assert f"{night:%Y-%m-%d} 00:30" in page.content.decode()


def test_a_running_promise_says_what_is_left_and_a_late_one_by_how_much(
    tenant: Tenant, knowledge: Release, visitor: ContactSession, reader: Client
) -> None:
    with tenant_scope(tenant):
        send(visitor, KNOWN)
        row = Obligation.objects.get()
        Obligation.objects.filter(pk=row.pk).update(
            started_at=clock.now(), due_at=clock.now() + timedelta(minutes=61)
        )
    reader.cookies["django_language"] = "en"

    running = reader.get(LISTS["obligation"]).content.decode()
    with tenant_scope(tenant):
        Obligation.objects.filter(pk=row.pk).update(
            state=ObligationState.BREACHED,
            started_at=clock.now() - timedelta(minutes=1),
            due_at=clock.now() - timedelta(minutes=1),
            met_at=clock.now() - timedelta(seconds=30),
        )
    late = reader.get(LISTS["obligation"]).content.decode()

    assert "1 h left" in running
    assert "30.00 s late" in late or "29.99 s late" in late


def test_breaches_open_into_their_conversation(
    tenant: Tenant, dealing: Conversation, reader: Client
) -> None:
    with tenant_scope(tenant):
        row = Obligation.objects.earliest("started_at")
        Breach.objects.create(
            obligation=row,
            clause=row.clause,
            subject_id=row.subject_id,
            conversation_id=dealing.pk,
            started_at=row.started_at,
            due_at=row.due_at,
            detected_at=clock.now(),
        )

    assert url(dealing) in reader.get(LISTS["breach"]).content.decode()


def test_decisions_say_what_the_message_sounds_like(
    tenant: Tenant, dealing: Conversation, reader: Client
) -> None:
    reader.cookies["django_language"] = "en"
    with tenant_scope(tenant):
        rows = BotDecision.objects.filter(outcome="answered")
        rows.update(topics={"ordinary": 0.07, "legal": 0.93}, in_scope=0.875)
        decision = rows.get()

    page = re.sub(r"\s+", " ", reader.get(url(decision)).content.decode())

    assert "Legal dispute 93%, Ordinary question 7%" in page
    assert "88%" in page


def test_decisions_show_their_candidates(
    tenant: Tenant, dealing: Conversation, reader: Client
) -> None:
    with tenant_scope(tenant):
        decision = BotDecision.objects.get(outcome="answered")

    page = reader.get(url(decision)).content.decode()

    assert KNOWN in page
    assert "<svg" in page


# The test bench


@pytest.mark.parametrize(
    ("question", "outcome"),
    [
        (KNOWN, "answered"),
        (EITHER, "clarify"),
        (UNKNOWN, "handoff"),
        ("你好", "smalltalk"),
        ("转人工", "handoff"),
    ],
)
def test_the_bench_decides_like_the_assistant_and_writes_nothing(
    tenant: Tenant,
    knowledge: Release,
    visitor: ContactSession,
    reader: Client,
    question: str,
    outcome: str,
) -> None:
    page = reader.post(BENCH, {"question": question})

    with tenant_scope(tenant):
        assert not Message.objects.exists()
        ask(visitor, question)
        decision = BotDecision.objects.get()
    assert decision.outcome == outcome
    assert decision.get_outcome_display() in str(page.context["outcome"])
    assert [row["question"] for row in page.context["candidates"]] == [
        candidate["question"] for candidate in decision.candidates
    ]


def test_the_bench_asks_the_own_release_only(
    tenant: Tenant, other: World, publish: Callable[..., Release], reader: Client
) -> None:
    page = reader.post(BENCH, {"question": f"{SECRET}问"})

    assert page.context["no_release"]
    assert SECRET not in page.content.decode().replace(f"{SECRET}问", "")


def test_the_bench_needs_the_right_to_see_knowledge(
    tenant: Tenant, make_member: Callable[..., User], client_as: Any, operator: User
) -> None:
    assert client_as(make_member(tenant, Role.AGENT)).get(BENCH).status_code == 302
    assert client_as(operator).get(BENCH).status_code == 403


# Work per page


def query_count(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def test_lists_ask_as_much_for_one_row_as_for_many(
    tenant: Tenant,
    channel: Channel,
    knowledge: Release,
    admit: Callable[..., Any],
    admin: Client,
) -> None:
    def deal(number: int) -> Conversation:
        session = admit(channel, device_id=f"device{number}", user_id=f"user{number}").session
        with tenant_scope(tenant):
            ask(session, KNOWN)
            conversation = Conversation.objects.get(contact=session.contact)
            handoff.request_handoff(conversation.pk)
            row = Obligation.objects.filter(conversation_id=conversation.pk).earliest("started_at")
            Breach.objects.create(
                obligation=row,
                clause=row.clause,
                subject_id=row.subject_id,
                conversation_id=conversation.pk,
                started_at=row.started_at,
                due_at=row.due_at,
                detected_at=clock.now(),
            )
            return conversation

    conversation = deal(1)
    paths = [*LISTS.values(), url(conversation)]
    one = {path: query_count(admin, path) for path in paths}
    deal(2)
    deal(3)

    assert {path: query_count(admin, path) for path in paths} == one


def test_a_transcript_asks_as_much_for_two_lines_as_for_ten(
    tenant: Tenant, knowledge: Release, visitor: ContactSession, admin: Client
) -> None:
    with tenant_scope(tenant):
        ask(visitor, KNOWN)
        conversation = Conversation.objects.get()
    few = query_count(admin, url(conversation))
    with tenant_scope(tenant):
        for text in (*KNOWLEDGE[0][2], *KNOWLEDGE[1][2]):
            ask(visitor, text)

    assert query_count(admin, url(conversation)) == few


def test_reasons_are_words_in_both_languages(dealing: Conversation, reader: Client) -> None:
    for language in ("zh-hans", "en"):
        reader.cookies["django_language"] = language
        text = reader.get(url(dealing)).content.decode()
        assert not re.search(r"\bwaiting_human\b(?!\")", re.sub(r"<[^>]*>", "", text))
        assert HandoffReason.ASKED.value not in re.sub(r"<[^>]*>", "", text).split()
