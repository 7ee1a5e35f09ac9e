"""The tenant's own words: kept with their history, read for each turn."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from conversations.dialogue.types import Lexicon
from conversations.models import PhraseTopic, TopicPhrase
from conversations.services import lexicon
from conversations.states import HandoffReason
from tenants.models import LedgerEntry, Tenant, User
from tenants.scoping import tenant_scope
from tenants.services import ledger


def test_phrases_in_use_make_the_lexicon(in_tenant: Tenant, other_tenant: Tenant) -> None:
    for topic, phrase, active in (
        ("offtopic", "股票", True),
        ("legal", "仲裁委", True),
        ("legal", "旧词", False),
    ):
        TopicPhrase.objects.create(topic=topic, phrase=phrase, is_active=active)
    TopicPhrase.objects.create(kind="exception", phrase="投诉电话")
    with tenant_scope(other_tenant):
        TopicPhrase.objects.create(topic="legal", phrase="别家的词")

    assert lexicon.current() == Lexicon((("legal", "仲裁委"), ("offtopic", "股票")), ("投诉电话",))


def test_no_phrases_make_an_empty_lexicon_in_one_query(
    in_tenant: Tenant, django_assert_num_queries: object
) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert lexicon.current() == Lexicon()


def test_changes_are_on_the_ledger_without_the_words(in_tenant: Tenant, operator: User) -> None:
    row = lexicon.save_phrase(TopicPhrase(topic="legal", phrase=" 仲裁委 "), by=operator)
    row = TopicPhrase.objects.get(pk=row.pk)
    row.is_active = False
    lexicon.save_phrase(row, by=None)

    made, changed = LedgerEntry.objects.filter(kind="lexicon.changed").order_by("position")
    facts = {
        "kind": "trigger",
        "topic": "legal",
        "phrase_sha256": ledger.fingerprint("仲裁委"),
        "active": True,
    }
    assert (row.phrase, made.subject) == ("仲裁委", str(row.pk))
    assert made.data == {"by": operator.pk, "before": None, "after": facts}
    assert changed.data == {"by": None, "before": facts, "after": {**facts, "active": False}}
    assert "仲裁委" not in str(made.data) + str(changed.data)
    assert TopicPhrase.objects.get().updated_by is None


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"topic": "legal", "phrase": "法"}, ["phrase"]),
        ({"topic": "legal", "phrase": "（。）！ a"}, ["phrase"]),
        ({"topic": "legal", "phrase": "长" * 61}, ["phrase"]),
        ({"topic": "legal", "phrase": ""}, ["phrase"]),
        ({"topic": "", "phrase": "仲裁"}, ["topic"]),
        ({"topic": "asked", "phrase": "仲裁"}, ["topic"]),
    ],
)
def test_what_a_phrase_cannot_be(
    in_tenant: Tenant, fields: dict[str, str], wrong: list[str]
) -> None:
    with pytest.raises(ValidationError) as refused:
        TopicPhrase(**fields).full_clean(exclude=["tenant"])

    assert list(refused.value.message_dict) == wrong


def test_an_exception_has_no_topic(in_tenant: Tenant) -> None:
    row = TopicPhrase(kind="exception", topic="legal", phrase="仲裁")

    row.full_clean(exclude=["tenant"])

    assert row.topic == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "exception", "topic": "legal", "phrase": "甲乙"},
        {"kind": "trigger", "topic": "", "phrase": "甲乙"},
        {"kind": "trigger", "topic": "fault", "phrase": "仲裁"},
    ],
)
def test_the_database_refuses_it_too(in_tenant: Tenant, fields: dict[str, str]) -> None:
    TopicPhrase.objects.create(topic="legal", phrase="仲裁")
    TopicPhrase.objects.create(kind="exception", phrase="仲裁")

    with pytest.raises(IntegrityError), transaction.atomic():
        TopicPhrase.objects.create(**fields)


def test_every_topic_is_a_reason_of_the_same_name() -> None:
    assert [(topic.value, topic.label) for topic in PhraseTopic] == [
        (reason.value, reason.label) for reason in map(HandoffReason, PhraseTopic.values)
    ]
