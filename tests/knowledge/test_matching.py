"""How sure the assistant must be: thresholds people set, and a calibration that outcomes give."""

import math
import random
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from knowledge import search
from knowledge.models import MatchingSettings
from knowledge.services import calibration, matching
from tenants.models import LedgerEntry, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope

PAGE = "/admin/knowledge/matchingsettings/"


@pytest.mark.parametrize("p", [0.0, 1e-9, 0.2, 0.5, 0.8, 1.0])
def test_no_calibration_changes_nothing(p: float) -> None:
    assert calibration.adjusted(p, slope=1.0, bias=0.0) == p


@pytest.mark.parametrize(
    ("p", "slope", "bias", "expected"),
    [
        (0.5, 2.0, 0.0, 0.5),
        (0.8, 2.0, 0.0, 16 / 17),
        (0.5, 1.0, math.log(3), 0.75),
        (0.5, 1.0, -math.log(3), 0.25),
    ],
)
def test_certainty_is_adjusted(p: float, slope: float, bias: float, expected: float) -> None:
    assert calibration.adjusted(p, slope=slope, bias=bias) == pytest.approx(expected)


@pytest.mark.parametrize("p", [0.0, 1.0])
@pytest.mark.parametrize("bias", [-1e6, 1e6])
def test_extremes_stay_probabilities(p: float, bias: float) -> None:
    assert 0 <= calibration.adjusted(p, slope=5.0, bias=bias) <= 1


def test_adjusting_keeps_the_order() -> None:
    adjusted = [calibration.adjusted(p / 100, slope=0.6, bias=-0.8) for p in range(101)]

    assert adjusted == sorted(adjusted)


def outcomes(count: int, *, slope: float, bias: float) -> list[tuple[float, bool]]:
    """Draw certainties, and answers that are right as often as the calibration says."""
    draw = random.Random(7)  # noqa: S311 -- a sample, not a secret
    pairs = []
    for _number in range(count):
        p = draw.uniform(0.03, 0.97)
        pairs.append((p, draw.random() < calibration.adjusted(p, slope=slope, bias=bias)))
    return pairs


@pytest.mark.parametrize(("slope", "bias"), [(1.0, 0.0), (0.6, -0.8), (1.7, 0.9)])
def test_a_known_calibration_is_found_again(slope: float, bias: float) -> None:
    fitted = calibration.refit(outcomes(8000, slope=slope, bias=bias))

    assert fitted == (pytest.approx(slope, abs=0.12), pytest.approx(bias, abs=0.12))


def test_few_outcomes_move_less_than_many() -> None:
    few = calibration.refit(outcomes(200, slope=2.0, bias=2.0))
    many = calibration.refit(outcomes(8000, slope=2.0, bias=2.0))

    assert few is not None
    assert many is not None
    assert 0 < few[1] < many[1]


@pytest.mark.parametrize(
    "given",
    [
        [],
        outcomes(199, slope=1.0, bias=0.0),
        [(0.7, True)] * 300,
        [(0.7, False)] * 300,
        [(0.99, False), (0.01, True)] * 500,
    ],
    ids=["none", "too few", "all right", "all wrong", "upside down"],
)
def test_what_teaches_nothing_gives_no_calibration(given: list[tuple[float, bool]]) -> None:
    assert calibration.refit(given) is None


def test_outcomes_of_one_certainty_still_fit() -> None:
    fitted = calibration.refit([(0.8, number % 2 == 0) for number in range(400)])

    assert fitted is not None
    assert calibration.adjusted(0.8, slope=fitted[0], bias=fitted[1]) == pytest.approx(0.5, abs=0.1)


def test_certainties_of_nought_and_one_do_no_harm() -> None:
    fitted = calibration.refit([(1.0, True), (0.0, False), (1.0, False), (0.5, True)] * 100)

    assert fitted is not None
    assert all(math.isfinite(value) for value in fitted)


# The row


def test_a_calibration_is_stored_and_recorded(in_tenant: Tenant) -> None:
    stored = calibration.store(0.7, -0.3, 420)

    row = MatchingSettings.objects.get()
    assert (row.pk, row.slope, row.bias, row.outcomes) == (stored.pk, 0.7, -0.3, 420)
    assert row.calibrated_at is not None
    assert row.adjusted(0.8) == calibration.adjusted(0.8, slope=0.7, bias=-0.3)
    recorded = LedgerEntry.objects.latest("position")
    assert recorded.kind == "matching.calibrated"
    assert recorded.data == {"slope": 0.7, "bias": -0.3, "outcomes": 420}


def test_a_tenant_has_one_row(in_tenant: Tenant, other_tenant: Tenant) -> None:
    assert matching.current().pk == matching.current().pk
    with pytest.raises(IntegrityError), transaction.atomic():
        MatchingSettings.objects.create()

    with tenant_scope(other_tenant):
        assert MatchingSettings.objects.count() == 0
        calibration.store(2.0, 0.0, 300)
    assert matching.current().slope == 1.0


@pytest.mark.parametrize("slope", [0.0, -1.0])
def test_certainty_is_never_turned_upside_down(in_tenant: Tenant, slope: float) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        calibration.store(slope, 0.0, 300)


@pytest.mark.parametrize(
    ("answer", "clarify", "wrong"),
    [
        (None, None, set()),
        (0.5, 0.05, set()),
        (0.6, 0.99, set()),
        (0.49, None, {"answer_threshold"}),
        (1.0, None, {"answer_threshold"}),
        (None, 0.04, {"clarify_threshold"}),
        (0.9, 1.0, {"clarify_threshold"}),
    ],
)
def test_thresholds_are_checked(
    in_tenant: Tenant, answer: float | None, clarify: float | None, wrong: set[str]
) -> None:
    row = matching.current()
    row.answer_threshold, row.clarify_threshold = answer, clarify

    with pytest.raises(ValidationError) if wrong else nullcontext() as refused:
        row.full_clean()

    assert set(refused.value.message_dict if refused else ()) == wrong


# The page


@pytest.fixture
def editor(tenant: Tenant, make_member: Callable[..., User], client_as: Any) -> Client:
    client: Client = client_as(make_member(tenant, Role.KNOWLEDGE_EDITOR))
    return client


def test_the_page_changes_the_thresholds_and_says_so_in_the_ledger(
    tenant: Tenant, editor: Client
) -> None:
    led = editor.get(PAGE)
    url = led["Location"]
    page = editor.get(url)

    saved = editor.post(url, {"answer_threshold": "0.9", "clarify_threshold": "", "slope": "9"})
    editor.post(url, {"answer_threshold": "0.9", "clarify_threshold": ""})

    assert (led.status_code, page.status_code, saved.status_code) == (302, 200, 302)
    with tenant_scope(tenant):
        row = MatchingSettings.objects.select_related("updated_by").get()
        assert (row.answer_threshold, row.clarify_threshold, row.slope) == (0.9, None, 1.0)
        assert row.updated_by is not None
        recorded = LedgerEntry.objects.get(kind="matching.changed")
        assert recorded.data["old"] == {"answer_threshold": None}
        assert recorded.data["new"] == {"answer_threshold": 0.9}


@pytest.mark.parametrize(
    "given",
    [
        {"answer_threshold": "0.3"},
        {"clarify_threshold": "1"},
        {"answer_threshold": "0.6", "clarify_threshold": "0.01"},
        {"answer_threshold": "nan"},
    ],
)
def test_the_page_refuses_what_makes_no_sense(
    tenant: Tenant, editor: Client, given: dict[str, str]
) -> None:
    url = editor.get(PAGE)["Location"]

    response = editor.post(url, {"answer_threshold": "", "clarify_threshold": "", **given})

    assert response.status_code == 200
    assert response.context["adminform"].form.errors
    with tenant_scope(tenant):
        row = MatchingSettings.objects.get()
        assert (row.answer_threshold, row.clarify_threshold) == (None, None)


def test_readers_see_the_settings_and_change_nothing(
    tenant: Tenant, make_member: Callable[..., User], client_as: Any
) -> None:
    reader = client_as(make_member(tenant, Role.CLIENT_READONLY))
    url = reader.get(PAGE)["Location"]

    assert reader.get(url).status_code == 200
    assert reader.post(url, {"answer_threshold": "0.9"}).status_code == 403
    with tenant_scope(tenant):
        assert MatchingSettings.objects.get().answer_threshold is None


def test_agents_and_strangers_do_not_see_the_settings(
    tenant: Tenant, other_tenant: Tenant, make_member: Callable[..., User], client_as: Any
) -> None:
    with tenant_scope(tenant):
        row = matching.current()
    agent = client_as(make_member(tenant, Role.AGENT))
    stranger = client_as(make_member(other_tenant, Role.CLIENT_ADMIN))

    assert agent.get(PAGE).status_code == 302
    assert "login" not in stranger.get(PAGE)["Location"]
    assert stranger.get(f"{PAGE}{row.pk}/change/").status_code == 302
    stranger.post(f"{PAGE}{row.pk}/change/", {"answer_threshold": "0.9"})
    with tenant_scope(tenant):
        assert matching.current().answer_threshold is None


def test_synonyms_are_lines_on_the_page_and_count_from_the_next_question(
    tenant: Tenant,
    publish: Callable[..., Any],
    make_member: Callable[..., User],
    client_as: Callable[[User], Client],
) -> None:
    publish(tenant)
    client = client_as(make_member(tenant, Role.KNOWLEDGE_EDITOR))
    page = client.get(PAGE).headers["Location"]
    question = "阿福怎么搞"
    with tenant_scope(tenant):
        before = search.answer_candidates(question).candidates[0]

    response = client.post(page, {"synonyms": "阿福票、阿福 = 增值税专用发票\n怎么搞 = 怎么申请"})
    assert response.status_code == 302

    with tenant_scope(tenant):
        after = search.answer_candidates(question).candidates[0]
        assert after.question == "能开增值税专用发票吗？"
        assert after.p > before.p
        (entry,) = LedgerEntry.objects.filter(kind="matching.changed")
        assert entry.data["new"]["synonyms"][0] == ["阿福票", "增值税专用发票"]
    shown = client.get(page).content.decode()
    assert "阿福票, 阿福 = 增值税专用发票" in shown


def test_a_line_of_synonyms_that_cannot_be_read_is_named(
    tenant: Tenant,
    make_member: Callable[..., User],
    client_as: Callable[[User], Client],
) -> None:
    client = client_as(make_member(tenant, Role.KNOWLEDGE_EDITOR))
    page = client.get(PAGE).headers["Location"]

    response = client.post(page, {"synonyms": "阿福票"})

    assert "阿福票" in str(response.context["adminform"].form.errors["synonyms"])
    with tenant_scope(tenant):
        assert MatchingSettings.objects.get().synonyms == []
