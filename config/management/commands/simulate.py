"""Play a believable year of a new tenant through the real services, and prove its reports."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.demo import year
from tenants.models import Tenant


class Command(BaseCommand):
    """Exit with 1 where a report is missing, does not add up, or is not proved by its evidence."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, help="the code of the tenant to make")
        parser.add_argument("--months", type=int, default=14)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--a-day", type=int, default=4, help="conversations of a weekday (4)")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError("Only in embedded mode: a played year is no evidence.")
        if Tenant.objects.filter(slug=options["tenant"]).exists():
            raise CommandError(f"There is a tenant {options['tenant']}; name a new one.")
        outcome = year.simulate(
            options["tenant"],
            months=options["months"],
            a_day=options["a_day"],
            seed=options["seed"],
            say=self.stderr.write,
        )
        if options["as_json"]:
            self.stdout.write(json.dumps(asdict(outcome), indent=2, ensure_ascii=False))
        else:
            for name, value in asdict(outcome).items():
                self.stdout.write(f"{name:16} {value}")
        if outcome.faults or outcome.figures_unproven:
            sys.exit(1)
