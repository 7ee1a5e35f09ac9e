"""Write down what a report says, once: its sections in both languages, hashed."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import translation

from reporting import periods
from reporting.models import Report
from reporting.sections import Period
from reporting.services import figures, sections_all
from tenants.models import Contract, Tenant
from tenants.services import contracts

FORMAT = 1
LANGUAGES = ("zh-hans", "en")
# What makes a figure another one: not its words.
_SIDE = ("value", "part", "whole", "low", "high", "verdict")


class UnsteadyError(Exception):
    """The rows changed while they were counted: the report is made again in a moment."""


def take(
    tenant: Tenant,
    kind: str,
    period: Period,
    *,
    version: int,
    stage: str,
    reason: str,
    at: datetime,
    earlier: Report | None,
    gather: Callable[[], None],
) -> tuple[str, str]:
    """Return the canonical JSON of the report and its SHA-256. Raises UnsteadyError.

    `gather` is called between two countings that come to the same: what it reads is what they read.
    """
    contract = _contract_of(period)
    previous = periods.before(kind, period.first, period.zone)
    # A night's roll-up that did not happen must not leave days out.
    figures.make_ready(previous)
    if earlier is None:
        figures.make_ready(period)
    else:
        # A later version says what has been found out since.
        figures.refresh(period)
    sections = {}
    for language in LANGUAGES:
        with translation.override(language):
            built = sections_all.build_all(kind, period, previous)
            sections[language] = [each.as_data() for each in built]
        if language == LANGUAGES[0]:
            gather()
    counted = _figures(sections[LANGUAGES[0]])
    if counted != _figures(sections[LANGUAGES[1]]):
        raise UnsteadyError
    data = {
        "format": FORMAT,
        "tenant": {"code": tenant.code, "slug": tenant.slug, "name": tenant.name},
        "contract": _parties(tenant, contract),
        "kind": kind,
        "version": version,
        "stage": stage,
        "reason": reason,
        "made_at": at.isoformat(timespec="seconds"),
        "period": _period(tenant, contract, period),
        "previous_sha256": earlier.sha256 if earlier else "",
        "changes": differences(earlier.data, counted) if earlier else [],
        "sections": sections,
    }
    text = canonical(data)
    return text, hashlib.sha256(text.encode()).hexdigest()


def canonical(data: Mapping[str, Any]) -> str:
    """Return the one way to write this data as JSON."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def differences(
    earlier: Mapping[str, Any], figures: Mapping[tuple[str, str], Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return each figure that is another one than in the earlier snapshot, in report order."""
    old = _figures(earlier["sections"][LANGUAGES[0]])
    rows = []
    for key in dict.fromkeys((*figures, *old)):
        before, after = old.get(key), figures.get(key)
        if before == after:
            continue
        unit = (after or before or {})["unit"]
        rows.append(
            {
                "section": key[0],
                "figure": key[1],
                "unit": unit,
                "before": before,
                "after": after,
            }
        )
    return rows


def _figures(sections: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (section["key"], figure["key"]): {
            **{name: _plain(figure[name]) for name in _SIDE},
            "unit": str(figure["unit"]),
        }
        for section in sections
        # The summary repeats the others.
        if section["key"] != sections_all.SUMMARY
        for figure in section["figures"]
    }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value


def _period(tenant: Tenant, contract: Contract | None, period: Period) -> dict[str, Any]:
    last = served_last = period.end - timedelta(days=1)
    begun = tenant.created_at.astimezone(period.zone).date()
    if contract is not None:
        begun = contract.effective_from
        served_last = min(last, contract.effective_to or last)
    served_first = max(period.first, begun)
    return {
        "first": period.first.isoformat(),
        "last": last.isoformat(),
        "days": period.days,
        "zone": tenant.time_zone,
        "is_partial": served_first <= last and (period.first, last) != (served_first, served_last),
        "served_first": served_first.isoformat(),
        "served_last": served_last.isoformat(),
        "served_days": max((served_last - served_first).days + 1, 0),
    }


def _contract_of(period: Period) -> Contract | None:
    """Return the contract of the period's last day, else of its first: it may have ended within."""
    found = contracts.contract_in_force(period.end - timedelta(days=1))
    return found or contracts.contract_in_force(period.first)


def _parties(tenant: Tenant, contract: Contract | None) -> dict[str, str]:
    if contract is None:
        return {"number": "", "party_a": tenant.name, "party_b": settings.PROVIDER_NAME}
    return {
        "number": contract.number,
        "party_a": contract.party_a_name,
        "party_b": contract.party_b_name,
    }
