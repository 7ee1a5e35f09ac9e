"""The entrances of a tenant: looks, words, rules, and what to put on the website."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminColorInputWidget, UnfoldAdminTextareaWidget

from conversations.models import Channel, ChannelKind
from conversations.services import channels
from tenants.admin_base import LinesField, TenantAdmin, TenantForm, actor_of, badge, moment

MAX_QUICK_QUESTIONS = 6


class ChannelForm(TenantForm):
    """A channel, its lists written one item per line."""

    allowed_origins = LinesField(
        label=_("allowed origins"),
        required=False,
        rows=4,
        help_text=Channel._meta.get_field("allowed_origins").help_text,
    )
    quick_questions = LinesField(
        label=_("quick questions"),
        required=False,
        rows=4,
        help_text=Channel._meta.get_field("quick_questions").help_text,
    )

    class Meta:
        widgets = {
            "colour": UnfoldAdminColorInputWidget(),
            "greeting": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        }

    def clean_quick_questions(self) -> list[str]:
        questions: list[str] = self.cleaned_data["quick_questions"]
        if len(questions) > MAX_QUICK_QUESTIONS:
            self.add_error(
                "quick_questions",
                gettext("No more than %(limit)s quick questions fit.")
                % {"limit": MAX_QUICK_QUESTIONS},
            )
        return questions


@admin.register(Channel)
class ChannelAdmin(TenantAdmin):
    """Sets channels up; they are switched off, never deleted, because conversations came through."""

    capabilities = {"view": "channel.view", "add": "channel.change", "change": "channel.change"}
    form = ChannelForm
    list_display = ("state", "name", "kind_name", "brand_name", "language", "made_at")
    list_display_links = ("name",)
    list_filter = (("status", ChoicesDropdownFilter),)
    list_filter_submit = True
    search_fields = ("name", "brand_name")
    actions_detail = ("rotate_page",)
    change_form_outer_before_template = "admin/conversations/channel_embed.html"
    empty_text = _(
        "A channel is the entrance of your visitors. Add one, then put its line of code on your website."
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        lists = ("allowed_origins", "quick_questions")
        origins, questions = (
            lists if self._edits(request, obj) else ("origin_list", "question_list")
        )
        return [
            (None, {"fields": ("name", "kind", "status")}),
            (
                _("Looks and words"),
                {
                    "fields": (
                        "brand_name",
                        "assistant_name",
                        "language",
                        "colour",
                        "greeting",
                        questions,
                    )
                },
            ),
            (_("Where it may stand, and who vouches"), {"fields": (origins, "accepts_user_hash")}),
            (
                _("Privacy notice"),
                {"fields": ("notice_text", *(("notice_version",) if obj else ()))},
            ),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if self._edits(request, obj):
            return ("notice_version",)
        return ("notice_version", "origin_list", "question_list")

    def save_model(self, request: HttpRequest, obj: Channel, form: Any, change: bool) -> None:
        channels.save_channel(obj, by=actor_of(request).user)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        channel = self.get_object(request, object_id)
        context = _embedding(request, channel) if isinstance(channel, Channel) else {}
        response: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )
        return response

    @action(
        description=_("New identity secret"),
        url_path="secret",
        permissions=["change"],
        icon="key",
    )
    def rotate_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then make a new identity secret and show it, this once."""
        channel = self.get_object(request, object_id)
        if not isinstance(channel, Channel):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        back = reverse("admin:conversations_channel_change", args=[channel.pk])
        if request.method == "POST":
            secret = channels.rotate_secret(channel, by=actor_of(request).user)
            self.log_change(request, channel, gettext("New identity secret."))
            shown = never_cache(self.page)(
                request,
                "admin/conversations/channel_secret.html",
                {
                    "title": gettext("The new identity secret of %(name)s") % {"name": channel},
                    "secret": secret,
                    "back_url": back,
                },
            )
            assert isinstance(shown, HttpResponse)
            return shown
        return self.page(
            request,
            "admin/confirm_page.html",
            {
                "title": gettext("Make a new identity secret for %(name)s?") % {"name": channel},
                "lead": gettext(
                    "Your server signs with it who a visitor is. The present secret stops working "
                    "at once; visitors who are not signed in notice nothing."
                ),
                "submit_label": gettext("Make a new secret"),
                "variant": "danger",
                "cancel_url": back,
            },
        )

    def _edits(self, request: HttpRequest, obj: Any) -> bool:
        return self.has_add_permission(request) if obj is None else self.may(request, "change")

    @display(description=_("status"), ordering="status")
    def state(self, channel: Channel) -> SafeString:
        return badge(channel.get_status_display(), "ok" if channel.is_active else "breach")

    @display(description=_("kind"), ordering="kind")
    def kind_name(self, channel: Channel) -> str:
        return channel.get_kind_display()

    @display(description=_("created at"), ordering="created_at")
    def made_at(self, channel: Channel) -> str:
        return moment(channel.created_at)

    @display(description=_("allowed origins"))
    def origin_list(self, channel: Channel) -> Any:
        return _paragraphs(channel.allowed_origins)

    @display(description=_("quick questions"))
    def question_list(self, channel: Channel) -> Any:
        return _paragraphs(channel.quick_questions)


def _paragraphs(texts: list[str]) -> Any:
    return format_html_join("", "<p>{}</p>", ((text,) for text in texts)) or "–"


def _embedding(request: HttpRequest, channel: Channel) -> dict[str, Any]:
    """What goes onto the client's website or into their app."""
    base = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
    loader = f"{base}{reverse('conversations:widget-loader')}"
    return {
        "is_app": channel.kind == ChannelKind.APP,
        "snippet": f'<script async src="{loader}" data-channel-key="{channel.key}"></script>',
        "frame_url": f"{base}{reverse('conversations:widget-frame')}?k={channel.key}",
        "channel_key": channel.key,
    }
