"""Plans for rectification: written by the provider, accepted and closed by the client (R76)."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from reporting.admin.pages import SteppedAdmin
from reporting.models import PlanState, RectificationPlan
from reporting.services import rectification
from tenants import clock
from tenants.admin_base import actor_of, badge, moment
from tenants.admin_filters import PeriodFilter, instants, period_days, states

_TONES = {
    PlanState.TRIGGERED: "breach",
    PlanState.SUBMITTED: "warn",
    PlanState.RETURNED: "breach",
    PlanState.EXECUTING: "info",
    PlanState.CLOSED: "ok",
}


class PlanForm(forms.Form):
    """What will be done, by whom, until when."""

    measures = forms.CharField(
        label=_("measures"),
        max_length=8000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 10}),
        help_text=_("Causes first, then what is done about each, one per line."),
    )
    owner = forms.CharField(
        label=_("person in charge"), max_length=80, widget=UnfoldAdminTextInputWidget
    )
    target_date = forms.DateField(
        label=_("to be done by"), widget=UnfoldAdminSingleDateWidget, localize=False
    )


class RemarkForm(forms.Form):
    """What the client misses."""

    remark = forms.CharField(
        label=_("client's remark"),
        max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )


class OpenFilter(PeriodFilter):
    """Plans that were open on some day of the period."""

    title = _("open in the period")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = period_days(self.value() or "")
        if days is None:
            return queryset
        start, end = instants(*days)
        return queryset.filter(rectification.open_between(start, end))


@admin.register(RectificationPlan)
class RectificationPlanAdmin(SteppedAdmin):
    """Shows plans with their clock; each party takes its steps."""

    capabilities = {
        "view": "plan.view",
        "write": "plan.write",
        "decide": "plan.decide",
    }
    list_display = ("name", "standing", "scored", "due", "owner", "target_date")
    list_filter = (
        ("state", ChoicesDropdownFilter),
        states(open=(_("Not closed"), ~Q(state=PlanState.CLOSED))),
        OpenFilter,
    )
    list_filter_submit = True
    fields = (
        "name",
        "standing",
        "scored",
        "target",
        "triggered",
        "due",
        "measures",
        "owner",
        "target_date",
        "submitted",
        "decided",
        "remark",
        "closed",
        "followed",
    )
    actions_detail = ("submit_page", "accept_page", "return_page", "close_page")
    empty_text = _(
        "No plan so far. Two adjacent months of satisfaction below the target open one by "
        "themselves."
    )

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("target_date",)

    def idle_steps(self, request: HttpRequest, row: Any) -> Collection[str]:
        steps = {
            "submit_page": (PlanState.TRIGGERED, PlanState.RETURNED),
            "accept_page": (PlanState.SUBMITTED,),
            "return_page": (PlanState.SUBMITTED,),
            "close_page": (PlanState.EXECUTING,),
        }
        return [name for name, states in steps.items() if row.state not in states]

    def has_write_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "write")

    def has_decide_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "decide")

    @action(description=_("Submit the plan"), url_path="submit", permissions=["write"], icon="send")
    def submit_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for measures, person and day, then hand the plan to the client."""
        by = actor_of(request).user
        return self.step(
            request,
            object_id,
            lambda row, **given: rectification.submit(row, by=by, **given),
            title=gettext("Submit the plan"),
            lead=gettext("The client reads it as you submit it, and accepts it or returns it."),
            label=gettext("Submit the plan"),
            done=gettext("The plan waits for the client."),
            form_class=PlanForm,
            initial=lambda row: {
                "measures": row.measures,
                "owner": row.owner,
                "target_date": row.target_date,
            },
        )

    @action(
        description=_("Accept the plan"), url_path="accept", permissions=["decide"], icon="check"
    )
    def accept_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then accept the plan for the client."""
        by = actor_of(request).user
        return self.step(
            request,
            object_id,
            lambda row: rectification.accept(row, by=by),
            title=gettext("Accept the plan?"),
            lead=gettext("From now on it is carried out."),
            label=gettext("Accept the plan"),
            done=gettext("The plan is accepted."),
            facts=lambda row: [
                (gettext("measures"), row.measures),
                (gettext("person in charge"), row.owner),
                (gettext("to be done by"), row.target_date),
            ],
        )

    @action(
        description=_("Return the plan"), url_path="return", permissions=["decide"], icon="undo"
    )
    def return_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask what is missing, then return the plan to the provider."""
        by = actor_of(request).user
        return self.step(
            request,
            object_id,
            lambda row, **given: rectification.give_back(row, by=by, **given),
            title=gettext("Return the plan"),
            lead=gettext("The provider reads your remark and submits the plan anew."),
            label=gettext("Return the plan"),
            done=gettext("The plan went back to the provider."),
            form_class=RemarkForm,
        )

    @action(
        description=_("Close the plan"), url_path="close", permissions=["decide"], icon="task_alt"
    )
    def close_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then close the plan for the client."""
        by = actor_of(request).user
        return self.step(
            request,
            object_id,
            lambda row: rectification.close(row, by=by),
            title=gettext("Close the plan?"),
            lead=gettext("Close it once its measures have had their effect."),
            label=gettext("Close the plan"),
            done=gettext("The plan is closed."),
            facts=lambda row: [(gettext("month after"), self.followed(row))],
        )

    @display(description=_("low months"))
    def name(self, row: RectificationPlan) -> str:
        return str(row)

    @display(description=_("state"))
    def standing(self, row: RectificationPlan) -> SafeString:
        late = any(
            each.is_open and each.due_at is not None and each.due_at < clock.now()
            for each in rectification.promises(row)
        )
        words = gettext("Overdue") if late else row.get_state_display()
        return badge(words, "breach" if late else _TONES[PlanState(row.state)])

    @display(description=_("scores"))
    def scored(self, row: RectificationPlan) -> str:
        return " · ".join(row.scores)

    @display(description=_("triggered at"))
    def triggered(self, row: RectificationPlan) -> str:
        return moment(row.triggered_at)

    @display(description=_("due at"))
    def due(self, row: RectificationPlan) -> str:
        """Each date in order: of the plan, then of its writing anew after each further low month."""
        return " · ".join(
            moment(each.due_at) or gettext("waits for the holiday notice")
            for each in rectification.promises(row)
        )

    @display(description=_("submitted at"))
    def submitted(self, row: RectificationPlan) -> str:
        return moment(row.submitted_at) or "–"

    @display(description=_("decided at"))
    def decided(self, row: RectificationPlan) -> str:
        return moment(row.decided_at) or "–"

    @display(description=_("closed at"))
    def closed(self, row: RectificationPlan) -> str:
        return moment(row.closed_at) or "–"

    @display(description=_("month after"))
    def followed(self, row: RectificationPlan) -> str:
        found = rectification.effect(row)
        return gettext("%(month)s: %(score)s of %(count)s answers") % {
            "month": f"{found.month:%Y-%m}",
            "score": found.bot.shown,
            "count": found.bot.responses,
        }
