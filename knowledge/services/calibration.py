"""Learn from judged answers how far the assistant's certainty can be trusted."""

from collections.abc import Sequence

import numpy as np
from django.db import transaction

from knowledge.models import MatchingSettings
from knowledge.models.matching import adjusted
from knowledge.services import matching
from tenants import clock
from tenants.services import ledger
from tenants.services.ledger import Event

__all__ = ["MIN_OUTCOMES", "adjusted", "refit", "store"]

MIN_OUTCOMES = 200
# What speaks for leaving the certainty as it is weighs as much as about fifty outcomes, each of
# which tells at most a quarter.
_PRIOR = 50 / 4
_START = np.array([1.0, 0.0])
_EDGE = 1e-6
_STEPS, _SMALL = 50, 1e-8


def refit(outcomes: Sequence[tuple[float, bool]]) -> tuple[float, float] | None:
    """Return the slope and bias that fit pairs of certainty and whether the answer was right.

    Platt scaling on top of the shipped gate, pulled towards no change. None below MIN_OUTCOMES,
    if all outcomes are alike, or where the certainty tells nothing about being right.
    """
    right = np.array([was_right for _p, was_right in outcomes], np.float64)
    if len(right) < MIN_OUTCOMES or right.min() == right.max():
        return None
    p = np.clip(np.array([p for p, _was_right in outcomes], np.float64), _EDGE, 1 - _EDGE)
    rows = np.column_stack([np.log(p / (1 - p)), np.ones(len(p))])
    fitted = _START.copy()
    for _step in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ fitted, -30, 30)))
        gradient = rows.T @ (chance - right) + _PRIOR * (fitted - _START)
        curvature = (rows * (chance * (1 - chance))[:, None]).T @ rows + _PRIOR * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        length = 1.0
        while _loss(rows, right, fitted - length * step) > _loss(rows, right, fitted):
            length /= 2
            if length < _SMALL:
                break
        fitted = fitted - length * step
        if np.abs(length * step).max() < _SMALL:
            break
    slope, bias = float(fitted[0]), float(fitted[1])
    return (slope, bias) if slope > 0 else None


def store(slope: float, bias: float, outcomes: int) -> MatchingSettings:
    """Write the tenant's calibration, made from so many outcomes, and record it in the ledger.

    Holds from the next question on.
    """
    with transaction.atomic():
        settings = matching.locked()
        settings.slope, settings.bias, settings.outcomes = slope, bias, outcomes
        settings.calibrated_at = clock.now()
        settings.save()
        facts = {"slope": round(slope, 4), "bias": round(bias, 4), "outcomes": outcomes}
        ledger.append(Event("matching.calibrated", settings.pk, facts))
    return settings


def _loss(rows: np.ndarray, right: np.ndarray, fitted: np.ndarray) -> float:
    logits = rows @ fitted
    surprise = np.logaddexp(0, logits) - right * logits
    return float(surprise.sum() + _PRIOR / 2 * ((fitted - _START) ** 2).sum())
