"""Questions with where they count and why, and the page on which people label them."""

from datetime import date
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import F, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.decorators import action, display

from conversations.admin.links import conversation_link
from reporting.models import Question, QuestionLabel, QuestionLabels, QuestionStanding
from reporting.services import labels
from tenants import clock
from tenants.admin_base import ReadOnlyAdmin, actor_of, badge, second
from tenants.admin_filters import counted, period_on, states
from tenants.errors import DomainError
from tenants.scoping import as_uuid

_TONES = {
    QuestionStanding.ANSWERED: "ok",
    QuestionStanding.FAILED: "breach",
    QuestionStanding.DEFAULT: "warn",
}
# What the auto-answer rate is made of.
IN_THE_RATE = (QuestionStanding.ANSWERED, QuestionStanding.FAILED, QuestionStanding.DEFAULT)
# Longer ones are read on their own page.
_LISTED = 80
_ASKED = Q(is_test=False, is_same_again=False)


class QuestionList(ChangeList):
    """The page of questions, each with its words: two queries for all of them."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        page: list[Any] = list(self.result_list)
        words = labels.words_of_all(page)
        for row in page:
            row.listed_words = words[row.pk]
        self.result_list = page


@admin.register(Question)
class QuestionAdmin(ReadOnlyAdmin):
    """Shows every question, whether it counts, and why; labelling is done blind."""

    capabilities = {"view": "question.view", "label": "question.label"}
    list_display = ("asked", "listed", "label_named", "counts", "why", "is_reviewed", "where")
    list_filter = (
        ("standing", ChoicesDropdownFilter),
        ("why", ChoicesDropdownFilter),
        ("label", ChoicesDropdownFilter),
        ("is_reviewed", BooleanRadioFilter),
        counted(Q(standing__in=IN_THE_RATE)),
        states(
            asked=(_("asked, each once"), _ASKED),
            relabelled=(
                _("labelled otherwise by people"),
                _ASKED & Q(is_reviewed=True) & ~Q(label=F("machine_label")),
            ),
        ),
        period_on("asked_at"),
    )
    list_filter_submit = True
    fields = ("asked", "words", "label_named", "counts", "why", "demand", "is_reviewed", "where")
    actions_list = ("review_page",)
    empty_text = _("Each night the questions of the day before are counted; they appear here.")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return QuestionList

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("asked",)

    def has_label_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "label")

    @action(description=_("Label questions"), url_path="review", permissions=["label"])
    def review_page(self, request: HttpRequest) -> HttpResponse:
        """Show one question, nothing else of it, and take its label."""
        month = _month(request.GET.get("month", ""))
        here = f"{reverse('admin:reporting_question_review_page')}?month={month:%Y-%m}"
        if request.method == "POST":
            pk = as_uuid(request.POST.get("question"))
            try:
                if pk is not None:
                    labels.relabel(
                        pk,
                        request.POST.get("label", ""),
                        by=actor_of(request).user,
                        disputed="disputed" in request.POST,
                    )
            except Question.DoesNotExist:
                messages.error(request, gettext("This question is not there any more."))
            except DomainError as error:
                messages.error(request, error.detail)
            return HttpResponseRedirect(here)
        row = labels.next_to_review(month)
        return self.page(
            request,
            "admin/reporting/label.html",
            {
                "title": gettext("Label questions of %(month)s") % {"month": f"{month:%Y-%m}"},
                "key": row.pk if row else None,
                "words": labels.words_of(row) if row else "",
                "progress": labels.progress(month),
                "choices": label_choices(),
                "back": reverse("admin:reporting_question_changelist"),
            },
        )

    @display(description=_("asked at"), ordering="asked_at")
    def asked(self, row: Question) -> str:
        return second(row.asked_at)

    @display(description=_("question"))
    def words(self, row: Question) -> str:
        return labels.words_of(row)

    @display(description=_("question"))
    def listed(self, row: Any) -> str:
        return Truncator(row.listed_words).chars(_LISTED) or "–"

    @display(description=_("label"))
    def label_named(self, row: Question) -> str:
        return row.get_label_display()

    @display(description=_("counts as"))
    def counts(self, row: Question) -> Any:
        return badge(row.get_standing_display(), _TONES.get(QuestionStanding(row.standing), ""))

    @display(description=_("conversation"))
    def where(self, row: Question) -> Any:
        return conversation_link(row.conversation_id)


@admin.register(QuestionLabel)
class QuestionLabelAdmin(ReadOnlyAdmin):
    """Shows every label that a question ever got."""

    capabilities = {"view": "question.view"}
    list_display = ("given", "label", "previous", "source", "is_disputed", "by")
    list_filter = (("source", ChoicesDropdownFilter), period_on("at"))
    list_filter_submit = True
    list_select_related = ("by",)
    fields = ("given", "label", "previous", "source", "is_disputed", "by")
    empty_text = _("Each question gets a label when it is counted.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("given",)

    @display(description=_("at"), ordering="at")
    def given(self, row: QuestionLabel) -> str:
        return second(row.at)


def label_choices() -> list[tuple[int, str, Any]]:
    """Return the labels with the digit that gives each of them."""
    return [
        (number, value, name)
        for number, (value, name) in enumerate(QuestionLabels.choices, start=1)
    ]


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return timezone.localdate(clock.now()).replace(day=1)
