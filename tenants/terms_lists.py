"""The lists within contract terms, as they are stored, checked and read."""

from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from tenants.terms import CREDIT_TIERS, INCIDENT_TIMES, SCORES, CreditTier, IncidentTime

LEVELS = ("P1", "P2", "P3", "P4")


def default_scores() -> list[int]:
    """Return the product's worth of the five answers."""
    return list(SCORES)


def default_incident_times() -> dict[str, dict[str, Any]]:
    """Return the product's times per level, as stored."""
    return {level: dict(vars(each)) for level, each in INCIDENT_TIMES.items()}


def default_credit_tiers() -> list[dict[str, str]]:
    """Return the product's tiers, as stored."""
    return [{"at_least": str(tier.at_least), "share": str(tier.share)} for tier in CREDIT_TIERS]


def scores(stored: Any) -> tuple[int, ...]:
    """Return what the five answers are worth, best first. Raises ValueError."""
    if not isinstance(stored, list) or len(stored) != len(SCORES):
        raise ValueError("five scores")
    if any(type(score) is not int or not 0 <= score <= 100 for score in stored):
        raise ValueError("scores from 0 to 100")
    if any(better <= worse for better, worse in pairwise(stored)):
        raise ValueError("scores fall")
    return tuple(stored)


def incident_times(stored: Any) -> dict[str, IncidentTime]:
    """Return the times of each level. Raises ValueError."""
    if not isinstance(stored, dict) or set(stored) != set(LEVELS):
        raise ValueError("four levels")
    try:
        found = {level: IncidentTime(**stored[level]) for level in LEVELS}
    except TypeError as error:
        raise ValueError("unknown or missing times") from error
    for each in found.values():
        for minutes in (each.acknowledge, each.restore, each.update):
            if minutes is not None and (type(minutes) is not int or minutes < 1):
                raise ValueError("whole minutes")
        if type(each.acknowledge) is not int or type(each.working) is not bool:
            raise ValueError("each level is acknowledged in time")
    return found


def credit_tiers(stored: Any) -> tuple[CreditTier, ...]:
    """Return the tiers, best availability first. Raises ValueError."""
    if not isinstance(stored, list) or not stored:
        raise ValueError("one tier at least")
    try:
        found = [CreditTier(Decimal(row["at_least"]), Decimal(row["share"])) for row in stored]
    except (TypeError, KeyError, InvalidOperation) as error:
        raise ValueError("two numbers each") from error
    if any(not (0 <= tier.at_least <= 1 and 0 <= tier.share <= 1) for tier in found):
        raise ValueError("fractions of 1")
    for better, worse in pairwise(found):
        if better.at_least <= worse.at_least or better.share > worse.share:
            raise ValueError("tiers fall, credits rise")
    if found[-1].at_least != 0:
        raise ValueError("the last tier begins at 0")
    return tuple(found)


def validate_scores(value: Any) -> None:
    """Raise ValidationError unless `scores` can read it."""
    _validate(scores, value, _("Give five whole numbers from 100 down to 0, each below the last."))


def validate_incident_times(value: Any) -> None:
    """Raise ValidationError unless `incident_times` can read it."""
    _validate(
        incident_times,
        value,
        _("Give levels P1 to P4, each with whole minutes to acknowledge."),
    )


def validate_credit_tiers(value: Any) -> None:
    """Raise ValidationError unless `credit_tiers` can read it."""
    _validate(
        credit_tiers,
        value,
        _("Give tiers of falling availability and rising credit, the last one from 0 on."),
    )


def _validate(read: Any, value: Any, message: Any) -> None:
    try:
        read(value)
    except ValueError as error:
        raise ValidationError(message, code="list") from error
