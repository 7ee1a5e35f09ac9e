"""Pages of one form about one row: what several admins ask before they act."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextareaWidget

from conversations.models.profile import REASON_LENGTH
from tenants.admin_base import PageMixin, actor_of
from tenants.errors import DomainError
from tenants.models import Membership


@dataclass(frozen=True)
class Question:
    """What a page asks: its words, its form, and where it leads back to."""

    title: str
    lead: str
    submit_label: str
    form_class: type[forms.Form]
    back: str
    initial: dict[str, Any] | None = None


def member_of(request: HttpRequest) -> Membership:
    """Return who is asking as a member: no operator holds the capabilities these pages ask for."""
    membership = actor_of(request).membership
    assert membership is not None
    return membership


class FormPages(PageMixin):
    """Shows and takes a form, and tells what came of it."""

    def ask(
        self,
        request: HttpRequest,
        question: Question,
        work: Callable[[dict[str, Any]], str | HttpResponse],
    ) -> HttpResponse:
        """Show the form, or do `work` with what was sent; its sentence is shown, a response sent.

        A DomainError of `work` stands on the form.
        """
        sent = request.POST if request.method == "POST" else None
        form = question.form_class(sent, initial=question.initial)
        if sent is not None and form.is_valid():
            try:
                done = work(form.cleaned_data)
            except DomainError as error:
                form.add_error(None, error.detail)
            else:
                if isinstance(done, HttpResponse):
                    return done
                messages.success(request, done)
                return HttpResponseRedirect(question.back)
        return self.page(
            request,
            "admin/form_page.html",
            {
                "title": question.title,
                "lead": question.lead,
                "form": form,
                "submit_label": question.submit_label,
                "cancel_url": question.back,
            },
        )


def reason_field(label: Any, *, limit: int = REASON_LENGTH, help_text: Any = "") -> forms.CharField:
    """Return a field for a reason in some words."""
    return forms.CharField(
        label=label,
        max_length=limit,
        help_text=help_text,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )


def days_field(label: Any, help_text: Any) -> forms.IntegerField:
    """Return a field for a number of days that may stay empty."""
    return forms.IntegerField(
        label=label,
        min_value=1,
        max_value=365,
        required=False,
        help_text=help_text,
        widget=UnfoldAdminIntegerFieldWidget(),
    )
