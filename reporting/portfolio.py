"""All tenants of one person side by side: the month against each contract, and what waits there."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from conversations.states import ConversationStatus
from reporting import links, month_gauges, queries
from reporting.models import Incident, PlanState, RectificationPlan, Report, ReportDue
from tenants import clock
from tenants.actors import Actor, overseen_by
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tenants.services import contracts

# The worst first. "info" is a promise of which nothing is known yet, "plain" is no promise.
TONES = ("breach", "warn", "ok", "info", "plain")


@dataclass(frozen=True)
class Cell:
    """One figure of one tenant, as it stands on that tenant's own home."""

    key: str
    label: str
    shown: str
    words: str
    tone: str
    link: str
    is_small: bool = False


@dataclass(frozen=True)
class Row:
    """One tenant: `cells` has one for each column, None where the role may not see it."""

    tenant: Tenant
    role: str
    cells: tuple[Cell | None, ...]

    @property
    def tone(self) -> str:
        """The worst of its cells' tones."""
        tones = {cell.tone for cell in self.cells if cell is not None}
        return next((tone for tone in TONES if tone in tones), "plain")

    @property
    def place(self) -> tuple[int, int, str]:
        """Where it stands among the others: the worst first, then those with more of the worst."""
        tones = [cell.tone for cell in self.cells if cell is not None]
        return TONES.index(self.tone), -tones.count(self.tone), self.tenant.name


@dataclass(frozen=True)
class Portfolio:
    """The tenants that were asked for, out of `total`, under the headings of their cells."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    total: int
    asked: str

    @property
    def broken(self) -> int:
        """How many of the rows have a promise that is missed."""
        return sum(row.tone == "breach" for row in self.rows)


def of(user: User, asked: str = "") -> Portfolio:
    """Return how the person's own tenants stand; `asked` narrows them by name or short name.

    Each is read in its own scope and zone, as far as the person's role there may see, in a fixed
    number of queries: of what was said and done only the days' sums are read.
    """
    own = overseen_by(user)
    words = asked.strip().casefold()
    read = [(actor, _cells(actor)) for actor in own if _is_named(actor, words)]
    keys = [key for key in _ORDER if any(key in cells for _actor, cells in read)]
    labels = {key: cell.label for _actor, cells in read for key, cell in cells.items()}
    rows = [
        Row(_tenant(actor), _role(actor), tuple(cells.get(key) for key in keys))
        for actor, cells in read
    ]
    return Portfolio(
        columns=tuple(labels[key] for key in keys),
        rows=tuple(sorted(rows, key=lambda row: row.place)),
        total=len(own),
        asked=asked.strip(),
    )


def _tenant(actor: Actor) -> Tenant:
    assert actor.tenant is not None
    return actor.tenant


def _role(actor: Actor) -> str:
    assert actor.membership is not None
    return str(actor.membership.get_role_display())


def _is_named(actor: Actor, words: str) -> bool:
    tenant = _tenant(actor)
    return words in tenant.name.casefold() or words in tenant.slug


def _cells(actor: Actor) -> dict[str, Cell]:
    tenant = _tenant(actor)
    with tenant_scope(tenant), timezone.override(tenant.zone):
        gauges = [
            Cell(
                key=gauge.key,
                label=gauge.label,
                shown=gauge.shown,
                words=f"{gauge.promised} · {gauge.basis}",
                tone=gauge.tone,
                link=gauge.link,
                is_small=gauge.is_small,
            )
            for gauge in month_gauges.of(actor)
        ]
        waiting = [make() for capability, make in _WAITING if actor.can(capability)]
        return {cell.key: cell for cell in (*gauges, *waiting)}


def _breaches() -> Cell:
    count = queries.breaches_today()
    return _count(
        "breaches",
        _("Promises broken today"),
        count,
        "breach",
        links.rows("tenants_breach", {"period": "today"}),
    )


def _visitors() -> Cell:
    queue = queries.queue()
    late = queue.is_over(contracts.terms_at(clock.now()).handoff)
    return _count(
        "visitors",
        _("Visitors waiting"),
        queue.waiting,
        "breach" if late else "warn",
        links.rows("conversations_conversation", {"status__exact": ConversationStatus.WAITING}),
    )


def _incidents() -> Cell:
    return _count(
        "incidents",
        _("Open incidents"),
        Incident.objects.filter(restored_at=None).count(),
        "breach",
        links.rows("reporting_incident", {"standing": "open"}),
    )


def _plans() -> Cell:
    states = list(
        RectificationPlan.objects.exclude(state=PlanState.CLOSED).values_list("state", flat=True)
    )
    to_write = {PlanState.TRIGGERED, PlanState.RETURNED} & set(states)
    return _count(
        "plans",
        _("Rectification plans"),
        len(states),
        "breach" if to_write else "warn",
        links.rows("reporting_rectificationplan", {"standing": "open"}),
    )


def _to_approve() -> Cell:
    return _count(
        "to_approve",
        _("Reports to approve"),
        Report.objects.filter(approved_at=None).count(),
        "warn",
        links.rows("reporting_report", {"standing": "approve"}),
    )


def _to_send() -> Cell:
    return _count(
        "to_send",
        _("Reports to send"),
        Report.objects.filter(approved_at__isnull=False, sent_at=None).count(),
        "warn",
        links.rows("reporting_report", {"standing": "send"}),
    )


def _count(key: str, label: str, count: int, tone: str, link: str) -> Cell:
    return Cell(key, label, str(count), "", tone if count else "plain", link)


def _next_report() -> Cell:
    row = ReportDue.objects.filter(made_at=None, due_at__isnull=False).order_by("due_at").first()
    return Cell(
        key="next_report",
        label=_("Next report due"),
        shown=date_format(timezone.localtime(row.due_at), "m-d H:i") if row else "–",
        words=row.get_kind_display() if row else "",
        tone="breach" if row and row.due_at < clock.now() else "plain",
        link=links.rows("reporting_reportdue", {"standing": "open"}),
    )


_WAITING: tuple[tuple[str, Callable[[], Cell]], ...] = (
    ("obligation.view", _breaches),
    ("conversation.view", _visitors),
    ("incident.view", _incidents),
    ("plan.view", _plans),
    ("report.approve", _to_approve),
    ("report.approve", _to_send),
    ("report.view", _next_report),
)
# The columns from left to right: the month's promises, then what waits.
_ORDER = (
    "first_reply",
    "handoff",
    "auto_answer",
    "satisfaction",
    "availability",
    "breaches",
    "visitors",
    "incidents",
    "plans",
    "to_approve",
    "to_send",
    "next_report",
)
