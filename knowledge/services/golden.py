"""Try the golden questions: what editors are about to publish may not break what was right."""

from collections.abc import Callable
from dataclasses import dataclass

from django.core.cache import cache
from django.db import transaction
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from knowledge import search, tasks
from knowledge.models import Entry, EntryVersion, GoldenQuestion, GoldenState
from knowledge.search import Answers
from knowledge.services import releases
from tenants import clock
from tenants.errors import DomainError
from tenants.models import User
from tenants.scoping import active_tenant_id
from tenants.services import ledger
from tenants.services.ledger import Event

# Of the questions with an entry, so many points fewer may be right than now (R43).
MOST_LOST = 0.02
# Several changes in a row are tried once, this long after the first.
SETTLE_SECONDS = 5
_NAMED = 3


class GoldenWorseError(DomainError):
    """Visitors would fare worse with what is to be published."""

    code = "golden_worse"
    status = 409
    message = _(
        "Not published. %(questions)s Change the entries, or the golden questions, and publish again."
    )


@dataclass(frozen=True)
class Trial:
    """How the golden questions fare: `right` with the working copy, `right_before` as heard now.

    `lost` is the share of those with an entry by which fewer are right.
    """

    questions: int
    right: int
    right_before: int
    worse: tuple[GoldenQuestion, ...]
    lost: float = 0.0

    @property
    def is_blocked(self) -> bool:
        """Whether R43 forbids to publish: two points lost, or something for people answered."""
        answered = any(row.state == GoldenState.UNWANTED for row in self.worse)
        return answered or self.lost > MOST_LOST


def run() -> Trial:
    """Try every golden question with the working copy and with what visitors hear; return how.

    The rows keep it. Right is the answer itself, or a choice of at most three that holds it; for
    questions that belong to people, that nothing is answered. Costs the time to index the
    knowledge base once, and two look-ups a question.
    """
    rows = list(GoldenQuestion.objects.select_related("entry"))
    if not rows:
        return Trial(0, 0, 0, ())
    working = search.trial(
        [search.index_entry(entry.pk, **content) for entry, content in releases.working_copy()]
    )
    versions = dict(EntryVersion.objects.values_list("pk", "entry_id"))
    at = clock.now()
    for row in rows:
        row.heard_state, _found = _fate(row, search.answer_candidates(row.text), versions.get)
        row.state, row.found = _fate(row, working(row.text), lambda pk: pk)
        row.tried_at = at
    GoldenQuestion.objects.bulk_update(rows, ["state", "heard_state", "found", "tried_at"], 200)
    answerable = [row for row in rows if row.entry_id is not None]
    change = sum(
        (row.heard_state == GoldenState.RIGHT) - (row.state == GoldenState.RIGHT)
        for row in answerable
    )
    return Trial(
        questions=len(rows),
        right=sum(row.state == GoldenState.RIGHT for row in rows),
        right_before=sum(row.heard_state == GoldenState.RIGHT for row in rows),
        worse=tuple(row for row in rows if row.is_worse),
        lost=change / max(len(answerable), 1),
    )


def check() -> Trial:
    """Try the golden questions before publishing. Raises GoldenWorseError."""
    trial = run()
    if trial.is_blocked:
        named = [_worse(row) for row in trial.worse[:_NAMED]]
        raise GoldenWorseError(questions=("" if get_language() == "zh-hans" else " ").join(named))
    return trial


def _worse(row: GoldenQuestion) -> str:
    facts = {"text": row.text, "found": row.found, "entry": row.entry.question if row.entry else ""}
    if row.state == GoldenState.UNWANTED:
        return (
            gettext("“%(text)s” belongs to people, and would be answered with “%(found)s”.") % facts
        )
    return gettext("“%(text)s” would not lead to “%(entry)s” any more.") % facts


def run_soon() -> None:
    """Have the golden questions tried in the background, once for all changes of a few seconds."""

    def send() -> None:
        # After the commit: whoever finds a run on its way is seen by it.
        if cache.add(f"golden:{active_tenant_id()}", 1, SETTLE_SECONDS):
            tasks.try_golden_questions.apply_async(countdown=SETTLE_SECONDS)

    if GoldenQuestion.objects.exists():
        transaction.on_commit(send)


def save(row: GoldenQuestion, *, by: User | None) -> GoldenQuestion:
    """Write a golden question; what it was before and is now stands in the ledger."""
    with transaction.atomic():
        row.text = " ".join(row.text.split())
        row.state = row.heard_state = GoldenState.UNTRIED
        row.found, row.tried_at, row.updated_by = "", None, by
        row.save()
        facts = {
            "by": by.pk if by else None,
            "text_sha256": ledger.fingerprint(row.text),
            "entry": row.entry_id,
        }
        ledger.append(Event("golden.saved", row.pk, facts))
    return row


def make_golden(texts: dict[str, Entry], *, by: User | None) -> int:
    """Make golden questions of words whose entry is known; return how many were new."""
    known = set(GoldenQuestion.objects.filter(text__in=texts).values_list("text", flat=True))
    fresh = [(text, entry) for text, entry in texts.items() if text not in known]
    for text, entry in fresh:
        save(GoldenQuestion(text=text, entry=entry), by=by)
    return len(fresh)


def _fate(
    row: GoldenQuestion, answers: Answers, entry_of: Callable[[object], object]
) -> tuple[GoldenState, str]:
    found = answers.candidates
    best = found[0] if found else None
    to_people = answers.excluded >= answers.excluded_threshold and not (best and best.exact)
    answered = best is not None and best.p >= answers.answer_threshold and not to_people
    if row.entry_id is None:
        state = GoldenState.UNWANTED if answered else GoldenState.RIGHT
        return state, best.question if answered and best else ""
    if answered:
        offered = found[:1]
    elif answers.in_scope >= answers.clarify_threshold and not to_people:
        offered = found[:3]
    else:
        offered = ()
    right = row.entry_id in [entry_of(each.version_id) for each in offered]
    return GoldenState.RIGHT if right else GoldenState.WRONG, offered[0].question if offered else ""
