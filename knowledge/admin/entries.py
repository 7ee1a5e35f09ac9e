"""The entries: what the assistant may say, as editors work on it."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter
from unfold.decorators import display
from unfold.views import ChangeList

from knowledge import queries
from knowledge.admin.forms import EntryForm
from knowledge.admin.importing import ImportExportMixin
from knowledge.admin.publishing import PublishMixin, state_badge
from knowledge.diffs import pieces
from knowledge.models import Entry, EntryVersion, Proposal
from knowledge.queries import EntryState
from knowledge.services import entries, proposals, usage
from tenants.admin_base import actor_of, moment
from tenants.scoping import as_uuid

SHOWN_VERSIONS = 20


class StateFilter(DropdownFilter):
    """Entries by what the next release does with them; "pending" is all it changes."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("pending", _("Not published yet")), *EntryState.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Entry]) -> QuerySet[Entry]:
        if self.value() == "pending":
            return queryset.filter(pk__in=[item.entry_id for item in queries.pending()])
        if self.value() in EntryState.values:
            return queries.in_state(queryset, str(self.value()))
        return queryset


class EntryList(ChangeList):
    """The page of entries, each with its state: one query for all of them."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        page: list[Any] = list(self.result_list)
        heard = queries.heard_versions(page)
        for entry in page:
            entry.standing = queries.state_of(entry, heard.get(entry.pk))
        self.result_list = page


@admin.register(Entry)
class EntryAdmin(PublishMixin, ImportExportMixin):
    """Edits entries, takes them in and out of use, and publishes them."""

    capabilities = {
        "view": "knowledge.view",
        "add": "knowledge.change",
        "change": "knowledge.change",
        "publish": "knowledge.publish",
    }
    form = EntryForm
    list_display = ("state", "question", "category", "phrasing_count", "changed_at", "changed_by")
    list_display_links = ("question",)
    list_filter = (StateFilter, ("category", RelatedDropdownFilter))
    list_filter_submit = True
    list_select_related = ("category", "updated_by")
    search_fields = ("question", "phrasings__text", "answer")
    search_help_text = _("Words of the question, a phrasing or the answer")
    actions = ("take_out", "put_back", "export_selected")
    actions_list = (
        "publish_page",
        "import_page",
        {"title": _("Export"), "icon": "download", "items": ["export_xlsx", "export_csv"]},
    )
    fields = ("category", "question", "phrasings", "answer", "is_active")
    change_form_outer_after_template = "knowledge/entry_standing.html"
    empty_text = _(
        "Entries are the questions the assistant answers word for word. Add the first one, or "
        "import a file."
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EntryList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        queryset: QuerySet[Entry] = super().get_queryset(request)
        return queryset.prefetch_related("phrasings")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        drafted = Proposal.objects.filter(pk=as_uuid(initial.pop("proposal", None))).first()
        return initial | ({"answer": drafted.answer} if drafted else {})

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Without the right to change, the form is not built and its own field needs a reader.
        return () if obj is None or self.may(request, "change") else ("phrasing_list",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None or self.may(request, "change"):
            return self.fields
        return tuple("phrasing_list" if name == "phrasings" else name for name in self.fields)

    def save_model(self, request: HttpRequest, obj: Entry, form: Any, change: bool) -> None:
        by = actor_of(request).user
        entries.save_entry(obj, by=by, phrasings=form.cleaned_data["phrasings"])
        transaction.on_commit(partial(proposals.settle, obj, by=by))
        self.message_user(
            request, gettext("Visitors hear it after the next publication."), messages.INFO
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        entry = self.get_object(request, object_id)
        context = _standing(entry) if isinstance(entry, Entry) else {}
        response: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )
        return response

    @admin.action(description=_("Take out of use"), permissions=["change"])
    def take_out(self, request: HttpRequest, queryset: QuerySet[Entry]) -> HttpResponse | None:
        """Leave the selected entries out of the next release."""
        return self._switch(request, queryset, in_use=False)

    @admin.action(description=_("Take back into use"), permissions=["change"])
    def put_back(self, request: HttpRequest, queryset: QuerySet[Entry]) -> HttpResponse | None:
        """Put the selected entries into the next release again."""
        return self._switch(request, queryset, in_use=True)

    def _switch(
        self, request: HttpRequest, queryset: QuerySet[Entry], *, in_use: bool
    ) -> HttpResponse | None:
        affected = list(queryset.filter(is_active=not in_use).prefetch_related(None))
        if not affected:
            messages.info(request, gettext("Nothing to do: the selected entries stand so already."))
            return None
        if "confirmed" in request.POST:
            by = actor_of(request).user
            count = usage.set_in_use([entry.pk for entry in affected], in_use, by=by)
            LogEntry.objects.log_actions(
                by.pk,
                affected,
                CHANGE,
                gettext("Taken back into use.") if in_use else gettext("Taken out of use."),
            )
            messages.success(
                request, _switched(count, in_use) + " " + gettext("Publish to let visitors notice.")
            )
            return None
        return self.page(
            request,
            "admin/confirm_page.html",
            {
                "title": _switch_title(len(affected), in_use),
                "lead": gettext("Visitors notice after the next publishing; it can be undone."),
                "facts": [
                    (gettext("selected"), queryset.count()),
                    (gettext("affected"), len(affected)),
                ],
                "hidden": [
                    ("action", "put_back" if in_use else "take_out"),
                    ("select_across", request.POST.get("select_across", "0")),
                    ("confirmed", "1"),
                    *[
                        (ACTION_CHECKBOX_NAME, key)
                        for key in request.POST.getlist(ACTION_CHECKBOX_NAME)
                    ],
                ],
                "submit_label": gettext("Take back into use")
                if in_use
                else gettext("Take out of use"),
                "cancel_url": request.get_full_path(),
            },
        )

    @display(description=_("state"))
    def state(self, entry: Any) -> SafeString:
        return state_badge(entry.standing)

    @display(description=_("phrasings"))
    def phrasing_count(self, entry: Entry) -> int:
        return len(entry.phrasings.all())

    @display(description=_("phrasings"))
    def phrasing_list(self, entry: Entry) -> str:
        return "\n".join(phrasing.text for phrasing in entry.phrasings.all()) or "–"

    @display(description=_("changed at"), ordering="updated_at")
    def changed_at(self, entry: Entry) -> str:
        return moment(entry.updated_at)

    @display(description=_("changed by"))
    def changed_by(self, entry: Entry) -> str:
        return str(entry.updated_by or "–")


def _standing(entry: Entry) -> dict[str, Any]:
    """How the entry stands against what visitors hear, and which wordings they have heard."""
    heard = queries.heard_versions([entry]).get(entry.pk)
    state = queries.state_of(entry, heard)
    versions = list(
        EntryVersion.objects.filter(entry=entry).select_related("created_by")[:SHOWN_VERSIONS]
    )
    return {
        "standing": state,
        "standing_badge": state_badge(state),
        "heard": heard,
        "differences": [
            (difference.label, list(pieces(difference.heard, difference.working)))
            for difference in (queries.differences(entry, heard) if heard else ())
        ],
        "versions": versions,
    }


def _switch_title(count: int, in_use: bool) -> str:
    if in_use:
        text = ngettext(
            "Take %(count)s entry back into use?", "Take %(count)s entries back into use?", count
        )
    else:
        text = ngettext(
            "Take %(count)s entry out of use?", "Take %(count)s entries out of use?", count
        )
    return text % {"count": count}


def _switched(count: int, in_use: bool) -> str:
    if in_use:
        text = ngettext(
            "%(count)s entry is in use again.", "%(count)s entries are in use again.", count
        )
    else:
        text = ngettext(
            "%(count)s entry was taken out of use.",
            "%(count)s entries were taken out of use.",
            count,
        )
    return text % {"count": count}
