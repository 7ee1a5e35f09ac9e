"""Make a report by hand and write it as files."""

import shutil
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.template.loader import render_to_string
from django.utils import translation

from reporting.models import Report, ReportKind, ReportStage
from reporting.rendering import mail
from reporting.rendering.pdf import pdf
from reporting.rendering.presentation import present
from reporting.rendering.xlsx import xlsx
from reporting.services import conversation_rows, evidence, reports
from tenants.errors import DomainError
from tenants.models import Tenant
from tenants.scoping import tenant_scope


class Command(BaseCommand):
    """Write PDF, XLSX, HTML and evidence pack of a period's final report, making it if need be."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True)
        parser.add_argument("--kind", required=True, choices=ReportKind.values)
        parser.add_argument("--start", required=True, type=date.fromisoformat)
        parser.add_argument("--out", required=True, type=Path)
        parser.add_argument("--stage", default="final", choices=("provisional", "final"))
        parser.add_argument("--language", default="zh-hans", choices=("zh-hans", "en"))

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"no tenant {options['tenant']}")
        with tenant_scope(tenant):
            try:
                report = reports.make(
                    options["kind"], options["start"], ReportStage(options["stage"])
                )
            except (DomainError, ValueError) as error:
                raise CommandError(str(error)) from error
            self._write(report, options["out"], options["language"])

    def _write(self, report: Report, out: Path, language: str) -> None:
        out.mkdir(parents=True, exist_ok=True)
        shown = present(report.data, report.sha256, language)
        with translation.override(language):
            page = render_to_string(
                "reporting/report.html", {"report": shown.as_data(), "lang": language}
            )
        files = {
            "pdf": pdf(shown),
            "xlsx": xlsx(shown, conversation_rows.of(report)),
            "html": page.encode(),
        }
        for ending, data in files.items():
            path = out / mail.file_name(shown, report, ending)
            path.write_bytes(data)
            self.stdout.write(str(path))
        path = out / mail.file_name(shown, report, "zip")
        try:
            with evidence.open_pack(report) as pack, path.open("wb") as file:
                shutil.copyfileobj(pack, file)
        except evidence.EvidenceLostError as error:
            raise CommandError(
                f"the evidence pack of report {report.pk} is not in the file store, or was changed "
                "there: restore it from a backup"
            ) from error
        self.stdout.write(str(path))
