"""The queue of visitors' words that may become phrasings, and where the knowledge base is thin."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import action, display
from unfold.views import ChangeList

from knowledge.admin.upkeep import UpkeepMixin, new_entry_url
from knowledge.models import Proposal, ProposalSource, ProposalState
from knowledge.services import golden, proposals
from tenants.admin_base import TenantAdmin, TenantForm, actor_of, badge, moment
from tenants.errors import DomainError
from tenants.models import User

SOURCE_TONES = {
    ProposalSource.BUTTON: "ok",
    ProposalSource.AGENT: "info",
    ProposalSource.THUMB: "ok",
    ProposalSource.UNANSWERED: "warn",
    ProposalSource.DRAFT: "info",
}
STATE_TONES = {
    ProposalState.PENDING: "info",
    ProposalState.ACCEPTED: "ok",
    ProposalState.DISMISSED: "",
}
_EVERY = "all"


class StateFilter(DropdownFilter):
    """Proposals by what was decided; without a choice those that wait for one."""

    title = _("state")
    parameter_name = "state"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*ProposalState.choices, (_EVERY, _("All"))]

    def value(self) -> str:
        return str(super().value() or ProposalState.PENDING)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> QuerySet[Proposal]:
        if self.value() in ProposalState.values:
            return queryset.filter(state=self.value())
        return queryset


class ProposalForm(TenantForm):
    """The entry that the visitor's words ask for."""

    class Meta:
        model = Proposal
        fields = ("entry",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "entry" in self.fields:
            self.fields["entry"].required = True


class ProposalList(ChangeList):
    """The page of proposals; each row knows the filters its buttons come back to."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        page: list[Any] = list(self.result_list)
        for proposal in page:
            proposal.back = request.GET.urlencode()
        self.result_list = page


@admin.register(Proposal)
class ProposalAdmin(UpkeepMixin, TenantAdmin):
    """Shows what visitors said and lets people make phrasings of it, one click each."""

    capabilities = {"view": "knowledge.view", "change": "knowledge.change"}
    form = ProposalForm
    list_display = ("text", "for_entry", "origin", "times", "certainty", "seen_at", "decide")
    list_display_links = ("text",)
    list_filter = (
        StateFilter,
        ("source", ChoicesDropdownFilter),
        ("entry__category", RelatedDropdownFilter),
    )
    list_filter_submit = True
    list_select_related = ("entry",)
    list_after_template = "knowledge/proposal_deciding.html"
    search_fields = ("text", "entry__question")
    search_help_text = _("Words of the visitor or of the standard question")
    ordering = ("-times", "-last_seen", "id")
    actions = ("accept_selected", "dismiss_selected", "make_golden")
    actions_list = ("upkeep_page",)
    actions_detail = ("accept_page", "dismiss_page", "new_entry_page")
    autocomplete_fields = ("entry",)
    fields = (
        "text",
        "drafted",
        "entry",
        "state_now",
        "origin",
        "times",
        "certainty",
        "first_at",
        "seen_at",
        "decision",
    )
    readonly_fields = (
        "text",
        "drafted",
        "state_now",
        "origin",
        "times",
        "certainty",
        "first_at",
        "seen_at",
        "decision",
    )
    empty_text = _(
        "What visitors ask in words of their own gathers here: when they choose from a list, when "
        "an agent answers, when an answer helped, and when none was found."
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ProposalList

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        columns: tuple[str, ...] = self.list_display
        if self.may(request, "change"):
            return columns
        return tuple(column for column in columns if column != "decide")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        decided = isinstance(obj, Proposal) and not obj.is_pending
        return not decided and super().has_change_permission(request, obj)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        proposal = self.get_object(request, str(object_id))
        if not isinstance(proposal, Proposal) or not proposal.is_pending:
            return []
        offered: list[Any] = super().get_actions_detail(request, object_id)
        # The form accepts; the page of its own is for the buttons of the list.
        return [each for each in offered if not each.action_name.endswith("_accept_page")]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = {
            "show_save_and_continue": False,
            "show_save_and_add_another": False,
            **(extra_context or {}),
        }
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.done = self._decide(
            request,
            lambda by: proposals.accept(obj, by=by, entry=form.cleaned_data["entry"]),
        )

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        if obj.done:
            _told_accepted(request, 1)
        return self._back(request)

    @action(
        description=_("Accept"),
        url_path="accept",
        permissions=["change"],
        icon="check",
    )
    def accept_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, or with a button of the list at once, make a phrasing of the words."""
        proposal: Any = self.get_object(request, object_id)
        if proposal is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method == "POST":
            if self._decide(request, lambda by: proposals.accept(proposal, by=by)):
                self.log_change(request, proposal, gettext("Accepted."))
                _told_accepted(request, 1)
            return self._back(request)
        return self._question(
            request,
            proposal,
            gettext("Make a phrasing of it?"),
            gettext("Visitors are understood by these words after the next release."),
            gettext("Accept"),
        )

    @action(description=_("Dismiss"), url_path="dismiss", permissions=["change"], icon="close")
    def dismiss_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, or with a button of the list at once, dismiss the words."""
        proposal: Any = self.get_object(request, object_id)
        if proposal is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method == "POST":
            if self._decide(request, lambda by: proposals.dismiss(proposal, by=by)):
                self.log_change(request, proposal, gettext("Dismissed."))
                messages.success(request, gettext("Dismissed. It is not proposed again."))
            return self._back(request)
        return self._question(
            request,
            proposal,
            gettext("Dismiss these words?"),
            gettext("They are not proposed again for this entry, however often they are asked."),
            gettext("Dismiss"),
        )

    @action(
        description=_("Make a new entry of it"),
        url_path="new-entry",
        permissions=["change"],
        icon="add",
    )
    def new_entry_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to the form of a new entry with the words as its question, and the drafted answer."""
        proposal = self.get_object(request, object_id)
        if not isinstance(proposal, Proposal):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        drafted = proposal.pk if proposal.answer else None
        return HttpResponseRedirect(new_entry_url(proposal.text, proposal=drafted))

    @admin.action(description=_("Accept the selected"), permissions=["change"])
    def accept_selected(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> None:
        """Make phrasings of the selected words; those without an entry are left."""
        pending = list(queryset.filter(state=ProposalState.PENDING))
        ready = [proposal for proposal in pending if proposal.entry_id]
        done = self._each(request, ready, proposals.accept, gettext("Accepted."))
        if done:
            _told_accepted(request, done)
        if len(pending) > len(ready):
            text = ngettext(
                "%(count)s has no entry yet: open it and choose one.",
                "%(count)s have no entry yet: open them and choose one.",
                len(pending) - len(ready),
            )
            messages.warning(request, text % {"count": len(pending) - len(ready)})
        elif not done:
            messages.info(request, gettext("Nothing to do: the selected ones are decided already."))

    @admin.action(description=_("Dismiss the selected"), permissions=["change"])
    def dismiss_selected(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> None:
        """Dismiss the selected words."""
        pending = list(queryset.filter(state=ProposalState.PENDING))
        done = self._each(request, pending, proposals.dismiss, gettext("Dismissed."))
        if not done:
            messages.info(request, gettext("Nothing to do: the selected ones are decided already."))
            return
        text = ngettext("%(count)s was dismissed.", "%(count)s were dismissed.", done)
        messages.success(request, text % {"count": done})

    @admin.action(description=_("Make golden questions of the selected"), permissions=["change"])
    def make_golden(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> None:
        """Keep the selected words as golden questions of their entries."""
        known = {row.text: row.entry for row in queryset.select_related("entry") if row.entry}
        made = golden.make_golden(known, by=actor_of(request).user)
        text = ngettext(
            "%(count)s golden question was added.", "%(count)s golden questions were added.", made
        )
        messages.success(request, text % {"count": made})
        if len(known) < queryset.count():
            messages.warning(
                request,
                gettext(
                    "Those without an entry were left: choose their entry first, or add them under "
                    "Golden questions if they belong to people."
                ),
            )

    @display(description=_("entry"), ordering="entry__question")
    def for_entry(self, proposal: Proposal) -> str | SafeString:
        if proposal.entry is None:
            return badge(gettext("Not known yet"), "warn")
        return format_html(
            '<a class="y-link" href="{}">{}</a>',
            reverse("admin:knowledge_entry_change", args=[proposal.entry_id]),
            proposal.entry.question,
        )

    @display(description=_("source"), ordering="source")
    def origin(self, proposal: Proposal) -> SafeString:
        source = ProposalSource(proposal.source)
        return badge(source.label, SOURCE_TONES[source])

    @display(description=_("drafted answer"))
    def drafted(self, proposal: Proposal) -> str:
        return proposal.answer or "–"

    @display(description=_("certainty"), ordering="p")
    def certainty(self, proposal: Proposal) -> str:
        return "–" if proposal.p is None else f"{round(proposal.p * 100)}%"

    @display(description=_("first asked at"))
    def first_at(self, proposal: Proposal) -> str:
        return moment(proposal.first_seen)

    @display(description=_("last asked at"), ordering="last_seen")
    def seen_at(self, proposal: Proposal) -> str:
        return moment(proposal.last_seen)

    @display(description=_("state"))
    def state_now(self, proposal: Proposal) -> SafeString:
        state = ProposalState(proposal.state)
        return badge(state.label, STATE_TONES[state])

    @display(description=_("decided by"))
    def decision(self, proposal: Proposal) -> str:
        if proposal.is_pending:
            return "–"
        return f"{proposal.decided_by or '–'} {moment(proposal.decided_at)}"

    @display(description=_("decide"))
    def decide(self, proposal: Any) -> str | SafeString:
        if not proposal.is_pending:
            return self.state_now(proposal)
        query = f"?{urlencode({'_changelist_filters': proposal.back})}" if proposal.back else ""

        def button(page: str, label: str) -> SafeString:
            # It belongs to a form outside the table, so that Enter in the list decides nothing.
            return format_html(
                '<button type="submit" class="y-link" form="deciding" formaction="{}{}">{}</button>',
                reverse(f"admin:knowledge_proposal_{page}", args=[proposal.pk]),
                query,
                label,
            )

        if proposal.entry_id:
            first = button("accept_page", gettext("Accept"))
        elif proposal.answer:
            first = format_html(
                '<a class="y-link" href="{}">{}</a>',
                new_entry_url(proposal.text, proposal=proposal.pk),
                gettext("Read the draft"),
            )
        else:
            first = format_html(
                '<a class="y-link" href="{}">{}</a>',
                reverse("admin:knowledge_proposal_change", args=[proposal.pk]),
                gettext("Choose the entry"),
            )
        return format_html(
            '<span class="y-nowrap">{} · {}</span>',
            first,
            button("dismiss_page", gettext("Dismiss")),
        )

    def _question(
        self, request: HttpRequest, proposal: Proposal, title: str, lead: str, submit_label: str
    ) -> HttpResponse:
        return self.page(
            request,
            "admin/confirm_page.html",
            {
                "title": title,
                "lead": lead,
                "facts": [
                    (gettext("visitor's words"), proposal.text),
                    (gettext("entry"), proposal.entry or gettext("Not known yet")),
                    (gettext("times asked"), proposal.times),
                ],
                "submit_label": submit_label,
                "cancel_url": reverse("admin:knowledge_proposal_change", args=[proposal.pk]),
            },
        )

    def _decide(self, request: HttpRequest, decide: Callable[[User], object]) -> bool:
        """Decide, or say why not; return whether it was done."""
        try:
            decide(actor_of(request).user)
        except DomainError as error:
            messages.error(request, error.detail)
            return False
        return True

    def _each(
        self,
        request: HttpRequest,
        rows: list[Proposal],
        decide: Callable[..., object],
        said: str,
    ) -> int:
        """Decide one after the other; return how many nobody else had decided meanwhile."""
        done = 0
        for proposal in rows:
            try:
                decide(proposal, by=actor_of(request).user)
            except proposals.AlreadyDecidedError:
                continue
            self.log_change(request, proposal, said)
            done += 1
        return done

    def _back(self, request: HttpRequest) -> HttpResponseRedirect:
        filters = request.GET.get("_changelist_filters", "")
        url = reverse("admin:knowledge_proposal_changelist")
        return HttpResponseRedirect(f"{url}?{filters}" if filters else url)


def _told_accepted(request: HttpRequest, count: int) -> None:
    text = ngettext(
        "%(count)s phrasing was added. Visitors are understood by it after the next release.",
        "%(count)s phrasings were added. Visitors are understood by them after the next release.",
        count,
    ) % {"count": count}
    if actor_of(request).can("knowledge.publish"):
        text = format_html(
            '{} <a class="y-link" href="{}">{}</a>',
            text,
            reverse("admin:knowledge_entry_publish_page"),
            gettext("Publish"),
        )
    messages.success(request, text)
