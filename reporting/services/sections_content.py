"""What was asked: the most frequent questions and intents, what had no answer, types of demand."""

from collections import Counter
from collections.abc import Iterable

from django.db.models import Count, F, Max, QuerySet
from django.utils.translation import gettext as _

from conversations.models import Message
from reporting.models import Question, QuestionLabels, QuestionStanding
from reporting.sections import Column, Period, Section, Table, Unit
from reporting.services import figures
from reporting.services.sections import TOP, asked, name_of

_SHOWN = 200


def build(period: Period, previous: Period | None) -> Section:
    """Return the section of what visitors asked about, beside the period before."""
    counted = _asked(period)
    before = _asked(previous) if previous else Question.objects.none()
    missed = counted.filter(standing__in=(QuestionStanding.FAILED, QuestionStanding.DEFAULT))
    missed_before = before.filter(standing__in=(QuestionStanding.FAILED, QuestionStanding.DEFAULT))
    return Section(
        key="content",
        title=_("What was asked"),
        clause="1.1(4)",
        figures=[asked(period, previous)],
        tables=[
            _questions("top_questions", name_of("question_top"), counted, before),
            _intents(counted, before),
            _questions("unanswered", name_of("question_unanswered"), missed, missed_before),
        ],
    )


def build_demand(period: Period, previous: Period | None) -> Section:
    """Return the section of how demand is distributed over the categories."""
    now = figures.by_dimension(period, "demand")
    before = figures.by_dimension(previous, "demand") if previous else {}
    total = sum(found.whole for found in now.values())
    rows = sorted(now, key=lambda key: (-now[key].whole, key))
    return Section(
        key="demand",
        title=name_of("demand"),
        clause="1.1(4)",
        tables=[
            Table(
                "demand",
                name_of("demand"),
                [
                    Column("demand", _("Type of demand")),
                    Column("count", _("Questions"), Unit.COUNT),
                    Column("share", _("Share"), Unit.SHARE),
                    Column("previous", _("Period before"), Unit.COUNT),
                ],
                [
                    [
                        _demand_named(key),
                        now[key].whole,
                        now[key].whole / total,
                        before[key].whole if key in before else 0,
                    ]
                    for key in rows
                ],
                empty=_("Nobody asked anything in this period."),
            )
        ],
        notes=[
            _(
                "The category is that of the entry that answered, or that came close; questions "
                "without one are named by their label."
            )
        ],
    )


def _demand_named(key: str) -> str:
    if not key.startswith("label:"):
        return key
    return str(QuestionLabels(key.removeprefix("label:")).label)


def _asked(period: Period) -> QuerySet[Question]:
    found: QuerySet[Question] = Question.objects.filter(
        day__gte=period.first, day__lt=period.end, is_same_again=False, is_test=False
    ).exclude(label__in=(QuestionLabels.CHITCHAT, QuestionLabels.PERSON))
    return found


def _questions(key: str, title: str, rows: QuerySet[Question], before: QuerySet[Question]) -> Table:
    top = list(
        rows.order_by()
        .values_list("text_key")
        .annotate(number=Count("pk"), latest=Max("asked_at"))
        .order_by("-number", "-latest", "text_key")[:TOP]
    )
    keys = [text_key for text_key, _number, _latest in top]
    earlier = _counted(before.filter(text_key__in=keys), "text_key")
    words = _words(rows, keys)
    return Table(
        key,
        title,
        [
            Column("question", _("Question")),
            Column("count", _("Times"), Unit.COUNT),
            Column("previous", _("Period before"), Unit.COUNT),
            Column("change", _("Change"), Unit.COUNT),
        ],
        [
            [words.get(each, _("(erased)")), number, earlier[each], number - earlier[each]]
            for each, number, _latest in top
        ],
        empty=_("Nobody asked anything in this period."),
    )


def _intents(rows: QuerySet[Question], before: QuerySet[Question]) -> Table:
    top = list(
        rows.filter(version__isnull=False)
        .order_by()
        .values_list("version__entry_id")
        .annotate(number=Count("pk"), name=Max("version__question"))
        .order_by("-number", "name")[:TOP]
    )
    keys = [entry for entry, _number, _name in top]
    earlier = _counted(
        before.filter(version__entry_id__in=keys).annotate(entry=F("version__entry_id")), "entry"
    )
    return Table(
        "top_intents",
        _("Most frequent intents"),
        [
            Column("intent", _("Standard question")),
            Column("count", _("Times"), Unit.COUNT),
            Column("previous", _("Period before"), Unit.COUNT),
            Column("change", _("Change"), Unit.COUNT),
        ],
        [[name, number, earlier[entry], number - earlier[entry]] for entry, number, name in top],
        empty=_("No question was answered in this period."),
    )


def _counted(rows: QuerySet[Question], name: str) -> Counter[object]:
    return Counter(dict(rows.order_by().values_list(name).annotate(number=Count("pk"))))


def _words(rows: QuerySet[Question], keys: Iterable[str]) -> dict[str, str]:
    """Return how a question was put, by its fingerprint: the latest words that still exist."""
    ids = dict(
        rows.filter(text_key__in=keys).order_by("asked_at").values_list("message_id", "text_key")
    )
    said = Message.objects.filter(pk__in=ids).order_by("received_at").values_list("pk", "text")
    return {ids[pk]: text[:_SHOWN] for pk, text in said if text}
