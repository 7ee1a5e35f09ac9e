"""The mail that brings a report: what was promised and two charts, everything inside it."""

from email.mime.image import MIMEImage
from email.utils import parseaddr

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from reporting.models import Report, ReportDelivery
from reporting.rendering.pdf import pdf, picture
from reporting.rendering.presentation import Presented, present
from reporting.rendering.xlsx import xlsx
from reporting.services import conversation_rows
from tenants.services import contracts

_CHARTS = 2
_XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def letter(delivery: ReportDelivery) -> EmailMultiAlternatives:
    """Return the mail of one delivery, with PDF and XLSX; nothing in it needs the network."""
    report = delivery.report
    shown = present(report.data, report.sha256, delivery.language)
    with translation.override(delivery.language):
        return _letter(delivery, report, shown)


def file_name(shown: Presented, report: Report, ending: str) -> str:
    """Return the name under which a report is kept, in its own language."""
    words = (shown.name, shown.title, f"{report.period_start}", shown.stage, f"v{report.version}")
    safe = "_".join(words).replace("/", "-").replace("\\", "-")
    return f"{' '.join(safe.split())}.{ending}"


def _letter(delivery: ReportDelivery, report: Report, shown: Presented) -> EmailMultiAlternatives:
    # A chart's own title says what of its chapter it shows.
    pictures = [(chapter, each) for chapter in shown.chapters for each in chapter.pictures[:1]]
    named = [
        (f"chart{number}", f"{chapter.title} · {each.title}", each)
        for number, (chapter, each) in enumerate(pictures[:_CHARTS])
    ]
    context = {
        "report": shown,
        "pictures": named,
        "name": delivery.name,
        "days": contracts.terms_at(report.sent_at or report.made_at).confirm_working_days,
        "link": _link(report),
        "lang": "en" if delivery.language == "en" else "zh-CN",
    }
    subject = f"{shown.name} · {shown.title} · {shown.period} · {shown.stage} {shown.version}"
    mail = EmailMultiAlternatives(
        subject=" ".join(subject.split()),
        body=render_to_string("email/report.txt", context),
        to=[delivery.email],
        headers={"Message-ID": delivery.mail_id, "Auto-Submitted": "auto-generated"},
    )
    page = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True).inline(
        render_to_string("email/report.html", context)
    )
    mail.attach_alternative(page, "text/html")
    for name, _title, each in named:
        image = MIMEImage(picture(each.svg), "png")
        image.add_header("Content-ID", f"<{name}>")
        image.add_header("Content-Disposition", "inline", filename=f"{name}.png")
        mail.attach(image)
    mail.attach(file_name(shown, report, "pdf"), pdf(shown), "application/pdf")
    mail.attach(
        file_name(shown, report, "xlsx"), xlsx(shown, conversation_rows.of(report)), _XLSX_TYPE
    )
    return mail


def mail_id(delivery: ReportDelivery) -> str:
    """Return the id of the mail, the same however often it is tried."""
    _name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return f"<report-{delivery.pk}@{address.rpartition('@')[2] or 'localhost'}>"


def _link(report: Report) -> str:
    path = reverse("admin:reporting_report_read_page", args=[report.pk])
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else ""
