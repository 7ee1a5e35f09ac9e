"""The cast of the tests: two tenants, their people, their channels, their knowledge."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.template.response import SimpleTemplateResponse
from django.test import Client

from conversations.executor import close_pool
from conversations.hub import reset_hub
from conversations.models import Channel
from knowledge import search
from knowledge.models import Entry, Release
from knowledge.services import entries, releases
from tenants import clock, outward
from tenants.models import Membership, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services import contracts
from tenants.services.onboarding import create_tenant

PASSWORD = "a-long-test-password"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Give SQLite a file: threads cannot share an in-memory database without locking errors."""
    from django.conf import settings  # noqa: PLC0415 -- settings are configured by now

    database = settings.DATABASES["default"]
    if "sqlite" in database["ENGINE"]:
        database.setdefault("TEST", {})["NAME"] = str(
            tmp_path_factory.mktemp("database") / "test.sqlite3"
        )


@pytest.fixture(autouse=True)
def _clean_slate(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # What is asked again every half minute would fall into the counting of somebody's queries.
    monkeypatch.setattr(clock, "RESYNC_SECONDS", 24 * 3600.0)
    monkeypatch.setattr(contracts, "_BELIEVED_SECONDS", 24 * 3600.0)
    settings.MEDIA_ROOT = tmp_path
    cache.clear()
    search.forget()
    contracts.forget()
    yield
    close_pool()
    reset_hub()
    outward.close_client()


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pages answer without being drawn: whether somebody may see them is decided before."""
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")


@pytest.fixture
def tenant(db: None) -> Tenant:
    return create_tenant(slug="qinghe", name="青禾生活")


@pytest.fixture
def other_tenant(db: None) -> Tenant:
    return create_tenant(slug="yunshan", name="云杉家电")


@pytest.fixture
def in_tenant(tenant: Tenant) -> Iterator[Tenant]:
    with tenant_scope(tenant):
        yield tenant


@pytest.fixture
def make_member(db: None) -> Callable[..., User]:
    """Make a person with a role in a tenant: make_member(tenant, Role.AGENT) -> User."""

    def make(tenant: Tenant, role: str = Role.AGENT, *, email: str = "", name: str = "") -> User:
        with tenant_scope(tenant):
            number = Membership.objects.count() + 1
            user = User.objects.create_user(
                email or f"{role}{number}@{tenant.slug}.example", PASSWORD
            )
            Membership.objects.create(
                user=user, role=role, display_name=name or f"{tenant.slug}-{role}-{number}"
            )
        return user

    return make


@pytest.fixture
def member_of(db: None) -> Callable[[User, Tenant], Membership]:
    """Return a person's membership in a tenant."""

    def find(user: User, tenant: Tenant) -> Membership:
        with tenant_scope(tenant):
            return Membership.objects.select_related("user").get(user=user)

    return find


@pytest.fixture
def operator(db: None) -> User:
    return User.objects.create_superuser("operator@platform.example", PASSWORD)


@pytest.fixture
def client_as() -> Callable[[User], Client]:
    """Return a test client in which this person is signed in."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in


@pytest.fixture
def make_channel(db: None) -> Callable[..., Channel]:
    """Make a channel of a tenant: make_channel(tenant, allowed_origins=[…])."""

    def make(tenant: Tenant, **fields: Any) -> Channel:
        defaults = {
            "name": f"{tenant.slug}官网",
            "assistant_name": "小应",
            "brand_name": tenant.name,
            "greeting": "您好，请问有什么可以帮您？",
            "notice_text": "我们仅为回答咨询处理您的信息。",
        }
        with tenant_scope(tenant):
            return Channel.objects.create(**{**defaults, **fields})

    return make


@pytest.fixture
def channel(tenant: Tenant, make_channel: Callable[..., Channel]) -> Channel:
    return make_channel(tenant)


KNOWLEDGE = (
    (
        "配送",
        "下单之后多长时间发货？",
        ["几天能寄出来", "今天拍什么时候出库"],
        "现货订单 24 小时内发货。",
    ),
    (
        "售后",
        "尺码不合适可以换货吗？",
        ["鞋子小了想换大一码", "穿着不合身怎么调换"],
        "签收后 7 天内可换一次。",
    ),
    (
        "发票",
        "能开增值税专用发票吗？",
        ["公司采购要专用发票", "专票怎么申请"],
        "可以，请提供开票资料。",
    ),
)


@pytest.fixture
def publish(db: None) -> Callable[..., Release]:
    """Give a tenant a released knowledge base: publish(tenant, rows=KNOWLEDGE)."""

    def make(tenant: Tenant, rows: Any = KNOWLEDGE) -> Release:
        with tenant_scope(tenant):
            for category, question, phrasings, answer in rows:
                entries.save_entry(
                    Entry(
                        category=entries.category_named(category), question=question, answer=answer
                    ),
                    by=None,
                    phrasings=phrasings,
                )
            return releases.publish(by=None)

    return make
