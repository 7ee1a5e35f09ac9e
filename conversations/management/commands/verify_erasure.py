"""Prove that all that is kept of one person is found, and that erasing leaves none of it."""

import io
import json
import sys
import time
import zipfile
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from conversations.bench.canary import CANARY, plant
from conversations.bench.rehearsal import open_channel
from conversations.models import Contact, SubjectRequestKind
from conversations.services import subjects
from conversations.services.subject_export import archive, collect
from conversations.services.subject_stores import STORES
from conversations.traces import find_files, find_traces
from knowledge.models import Category, Entry
from knowledge.services import releases
from tenants import throwaway
from tenants.models import Membership, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services import ledger
from tenants.services.onboarding import create_tenant

QUESTION = "When will my order be sent?"


class Command(BaseCommand):
    """Let a marked person leave the mark everywhere, hand everything out, erase, and look again."""

    help = (
        "In a throw-away database, export and erase a person whose mark lies in every store; exit 1 "
        "if a mark was not exported, or any is left in any text column of any table or in any file (contract T55)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        throwaway.enter()
        with tenant_scope(create_tenant(slug="rehearsal", name="Rehearsal")):
            found = self._rehearse()
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
        else:
            for name, value in found.items():
                self.stdout.write(f"{name}: {value}")
        held = found["planted"] and found["exported"] == found["planted"]
        if not found["files"] or found["files_left"]:
            sys.exit(1)
        if not held or found["left"] or not found["archived"] or found["ledger_fault"]:
            sys.exit(1)

    def _rehearse(self) -> dict[str, Any]:
        by = _colleague()
        entry = Entry(category=Category.objects.create(name="Orders"))
        entry.question, entry.answer = QUESTION, "Within 24 hours."
        entry.save()
        releases.publish(by=None)
        person = plant(open_channel(), by=by, question=QUESTION)
        planted, files = _places(), len(list(find_files([CANARY])))
        request = _request(person, SubjectRequestKind.ACCESS, by)
        exported = _exported(request)
        packed = zipfile.ZipFile(io.BytesIO(archive(request, by=by)))
        archived = all(
            CANARY in packed.read(name).decode("utf-8-sig") for name in ("data.json", "index.html")
        )
        subjects.complete_request(request, by=by)
        wish = _request(person, SubjectRequestKind.DELETE, by)
        began = time.monotonic()
        erased = subjects.erase(wish, typed=wish.contact.display_name, by=by)
        seconds = round(time.monotonic() - began, 3)
        _length, fault = ledger.verify()
        return {
            "planted": len(planted),
            "exported": len(planted & exported),
            "archived": archived,
            "erased_rows": sum(erased.values()),
            "erase_seconds": seconds,
            "files": files,
            "left": [f"{trace.table}.{trace.column}" for trace in find_traces([CANARY])],
            "files_left": len(list(find_files([CANARY]))),
            "ledger_fault": fault.reason if fault else "",
        }


def _colleague() -> Membership:
    user = User.objects.create_user("colleague@rehearsal.example", None)
    member: Membership = Membership.objects.create(
        user=user, role=Role.CLIENT_ADMIN, display_name="Colleague"
    )
    return member


def _request(person: Contact, kind: SubjectRequestKind, by: Membership) -> Any:
    return subjects.open_request(person, kind, identity_check="by rehearsal", by=by)


def _places() -> set[tuple[str, str]]:
    return {(trace.table, trace.column) for trace in find_traces([CANARY])}


def _exported(request: Any) -> set[tuple[str, str]]:
    tables = {store.name: store.model._meta.db_table for store in STORES}
    return {
        (tables[sheet.name], column)
        for sheet in collect(request)
        for row in sheet.rows
        for column, value in row.items()
        if CANARY in json.dumps(value, ensure_ascii=False, default=str)
    }
