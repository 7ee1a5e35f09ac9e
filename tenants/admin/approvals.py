"""What both parties are to sign: shown whole, signed with the password, or refused."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import FieldDoesNotExist
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget

from tenants.admin_base import ReadOnlyAdmin, actor_of, badge, moment, second
from tenants.errors import DomainError
from tenants.models import (
    Approval,
    ApprovalKind,
    ApprovalState,
    Contract,
    ContractTerms,
    Party,
)
from tenants.net import client_address
from tenants.services import approvals

_TONES = {
    ApprovalState.OPEN: "warn",
    ApprovalState.CONFIRMED: "ok",
    ApprovalState.REFUSED: "breach",
    ApprovalState.VOID: "",
}


class SigningForm(forms.Form):
    """The signer's password, once more."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"}),
        help_text=_("Asked again, so that it is you who signs."),
    )


class RefusingForm(forms.Form):
    """Why a party does not sign."""

    reason = forms.CharField(
        label=_("reason for the refusal"),
        max_length=300,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )


def lines_of(approval: Approval) -> list[tuple[str, str]]:
    """Return the content as labelled lines, in the words of the active language."""
    if approval.kind == ApprovalKind.QUESTION_CATALOGUE:
        return [
            (gettext("version"), str(approval.content["version"])),
            *((row["name"], "\n".join(row["examples"])) for row in approval.content["categories"]),
        ]
    return [
        (_label(approval.kind, path), _value(approval.kind, path, value))
        for path, value in _flat(approval.content)
    ]


def _flat(content: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    for name, value in content.items():
        path = (*prefix, str(name))
        if isinstance(value, Mapping):
            found += _flat(value, path)
        else:
            found.append((path, value))
    return found


def _field(kind: str, path: tuple[str, ...]) -> Any:
    models = {"contract": Contract, "terms": ContractTerms}
    if kind != ApprovalKind.CONTRACT_TERMS or path[0] not in models or len(path) < 2:
        return None
    try:
        return models[path[0]]._meta.get_field(path[1])
    except FieldDoesNotExist:
        return None


def _label(kind: str, path: tuple[str, ...]) -> str:
    field = _field(kind, path)
    known = {
        ("version",): gettext("version"),
        ("contract", "party_a_identity"): gettext("client's identity number"),
        ("contract", "party_a_identity_sha256"): gettext("fingerprint of the identity number"),
    }
    if field is None:
        return str(known.get(path, " · ".join(path)))
    return " · ".join([str(field.verbose_name), *path[2:]])


def _value(kind: str, path: tuple[str, ...], value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        return " · ".join(
            ", ".join(f"{name} {each}" for name, each in row.items())
            if isinstance(row, Mapping)
            else str(row)
            for row in value
        )
    field = _field(kind, path)
    choices = dict(getattr(field, "flatchoices", ()) or ())
    return str(choices.get(value, value))


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    """Shows what is to be signed or was, with the signatures under it (R46, R47)."""

    capabilities = {"view": "contract.view", "sign": "contract.sign"}
    list_display = ("status", "name", "kind_name", "asked_at", "signed", "settled")
    list_display_links = ("name",)
    list_filter = (("state", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter))
    list_filter_submit = True
    fields = (
        "status",
        "name",
        "kind_name",
        "asked_at",
        "settled",
        "signed",
        "refused_reason",
        "content_hash",
        "words",
    )
    actions_detail = ("sign_page", "refuse_page")

    empty_text = _("Nothing was put before both parties yet.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Approval]:
        queryset: QuerySet[Approval] = super().get_queryset(request)
        return queryset.prefetch_related("signatures")

    def idle_steps(self, request: HttpRequest, row: Any) -> Collection[str]:
        if row.state != ApprovalState.OPEN:
            return ("sign_page", "refuse_page")
        party = approvals.party_of(actor_of(request).user)
        return ("sign_page",) if row.signatures.filter(party=party).exists() else ()

    def has_sign_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "sign")

    @action(description=_("Sign"), url_path="sign", permissions=["sign"], icon="draw")
    def sign_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the whole content, ask for the password, then write the signature."""
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
        address = client_address(request.META.get("REMOTE_ADDR", ""), forwarded)

        def work(row: Approval, form: forms.Form, party: str) -> str:
            approvals.sign_with_password(
                row,
                actor_of(request).user,
                party,
                password=form.cleaned_data["password"],
                ip=address or None,
            )
            if row.state == ApprovalState.CONFIRMED:
                return gettext("Both parties have signed.")
            return gettext("You have signed. The other party is still to sign.")

        return self._ask(request, object_id, SigningForm, gettext("Sign"), work)

    @action(description=_("Refuse"), url_path="refuse", permissions=["sign"], icon="block")
    def refuse_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the whole content, ask for the reason, then write the refusal."""

        def work(row: Approval, form: forms.Form, party: str) -> str:
            approvals.refuse(row, actor_of(request).user, party, reason=form.cleaned_data["reason"])
            return gettext("You have refused. Nothing comes into force.")

        return self._ask(request, object_id, RefusingForm, gettext("Refuse"), work)

    def _ask(
        self,
        request: HttpRequest,
        object_id: str,
        form_class: type[forms.Form],
        label: str,
        work: Callable[[Approval, forms.Form, str], str],
    ) -> HttpResponse:
        row: Any = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        back = reverse("admin:tenants_approval_change", args=[row.pk])
        party = approvals.party_of(actor_of(request).user)
        form = form_class(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                done = work(row, form, party or "")
            except DomainError as error:
                form.add_error(None, error.detail)
            else:
                messages.success(request, done)
                return HttpResponseRedirect(back)
        return self.page(
            request,
            "admin/sign_page.html",
            {
                "title": f"{label}: {row}",
                "lead": gettext("You act for: %(party)s. What is agreed on stands below.")
                % {"party": party.label if party else "–"},
                "facts": lines_of(row),
                "form": form,
                "submit_label": label,
                "cancel_url": back,
            },
        )

    @display(description=_("state"), ordering="state")
    def status(self, row: Approval) -> SafeString:
        state = ApprovalState(row.state)
        return badge(state.label, _TONES[state])

    @display(description=_("title"))
    def name(self, row: Approval) -> str:
        return str(row)

    @display(description=_("what is agreed on"), ordering="kind")
    def kind_name(self, row: Approval) -> str:
        return row.get_kind_display()

    @display(description=_("requested at"), ordering="requested_at")
    def asked_at(self, row: Approval) -> str:
        return moment(row.requested_at)

    @display(description=_("settled at"))
    def settled(self, row: Approval) -> str:
        return moment(row.settled_at) or "–"

    @display(description=_("signatures"))
    def signed(self, row: Approval) -> Any:
        there = [
            (Party(each.party).label, each.signer_name, second(each.signed_at), each.ip or "–")
            for each in row.signatures.all()
        ]
        return format_html_join("", "<div>{}: {} · {} · {}</div>", there) or "–"

    @display(description=_("content"))
    def words(self, row: Approval) -> SafeString:
        return format_html_join("", "<div>{}: {}</div>", lines_of(row))
