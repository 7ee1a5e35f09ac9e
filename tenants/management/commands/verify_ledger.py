"""Prove the evidence chains: that no entry was changed, removed, moved or cut off."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tenants.services import ledger


class Command(BaseCommand):
    help = "Recompute every tenant's evidence chain; exit 1 and name the first wrong entry if any."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="this tenant alone")
        parser.add_argument(
            "--told",
            metavar="POSITION:HASH",
            type=_told,
            help="what a mail said of --tenant: that entry must still have that hash",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["told"] and not options["tenant"]:
            raise CommandError("Name the --tenant that the mail is of.")
        tenants = Tenant.objects.order_by("slug")
        if options["tenant"]:
            tenants = tenants.filter(slug=options["tenant"])
            if not tenants:
                raise CommandError(f"There is no tenant {options['tenant']}.")
        chains = []
        for tenant in tenants:
            chain = _verified(tenant, options["told"])
            chains.append(chain)
            if not options["json"]:
                self.stdout.write(_line(chain))
        faulty = sum(chain["fault"] is not None for chain in chains)
        figures = {
            "tenants": len(chains),
            "entries": sum(chain["entries"] for chain in chains),
            "faulty": faulty,
        }
        if options["json"]:
            self.stdout.write(json.dumps({"chains": chains, **figures}, indent=2))
        else:
            self.stdout.write(" ".join(f"{name}={value}" for name, value in figures.items()))
        if faulty:
            sys.exit(1)


def _told(text: str) -> tuple[int, str]:
    position, _colon, told = text.partition(":")
    return int(position), told.strip().lower()


def _verified(tenant: Tenant, told: tuple[int, str] | None) -> dict[str, Any]:
    with tenant_scope(tenant):
        entries, fault = ledger.verify()
        if fault is None and told is not None:
            fault = ledger.contradicted(*told)
    return {
        "tenant": tenant.slug,
        "entries": entries,
        "fault": None if fault is None else {"position": fault.position, "reason": fault.reason},
    }


def _line(chain: dict[str, Any]) -> str:
    fault = chain["fault"]
    if fault is None:
        return f"{chain['tenant']}: {chain['entries']} entries, intact"
    return f"{chain['tenant']}: broken at entry {fault['position']}: {fault['reason']}"
