"""Releases: which one visitors hear, and the way back to an earlier one."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from knowledge.models import ActiveRelease, Release
from knowledge.services import releases
from tenants.admin_base import ReadOnlyAdmin, actor_of, badge, moment
from tenants.admin_filters import period_on


@admin.register(Release)
class ReleaseAdmin(ReadOnlyAdmin):
    """Shows the releases and lets visitors hear an earlier one again."""

    capabilities = {"view": "knowledge.view", "publish": "knowledge.publish"}
    list_display = ("state", "label", "note", "entries", "made_at", "made_by")
    list_display_links = ("label",)
    list_filter = (period_on("created_at"),)
    list_filter_submit = True
    list_select_related = ("created_by",)
    search_fields = ("note", "=number")
    fields = ("state", "label", "note", "entries", "made_at", "made_by")
    actions_detail = ("activate_page",)
    actions_row = ("activate_page",)
    ordering = ("-number",)
    empty_text = _(
        "Publish the entries to make the first release: until then visitors hear nothing."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Release]:
        queryset: QuerySet[Release] = super().get_queryset(request)
        pointer = ActiveRelease.objects.filter(release=OuterRef("pk"))
        return queryset.annotate(is_heard=Exists(pointer))

    def has_publish_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "publish")

    @action(
        description=_("Let visitors hear this release"),
        url_path="activate",
        permissions=["publish"],
        icon="history",
    )
    def activate_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then switch what visitors hear to this release."""
        release: Any = self.get_object(request, object_id)
        if release is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        back = reverse("admin:knowledge_release_changelist")
        if release.is_heard:
            messages.info(
                request,
                gettext("Visitors hear release %(release)s already.") % {"release": release},
            )
            return HttpResponseRedirect(back)
        if request.method == "POST":
            releases.activate(release, by=actor_of(request).user)
            self.log_change(request, release, gettext("Activated."))
            messages.success(
                request,
                gettext("From their next question on, visitors hear release %(release)s.")
                % {"release": release},
            )
            return HttpResponseRedirect(back)
        current = releases.active_release()
        return self.page(
            request,
            "admin/confirm_page.html",
            {
                "title": gettext("Let visitors hear release %(release)s?") % {"release": release},
                "lead": gettext(
                    "Now they hear release %(current)s. The switch holds from the next question "
                    "on; the entries you edit stay as they are."
                )
                % {"current": current},
                "facts": [
                    (gettext("entries"), release.entry_count),
                    (gettext("note"), release.note or "–"),
                    (gettext("created at"), moment(release.created_at)),
                ],
                "submit_label": gettext("Switch to release %(release)s") % {"release": release},
                "cancel_url": back,
            },
        )

    @display(description=_("state"))
    def state(self, release: Any) -> SafeString:
        return badge(gettext("Heard now"), "ok") if release.is_heard else badge(gettext("Kept"))

    @display(description=_("release"), ordering="number")
    def label(self, release: Release) -> str:
        return str(release)

    @display(description=_("entries"), ordering="entry_count")
    def entries(self, release: Release) -> SafeString:
        return format_html(
            '<a href="{}?release={}">{}</a>',
            reverse("admin:knowledge_entryversion_changelist"),
            release.pk,
            release.entry_count,
        )

    @display(description=_("created at"), ordering="created_at")
    def made_at(self, release: Release) -> str:
        return moment(release.created_at)

    @display(description=_("created by"))
    def made_by(self, release: Release) -> str:
        return str(release.created_by or "–")
