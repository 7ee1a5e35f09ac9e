"""What is kept of visitors: sessions, uploads, tags, their requests."""

from celery import shared_task
from django.conf import settings
from django.db.models import Q

from conversations.models import Attachment, ContactSession, SubjectRequest, Tag
from tenants import clock
from tenants.chores import for_each, safely, tenants_with
from tenants.scoping import platform_scope, tenant_scope


@shared_task(name="conversations.recount_deadlines", platform=True, alone_for=60)
def recount_deadlines() -> None:
    """Count the deadlines of open subject requests anew, for what the calendar now says."""
    from conversations.services import subjects  # noqa: PLC0415 -- leaf

    # All of them: a corrected calendar moves deadlines that are set already.
    with platform_scope("open subject requests, of all tenants"):
        rows = SubjectRequest.objects.using(settings.PLATFORM_DATABASE).filter(done_at=None)
        found = list(rows.values_list("tenant_id", "pk"))
    for tenant_id, request_id in found:
        with tenant_scope(tenant_id):
            safely(subjects.recount_deadline, request_id)


@shared_task(name="conversations.tend_profiles", platform=True, alone_for=600)
def tend_profiles() -> None:
    """Take off tags whose days are over, and give those that rules give (R36)."""
    from conversations.services import profiles, tagging  # noqa: PLC0415 -- leaf

    for_each(tenants_with(Tag, Q()), profiles.clear_expired_tags, tagging.apply_rules)


@shared_task(name="conversations.clear_sessions", platform=True, alone_for=30)
def clear_sessions() -> None:
    """Remove visitors' sessions that can never be used again."""
    from conversations.services import contacts  # noqa: PLC0415 -- leaf

    ended = Q(refresh_expires_at__lt=clock.now())
    for_each(tenants_with(ContactSession, ended), contacts.clear_sessions)


@shared_task(name="conversations.clear_uploads", platform=True, alone_for=600)
def clear_uploads() -> None:
    """Delete uploads that were never sent, and files of removed attachments left behind."""
    from conversations.services import attachments  # noqa: PLC0415 -- leaf

    unsent = Q(message=None, created_at__lt=clock.now() - attachments.UNSENT)
    left_behind = Q(removed_at__isnull=False) & ~Q(path="")
    for_each(tenants_with(Attachment, unsent | left_behind), attachments.sweep)
