"""Give each worker of a parallel run its own Redis database; loaded before Django's settings."""

import os
from urllib.parse import urlsplit, urlunsplit

worker = os.environ.get("PYTEST_XDIST_WORKER", "")
if worker and os.environ.get("REDIS_URL"):
    # 0 stays with whoever starts the run; a Redis has 16 unless told otherwise.
    number = int(worker.removeprefix("gw")) % 15 + 1
    os.environ["REDIS_URL"] = urlunsplit(
        urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{number}")
    )
