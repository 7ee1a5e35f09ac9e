"""A month to play, and the two parties that its figures are between."""

from collections.abc import Callable

import pytest

from conversations.models import Channel
from knowledge.models import Release
from tenants.models import Tenant, User
from tenants.roles import Role
from tests.reporting.plays import Play
from tests.tenants.agreements import Parties


@pytest.fixture
def play(
    in_tenant: Tenant,
    channel: Channel,
    publish: Callable[..., Release],
    make_member: Callable[..., User],
) -> Play:
    publish(in_tenant)
    return Play(channel, make_member(in_tenant, Role.ACCOUNT_MANAGER))


@pytest.fixture
def parties(in_tenant: Tenant, make_member: Callable[..., User]) -> Parties:
    return Parties(make_member, in_tenant)
