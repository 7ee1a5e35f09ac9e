"""docs/webhooks.md says what is true: its example checks what we sign."""

import re
import time
from pathlib import Path
from typing import Any

from django.conf import settings

from conversations.models import EventKind
from conversations.services import deliveries
from tenants import webhooks

TEXT = (Path(settings.BASE_DIR) / "docs" / "webhooks.md").read_text(encoding="utf-8")


def test_the_example_checks_our_signatures() -> None:
    example = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[0]
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 -- our own documentation
    secret, other = webhooks.new_secret(), webhooks.new_secret()
    headers = webhooks.headers(secret, "msg_1", b"{}")
    old = webhooks.headers(secret, "msg_1", b"{}", at=int(time.time()) - 301)

    assert names["is_genuine"](secret, headers, b"{}")
    assert not names["is_genuine"](other, headers, b"{}")
    assert not names["is_genuine"](secret, headers, b"{ }")
    assert not names["is_genuine"](secret, old, b"{}")


def test_every_kind_of_event_is_documented() -> None:
    documented = set(re.findall(r"^\| `([a-z._]+)` \| [^`]", TEXT, re.MULTILINE))

    assert {*EventKind.values, deliveries.PING} <= documented
