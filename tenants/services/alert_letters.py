"""Word alerts: one notification, or the digest of several, in the tenant's language."""

from collections.abc import Sequence
from email.utils import parseaddr
from uuid import UUID

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants.alerting.letter import Letter, Line
from tenants.models import AlertLevel, Notification, Tenant, User

_inliner = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)
_ORDER = [AlertLevel.INFO, AlertLevel.WARNING, AlertLevel.CRITICAL]


def compose(letter_id: UUID, rows: Sequence[Notification], tenant: Tenant) -> Letter:
    """Return the letter that tells of these, of one at least, in the language that is active.

    The same rows give the same words, whenever it is written again.
    """
    level = max((AlertLevel(row.level) for row in rows), key=_ORDER.index)
    return Letter(
        id=str(letter_id),
        level=level,
        urgency=str(level.label),
        tenant=tenant.name,
        title=_title(rows),
        lines=[_line(row) for row in rows],
        link=_public(reverse("admin:tenants_notification_changelist")),
        link_words=_("See all notifications"),
        more=_more,
    )


def mail(letter: Letter, person: User) -> EmailMultiAlternatives:
    """Return the letter as a mail: text and HTML, every notification in both.

    Its Message-ID comes from the letter, so that a repeat after a crash can be told as one.
    """
    context = {"letter": letter}
    name = " ".join(letter.tenant.split())
    mail = EmailMultiAlternatives(
        subject=_("[%(urgency)s] %(title)s · %(tenant)s")
        % {"urgency": letter.urgency, "title": letter.title, "tenant": name},
        body=render_to_string("email/alert.txt", context),
        to=[person.email],
        headers={"Message-ID": message_id(letter), "Auto-Submitted": "auto-generated"},
    )
    page = _inliner.inline(render_to_string("email/alert.html", context))
    mail.attach_alternative(page, "text/html")
    return mail


def message_id(letter: Letter) -> str:
    """Return the Message-ID of the letter's mails."""
    _name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return f"<alert-{letter.id}@{address.rpartition('@')[2] or 'localhost'}>"


def _title(rows: Sequence[Notification]) -> str:
    titles = {row.title for row in rows}
    kinds = {row.kind for row in rows}
    first = rows[0].title
    if kinds and all(kind.endswith(".escalated") for kind in kinds):
        first = _("Not acknowledged: %(title)s") % {"title": first}
    if len(rows) == 1:
        return first
    if len(titles) == 1:
        return ngettext("%(title)s (%(count)s)", "%(title)s (%(count)s)", len(rows)) % {
            "title": first,
            "count": len(rows),
        }
    return ngettext(
        "%(title)s and %(count)s more", "%(title)s and %(count)s more", len(rows) - 1
    ) % {"title": first, "count": len(rows) - 1}


def _line(row: Notification) -> Line:
    return Line(
        id=str(row.pk),
        kind=row.kind,
        level=row.level,
        title=row.title,
        text=row.body or row.title,
        link=_public(row.link) if row.link else "",
        subject=row.subject,
        at=row.created_at,
    )


def _more(count: int) -> str:
    return ngettext(
        "%(count)s more is listed on the page.", "%(count)s more are listed on the page.", count
    ) % {"count": count}


def _public(path: str) -> str:
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else ""
