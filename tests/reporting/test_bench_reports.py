"""The measuring of reports: it prints its figures, and fails where one is missed."""

import json
import subprocess
import sys
from pathlib import Path

from django.conf import settings


def test_a_small_run_prints_its_figures_and_keeps_them() -> None:
    command = [
        sys.executable,
        str(Path(settings.BASE_DIR) / "manage.py"),
        "bench_reports",
        *("--inquiries", "60", "--tenants", "1", "--each", "5", "--json"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=150)
    figures = json.loads(done.stdout)

    assert figures["evidence_faults"] == []
    assert figures["evidence_figures"] > 20
    assert figures["month_seconds"] > 0
    assert done.returncode == (1 if figures["missed"] else 0)
