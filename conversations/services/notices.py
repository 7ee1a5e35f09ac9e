"""Tell people at the console, and by mail, what the system noticed."""

import logging
import smtplib
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from conversations import events, wire
from conversations.models import Conversation, Notice, NoticeKind
from tenants import clock
from tenants.models import Membership, Tenant
from tenants.roles import CAPABILITIES, SUPERVISING
from tenants.scoping import active_tenant_id

logger = logging.getLogger(__name__)

# A console that comes late hears of what happened within this time.
RECENT = timedelta(minutes=15)
MOST_RECENT = 20
# Waits after a failed mail; then it is given up.
_MAIL_AGAIN = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
_MAIL_SECONDS = 10
# Longer than a mail server is waited for.
_MAIL_LEASE = timedelta(minutes=5)


def tell(
    conversation: Conversation,
    kind: NoticeKind,
    *,
    at: datetime,
    text: str = "",
    member: Membership | None = None,
    for_supervisors: bool = False,
    by_mail: bool = False,
) -> Notice:
    """Store a notice and announce it to the consoles after the commit.

    For `member` alone, for supervisors, or, without either, for everybody at the console. With
    `by_mail` a mail follows within seconds, at least once. Inside the caller's transaction.
    """
    notice = Notice.objects.create(
        kind=kind,
        conversation=conversation,
        text=text,
        member=member,
        for_supervisors=for_supervisors,
        created_at=at,
        mail_due_at=at if by_mail else None,
    )
    events.announce_notice(notice)
    return notice


def recent(member: Membership | None) -> list[Notice]:
    """Return the latest notices this member should have heard, latest first, 20 at most."""
    mine = Q(member=None, for_supervisors=False)
    if member is not None:
        mine |= Q(member=member)
        if member.role in SUPERVISING:
            mine |= Q(member=None, for_supervisors=True)
    return list(
        Notice.objects.filter(mine, created_at__gt=clock.now() - RECENT)
        .select_related("conversation__contact")
        .order_by("-created_at")[:MOST_RECENT]
    )


def send_mail(notice_id: uuid.UUID) -> bool:
    """Send the notice's mail if it is due; return whether it went out.

    Of two callers at once one sends. A failed one is repeated after 1, 5 and 30 minutes. Nothing
    of what the visitor wrote stands in it.
    """
    at = clock.now()
    taken = Notice.objects.filter(pk=notice_id, mail_due_at__lte=at).update(
        mail_due_at=at + _MAIL_LEASE, mail_attempts=F("mail_attempts") + 1
    )
    if not taken:
        return False
    notice = Notice.objects.select_related("conversation__contact", "member__user").get(
        pk=notice_id
    )
    recipients = _recipients(notice)
    try:
        if recipients:
            _mail(notice, recipients)
    except (OSError, smtplib.SMTPException):
        logger.warning("Notice not mailed: %s, attempt %s", notice_id, notice.mail_attempts)
        attempt = notice.mail_attempts - 1
        again = at + _MAIL_AGAIN[attempt] if attempt < len(_MAIL_AGAIN) else None
        Notice.objects.filter(pk=notice_id).update(mail_due_at=again)
        return False
    Notice.objects.filter(pk=notice_id).update(mail_due_at=None, mailed_at=clock.now())
    return True


def clear_old(before: datetime) -> int:
    """Remove the notices of before this instant that have no mail to send; return how many."""
    with transaction.atomic():
        removed, _rows = Notice.objects.filter(created_at__lt=before, mail_due_at=None).delete()
    return removed


def _recipients(notice: Notice) -> list[str]:
    members = Membership.objects.filter(is_active=True, user__is_active=True)
    if notice.member_id:
        members = members.filter(pk=notice.member_id)
    else:
        at_console = {role for role, may in CAPABILITIES.items() if "console.enter" in may}
        members = members.filter(role__in=SUPERVISING if notice.for_supervisors else at_console)
    return sorted(members.values_list("user__email", flat=True))


def _mail(notice: Notice, recipients: list[str]) -> None:
    tenant = Tenant.objects.get(pk=active_tenant_id())
    with translation.override(tenant.language):
        who = wire.contact_object(notice.conversation.contact)["name"]
        page = f"{settings.PUBLIC_URL}{reverse('conversations:console')}"
        lines = [wire.notice_text(notice), _("Visitor: %(name)s") % {"name": who}, page]
        EmailMessage(
            subject=_("%(tenant)s: %(kind)s")
            % {"tenant": tenant.name, "kind": notice.get_kind_display()},
            body="\n\n".join(lines) + "\n",
            # One mail to all would show each of them the others' addresses.
            bcc=recipients,
            connection=get_connection(timeout=_MAIL_SECONDS),
        ).send()
