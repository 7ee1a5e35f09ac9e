"""The page behind a survey's link: works without scripts, keeps no cookie."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from conversations import survey_links, survey_wire, visitors
from conversations.api.authentication import tenant_of
from conversations.models import Satisfaction, SurveyInvite
from conversations.satisfaction import COMMENT_LENGTH
from conversations.services import ratings
from tenants.errors import DomainError, RateLimitedError
from tenants.middleware import request_address
from tenants.models import Membership, User
from tenants.scoping import tenant_scope

PAGES_PER_ADDRESS = 60


class AnswerForm(forms.Form):
    """The answers about the parts that may still be given or changed."""

    comment = forms.CharField(required=False, max_length=COMMENT_LENGTH)

    def __init__(self, parts: list[str], data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        for part in parts:
            self.fields[part] = forms.TypedChoiceField(
                choices=Satisfaction.choices, coerce=int, required=False, empty_value=None
            )


# The link is the authority to answer; there is no session that another site could ride on.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def survey(request: HttpRequest, token: str) -> HttpResponse:
    """Show the questions of a survey's link, and take the answers."""
    try:
        visitors.limit_address("survey", request_address(request), PAGES_PER_ADDRESS)
    except RateLimitedError as error:
        limited = render(request, "survey/missing.html", {"detail": error.detail}, status=429)
        limited["Retry-After"] = str(error.retry_after)
        return _private(limited)
    tenant = tenant_of(token)
    if tenant is None:
        return _missing(request)
    with tenant_scope(tenant), timezone.override(tenant.zone):
        invite = survey_links.invite_of(token)
        if invite is None:
            return _missing(request)
        contact = invite.inquiry.conversation.contact
        english = survey_wire.is_english(contact)
        with translation.override("en" if english else "zh-hans"):
            return _private(_answer(request, invite, english=english))


def _answer(request: HttpRequest, invite: SurveyInvite, *, english: bool) -> HttpResponse:
    shown = survey_wire.shown(invite, english=english)
    editable = [part["part"] for part in shown["parts"] if part["editable"]]
    problem, status = "", 200
    if request.method == "POST":
        form = AnswerForm(editable, request.POST)
        given = _given(form, editable)
        if not given and editable:
            problem, status = gettext("Please choose an answer."), 422
        else:
            try:
                for number, (part, score) in enumerate(given.items()):
                    ratings.rate(
                        invite,
                        part,
                        score,
                        # One comment for the whole answer.
                        comment=form.cleaned_data["comment"] if number == 0 else None,
                        by_staff=_is_staff(request),
                    )
            except DomainError as error:
                problem, status = error.detail, error.status
            else:
                # So that a page that is loaded again sends nothing again.
                return redirect(request.path)
    context = {
        "survey": shown,
        "editable": editable,
        "choices": Satisfaction.choices,
        "brand": invite.inquiry.conversation.channel.brand_name,
        "comment_length": COMMENT_LENGTH,
        "english": english,
        "problem": problem,
        "expires_at": invite.expires_at,
    }
    return render(request, "survey/survey.html", context, status=status)


def _given(form: AnswerForm, editable: list[str]) -> dict[str, int]:
    if not form.is_valid():
        return {}
    return {part: form.cleaned_data[part] for part in editable if form.cleaned_data[part]}


def _is_staff(request: HttpRequest) -> bool:
    user = request.user
    if not isinstance(user, User) or not user.is_authenticated:
        return False
    return user.is_operator or Membership.objects.filter(user=user).exists()


def _missing(request: HttpRequest) -> HttpResponse:
    return _private(render(request, "survey/missing.html", status=404))


def _private(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response
