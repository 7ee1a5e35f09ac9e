"""The page on which anybody may ask after a ticket by its number and a proof."""

import secrets
from typing import Any

from django import forms
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from conversations import ticket_visitors
from conversations.api.authentication import tenant_of
from conversations.models import COMMENT_LENGTH, Channel, Ticket
from tenants.errors import DomainError, NotFoundError
from tenants.middleware import request_address
from tenants.scoping import tenant_scope

# For so long a ticket that was found may be replied to without proving it again.
PROOF_SECONDS = 1800
_SALT = "conversations.ticket-lookup"


class LookupForm(forms.Form):
    """A ticket's number, and what was given with it."""

    number = forms.CharField(
        label=_("Ticket number"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "T260101-0001"}),
    )
    proof = forms.CharField(
        label=_("Phone number or e-mail address"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "email"}),
        help_text=_("The one you gave with your message."),
    )


class ReplyForm(forms.Form):
    """A further word on a ticket that was found."""

    text = forms.CharField(
        label=_("Your reply"),
        max_length=COMMENT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    ticket = forms.CharField(max_length=200, widget=forms.HiddenInput)
    client_id = forms.CharField(max_length=64, widget=forms.HiddenInput)


@never_cache
@require_http_methods(["GET", "POST"])
def lookup(request: HttpRequest, channel_key: str) -> HttpResponse:
    """Find a ticket of the channel's tenant by number and proof, show it, and take a reply."""
    tenant = tenant_of(channel_key)
    if tenant is None:
        return render(request, "404.html", status=404)
    with tenant_scope(tenant), timezone.override(tenant.zone):
        channel = Channel.objects.filter(key=channel_key).first()
        if channel is None or not channel.is_active:
            return render(request, "404.html", status=404)
        with translation.override(_language(request, channel)):
            # A link of a mail names the number; without a proof that is no question yet.
            number = request.GET.get("number", "")[:20]
            page: dict[str, Any] = {
                "channel": channel,
                "form": LookupForm(initial={"number": number}),
            }
            status = 200
            if request.method == "POST":
                status = (_replied if "ticket" in request.POST else _looked_up)(request, page)
            return render(request, "tickets/lookup.html", page, status=status)


def _language(request: HttpRequest, channel: Channel) -> str:
    chosen = "lang" in request.GET or settings.LANGUAGE_COOKIE_NAME in request.COOKIES
    return translation.get_language() or channel.language if chosen else channel.language


def _looked_up(request: HttpRequest, page: dict[str, Any]) -> int:
    form = page["form"] = LookupForm(request.POST)
    if not form.is_valid():
        return 200
    try:
        ticket = ticket_visitors.look_up(**form.cleaned_data, address=request_address(request))
    except NotFoundError:
        form.add_error(None, _("There is no such ticket, or the phone or e-mail does not match."))
        return 200
    except DomainError as error:
        form.add_error(None, error.detail)
        return error.status
    _show(page, ticket)
    return 200


def _replied(request: HttpRequest, page: dict[str, Any]) -> int:
    try:
        pk = signing.loads(
            request.POST["ticket"], salt=f"{_SALT}:{page['channel'].pk}", max_age=PROOF_SECONDS
        )
    except signing.BadSignature:
        page["note"] = _("Please look the ticket up again.")
        return 200
    ticket = Ticket.objects.filter(pk=pk).select_related("contact", "merged_into").first()
    if ticket is None:
        page["note"] = _("Please look the ticket up again.")
        return 200
    form = ReplyForm(request.POST)
    if not form.is_valid():
        _show(page, ticket, form)
        return 200
    try:
        ticket_visitors.reply(
            ticket,
            form.cleaned_data["text"],
            client_id=form.cleaned_data["client_id"],
            address=request_address(request),
        )
    except DomainError as error:
        form.add_error(None, error.detail)
        _show(page, ticket, form)
        return error.status
    page["note"] = _("Your reply has arrived.")
    _show(page, Ticket.objects.select_related("contact", "merged_into").get(pk=ticket.pk))
    return 200


def _show(page: dict[str, Any], ticket: Ticket, form: ReplyForm | None = None) -> None:
    page["ticket"], page["comments"] = ticket_visitors.public_story(ticket)
    page["reply"] = form or ReplyForm(
        initial={
            "ticket": signing.dumps(str(ticket.pk), salt=f"{_SALT}:{page['channel'].pk}"),
            "client_id": secrets.token_hex(16),
        }
    )
