"""Open a plan after two low months, and follow it to its end (R76)."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from conversations.models import SurveyInvite
from conversations.satisfaction import WINDOW, Standing, cut, month_bounds
from conversations.survey_figures import MonthFigures, month_figures
from reporting import metrics
from reporting.models import PlanState, RectificationPlan
from reporting.sections import Period
from reporting.services import figure_alerts
from reporting.services.figures import next_month
from tenants import clock
from tenants.errors import DomainError, NotFoundError
from tenants.models import (
    Obligation,
    ObligationKind,
    ObligationState,
    Tenant,
    User,
)
from tenants.scoping import active_tenant_id
from tenants.services import contracts, ledger, obligations
from tenants.services.ledger import Event
from tenants.terms import Terms

CLAUSE = "2.2(1)"
# So far back a month's score may still turn out, from samples rated late.
_MONTHS = 13
_LEAST_WORDS = 10
# So many low months open a plan; each further one amends it.
_OPENING = 2


class PlanStepError(DomainError):
    """The plan is not where this step begins."""

    code = "plan_step"
    status = 409
    message = _("The plan is not at this step any more.")


class PlanIncompleteError(DomainError):
    """Measures, a person in charge or a date are missing."""

    code = "plan_incomplete"
    status = 422
    message = _("A plan names its measures, the person in charge and the day it is to be done by.")


class RemarkMissingError(DomainError):
    """Returned without saying why."""

    code = "remark_missing"
    status = 422
    message = _("Please say what is missing; the provider reads it.")


def open_between(start: datetime, end: datetime) -> Q:
    """Return the condition of plans that were open at some instant from `start` to before `end`."""
    return Q(triggered_at__lt=end) & (Q(closed_at=None) | Q(closed_at__gte=start))


@dataclass(frozen=True)
class Judged:
    """A month whose score is final: `score` is None where it is neutral."""

    month: date
    score: Fraction | None
    target: Fraction
    final_at: datetime

    @property
    def is_low(self) -> bool:
        """Whether the score is below what the terms of the month's last day promise."""
        return self.score is not None and not metrics.reaches(self.score, self.target)


@dataclass(frozen=True)
class PlanPromise:
    """What was promised when these months called for a plan, or for it to be written anew."""

    months: tuple[str, ...]
    obligation: Obligation

    def __str__(self) -> str:
        return " · ".join(month[:7] for month in self.months)

    @property
    def due_at(self) -> datetime | None:
        """When the plan is to be handed in; None while holidays are not announced."""
        return self.obligation.due_at

    @property
    def is_open(self) -> bool:
        """Whether it is still to be handed in, late or not."""
        return self.obligation.met_at is None and self.obligation.state != ObligationState.VOID


def follow() -> RectificationPlan | None:
    """Open or amend the plan of the tenant in scope where its months call for it; return it.

    Looks at every month whose score is final, so nothing is lost by a day on which it did not run;
    running it again changes nothing. The earlier of two adjacent low months counts though a plan
    named it before.
    """
    changed = None
    judged = list(_judged_months())
    for before, month in pairwise(judged):
        adjacent = next_month(before.month) == month.month
        if adjacent and before.is_low and month.is_low and not _is_named(month.month):
            changed = _trigger(before, month)
    return changed


def submit(
    plan: RectificationPlan, *, measures: str, owner: str, target_date: date | None, by: User
) -> RectificationPlan:
    """Hand the plan to the client, which keeps every open promise of 7 working days about it.

    Raises PlanStepError, PlanIncompleteError.
    """
    measures, owner = measures.strip(), owner.strip()
    if len(measures) < _LEAST_WORDS or not owner or target_date is None:
        raise PlanIncompleteError
    with transaction.atomic():
        row = _locked(plan, PlanState.TRIGGERED, PlanState.RETURNED)
        at = clock.now()
        kept = [
            event
            for each in _subjects(row)
            for event in obligations.meet(ObligationKind.RECTIFICATION, subject_id=each, at=at)
        ]
        row.measures, row.owner, row.target_date = measures, owner, target_date
        row.submitted_at, row.submitted_by = at, by
        facts = {"measures": ledger.fingerprint(measures), "target_date": target_date}
        _move(row, PlanState.SUBMITTED, by, facts)
        ledger.append(*kept)
        figure_alerts.plan_submitted(row)
    return row


def accept(plan: RectificationPlan, *, by: User) -> RectificationPlan:
    """Accept the plan in the client's name: it is carried out from now. Raises PlanStepError."""
    with transaction.atomic():
        row = _locked(plan, PlanState.SUBMITTED)
        row.decided_at, row.decided_by, row.remark = clock.now(), by, ""
        _move(row, PlanState.EXECUTING, by)
        figure_alerts.plan_decided(row)
    return row


def give_back(plan: RectificationPlan, *, remark: str, by: User) -> RectificationPlan:
    """Return the plan to the provider with a remark. Raises PlanStepError, RemarkMissingError."""
    remark = remark.strip()
    if not remark:
        raise RemarkMissingError
    with transaction.atomic():
        row = _locked(plan, PlanState.SUBMITTED)
        row.decided_at, row.decided_by, row.remark = clock.now(), by, remark
        _move(row, PlanState.RETURNED, by, {"remark": ledger.fingerprint(remark)})
        figure_alerts.plan_decided(row)
    return row


def close(plan: RectificationPlan, *, by: User) -> RectificationPlan:
    """Close an accepted plan in the client's name: its effect is enough. Raises PlanStepError."""
    with transaction.atomic():
        row = _locked(plan, PlanState.EXECUTING)
        row.closed_at = clock.now()
        _move(row, PlanState.CLOSED, by)
    return row


def promises(plan: RectificationPlan) -> list[PlanPromise]:
    """Return what was promised about the plan, in order: first for two low months, then for each."""
    subjects = _subjects(plan)
    found = {
        row.subject_id: row
        for row in Obligation.objects.filter(
            kind=ObligationKind.RECTIFICATION, subject_id__in=subjects
        )
    }
    months = [tuple(plan.months[:_OPENING]), *((month,) for month in plan.months[_OPENING:])]
    return [
        PlanPromise(each, found[subject])
        for each, subject in zip(months, subjects, strict=True)
        if subject in found
    ]


def open_in(period: Period) -> QuerySet[RectificationPlan]:
    """Return the plans that were open at some time of the period."""
    found: QuerySet[RectificationPlan] = RectificationPlan.objects.filter(
        open_between(period.start_at, period.end_at)
    )
    return found


def effect(plan: RectificationPlan) -> MonthFigures:
    """Return the figures of the month after the last one that triggered the plan."""
    return month_figures(next_month(date.fromisoformat(plan.months[-1])))


def judge_month(month: date) -> Judged | None:
    """Return how a month ended; None while its score is not final.

    Final it is 48 hours after its end, when the last survey is closed; with too few answers once
    thirty sampled inquiries are rated (R74).
    """
    zone = Tenant.objects.get(pk=active_tenant_id()).zone
    end = month_bounds(month, zone)[1]
    final_at = end + WINDOW
    if clock.now() < final_at:
        return None
    found = month_figures(month)
    target = Fraction(contracts.terms_at(end - timedelta(microseconds=1)).satisfaction_target)
    if found.standing == Standing.NEUTRAL:
        return Judged(month, None, target, final_at)
    if found.standing == Standing.NEEDS_SAMPLING:
        return None
    enough = found.bot.responses >= metrics.FEWEST
    score = found.bot.score if enough else found.sample
    return Judged(month, score, target, final_at if enough else clock.now())


def _judged_months() -> Iterator[Judged]:
    zone = Tenant.objects.get(pk=active_tenant_id()).zone
    first = SurveyInvite.objects.filter(is_test=False).order_by("ended_at").first()
    if first is None:
        return
    today = clock.now().astimezone(zone).date()
    month = max(
        first.ended_at.astimezone(zone).date().replace(day=1),
        (today - timedelta(days=31 * _MONTHS)).replace(day=1),
    )
    while month < today.replace(day=1):
        judged = judge_month(month)
        if judged is not None:
            yield judged
        month = next_month(month)


def _is_named(month: date) -> bool:
    return any(
        month.isoformat() in months
        for months in RectificationPlan.objects.values_list("months", flat=True)
    )


def _trigger(before: Judged, month: Judged) -> RectificationPlan:
    with transaction.atomic():
        plan = RectificationPlan.objects.select_for_update().exclude(state=PlanState.CLOSED).first()
        if plan is not None:
            return _amend(plan, month)
        at = month.final_at
        agreed = contracts.terms_at(at)
        plan = RectificationPlan.objects.create(
            months=[each.month.isoformat() for each in (before, month)],
            scores=[_shown(each) for each in (before, month)],
            target=cut(month.target),
            triggered_at=at,
        )
        started = _promise(plan.pk, at, agreed)
        facts = {"months": plan.months, "scores": plan.scores}
        ledger.append(Event("plan.triggered", plan.pk, facts, clock.now()), started)
        figure_alerts.plan_triggered(plan)
    return plan


def _amend(plan: RectificationPlan, month: Judged) -> RectificationPlan:
    """A further low month: the same plan is to be written anew, under a promise of its own."""
    plan.months = [*plan.months, month.month.isoformat()]
    plan.scores = [*plan.scores, _shown(month)]
    subject = _subjects(plan)[-1]
    started = _promise(subject, month.final_at, contracts.terms_at(month.final_at))
    facts: dict[str, object] = {"months": plan.months, "scores": plan.scores, "promise": subject}
    if plan.state in (PlanState.EXECUTING, PlanState.SUBMITTED):
        _move(plan, PlanState.RETURNED, None, facts, kind="plan.amended")
    else:
        plan.save()
        ledger.append(Event("plan.amended", plan.pk, facts, clock.now()))
    ledger.append(started)
    figure_alerts.plan_triggered(plan)
    return plan


def _promise(subject_id: uuid.UUID, at: datetime, agreed: Terms) -> Event:
    return obligations.start_working_days(
        ObligationKind.RECTIFICATION,
        clause=CLAUSE,
        subject_id=subject_id,
        at=at,
        days=agreed.rectification_working_days,
        terms_version=agreed.version,
    )


def _subjects(plan: RectificationPlan) -> list[uuid.UUID]:
    """Return what each promise about the plan is about: the plan, then its writing anew by month.

    A subject has one promise of a kind; these ids follow from the plan, so no row has to hold them.
    """
    return [plan.pk, *(uuid.uuid5(plan.pk, month) for month in plan.months[_OPENING:])]


def _shown(judged: Judged) -> str:
    return "–" if judged.score is None else str(cut(judged.score))


def _locked(plan: RectificationPlan, *states: PlanState) -> RectificationPlan:
    row: RectificationPlan | None = (
        RectificationPlan.objects.select_for_update().filter(pk=plan.pk).first()
    )
    if row is None:
        raise NotFoundError
    if row.state not in states:
        raise PlanStepError
    return row


def _move(
    row: RectificationPlan,
    state: PlanState,
    by: User | None,
    facts: dict[str, object] | None = None,
    *,
    kind: str = "plan.moved",
) -> None:
    row.state = state
    row.save()
    told = {"state": str(state), "by": by.pk if by else None, **(facts or {})}
    ledger.append(Event(kind, row.pk, told, clock.now()))
