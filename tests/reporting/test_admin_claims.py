"""Exclusion claims in the admin: made with files, read and saved by the client, refused in words."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from reporting.models import ClaimFile, DownInterval, ExclusionClaim
from reporting.services import claim_files
from tenants import clock
from tenants.models import LedgerEntry, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope

NOTICE = "停电通知：11 月 9 日 10:00 至 12:00".encode()


@pytest.fixture
def outage(in_tenant: Tenant) -> DownInterval:
    now = clock.now()
    row: DownInterval = DownInterval.objects.create(
        start_at=now - timedelta(minutes=9),
        end_at=now - timedelta(minutes=5),
        sources=["probes"],
        found_at=now,
    )
    return row


@pytest.fixture
def provider(
    in_tenant: Tenant, make_member: Callable[..., User], client_as: Callable[[User], Client]
) -> Client:
    return client_as(make_member(in_tenant, Role.ACCOUNT_MANAGER))


def claim(client: Client, outage: DownInterval, *uploads: SimpleUploadedFile) -> Any:
    zone = outage.tenant.zone
    return client.post(
        f"/admin/reporting/downinterval/{outage.pk}/claim/",
        {
            "kind": "client",
            "start_at": f"{outage.start_at.astimezone(zone):%Y-%m-%d %H:%M:%S.%f}",
            "end_at": f"{outage.end_at.astimezone(zone):%Y-%m-%d %H:%M:%S.%f}",
            "evidence": "机房停电，物业有通知。",
            "uploads": list(uploads),
        },
    )


def test_client_saves_what_the_provider_attached(
    tenant: Tenant,
    outage: DownInterval,
    provider: Client,
    make_member: Callable[..., User],
    client_as: Callable[[User], Client],
) -> None:
    answer = claim(
        provider,
        outage,
        SimpleUploadedFile("../通知\u202e.txt", NOTICE),
        SimpleUploadedFile("log.txt", b"10:00 power lost"),
    )
    assert answer.status_code == 302

    with tenant_scope(tenant):
        made = ExclusionClaim.objects.get()
        first, second = made.files.all()
        event = LedgerEntry.objects.get(kind="exclusion.claimed")
    assert (first.name, second.name) == ("通知.txt", "log.txt")
    assert event.data["files"] == [first.sha256, second.sha256]
    assert first.sha256 == hashlib.sha256(NOTICE).hexdigest()

    with tenant_scope(tenant):
        reader = client_as(make_member(tenant, Role.CLIENT_ADMIN))
    page = reader.get(f"/admin/reporting/exclusionclaim/{made.pk}/change/").content.decode()
    address = f"/admin/reporting/claimfile/{first.pk}/download/"
    assert address in page
    saved = reader.get(address)
    assert b"".join(saved) == NOTICE
    assert saved["Content-Disposition"].startswith("attachment;")
    assert saved["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("uploads", "words"),
    [
        ([SimpleUploadedFile("a.exe", b"MZ\x90\x00\x03\x00")], "cannot be sent"),
        (
            [SimpleUploadedFile("a.txt", b"ok") for _each in range(claim_files.PER_CLAIM)],
            "10 files at most",
        ),
        ([SimpleUploadedFile("a.txt", b"x" * (21 * 1024 * 1024))], "Please send a smaller one"),
    ],
    ids=["kind", "many", "large"],
)
def test_refused_file_leaves_no_claim_and_nothing_behind(
    tenant: Tenant,
    outage: DownInterval,
    provider: Client,
    settings: Any,
    uploads: list[SimpleUploadedFile],
    words: str,
) -> None:
    provider.cookies["django_language"] = "en"
    answer = claim(provider, outage, SimpleUploadedFile("good.txt", NOTICE), *uploads)

    assert words in answer.content.decode()
    # What was written stands there still.
    assert "机房停电，物业有通知。" in answer.content.decode()
    with tenant_scope(tenant):
        assert not ExclusionClaim.objects.exists()
        assert not ClaimFile.objects.exists()
    assert not [path for path in Path(settings.MEDIA_ROOT).rglob("claims/**/*") if path.is_file()]


def test_file_that_is_lost_is_said_so(
    tenant: Tenant, outage: DownInterval, provider: Client, settings: Any
) -> None:
    provider.cookies["django_language"] = "en"
    claim(provider, outage, SimpleUploadedFile("notice.txt", NOTICE))
    with tenant_scope(tenant):
        row = ClaimFile.objects.get()
    (Path(settings.MEDIA_ROOT) / row.path).unlink()

    answer = provider.get(f"/admin/reporting/claimfile/{row.pk}/download/", follow=True)

    assert "Ask the operator to restore it" in answer.content.decode()
