"""What is agreed about surveys, by version, and the lot of each month under it (R71, R72)."""

import secrets
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext

from conversations.models import SurveyMonth, SurveyTerms
from conversations.satisfaction import fingerprint, month_of
from tenants import clock
from tenants.models import Tenant, User
from tenants.scoping import active_tenant_id
from tenants.services import contracts, ledger
from tenants.services.ledger import Event
from tenants.terms import DEFAULT_VERSION

FIELDS = (
    "method",
    "rate",
    "question_bot_zh",
    "question_bot_en",
    "question_human_zh",
    "question_human_en",
)


def latest() -> SurveyTerms:
    """Return the newest terms; those the product comes with, not stored, where there are none."""
    return SurveyTerms.objects.order_by("-version").first() or SurveyTerms(
        version=0, **_own_questions()
    )


def change(terms: SurveyTerms, *, by: User | None) -> SurveyTerms:
    """Store these terms as the next version, which months that begin from now on are under.

    The month that runs keeps its terms: a lot whose rate changes midway would be none.
    """
    with transaction.atomic():
        # Two at once would get one number: the tenant's row decides who is first.
        Tenant.objects.select_for_update().values_list("pk").get(pk=active_tenant_id())
        before = latest()
        row = SurveyTerms.objects.create(
            version=before.version + 1,
            created_at=clock.now(),
            created_by=by,
            **{name: getattr(terms, name) for name in FIELDS},
        )
        ledger.append(_agreed(row))
    return row


def month_at(at: datetime) -> tuple[SurveyMonth, list[Event]]:
    """Return the month that the instant lies in, with the ledger events if it was made just now.

    It is under the newest terms, by the method that the signed contract names, if one is in force.
    Its seed is random and exists, with its fingerprint in the ledger, before anything is drawn
    with it. Within the caller's transaction, which appends the events. Source: R72.
    """
    day = month_of(at, Tenant.objects.get(pk=active_tenant_id()).zone)
    month = SurveyMonth.objects.filter(month=day).first()
    if month is not None:
        return month, []
    recorded: list[Event] = []
    terms = latest()
    agreed = contracts.terms_at(at)
    method = terms.method if agreed.version == DEFAULT_VERSION else agreed.survey_method
    if terms.version == 0 or method != terms.method:
        fields = {name: getattr(terms, name) for name in FIELDS} | {"method": method}
        terms, made = SurveyTerms.objects.get_or_create(
            version=terms.version + 1, defaults={"created_at": at, **fields}
        )
        recorded += [_agreed(terms)] if made else []
    seed = secrets.token_hex(32)
    month, made = SurveyMonth.objects.get_or_create(
        month=day,
        defaults={
            "terms": terms,
            "rate": terms.rate,
            "seed": seed,
            "seed_sha256": fingerprint(seed),
            "created_at": at,
        },
    )
    if made:
        facts = {
            "month": f"{day:%Y-%m}",
            "seed_sha256": month.seed_sha256,
            "rate": month.rate,
            "terms": terms.version,
        }
        recorded.append(Event("survey.month_opened", month.pk, facts, at))
    return month, recorded


def _agreed(terms: SurveyTerms) -> Event:
    facts: dict[str, Any] = {
        "by": terms.created_by_id,
        "version": terms.version,
        "method": terms.method,
        "rate": terms.rate,
        **{
            f"{name}_sha256": ledger.fingerprint(getattr(terms, name))
            for name in FIELDS
            if name.startswith("question")
        },
    }
    return Event("survey.terms_agreed", terms.pk, facts, terms.created_at)


def _own_questions() -> dict[str, str]:
    questions = {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            ending = "en" if code == "en" else "zh"
            questions[f"question_bot_{ending}"] = gettext(
                "How satisfied are you with the answers of our assistant?"
            )
            questions[f"question_human_{ending}"] = gettext(
                "How satisfied are you with the help of our agent?"
            )
    return questions
