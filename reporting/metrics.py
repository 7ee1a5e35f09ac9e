"""What every figure means, and the arithmetic that judges it: pure, without tables and clock.

Shares and scores stay exact fractions until they are shown. Comparing is done unrounded, showing
cuts off: 94.996 % is shown as 94.99 % and fails, exactly 95 % passes (contract §1 "Rounding").
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction

from reporting.sections import Unit, Verdict

# Fewer cases than this are marked as a small sample.
FEWEST = 30
_Z95 = 1.959963984540054
# R73 reckons the half-width of a mean score with this standard deviation.
DEVIATION = 20
# R62: the warning needs this many questions, R11 warns below this score.
WARNED_FROM = 100
WARNED_ABOVE = 2


def gettext_noop(text: str) -> str:
    """Mark words for the catalogue of translations; whoever shows them translates them."""
    return text


_ = gettext_noop


@dataclass(frozen=True)
class Metric:
    """One definition: a changed meaning is a new version, never another meaning of the same.

    `name`, `formula` and `rules` are English sentences that whoever shows them translates.
    """

    key: str
    name: str
    unit: Unit
    formula: str
    clause: str = ""
    rules: tuple[str, ...] = ()
    version: int = 1


_LATE_STAYS = _("A late success never removes a breach.")
_CUT = _("Compared unrounded, shown cut off to two decimals.")

METRICS: tuple[Metric, ...] = (
    Metric(
        "first_reply",
        _("First replies in time"),
        Unit.SHARE,
        _("Inquiries answered within 10.000 s ÷ inquiries whose clock has run out or stopped."),
        "2.1(1)",
        (
            _(
                "The clock runs from the receipt of the first visitor message to the first visible reply."
            ),
            _("A visitor who leaves before the reply still counts."),
            _("An inquiry opened while a person holds the conversation has no clock."),
            _LATE_STAYS,
            _CUT,
        ),
    ),
    Metric(
        "first_reply_seconds",
        _("Time to the first reply"),
        Unit.SECONDS,
        _("The smallest time that so many percent of the inquiries stay within (nearest rank)."),
        "2.1(1)",
        (_("An inquiry without any reply is slower than every other one."),),
    ),
    Metric(
        "auto_answer",
        _("Auto-answer rate"),
        Unit.SHARE,
        _(
            "Common questions answered from the knowledge base or by a completed flow ÷ common questions."
        ),
        "2.1(2)",
        (
            _(
                "Common is what the catalogue signed by both parties says; the label never looks at the outcome."
            ),
            _("Questions without an answer count as common until a person has reviewed them."),
            _("A question handed to people, or answered wrongly, is not in the numerator."),
            _("A clarification that ends in an answer counts once, as answered."),
            _("The same text of one visitor within 10 minutes is one question."),
            _("A question that met a silent assistant counts as unanswered."),
            _CUT,
        ),
    ),
    Metric(
        "resolved",
        _("Resolution rate"),
        Unit.SHARE,
        _("Questions of the numerator that stayed solved ÷ common questions."),
        "2.1(2)",
        (
            _(
                "Not solved: judged unhelpful, asked again within 24 hours, or handed to people later in the inquiry."
            ),
            _("Shown beside the auto-answer rate, never mixed with it."),
        ),
    ),
    Metric(
        "report_due",
        _("Reports in time"),
        Unit.SHARE,
        _(
            "Reports sent within 2 hours of when they were due ÷ reports whose clock has run out or stopped."
        ),
        "1.1(4)",
        (
            _("The clock runs from the end of the report's period: it counts in the period after."),
            _("A corrected version has no clock."),
            _LATE_STAYS,
        ),
    ),
    Metric(
        "handoff",
        _("Hand-offs in time"),
        Unit.SHARE,
        _("Hand-offs acknowledged within 60.000 s ÷ hand-offs whose clock has run out or stopped."),
        "2.1(3)",
        (
            _(
                "The clock runs from the receipt of the triggering message to the acknowledgement of the whole package."
            ),
            _("When an agent picks it up is another figure."),
            _LATE_STAYS,
            _CUT,
        ),
    ),
    Metric(
        "pick_up_seconds",
        _("Time until an agent took it"),
        Unit.SECONDS,
        _(
            "The smallest time that so many percent of the taken hand-offs stay within (nearest rank)."
        ),
        "2.1(3)",
        (_("Staffing is the client's: nothing is promised."),),
    ),
    Metric(
        "satisfaction",
        _("Satisfaction"),
        Unit.SCORE,
        _("Sum of the scores ÷ number of answers, by the end of the inquiry."),
        "2.2(1)",
        (
            _("Five labelled answers are worth 100, 80, 60, 40 and 20."),
            _("Fewer than 30 inquiries make a neutral month."),
            _("Survey and sample are never averaged together."),
            _CUT,
        ),
    ),
    Metric(
        "availability_gross",
        _("Availability, gross"),
        Unit.SHARE,
        _("1 − length of the union of all down intervals ÷ seconds of the month."),
        "2.2(2)",
        (_("No exclusion is subtracted."), _("Absence of evidence is not uptime.")),
    ),
    Metric(
        "availability_net",
        _("Availability, net"),
        Unit.SHARE,
        _("1 − down time less accepted exclusions ÷ seconds of the month in force."),
        "2.2(2)",
        (_("Only accepted exclusions are subtracted; pending ones are down time."), _CUT),
    ),
    Metric(
        "accuracy",
        _("Answers that match their source"),
        Unit.SHARE,
        _("Answers equal to the version they cite ÷ answers compared by machine."),
        "2.2(3)",
        (_("Every answer is compared."),),
    ),
    Metric(
        "accuracy_audit",
        _("Audited answers found right"),
        Unit.SHARE,
        _("Sampled answers found right ÷ sampled answers that were checked."),
        "2.2(3)",
        (
            _(
                "299 answers a month, or all; drawn from each channel in proportion, by a stored seed."
            ),
            _("Whoever checks does not see who wrote the entry."),
        ),
    ),
    Metric(
        "knowledge_on_time",
        _("Knowledge updates on time"),
        Unit.SHARE,
        _("Attributable requests done when due ÷ attributable requests due in the period."),
        "1.1(5)",
        (_("A request with too short a lead is worked on and not attributable."),),
    ),
    Metric("inquiries", _("Inquiries"), Unit.COUNT, _("Inquiries opened in the period.")),
    Metric(
        "visitors",
        _("Visitors"),
        Unit.COUNT,
        _("Different contacts who opened an inquiry in the period."),
        rules=(_("Days do not add up: who comes on two days is one visitor."),),
    ),
    Metric("messages", _("Messages"), Unit.COUNT, _("Messages that the visitor can see.")),
    Metric("questions", _("Questions"), Unit.COUNT, _("Runs of visitor messages before a reply.")),
    Metric(
        "question_top",
        _("Most frequent questions"),
        Unit.COUNT,
        _("Questions with the same words, spelling and politeness aside."),
    ),
    Metric(
        "question_unanswered",
        _("Questions without an answer"),
        Unit.COUNT,
        _("Questions in the denominator of the auto-answer rate and not in its numerator."),
        "2.1(2)",
    ),
    Metric(
        "demand",
        _("Types of demand"),
        Unit.COUNT,
        _(
            "Questions by the category of the entry that answered them, else by why people got them."
        ),
        "1.1(4)",
    ),
    Metric("agent", _("Agents"), Unit.COUNT, _("Hand-offs an agent took, and what they wrote.")),
    Metric("channel", _("Channels"), Unit.COUNT, _("Inquiries and messages by channel.")),
    Metric("hour", _("Hours"), Unit.COUNT, _("Inquiries by the hour of the tenant's day.")),
    Metric(
        "excluded",
        _("Excluded traffic"),
        Unit.COUNT,
        _("Previews, tests and demonstrations: in no other figure."),
    ),
)
BY_KEY: Mapping[str, Metric] = {metric.key: metric for metric in METRICS}


def ratio(part: int | Fraction, whole: int | Fraction) -> Fraction | None:
    """Return the exact share; None where there is nothing to count."""
    return Fraction(part) / Fraction(whole) if whole else None


def reaches(value: Fraction | None, target: Decimal | Fraction | int) -> bool:
    """Return whether a value is at least the target, unrounded; nothing reaches no target."""
    return value is not None and value >= Fraction(target)


def verdict(value: Fraction | None, target: Decimal | Fraction | int) -> Verdict:
    """Return how a promised value stands; neutral where there was nothing to count."""
    if value is None:
        return Verdict.NEUTRAL
    return Verdict.KEPT if reaches(value, target) else Verdict.MISSED


def cut(value: Fraction, places: int = 2) -> Decimal:
    """Return the value with so many decimals, always rounded down."""
    step = Decimal(1).scaleb(-places)
    return Decimal(math.floor(value * 10**places)).scaleb(-places).quantize(step, ROUND_FLOOR)


def shown_percent(value: Fraction | None) -> str:
    """Return a share in percent as it is shown, "94.99%"; a dash for none."""
    return "–" if value is None else f"{cut(value * 100)}%"


def shown_score(value: Fraction | None) -> str:
    """Return a score of 100 as it is shown, "84.99"; a dash for none."""
    return "–" if value is None else str(cut(value))


def wilson(part: int, whole: int) -> tuple[float, float] | None:
    """Return Wilson's 95 % interval of a share; None where there is nothing to count."""
    if not whole:
        return None
    if not 0 <= part <= whole:
        raise ValueError("a part lies between nothing and the whole")
    share, square = part / whole, _Z95 * _Z95
    middle = share + square / (2 * whole)
    width = _Z95 * math.sqrt(share * (1 - share) / whole + square / (4 * whole * whole))
    scale = 1 + square / whole
    # The ends are exact where nothing or everything counts; the square root is not.
    low = 0.0 if part == 0 else max(0.0, (middle - width) / scale)
    high = 1.0 if part == whole else min(1.0, (middle + width) / scale)
    return min(low, share), max(high, share)


def is_small(whole: int) -> bool:
    """Return whether so few cases are marked as a small sample."""
    return whole < FEWEST


def half_width(count: int, deviation: int = DEVIATION) -> float | None:
    """Return half the width of the 95 % interval of a mean of so many scores."""
    return _Z95 * deviation / math.sqrt(count) if count else None


def quantile(counts: Mapping[int, int], share: Fraction, missing: int = 0) -> int | None:
    """Return the value of the nearest rank: the smallest that `share` of the cases stay within.

    `counts` says how often each value occurred; `missing` cases are larger than every value. None
    where nothing was counted, or where the rank falls on a missing one.
    """
    total = sum(counts.values()) + missing
    if not total:
        return None
    rank = max(1, math.ceil(share * total))
    for value in sorted(counts):
        rank -= counts[value]
        if rank <= 0:
            return value
    return None


def is_warned(part: int, whole: int, target: Decimal | Fraction) -> bool:
    """Return whether a month's auto-answer rate so far calls for a warning (R62)."""
    return whole >= WARNED_FROM and not reaches(ratio(part, whole), target)
