"""What this process counts while it works, for `/metrics`.

Each process counts its own; whoever collects adds them up.
"""

from prometheus_client import CollectorRegistry, Histogram

REGISTRY = CollectorRegistry()

TURN_SECONDS = Histogram(
    "yingda_turn_seconds",
    "From the beginning of the decision about a question to its committed reply",
    ["outcome"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
