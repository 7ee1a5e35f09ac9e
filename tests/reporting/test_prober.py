"""The program that watches from outside: its log, and a running server."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conversations.models import Channel
from reporting.models import ProbeResult
from reporting.prober import Door, ProbeError, Prober, next_due
from reporting.services import probers
from tenants.models import Tenant
from tenants.services.onboarding import create_tenant

NOBODY = "http://127.0.0.1:9"


def prober(path: Path, key: str = "s", url: str = NOBODY) -> Prober:
    return Prober("one", key, url, path / "log.jsonl")


def test_a_server_that_is_not_there_is_a_failure_in_the_log(tmp_path: Path) -> None:
    one = prober(tmp_path)

    assert not one.probe(Door("ck_code_key", "own"))
    (line,) = one.lines()
    assert (line["ok"], line["tenant"], line["sequence"]) == (False, "code", 1)
    assert "refused" in line["error"]


def test_the_log_goes_on_after_a_start_and_a_line_cut_off(tmp_path: Path) -> None:
    first = prober(tmp_path)
    first.probe(Door("ck_code_key", "web"))
    with first.log.open("a") as file:
        file.write('{"sequence":2,"ok":tr')

    again = prober(tmp_path)
    again.probe(Door("ck_code_key", "web"))

    assert [line["sequence"] for line in prober(tmp_path).lines()] == [1, 2]


def test_an_edited_log_is_not_continued(tmp_path: Path) -> None:
    one = prober(tmp_path)
    one.probe(Door("ck_code_key", "web"))
    line = json.loads(one.log.read_text())
    one.log.write_text(json.dumps({**line, "ok": True}) + "\n")

    with pytest.raises(ProbeError, match="hash"):
        prober(tmp_path)


def test_asked_late_in_a_slot_and_sooner_after_a_failure() -> None:
    assert next_due(0, failed=False) == 25
    assert next_due(25, failed=False) == 55
    assert next_due(25.2, failed=True) == pytest.approx(35.2)
    assert next_due(47, failed=True) == 55


@pytest.mark.django_db(transaction=True)
def test_a_running_server_is_asked_and_gets_the_log(
    live_server: Any, tmp_path: Path, make_channel: Callable[..., Channel]
) -> None:
    tenant: Tenant = create_tenant(slug="qinghe", name="青禾生活")
    channel = make_channel(tenant)
    _row, secret = probers.register("one")
    one = prober(tmp_path, secret, live_server.url)

    asked = [one.probe(Door(channel.key, "web")), one.probe(Door(channel.key, "own"))]

    assert (asked, one.report(), one.report()) == ([True, True], 2, 0)
    assert list(
        ProbeResult.objects.order_by("sequence").values_list("target", "tenant_code", "ok")
    ) == [("web", "", True), ("own", tenant.code, True)]
