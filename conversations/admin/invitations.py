"""What visitors of a website are told before they ask."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display

from conversations.models import Invitation
from conversations.services import invitations
from tenants.admin_base import LinesField, TenantAdmin, TenantForm, actor_of, badge


class InvitationForm(TenantForm):
    """An invitation, its pages written one per line."""

    patterns = LinesField(
        label=_("pages"),
        required=False,
        rows=4,
        help_text=Invitation._meta.get_field("patterns").help_text,
    )


@admin.register(Invitation)
class InvitationAdmin(TenantAdmin):
    """Keeps invitations and shows what came of them."""

    capabilities = {
        "view": "rule.view",
        "add": "rule.change",
        "change": "rule.change",
        "delete": "rule.change",
    }
    form = InvitationForm
    list_display = (
        "state",
        "name",
        "channel",
        "page_list",
        "seconds",
        "shown_count",
        "clicked_share",
        "dismissed_count",
    )
    list_display_links = ("name",)
    list_filter = (("is_active", BooleanRadioFilter),)
    list_select_related = ("channel",)
    search_fields = ("name", "words_zh", "words_en")
    actions = ()
    empty_text = _(
        "An invitation offers help beside the chat button, for example to visitors who stay in the "
        "cart for a while."
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        pages = "patterns" if self._edits(request, obj) else "page_list"
        counts = ("shown_count", "clicked_share", "dismissed_count")
        return [
            (None, {"fields": ("name", "channel", "is_active", "position")}),
            (_("Words"), {"fields": ("words_zh", "words_en")}),
            (
                _("When"),
                {"fields": (pages, "seconds", "audience", "hours_from", "hours_until")},
            ),
            (_("How often"), {"fields": ("every_days", *(counts if obj else ()))}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("page_list", "shown_count", "clicked_share", "dismissed_count")

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        invitations.save_invitation(obj, by=actor_of(request).user)

    def delete_model(self, request: HttpRequest, obj: Invitation) -> None:
        invitations.delete_invitation(obj, by=actor_of(request).user)

    def _edits(self, request: HttpRequest, obj: Any) -> bool:
        return self.has_add_permission(request) if obj is None else self.may(request, "change")

    @display(description=_("in use"), ordering="is_active")
    def state(self, row: Invitation) -> SafeString:
        return badge(gettext("yes"), "ok") if row.is_active else badge(gettext("no"))

    @display(description=_("pages"))
    def page_list(self, row: Invitation) -> Any:
        if not row.patterns:
            return gettext("every page")
        return format_html_join("", "<p>{}</p>", ((text,) for text in row.patterns))

    @display(description=_("clicked"), ordering="clicked_count")
    def clicked_share(self, row: Invitation) -> str:
        if not row.shown_count:
            return str(row.clicked_count)
        share = round(row.clicked_count / row.shown_count * 100)
        return gettext("%(count)s (%(percent)s%%)") % {"count": row.clicked_count, "percent": share}
