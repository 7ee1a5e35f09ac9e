"""Publishing: what it would change, then doing it, in as many steps as the phrasings need."""

import secrets
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant

from knowledge import queries
from knowledge.admin.forms import PublishForm
from knowledge.models import GoldenQuestion, Release
from knowledge.queries import EntryState, Pending
from knowledge.services import releases
from knowledge.services.golden import GoldenWorseError
from knowledge.services.publishing import publish_for
from knowledge.services.releases import NothingToPublishError
from tenants.admin_base import TenantAdmin, actor_of, badge

STATE_TONES = {
    EntryState.NEW: "info",
    EntryState.CHANGED: "warn",
    EntryState.RELEASED: "ok",
    EntryState.LEAVING: "warn",
    EntryState.UNUSED: "",
}
SHOWN_CHANGES = 50
# How long one page may learn phrasings before it shows how far it is.
STEP_SECONDS = 5.0
KEPT_SECONDS = 30 * 60


@dataclass(frozen=True)
class Job:
    """A confirmed publishing that is still learning; whoever holds the token goes on with it."""

    token: str
    note: str
    total: int = 0


class PublishMixin(TenantAdmin):
    """The pages that publish the entries."""

    def has_publish_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "publish")

    @action(
        description=_("Publish"),
        url_path="publish",
        permissions=["publish"],
        icon="campaign",
        variant=ActionVariant.PRIMARY,
    )
    def publish_page(self, request: HttpRequest) -> HttpResponse:
        """Show what publishing would change; on confirmation, publish."""
        form = PublishForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            job = Job(secrets.token_urlsafe(), form.cleaned_data["note"])
            return self._go_on(request, job)
        job_asked = request.GET.get("job")
        if job_asked:
            job = cache.get(_key(request))
            if isinstance(job, Job) and secrets.compare_digest(job.token, job_asked):
                return self._go_on(request, job)
            return HttpResponseRedirect(reverse("admin:knowledge_entry_publish_page"))
        pending = queries.pending()
        return self.page(
            request,
            "knowledge/publish.html",
            {
                "title": gettext("Publish the entries"),
                "form": form,
                "counts": _counts(pending),
                "pending": [(item, state_badge(item.state)) for item in pending[:SHOWN_CHANGES]],
                "pending_left": max(0, len(pending) - SHOWN_CHANGES),
                "current": releases.active_release(),
                "golden_count": GoldenQuestion.objects.count(),
                "cancel_url": reverse("admin:knowledge_entry_changelist"),
            },
        )

    def _go_on(self, request: HttpRequest, job: Job) -> HttpResponse:
        try:
            step = publish_for(STEP_SECONDS, by=actor_of(request).user, note=job.note)
        except NothingToPublishError as error:
            messages.info(request, error.detail)
        except GoldenWorseError as error:
            messages.error(request, error.detail)
            cache.delete(_key(request))
            return HttpResponseRedirect(reverse("admin:knowledge_goldenquestion_changelist"))
        else:
            if not isinstance(step, Release):
                return self._learning(request, job, step.left)
            messages.success(
                request,
                gettext("Release %(release)s is out: visitors hear %(count)s entries.")
                % {"release": step, "count": step.entry_count},
            )
        cache.delete(_key(request))
        return HttpResponseRedirect(reverse("admin:knowledge_entry_changelist"))

    def _learning(self, request: HttpRequest, job: Job, left: int) -> HttpResponse:
        job = replace(job, total=max(job.total, left))
        cache.set(_key(request), job, KEPT_SECONDS)
        page = self.page(
            request,
            "knowledge/learning.html",
            {
                "title": gettext("Learning phrasings"),
                "done": job.total - left,
                "total": job.total,
                "cancel_url": reverse("admin:knowledge_entry_changelist"),
            },
        )
        page["Refresh"] = f"1; url={reverse('admin:knowledge_entry_publish_page')}?job={job.token}"
        return page


def state_badge(state: EntryState) -> SafeString:
    """Return the state of an entry as a small label."""
    return badge(state.label, STATE_TONES[state])


def _counts(pending: list[Pending]) -> list[tuple[str, int]]:
    states = [item.state for item in pending]
    return [
        (gettext("added"), states.count(EntryState.NEW)),
        (gettext("changed"), states.count(EntryState.CHANGED)),
        (gettext("removed"), states.count(EntryState.LEAVING)),
    ]


def _key(request: HttpRequest) -> str:
    actor = actor_of(request)
    assert actor.tenant is not None
    return f"publish:{actor.tenant.pk}:{actor.user.pk}"
