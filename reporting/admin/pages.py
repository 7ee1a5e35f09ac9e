"""What the pages of this app have in common: steps, each asked about before it is done."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from tenants.admin_base import ReadOnlyAdmin, actor_of
from tenants.errors import DomainError
from tenants.models import User


class SteppedAdmin(ReadOnlyAdmin):
    """Evidence whose rows move on by steps, each on a page of its own."""

    def page_of(self, row: Any) -> str:
        """Return the address of the row's page."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_change"
        return reverse(f"admin:{name}", args=[row.pk])

    def step(
        self,
        request: HttpRequest,
        object_id: str,
        take: Callable[..., object],
        *,
        title: str,
        lead: str,
        label: str,
        done: str,
        form_class: type[forms.Form] | None = None,
        initial: Callable[[Any], dict[str, Any]] | None = None,
        facts: Callable[[Any], Sequence[tuple[str, object]]] | None = None,
    ) -> HttpResponse:
        """Show the page of a step, with its form if it has one; take the step once it is sent.

        `take` is called with the row and the form's values; a DomainError it raises is shown, above
        the form where there is one.
        """
        row: Any = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        sent = request.method == "POST"
        form = None
        if form_class is not None:
            first = initial(row) if initial else {}
            form = (
                form_class(request.POST, request.FILES, initial=first)
                if sent
                else form_class(initial=first)
            )
        if sent and (form is None or form.is_valid()):
            try:
                take(row, **(form.cleaned_data if form else {}))
            except DomainError as error:
                if form is None:
                    messages.error(request, error.detail)
                    return HttpResponseRedirect(self.page_of(row))
                # What was written stands there still.
                form.add_error(None, error.detail)
            else:
                messages.success(request, done)
                return HttpResponseRedirect(self.page_of(row))
        return self.page(
            request,
            "admin/form_page.html" if form else "admin/confirm_page.html",
            {
                "title": title,
                "lead": lead,
                "form": form,
                "facts": facts(row) if facts else [],
                "submit_label": label,
                "cancel_url": self.page_of(row),
            },
        )


class HandledAdmin(SteppedAdmin):
    """What the provider's people begin here and see through: trouble, or work that is planned."""

    capabilities = {
        "view": "incident.view",
        "add": "incident.handle",
        "handle": "incident.handle",
    }

    def begin(self, row: Any, *, by: User) -> Any:
        """Write what the form says through its service; return the row."""
        raise NotImplementedError

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        begun = self.begin(obj, by=actor_of(request).user)
        # The admin goes on with its own object.
        obj.__dict__.update(begun.__dict__)

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ("since",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add")

    def has_handle_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "handle")
