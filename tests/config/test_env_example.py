""".env.example and the operation manual name every setting, and no other."""

import re
from pathlib import Path

from django.conf import settings

SOURCES = ("config/settings.py", "knowledge/retrieval/models.py")


def read_by_the_product() -> set[str]:
    names: set[str] = set()
    for source in SOURCES:
        text = (Path(settings.BASE_DIR) / source).read_text(encoding="utf-8")
        names |= set(re.findall(r'\benv_\w+\(\s*"([A-Z_]+)"', text))
        names |= set(re.findall(r'environ\.get\(\s*"(YINGDA_\w+)"', text))
    return names


def test_env_example_names_every_setting() -> None:
    text = (Path(settings.BASE_DIR) / ".env.example").read_text(encoding="utf-8")

    assert set(re.findall(r"^([A-Z_]+)=", text, re.MULTILINE)) == read_by_the_product()


def test_operation_manual_explains_every_setting() -> None:
    text = (Path(settings.BASE_DIR) / "docs/operation.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE)) == read_by_the_product()
