"""Visitors and agents of the tenant `tenant` (青禾生活), whose channel is `channel`."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conversations import deliveries, turns
from conversations.models import Channel, ContactSession
from conversations.services import contacts
from conversations.services.contacts import Admission
from conversations.services.identity import Introduction
from knowledge import search
from knowledge.models import EntryVersion, Release
from knowledge.retrieval.gate import EXACT_P
from knowledge.retrieval.topics import excluded_share
from knowledge.search import Answers, Candidate
from tenants.models import Membership, Tenant, User
from tenants.scoping import tenant_scope
from tests.conftest import KNOWLEDGE

# Two entries share a phrasing, so neither can be the answer to it: the visitor is asked which.
EITHER = "运费谁承担"
AMBIGUOUS = (
    ("售后", "退货的运费由谁付？", [EITHER], "质量问题的退货运费由我们承担。"),
    ("售后", "换货的运费由谁付？", [EITHER], "换货运费双方各付一程。"),
)
KNOWN, ANSWER = KNOWLEDGE[0][1], KNOWLEDGE[0][3]
UNKNOWN = "商品能做礼盒包装吗"


@pytest.fixture(autouse=True)
def _quick_and_quiet(settings: Any) -> Iterator[None]:
    # Otherwise each test client would look at every static file first.
    settings.WHITENOISE_AUTOREFRESH = True
    yield
    turns.forget()
    deliveries.forget()


@pytest.fixture
def admit(db: None) -> Callable[..., Admission]:
    """Let a device in: admit(channel, user_id=…) -> Admission."""

    def let_in(channel: Channel, **who: Any) -> Admission:
        with tenant_scope(channel.tenant_id):
            return contacts.admit(channel, Introduction(**{"device_id": "device", **who}))

    return let_in


@pytest.fixture
def visitor(channel: Channel, admit: Callable[..., Admission]) -> ContactSession:
    return admit(channel).session


@pytest.fixture
def agent(
    tenant: Tenant,
    make_member: Callable[..., User],
    member_of: Callable[[User, Tenant], Membership],
) -> Membership:
    return member_of(make_member(tenant, name="林晓"), tenant)


@pytest.fixture
def colleague(
    tenant: Tenant,
    make_member: Callable[..., User],
    member_of: Callable[[User, Tenant], Membership],
) -> Membership:
    return member_of(make_member(tenant, email="colleague@qinghe.example", name="周舟"), tenant)


@pytest.fixture
def knowledge(tenant: Tenant, publish: Callable[..., Release]) -> Release:
    return publish(tenant, (*KNOWLEDGE, *AMBIGUOUS))


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answers]:
    """Say what the knowledge base offers: offered((question, p), …, topics=…, parts=[…])."""

    def candidate(question: str, p: float) -> Candidate:
        version = EntryVersion.objects.get(question=question)
        return Candidate(version.pk, question, version.answer, p, p, p == EXACT_P)

    def offer(*found: tuple[str, float], parts: Any = (), **fields: Any) -> Answers:
        release = Release.objects.order_by("-number").first()
        answers = Answers(
            release_id=release.pk if release else None,
            candidates=tuple(candidate(*each) for each in found),
            low_content=False,
            semantic=True,
            parts=tuple(candidate(*each) for each in parts),
            **{
                # Buttons are offered from half a chance on: that is enough for these tests.
                "in_scope": 0.95 if found and found[0][1] >= 0.3 else 0.1,
                "excluded": excluded_share(fields.get("topics", {})),
                **fields,
            },
        )
        monkeypatch.setattr(search, "answer_candidates", lambda text, limit=5: answers)
        return answers

    return offer
