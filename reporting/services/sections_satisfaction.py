"""Satisfaction, month by month: score, answers, response rate, distribution, half-width."""

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from conversations.models import Satisfaction, SurveyMonth
from conversations.satisfaction import Standing
from conversations.services import survey_terms
from conversations.survey_figures import MonthFigures, month_figures
from reporting import metrics
from reporting.sections import Column, Figure, Period, Section, Series, Table, Unit, Verdict
from reporting.services import figures
from reporting.services.sections import agreed


def build(period: Period, previous: Period | None) -> Section:
    """Return the section of clause 2.2(1); of several months, the last one is judged."""
    months = [month_figures(month) for month in _months(period)]
    last, target = months[-1], agreed(period).satisfaction_target
    before = month_figures(_months(previous)[-1]) if previous else None
    return Section(
        key="satisfaction",
        title=_("Satisfaction"),
        clause="2.2(1)",
        figures=[*_of_month(last, before, target)],
        series=[
            Series(
                "satisfaction_by_month",
                _("Score by month"),
                Unit.SCORE,
                [f"{found.month:%Y-%m}" for found in months],
                [None if found.bot.score is None else float(found.bot.score) for found in months],
                target=float(target),
            )
        ],
        tables=[_distribution(last)],
        notes=[_of_calendar_month(last), _method(last), *_standing(last)],
    )


def _of_month(found: MonthFigures, before: MonthFigures | None, target: Decimal) -> list[Figure]:
    bot, score = found.bot, found.bot.score
    width = metrics.half_width(bot.responses)
    judged = metrics.verdict(score, target)
    rate = metrics.ratio(bot.responses, found.asked)
    filters = {"month": f"{found.month:%Y-%m}", "counted": "yes"}
    of_bot = {**filters, "part__exact": "bot"}
    total = sum(value * count for value, count in bot.distribution.items())
    return [
        Figure(
            key="satisfaction",
            title=_("Satisfaction"),
            unit=Unit.SCORE,
            value=None if score is None else float(score),
            metric="satisfaction",
            clause="2.2(1)",
            part=total,
            whole=bot.responses,
            low=max(0.0, float(score) - width) if score is not None and width else None,
            high=min(100.0, float(score) + width) if score is not None and width else None,
            target=float(target),
            verdict=judged if found.standing == Standing.ENOUGH else Verdict.NEUTRAL,
            previous=float(before.bot.score) if before and before.bot.score is not None else None,
            is_small_sample=metrics.is_small(bot.responses),
            rows="conversations_rating",
            filters=of_bot,
        ),
        Figure(
            key="responses",
            title=_("Answers that count"),
            unit=Unit.COUNT,
            value=bot.responses,
            metric="satisfaction",
            previous=before.bot.responses if before else None,
            rows="conversations_rating",
            filters=of_bot,
        ),
        Figure(
            key="response_rate",
            title=_("Response rate"),
            unit=Unit.SHARE,
            value=None if rate is None else float(rate),
            metric="satisfaction",
            part=bot.responses,
            whole=found.asked,
            rows="conversations_surveyinvite",
            filters=filters,
        ),
        Figure(
            key="satisfaction_human",
            title=_("Satisfaction with the agents"),
            unit=Unit.SCORE,
            value=None if found.human.score is None else float(found.human.score),
            metric="satisfaction",
            whole=found.human.responses,
            is_small_sample=metrics.is_small(found.human.responses),
            rows="conversations_rating",
            filters={**filters, "part__exact": "human"},
        ),
        Figure(
            key="satisfaction_sample",
            title=_("Result of the quality sample"),
            unit=Unit.SCORE,
            value=None if found.sample is None else float(found.sample),
            metric="satisfaction",
            whole=found.sampled,
            is_small_sample=metrics.is_small(found.sampled),
            rows="conversations_qaitem",
            filters=filters,
        ),
    ]


def _distribution(found: MonthFigures) -> Table:
    return Table(
        "satisfaction_distribution",
        _("Distribution"),
        [
            Column("answer", _("Answer")),
            Column("score", _("Score"), Unit.SCORE),
            Column("count", _("Times"), Unit.COUNT),
        ],
        [
            [str(Satisfaction(value).label), value, count]
            for value, count in found.bot.distribution.items()
        ],
    )


def _method(found: MonthFigures) -> str:
    month = SurveyMonth.objects.select_related("terms").filter(month=found.month).first()
    terms = month.terms if month else survey_terms.latest()
    return _("Method: %(method)s; terms %(version)s; answers that do not count: %(excluded)s.") % {
        "method": terms.get_method_display(),
        "version": terms,
        "excluded": found.excluded,
    }


def _of_calendar_month(found: MonthFigures) -> str:
    return _(
        "Satisfaction is judged by calendar months: this is %(month)s as far as it was known."
    ) % {"month": f"{found.month:%Y-%m}"}


def _standing(found: MonthFigures) -> list[str]:
    if found.standing == Standing.NEUTRAL:
        return [_("Fewer than 30 inquiries: the month is neutral.")]
    if found.standing == Standing.NEEDS_SAMPLING:
        return [_("Fewer than 30 answers: a quality sample has to be drawn and rated.")]
    return []


def _months(period: Period) -> list[date]:
    found, month = [], period.first.replace(day=1)
    while month < period.end:
        found.append(month)
        month = figures.next_month(month)
    return found
