"""The admin's pages about satisfaction: read, agree, correct by two, rate unseen."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from conversations.models import (
    ContactSession,
    QAItem,
    QARubric,
    QASample,
    Rating,
    RatingCorrection,
    SurveyInvite,
    SurveyMonth,
    SurveyTerms,
)
from conversations.services import ratings
from knowledge.models import Release
from tenants import clock
from tenants.models import Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conversations.surveyed import asked

BASE = "/admin/conversations"


@pytest.fixture
def client_admin(tenant: Tenant, make_member: Callable[..., User]) -> User:
    return make_member(tenant, Role.CLIENT_ADMIN, name="甲方")


@pytest.fixture
def manager(tenant: Tenant, make_member: Callable[..., User]) -> User:
    return make_member(tenant, Role.ACCOUNT_MANAGER, name="乙方")


@pytest.fixture
def rating(tenant: Tenant, visitor: ContactSession, knowledge: Release) -> Rating:
    with tenant_scope(tenant):
        return ratings.rate(asked(visitor), "bot", 20, comment="太慢")


def page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def test_list_of_ratings_begins_with_the_figures(
    rating: Rating, client_admin: User, client_as: Callable[[User], Client]
) -> None:
    shown = page(client_as(client_admin), f"{BASE}/rating/")

    assert "20.00" in shown
    assert "± 39.2" in shown
    assert "太慢" in shown


def test_seed_is_told_when_its_month_is_over(
    tenant: Tenant, rating: Rating, client_admin: User, client_as: Callable[[User], Client]
) -> None:
    with tenant_scope(tenant):
        month = SurveyMonth.objects.get()
    path = f"{BASE}/surveymonth/{month.pk}/change/"
    client = client_as(client_admin)

    before = page(client, path)
    with clock.travel(clock.now() + timedelta(days=32)):
        after = page(client, path)

    assert month.seed_sha256 in before
    assert month.seed not in before
    assert month.seed in after


def test_changed_terms_are_a_new_version(
    tenant: Tenant, rating: Rating, client_admin: User, client_as: Callable[[User], Client]
) -> None:
    client = client_as(client_admin)
    path = f"{BASE}/surveyterms/add/"
    questions = {
        f"question_{part}_{language}": "满意吗？"
        for part in ("bot", "human")
        for language in ("zh", "en")
    }

    form = page(client, path)
    refused = client.post(path, {"method": "survey", "rate": "1.5", **questions})
    saved = client.post(path, {"method": "both", "rate": "0.25", **questions})

    assert 'name="rate"' in form
    assert (refused.status_code, saved.status_code) == (200, 302)
    with tenant_scope(tenant):
        rows = list(SurveyTerms.objects.order_by("version").values_list("version", "method"))
        assert rows == [(1, "survey"), (2, "both")]
        assert SurveyTerms.objects.get(version=2).created_by == client_admin
        assert SurveyMonth.objects.get().terms.version == 1


def test_rating_is_corrected_by_two_people(
    tenant: Tenant,
    rating: Rating,
    client_admin: User,
    manager: User,
    client_as: Callable[[User], Client],
) -> None:
    proposed = client_as(manager).post(
        f"{BASE}/rating/{rating.pk}/correct/", {"score": "80", "reason": "访客来电说点错了"}
    )
    assert proposed.status_code == 302
    with tenant_scope(tenant):
        row = RatingCorrection.objects.get()
    path = f"{BASE}/ratingcorrection/{row.pk}/approve/"

    client_as(manager).post(path)
    with tenant_scope(tenant):
        assert Rating.objects.get().score == 20
    client_as(client_admin).post(path)

    with tenant_scope(tenant):
        row.refresh_from_db()
        assert Rating.objects.get().score == 80
    assert (row.old_score, row.proposed_by, row.decided_by) == (20, manager, client_admin)


def test_correction_wants_a_reason(
    tenant: Tenant, rating: Rating, manager: User, client_as: Callable[[User], Client]
) -> None:
    response = client_as(manager).post(
        f"{BASE}/rating/{rating.pk}/correct/", {"score": "80", "reason": ""}
    )

    assert response.status_code == 200
    with tenant_scope(tenant):
        assert not RatingCorrection.objects.exists()


def test_sample_is_drawn_and_rated_by_two_who_do_not_see_each_other(
    tenant: Tenant,
    rating: Rating,
    client_admin: User,
    manager: User,
    client_as: Callable[[User], Client],
) -> None:
    with tenant_scope(tenant):
        month = SurveyInvite.objects.get().ended_at
    assert month is not None
    first = month.astimezone(tenant.zone).date().replace(day=1)
    with clock.travel(clock.now() + timedelta(days=32)):
        drawn = client_as(manager).post(
            f"{BASE}/qasample/add/", {"month": first.isoformat(), "size": "100"}
        )
    assert drawn.status_code == 302
    with tenant_scope(tenant):
        sample = QASample.objects.get()
        item = QAItem.objects.get()
        names = [row.pk.hex for row in sample.rubric.criteria.order_by("position")]
    assert sample.seed in page(client_as(manager), f"{BASE}/qasample/{sample.pk}/change/")
    path = f"{BASE}/qaitem/{item.pk}"
    assert "现货订单" in page(client_as(manager), f"{path}/rate/")

    client_as(manager).post(
        f"{path}/rate/",
        dict(zip(names, ("40", "25", "15", "3"), strict=True)) | {"comment": "甲评"},
    )
    unseen = page(client_as(client_admin), f"{path}/change/")
    client_as(client_admin).post(
        f"{path}/rate/",
        dict(zip(names, ("40", "25", "15", "5"), strict=True)) | {"comment": "乙评"},
    )

    seen = page(client_as(manager), f"{path}/change/")
    assert "甲评" not in unseen
    assert "甲评" in seen
    assert "乙评" in seen
    assert "84.0" in seen


def test_points_above_the_criterion_stay_on_the_form(
    tenant: Tenant, rating: Rating, manager: User, client_as: Callable[[User], Client]
) -> None:
    with tenant_scope(tenant):
        rubric = QARubric.objects.create(version=1, created_at=clock.now())
        criterion = rubric.criteria.create(position=1, name="准确", points=100)
        sample = QASample.objects.create(
            month=clock.now().date().replace(day=1),
            size=1,
            rubric=rubric,
            seed="s",
            created_at=clock.now(),
        )
        item = QAItem.objects.create(
            sample=sample, position=1, inquiry=rating.invite.inquiry, rated_twice=False
        )

    response = client_as(manager).post(
        f"{BASE}/qaitem/{item.pk}/rate/", {criterion.pk.hex: "101", "comment": ""}
    )

    assert response.status_code == 200
    with tenant_scope(tenant):
        assert not item.reviews.exists()


@pytest.mark.parametrize(
    ("lines", "saved"),
    [("60 准确\n40 礼貌", True), ("60 准确\n39 礼貌", False), ("准确 100", False), ("", False)],
)
def test_rubric_is_written_a_criterion_a_line(
    tenant: Tenant,
    client_admin: User,
    client_as: Callable[[User], Client],
    lines: str,
    saved: bool,
) -> None:
    response = client_as(client_admin).post(f"{BASE}/qarubric/add/", {"criteria_lines": lines})

    assert response.status_code == (302 if saved else 200)
    with tenant_scope(tenant):
        found = [
            (row.points, row.name)
            for rubric in QARubric.objects.all()
            for row in rubric.criteria.order_by("position")
        ]
    assert found == ([(60, "准确"), (40, "礼貌")] if saved else [])
