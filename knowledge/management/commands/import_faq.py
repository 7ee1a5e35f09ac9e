"""Put a file of questions and answers into a tenant's knowledge base."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from knowledge import resources
from knowledge.models import Release
from knowledge.resources import Outcome
from knowledge.services import imports, publishing, releases
from knowledge.services.golden import GoldenWorseError
from knowledge.services.imports import FileRefusedError
from knowledge.services.releases import NothingToPublishError
from tenants.models import Tenant
from tenants.scoping import tenant_scope


class Command(BaseCommand):
    help = (
        "Import entries from CSV or XLSX with the columns category, question, phrasings (joined by "
        "|) and answer. If any row is wrong, nothing is imported."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen")
        parser.add_argument(
            "--json", action="store_true", help="print the result as one JSON object"
        )
        then = parser.add_mutually_exclusive_group()
        then.add_argument("--publish", action="store_true", help="let visitors hear the entries")
        then.add_argument(
            "--draft", action="store_true", help="publish nothing, not even the first release"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["tenant"]).first()
        if tenant is None:
            raise CommandError(_no_such_tenant(options["tenant"]))
        self._quiet = options["json"]
        with tenant_scope(tenant), translation.override(tenant.language):
            outcome = self._import(options["file"], dry_run=options["dry_run"])
            release = None
            if not outcome.problems and not options["dry_run"]:
                release = self._publish(asked=options["publish"], draft=options["draft"])
        if options["json"]:
            self.stdout.write(json.dumps(_report(tenant, outcome, release, options)))
        if outcome.problems:
            raise CommandError(f"Nothing was imported: {len(outcome.problems)} problems.")

    def _import(self, file: Path, *, dry_run: bool) -> Outcome:
        try:
            if file.stat().st_size > imports.MAX_BYTES:
                raise CommandError(f"{file} is larger than {imports.MAX_BYTES >> 20} MB.")
            table = imports.read_table(file.read_bytes())
            outcome = resources.check(table) if dry_run else resources.run(table, by=None)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except FileRefusedError as error:
            raise CommandError(f"{file}: {error.detail}") from error
        for problem in outcome.problems:
            self._say(f"row {problem.row}: {problem.message}")
        if not outcome.problems:
            verb = "Would import" if dry_run else "Imported"
            self._say(
                f"{verb} {outcome.total} rows: {outcome.new} new, {outcome.changed} changed, "
                f"{outcome.unchanged} unchanged."
            )
        return outcome

    def _publish(self, *, asked: bool, draft: bool) -> Release | None:
        first = releases.active_release() is None
        if draft or not (asked or first):
            self._say("Not published: visitors hear it after --publish or the admin's button.")
            return None
        if not asked:
            self._say("There is no release yet, so this one is published (--draft would not).")
        try:
            release = publishing.publish(by=None, progress=self._progress)
        except NothingToPublishError as error:
            self._say(error.detail)
            return None
        except GoldenWorseError as error:
            raise CommandError(error.detail) from error
        self._say(f"Published release {release}: {release.entry_count} entries.")
        return release

    def _progress(self, done: int, total: int) -> None:
        self._say(f"learning phrasings {done}/{total}")

    def _say(self, line: str) -> None:
        if not self._quiet:
            self.stdout.write(line)
            self.stdout.flush()


def _no_such_tenant(slug: str) -> str:
    known = ", ".join(Tenant.objects.order_by("slug").values_list("slug", flat=True))
    return (
        f"There is no tenant “{slug}”. Known: {known or 'none'}. "
        f"Create one with: manage.py create_tenant {slug} --name NAME"
    )


def _report(
    tenant: Tenant, outcome: Outcome, release: Release | None, options: dict[str, Any]
) -> dict[str, Any]:
    return {
        "tenant": tenant.slug,
        "file": str(options["file"]),
        "dry_run": options["dry_run"],
        "new": outcome.new,
        "changed": outcome.changed,
        "unchanged": outcome.unchanged,
        "errors": [{"row": item.row, "message": item.message} for item in outcome.problems],
        "release": release.number if release else None,
    }
