"""What audits of labels and of answers have in common: they are drawn by themselves or by hand."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from conversations.satisfaction import fingerprint
from reporting.admin.next_steps import NextStep
from reporting.admin.pages import SteppedAdmin
from tenants.admin_base import actor_of, badge, moment
from tenants.errors import DomainError


class MonthForm(forms.Form):
    """Of which month to draw."""

    month = forms.ChoiceField(
        label=_("month"),
        widget=UnfoldAdminSelectWidget,
        help_text=_("Past months that have no audit."),
    )

    def __init__(self, months: Sequence[date], data: Any = None) -> None:
        super().__init__(data)
        self.fields["month"].choices = [  # type: ignore[attr-defined]
            (month.isoformat(), f"{month:%Y-%m}") for month in months
        ]


class AuditAdmin(SteppedAdmin):
    """A month's random sample: its seed, whether it can be drawn again, and a door to draw it now.

    Subclasses say in `services` which months may be drawn, how, and whether a sample is repeated;
    `next_step` says what is to be done about one now.
    """

    months: Callable[[], list[date]]
    draw: Callable[..., Any]
    repeats: Callable[[Any], bool]
    actions_list = ("draw_page",)
    change_form_outer_before_template = "admin/reporting/_next_step.html"

    def next_step(self, request: HttpRequest, row: Any) -> NextStep:
        """Return what the person reads at the top of the audit's page."""
        raise NotImplementedError

    def more_about(self, request: HttpRequest, row: Any) -> Mapping[str, Any]:
        return {"next_step": self.next_step(request, row)}

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("name",)

    def has_draw_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "draw")

    @action(description=_("Draw now"), url_path="draw", permissions=["draw"], icon="casino")
    def draw_page(self, request: HttpRequest) -> HttpResponse:
        """Ask of which month, then draw its audit."""
        back = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        form = MonthForm(self.months(), request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            month = date.fromisoformat(form.cleaned_data["month"])
            try:
                row = self.draw(month, by=actor_of(request).user)
            except DomainError as error:
                messages.error(request, error.detail)
                return HttpResponseRedirect(back)
            messages.success(request, gettext("The audit is drawn."))
            return HttpResponseRedirect(self.page_of(row))
        return self.page(
            request,
            "admin/form_page.html",
            {
                "title": gettext("Draw an audit now"),
                "lead": gettext(
                    "Each month's audit is drawn by itself once the month is over. Here it is "
                    "drawn where that did not happen. The seed is kept before the draw."
                ),
                "form": form,
                "submit_label": gettext("Draw now"),
                "cancel_url": back,
            },
        )

    @display(description=_("month"), ordering="month")
    def name(self, row: Any) -> str:
        return str(row)

    @display(description=_("drawn"))
    def drawn(self, row: Any) -> str:
        return gettext("%(count)s of %(all)s") % {"count": row.size, "all": row.population}

    @display(description=_("fingerprint of the seed"))
    def seed_print(self, row: Any) -> str:
        return fingerprint(row.seed)

    @display(description=_("drawn again"))
    def repeated(self, row: Any) -> SafeString:
        if self.repeats(row):
            return badge(gettext("The same sample"), "ok")
        return badge(gettext("Another sample: what it was drawn from has changed since"), "warn")

    @display(description=_("drawn at"))
    def made(self, row: Any) -> str:
        return moment(row.drawn_at) or "–"

    @display(description=_("finished at"))
    def finished(self, row: Any) -> str:
        return moment(row.finished_at) or "–"


def link(text: object, name: str, query: str = "", *, args: Sequence[object] = ()) -> SafeString:
    """Return a link to a page of the admin."""
    address = reverse(f"admin:{name}", args=args) + (f"?{query}" if query else "")
    return format_html('<a class="y-link" href="{}">{}</a>', address, text)
