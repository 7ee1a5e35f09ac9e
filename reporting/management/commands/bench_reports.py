"""Measure how long reports take, and what memory: one big month, and a week of many tenants."""

import json
import os
import resource
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import BaseCommand

from reporting.bench import months
from reporting.models import ReportKind, ReportStage
from reporting.rendering import pdf, xlsx
from reporting.rendering.presentation import present
from reporting.services import conversation_rows, evidence, figures, proving, reports
from tenants import clock, throwaway
from tenants.scoping import tenant_scope

# The promises: a month of 100,000 inquiries, and the week of 200 tenants.
_MONTH_SECONDS, _MONTH_MIB, _WEEK_SECONDS = 300.0, 512.0, 1800.0
_BEGAN = datetime(2026, 8, 1, tzinfo=UTC)
_MONTH, _WEEK = date(2026, 9, 1), date(2026, 9, 7)
_NOW = datetime(2026, 10, 20, tzinfo=UTC)


class Command(BaseCommand):
    """Exit with 1 where a report takes longer, or more memory, than promised."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--inquiries", type=int, default=100_000, help="of the month (100,000)")
        parser.add_argument("--tenants", type=int, default=200, help="with a weekly report (200)")
        parser.add_argument("--each", type=int, default=500, help="inquiries of each week (500)")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        # No language model: what answers visitors is not what makes reports, nor in its process.
        os.environ["YINGDA_MODEL_DIR"] = os.devnull
        with throwaway.own_database():
            found = {
                **self._month(options["inquiries"]),
                **self._weeks(options["tenants"], options["each"]),
            }
        missed = [
            name
            for name, most in (
                ("month_seconds", _MONTH_SECONDS),
                ("month_peak_mib", _MONTH_MIB),
                ("weeks_seconds", _WEEK_SECONDS),
            )
            if found[name] > most
        ]
        missed += ["evidence"] if found["evidence_faults"] else []
        found["missed"] = missed
        if options["as_json"]:
            self.stdout.write(json.dumps(found, indent=2))
        else:
            for name, value in found.items():
                self.stdout.write(f"{name:24} {value}")
        if missed:
            sys.exit(1)

    def _month(self, inquiries: int) -> dict[str, Any]:
        shop = months.open_shop("big", at=_BEGAN)
        with tenant_scope(shop.tenant):
            with self._timed("filled"):
                months.fill(shop, _MONTH, 30, inquiries)
            with clock.travel(_NOW), self._timed("nights") as nights:
                figures.catch_up()
            with clock.travel(_NOW), self._timed("provisional") as early:
                reports.make(ReportKind.MONTHLY, _MONTH, ReportStage.PROVISIONAL)
            # The later version counts the whole month anew.
            with clock.travel(_NOW), self._timed("month") as took:
                report = reports.make(ReportKind.MONTHLY, _MONTH, ReportStage.FINAL)
                shown = present(report.data, report.sha256, "zh-hans")
                paper, book = pdf.pdf(shown), xlsx.xlsx(shown, conversation_rows.of(report))
            peak = _peak_mib()
            with self._timed("evidence") as packed, evidence.open_pack(report) as pack:
                verdict = proving.verify(pack)
        return {
            "inquiries": inquiries,
            "nights_seconds": round(nights[0], 1),
            "provisional_seconds": round(early[0], 1),
            "month_seconds": round(took[0], 1),
            "month_peak_mib": round(peak, 1),
            "pdf_bytes": len(paper),
            "xlsx_bytes": len(book),
            "evidence_seconds": round(packed[0], 1),
            "evidence_figures": verdict.figures,
            "evidence_unproven": list(verdict.unproven),
            "evidence_faults": [each.reason for each in verdict.findings],
        }

    def _weeks(self, tenants: int, each: int) -> dict[str, Any]:
        shops = []
        for number in range(tenants):
            shop = months.open_shop(f"shop-{number}", at=_BEGAN)
            with tenant_scope(shop.tenant):
                months.fill(shop, _WEEK, 7, each, seed=number)
            shops.append(shop)
        self.stderr.write(f"{tenants} tenants filled")
        with clock.travel(_NOW), self._timed("weeks") as took:
            for shop in shops:
                with tenant_scope(shop.tenant):
                    reports.make(ReportKind.WEEKLY, _WEEK, ReportStage.FINAL)
        return {"tenants": tenants, "weeks_seconds": round(took[0], 1)}

    @contextmanager
    def _timed(self, what: str) -> Iterator[list[float]]:
        start, took = time.monotonic(), [0.0]
        yield took
        took[0] = time.monotonic() - start
        self.stderr.write(f"{what}: {took[0]:.1f} s, peak {_peak_mib():.0f} MiB")


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
