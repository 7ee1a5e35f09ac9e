"""Every figure of every kind of report opens the rows it counted, for both parties (R34)."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from conversations.models import (
    Attachment,
    Contact,
    Conversation,
    Inquiry,
    Message,
    MismatchReport,
    QAItem,
    QARubric,
    QASample,
    Rating,
)
from reporting import links
from reporting.bench import months
from reporting.bench.months import Shop
from reporting.models import (
    AccuracyAudit,
    AccuracyAuditItem,
    DownInterval,
    ExclusionClaim,
    IntervalKind,
    Prober,
    Question,
    RectificationPlan,
    Report,
)
from reporting.services import figures, labels, probers, reports
from tenants import clock
from tenants.models import Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope

OPENED = datetime(2026, 9, 1, tzinfo=UTC)
# A Monday in the middle of what happens.
WEEK = date(2026, 10, 19)
IN_WEEK = datetime(2026, 10, 21, 3, tzinfo=UTC)
LATER = datetime(2027, 1, 20, 4, tzinfo=UTC)
PERIODS = {"weekly": WEEK, "monthly": date(2026, 10, 1), "annual": date(2026, 1, 1)}
# Reckoned from no rows: there is nothing to open.
NO_ROWS = {"availability.budget"}
# Sums of what the rows hold, or of the moment the report was made: rows, but not so many.
NO_COUNT = {"usage.tokens", "usage.storage", "knowledge.entries"}


@pytest.fixture
def shop(operator: User) -> Shop:
    """A tenant with six weeks of dealings, and one of each thing that a report counts."""
    shop = months.open_shop("drill", at=OPENED)
    Tenant.objects.filter(pk=shop.tenant.pk).update(created_at=OPENED)
    probers.register("drill-1")
    Prober.objects.update(created_at=OPENED)
    with tenant_scope(shop.tenant):
        months.fill(shop, date(2026, 9, 25), 42, 240)
        _demonstration(shop)
        _availability(shop, operator)
        _samples(shop)
    return shop


def _demonstration(shop: Shop) -> None:
    person = Contact.objects.create(channel=shop.channel, created_at=IN_WEEK, last_seen_at=IN_WEEK)
    talk = Conversation.objects.create(
        channel=shop.channel, contact=person, created_at=IN_WEEK, last_at=IN_WEEK, is_demo=True
    )
    inquiry = Inquiry.objects.create(
        conversation=talk, number=1, opened_at=IN_WEEK, last_at=IN_WEEK
    )
    Message.objects.create(
        conversation=talk,
        inquiry=inquiry,
        seq=1,
        author_kind="customer",
        text="试一下",
        received_at=IN_WEEK,
        created_at=IN_WEEK,
    )
    Attachment.objects.create(
        contact=person,
        conversation=talk,
        name="图.png",
        mime="image/png",
        size=2048,
        sha256="0" * 64,
        created_at=IN_WEEK,
    )
    # One who was merged into another since is still one of the visitors that were counted.
    real = Contact.objects.filter(conversations__is_demo=False).order_by("pk")
    Contact.objects.filter(pk=real[1].pk).update(merged_into=real[0])


def _availability(shop: Shop, by: User) -> None:
    """Down over the beginning of the week and inside it, with a gap and what was withdrawn."""
    begins = datetime(2026, 10, 18, 15, 50, tzinfo=UTC)
    spans = (begins, IN_WEEK, IN_WEEK + timedelta(hours=2))
    down = [
        DownInterval.objects.create(
            start_at=at,
            end_at=at + timedelta(minutes=20),
            sources=["probes"],
            found_at=at,
            withdrawn_at=at + timedelta(hours=1) if number == 2 else None,
        )
        for number, at in enumerate(spans)
    ]
    DownInterval.objects.create(
        kind=IntervalKind.PROBER_GAP,
        start_at=IN_WEEK + timedelta(hours=5),
        end_at=IN_WEEK + timedelta(hours=6),
        sources=["traffic"],
        found_at=IN_WEEK,
    )
    for decision in ("accepted", "pending"):
        ExclusionClaim.objects.create(
            interval=down[1],
            kind="client",
            start_at=IN_WEEK,
            end_at=IN_WEEK + timedelta(minutes=5),
            evidence="断电",
            claimed_at=IN_WEEK,
            claimed_by=by,
            decision=decision,
            decided_at=IN_WEEK if decision == "accepted" else None,
            decided_by=by if decision == "accepted" else None,
        )
    RectificationPlan.objects.create(
        months=["2026-08-01", "2026-09-01"],
        scores=["80.00", "81.00"],
        target="85",
        triggered_at=datetime(2026, 10, 1, tzinfo=UTC),
    )


def _samples(shop: Shop) -> None:
    month = date(2026, 10, 1)
    ended = (IN_WEEK, IN_WEEK + timedelta(days=7))
    ratings = Rating.objects.filter(invite__ended_at__range=ended).order_by("pk")
    Rating.objects.filter(pk=ratings[0].pk).update(excluded_reason="repeated")
    Rating.objects.create(
        invite=ratings[1].invite, part="human", score=80, given_at=ratings[1].given_at
    )
    rubric = QARubric.objects.create(version=1, created_at=IN_WEEK)
    sample = QASample.objects.create(
        month=month, rubric=rubric, size=2, seed="s", created_at=IN_WEEK, population=2
    )
    audit = AccuracyAudit.objects.create(month=month, seed="s", created_at=IN_WEEK)
    replies = Message.objects.filter(entry_version__isnull=False).order_by("pk")
    for position, rating in enumerate(ratings[:2], start=1):
        QAItem.objects.create(
            sample=sample,
            position=position,
            inquiry=rating.invite.inquiry,
            rated_twice=False,
            result="90" if position == 1 else None,
        )
        AccuracyAuditItem.objects.create(
            audit=audit,
            position=position,
            message_id=replies[position].pk,
            version=shop.versions[0],
            channel=shop.channel,
            finding="right" if position == 1 else "",
        )
    MismatchReport.objects.create(
        entry_version=shop.versions[0],
        kind="client_text",
        owner="client",
        found_by="client",
        message=replies[0],
        created_at=IN_WEEK,
    )


@pytest.fixture
def people(shop: Shop, make_member: Callable[..., User]) -> dict[str, User]:
    """Both parties, who were there before the reports were made."""
    return {
        role: make_member(shop.tenant, role) for role in (Role.CLIENT_ADMIN, Role.ACCOUNT_MANAGER)
    }


@pytest.fixture
def made(shop: Shop, people: dict[str, User], operator: User) -> dict[str, Report]:
    """One report of each kind, after some labels of the month were changed by people."""
    with tenant_scope(shop.tenant), clock.travel(LATER):
        figures.roll_up(IN_WEEK.date())
        for row in Question.objects.filter(day=IN_WEEK.date(), standing="answered")[:2]:
            labels.relabel(row.pk, "uncommon", by=operator)
        return {kind: reports.make(kind, first, "final") for kind, first in PERIODS.items()}


def cards_of(client: Client, report: Report) -> dict[str, Any]:
    """Return the cards of the report's page, by section and figure; each of its links is shown."""
    page = client.get(f"/admin/reporting/report/{report.pk}/read/")
    text = page.content.decode()
    chapters = [page.context_data["report"]["summary"], *page.context_data["report"]["chapters"]]
    cards = {f"{each['key']}.{card['key']}": card for each in chapters for card in each["cards"]}
    assert all(escape(card["link"]) in text for card in cards.values())
    return cards


@pytest.mark.parametrize("role", [Role.CLIENT_ADMIN, Role.ACCOUNT_MANAGER])
def test_every_figure_opens_the_rows_it_counted(
    people: dict[str, User],
    made: dict[str, Report],
    role: str,
    client_as: Callable[[User], Client],
    request: pytest.FixtureRequest,
) -> None:
    client = client_as(people[role])
    wrong, counted = [], set()
    cards = {kind: cards_of(client, report) for kind, report in made.items()}
    if role != Role.CLIENT_ADMIN:
        request.getfixturevalue("undrawn")

    for kind, report in made.items():
        for key, card in cards[kind].items():
            if key in NO_ROWS:
                assert card["link"] == ""
                continue
            page = client.get(card["link"])
            if page.status_code != 200:
                wrong.append((kind, key, card["link"], page.status_code, page.get("Location")))
                continue
            asked = page.context_data["cl"].get_filters_params()
            count = page.context_data["cl"].result_count
            expected = _rows_of(report, key)
            if expected is not None and key not in NO_COUNT:
                counted.add(key)
                if count != expected:
                    wrong.append((kind, key, card["link"], count, expected))
            assert "e" not in asked

    assert not wrong, "\n".join(map(str, wrong))
    assert len(counted) > 25


def _rows_of(report: Report, key: str) -> int | None:
    """Return how many rows the report says that the figure is made of; None where it is no count."""
    section, _dot, name = key.partition(".")
    found = next(
        each
        for chapter in report.data["sections"]["zh-hans"]
        if chapter["key"] == section
        for each in chapter["figures"]
        if each["key"] == name
    )
    if found["unit"] == "count":
        return int(found["value"])
    if "availability" in key or found["unit"] == "seconds" or name == "label_change":
        return None
    return None if found["whole"] is None else int(found["whole"])


def test_down_time_opens_with_what_reaches_into_the_period(
    people: dict[str, User],
    made: dict[str, Report],
    client_as: Callable[[User], Client],
) -> None:
    """An interval that began before the week is in it; a gap and a withdrawn one are not."""
    client = client_as(people[Role.CLIENT_ADMIN])
    cards = cards_of(client, made["weekly"])

    def rows(key: str) -> int:
        return int(client.get(cards[f"availability.{key}"]["link"]).context_data["cl"].result_count)

    assert rows("availability_net") == rows("down_gross") == 2
    assert rows("excluded") == 1


def test_the_excluded_rows_are_listed_beside_the_counted_ones(
    shop: Shop,
    people: dict[str, User],
    made: dict[str, Report],
    client_as: Callable[[User], Client],
) -> None:
    client = client_as(people[Role.CLIENT_ADMIN])
    cards = cards_of(client, made["monthly"])

    for key in ("volume.inquiries", "volume.messages", "satisfaction.satisfaction"):
        link = cards[key]["link"]
        counted = client.get(link).context_data["cl"]
        others = client.get(link.replace("counted=yes", "counted=no")).context_data["cl"]
        assert others.result_count == 1, key
        with tenant_scope(shop.tenant):
            assert not set(counted.queryset) & set(others.queryset)


def test_reports_made_before_still_open(
    people: dict[str, User],
    client_as: Callable[[User], Client],
) -> None:
    """What a snapshot says never changes, so its names of lists and filters stay known."""
    client = client_as(people[Role.CLIENT_ADMIN])
    days = {"from": "2026-10-19", "to": "2026-10-25"}
    old = [
        ("conversations_conversation", days),
        ("conversations_contact", days),
        ("conversations_message", days),
        ("reporting_question", {**days, "counted": "yes"}),
        ("reporting_question", {**days, "standing__exact": "default"}),
        ("reporting_questionlabel", {**days, "source__exact": "person"}),
        ("tenants_obligation", {**days, "kind__exact": "first_reply"}),
        ("conversations_handoff", {}),
        ("conversations_rating", {"month": "2026-10"}),
        ("conversations_surveyinvite", {"month": "2026-10"}),
        ("conversations_qasample", {"month": "2026-10"}),
        ("reporting_rectificationplan", {}),
        ("reporting_accuracyaudititem", {}),
        ("conversations_mismatchreport", {**days, "owner__exact": "client"}),
        ("knowledge_release", {}),
    ]

    assert [client.get(links.rows(*each)).status_code for each in old] == [200] * len(old)
    assert links.rows("nowhere_atall", days) == ""
