"""An installation of its own: its processes, its database, its tenant."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.installation import Installation


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "e2e: starts the product as processes of their own")


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with Installation(tmp_path) as made:
        yield made


@pytest.fixture
def migrated_installation(tmp_path: Path) -> Iterator[Installation]:
    """An installation whose tables come from all migrations, as with everybody."""
    with Installation(tmp_path, is_migrated=True) as made:
        yield made
