"""What visitors answered, what a month comes to, and corrections that two people agree to."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from conversations.admin.counting import EndedInMonthFilter
from conversations.admin.links import conversation_link
from conversations.models import Rating, RatingCorrection, Satisfaction
from conversations.satisfaction import Standing
from conversations.services import ratings
from conversations.survey_figures import month_figures
from tenants import clock
from tenants.actors import Actor
from tenants.admin_base import ReadOnlyAdmin, actor_of, badge, moment
from tenants.admin_filters import counted, period_on
from tenants.errors import DomainError
from tenants.roles import Role

SCORE_TONES = {100: "ok", 80: "ok", 60: "", 40: "warn", 20: "breach"}


class CorrectionForm(forms.Form):
    """What a rating should be instead, and why."""

    score = forms.TypedChoiceField(
        label=_("score after"),
        choices=[("", _("Strike it out: it does not count any more")), *Satisfaction.choices],
        coerce=int,
        empty_value=None,
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    reason = forms.CharField(
        label=_("reason"), max_length=300, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )


def is_providers(actor: Actor) -> bool:
    """Return whether the person acts for the provider, not for the client company."""
    member = actor.membership
    return member is None or actor.user.is_operator or member.role == Role.ACCOUNT_MANAGER


class OfMonthFilter(EndedInMonthFilter):
    """Answers by the month in which their inquiry ended: that of their figures (R73)."""

    path = "invite__"


@admin.register(Rating)
class RatingAdmin(ReadOnlyAdmin):
    """Shows the answers, with the figures of this month and the last above them."""

    capabilities = {"view": "survey.view", "correct": "survey.change"}
    list_display = ("answer", "part", "counts", "comment", "given", "of_agent", "where")
    list_display_links = ("answer",)
    list_filter = (
        ("score", ChoicesDropdownFilter),
        ("part", ChoicesDropdownFilter),
        ("excluded_reason", ChoicesDropdownFilter),
        counted(Q(excluded_reason="")),
        OfMonthFilter,
        period_on("given_at"),
    )
    list_filter_submit = True
    list_select_related = ("invite__inquiry", "invite__agent")
    list_before_template = "admin/conversations/survey_figures.html"
    search_fields = ("comment",)
    search_help_text = _("Words of the comment")
    fields = ("answer", "part", "counts", "comment", "given", "changed", "of_agent", "where")
    actions_detail = ("correct_page",)
    ordering = ("-given_at", "-pk")
    empty_text = _("No visitor has answered a survey yet.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("given",)

    def title_of(self, row: Rating) -> str:
        return f"{row.get_score_display()} {moment(row.given_at)}"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        shown = {"figures": _months()} if self.has_view_permission(request) else {}
        response: HttpResponse = super().changelist_view(
            request, {**(extra_context or {}), **shown}
        )
        return response

    def has_correct_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "correct")

    @action(
        description=_("Propose a correction"),
        url_path="correct",
        permissions=["correct"],
        icon="edit",
    )
    def correct_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take the wish to correct the rating; somebody else has to agree."""
        row: Any = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        form = CorrectionForm(request.POST if request.method == "POST" else None)
        page = reverse("admin:conversations_rating_change", args=[row.pk])
        if form.is_bound and form.is_valid():
            actor = actor_of(request)
            try:
                ratings.propose_correction(
                    row,
                    score=form.cleaned_data["score"],
                    reason=form.cleaned_data["reason"],
                    by=actor.user,
                    is_providers=is_providers(actor),
                )
            except DomainError as error:
                messages.error(request, error.detail)
            else:
                messages.success(
                    request, gettext("Proposed. Nothing changes until somebody else agrees.")
                )
            return HttpResponseRedirect(page)
        return self.page(
            request,
            "admin/form_page.html",
            {
                "title": gettext("Correct “%(score)s”") % {"score": row.get_score_display()},
                "lead": gettext(
                    "A visitor's answer is theirs. It is corrected only where two people agree, one "
                    "of them of the client; both scores and the reason stay on record."
                ),
                "form": form,
                "submit_label": gettext("Propose"),
                "cancel_url": page,
            },
        )

    @display(description=_("rating"), ordering="score")
    def answer(self, row: Rating) -> SafeString:
        return badge(f"{row.get_score_display()} {row.score}", SCORE_TONES[row.score])

    @display(description=_("counts"))
    def counts(self, row: Rating) -> str:
        if not row.excluded_reason:
            return gettext("Counts")
        return badge(row.get_excluded_reason_display(), "warn")

    @display(description=_("given at"), ordering="given_at")
    def given(self, row: Rating) -> str:
        return moment(row.given_at)

    @display(description=_("changed at"))
    def changed(self, row: Rating) -> str:
        return moment(row.changed_at) or "–"

    @display(description=_("agent"))
    def of_agent(self, row: Rating) -> str:
        return str(row.invite.agent or "–") if row.part == "human" else "–"

    @display(description=_("conversation"))
    def where(self, row: Rating) -> Any:
        return conversation_link(row.invite.inquiry.conversation_id)


@admin.register(RatingCorrection)
class RatingCorrectionAdmin(ReadOnlyAdmin):
    """Shows wishes to correct a rating, and lets a second person decide."""

    capabilities = {"view": "survey.view", "decide": "survey.change"}
    list_display = ("standing", "change_named", "reason", "proposed", "proposed_by", "decided_by")
    list_display_links = ("change_named",)
    list_filter = (period_on("proposed_at"),)
    list_filter_submit = True
    list_select_related = ("rating__invite__inquiry", "proposed_by", "decided_by")
    fields = (
        "standing",
        "change_named",
        "reason",
        "proposed",
        "proposed_by",
        "decided",
        "decided_by",
        "where",
    )
    actions_detail = ("approve_page", "refuse_page")
    ordering = ("-proposed_at", "-pk")
    empty_text = _("Nobody has proposed to correct a rating.")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("proposed",)

    def title_of(self, row: RatingCorrection) -> str:
        return str(self.change_named(row))

    def has_decide_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "decide")

    @action(description=_("Agree"), url_path="approve", permissions=["decide"], icon="check")
    def approve_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then carry the correction out."""
        return self._decide(request, object_id, approve=True)

    @action(description=_("Refuse"), url_path="refuse", permissions=["decide"], icon="block")
    def refuse_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then refuse the correction."""
        return self._decide(request, object_id, approve=False)

    def _decide(self, request: HttpRequest, object_id: str, *, approve: bool) -> HttpResponse:
        row: Any = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        page = reverse("admin:conversations_ratingcorrection_change", args=[row.pk])
        if request.method == "POST":
            actor = actor_of(request)
            try:
                ratings.decide_correction(
                    row, approve=approve, by=actor.user, is_providers=is_providers(actor)
                )
            except DomainError as error:
                messages.error(request, error.detail)
            else:
                done = gettext("The rating is corrected.") if approve else gettext("Refused.")
                messages.success(request, done)
            return HttpResponseRedirect(page)
        return self.page(
            request,
            "admin/confirm_page.html",
            {
                "title": gettext("Correct this rating?")
                if approve
                else gettext("Refuse this correction?"),
                "lead": gettext("It takes two people, one of them of the client."),
                "facts": [
                    (gettext("correction"), self.change_named(row)),
                    (gettext("reason"), row.reason),
                    (gettext("proposed by"), row.proposed_by),
                ],
                "submit_label": gettext("Agree") if approve else gettext("Refuse"),
                "cancel_url": page,
            },
        )

    @display(description=_("state"))
    def standing(self, row: RatingCorrection) -> SafeString:
        if row.is_open:
            return badge(gettext("Waits for a second person"), "warn")
        return badge(gettext("Corrected"), "ok") if row.is_approved else badge(gettext("Refused"))

    @display(description=_("correction"))
    def change_named(self, row: RatingCorrection) -> str:
        after = row.get_new_score_display() if row.new_score else gettext("struck out")
        return f"{row.get_old_score_display()} → {after}"

    @display(description=_("proposed at"), ordering="proposed_at")
    def proposed(self, row: RatingCorrection) -> str:
        return moment(row.proposed_at)

    @display(description=_("decided at"))
    def decided(self, row: RatingCorrection) -> str:
        return moment(row.decided_at) or "–"

    @display(description=_("conversation"))
    def where(self, row: RatingCorrection) -> Any:
        return conversation_link(row.rating.invite.inquiry.conversation_id)


def _months() -> list[dict[str, Any]]:
    this = timezone.localdate(clock.now()).replace(day=1)
    return [_shown(this), _shown((this - timedelta(days=1)).replace(day=1))]


def _shown(month: date) -> dict[str, Any]:
    figures = month_figures(month)
    marks = {
        Standing.ENOUGH: badge(gettext("Enough answers"), "ok"),
        Standing.NEEDS_SAMPLING: badge(gettext("Needs a sample"), "warn"),
        Standing.NEUTRAL: badge(gettext("Neutral: fewer than 30 inquiries")),
    }
    names = dict(Satisfaction.choices)
    rate = figures.response_rate
    return {
        "month": f"{month:%Y-%m}",
        "figures": figures,
        "mark": marks[figures.standing],
        "rate": "–" if rate is None else f"{rate}%",
        "rows": [
            {
                "name": name,
                "tally": tally,
                "distribution": [
                    (names[value], count) for value, count in tally.distribution.items()
                ],
            }
            for name, tally in (
                (gettext("Assistant"), figures.bot),
                (gettext("Human agent"), figures.human),
            )
        ],
    }
