"""The tenant's own words that call people in, or keep an alarm quiet."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.decorators import display

from conversations.models import PhraseKind, TopicPhrase
from conversations.services import lexicon
from tenants.admin_base import TenantAdmin, actor_of, badge, moment


@admin.register(TopicPhrase)
class TopicPhraseAdmin(TenantAdmin):
    """Keeps the phrases; they are switched off, never deleted, because decisions rest on them."""

    capabilities = {"view": "lexicon.view", "add": "lexicon.change", "change": "lexicon.change"}
    list_display = (
        "state",
        "phrase",
        "kind_name",
        "topic_name",
        "note",
        "changed_at",
        "updated_by",
    )
    list_display_links = ("phrase",)
    list_filter = (
        ("kind", ChoicesDropdownFilter),
        ("topic", ChoicesDropdownFilter),
        ("is_active", BooleanRadioFilter),
    )
    list_filter_submit = True
    list_select_related = ("updated_by",)
    search_fields = ("phrase", "note")
    search_help_text = _("Part of the phrase or of its note")
    fields = ("kind", "topic", "phrase", "note", "is_active")
    empty_text = _(
        "The assistant knows by itself many words of complaints, legal disputes and privacy. Add "
        "what matters to you: phrases that always go to people, and exceptions that alarm nobody."
    )

    def save_model(self, request: HttpRequest, obj: TopicPhrase, form: Any, change: bool) -> None:
        lexicon.save_phrase(obj, by=actor_of(request).user)

    @display(description=_("in use"), ordering="is_active")
    def state(self, row: TopicPhrase) -> SafeString:
        return badge(gettext("yes"), "ok") if row.is_active else badge(gettext("no"))

    @display(description=_("kind"), ordering="kind")
    def kind_name(self, row: TopicPhrase) -> SafeString:
        kind = PhraseKind(row.kind)
        return badge(kind.label, "warn" if kind == PhraseKind.TRIGGER else "info")

    @display(description=_("topic"), ordering="topic")
    def topic_name(self, row: TopicPhrase) -> str:
        return row.get_topic_display() or "–"

    @display(description=_("changed at"), ordering="updated_at")
    def changed_at(self, row: TopicPhrase) -> str:
        return moment(row.updated_at)
