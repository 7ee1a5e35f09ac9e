"""Find a server's processes on this machine and read what they have used."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_LISTEN = "0A"


@dataclass(frozen=True)
class Usage:
    """What a process and its descendants have used so far."""

    cpu_seconds: float
    rss_bytes: int


def listening_pid(port: int) -> int | None:
    """Return the process that listens on a TCP port here; None if none is seen, or not Linux."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        try:
            rows = Path("/proc/net", table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    holders = sorted(pid for pid in _pids() if inodes & _sockets(pid))
    return holders[0] if holders else None


def usage(pid: int) -> Usage | None:
    """Return the sum over the process and its living descendants; None if it is gone."""
    children: dict[int, list[int]] = {}
    stats: dict[int, list[str]] = {}
    for each in _pids():
        try:
            stat = Path(f"/proc/{each}/stat").read_text()
        except OSError:
            continue
        # The name in brackets may hold spaces and brackets itself.
        stats[each] = stat[stat.rindex(")") + 2 :].split()
        children.setdefault(int(stats[each][1]), []).append(each)
    if pid not in stats:
        return None
    ticks = pages = 0
    family = [pid]
    while family:
        member = family.pop()
        ticks += int(stats[member][11]) + int(stats[member][12])
        pages += int(stats[member][21])
        family += children.get(member, ())
    return Usage(ticks / _TICKS, pages * os.sysconf("SC_PAGE_SIZE"))


def busy_seconds() -> float:
    """Return the time all cores of this machine have been busy, or taken away by its host."""
    try:
        first = Path("/proc/stat").read_text().splitlines()[0]
    except OSError:
        return 0.0
    user, nice, system, _idle, _waiting, irq, softirq, steal = map(int, first.split()[1:9])
    return (user + nice + system + irq + softirq + steal) / _TICKS


def _pids() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def _sockets(pid: int) -> set[str]:
    found = set()
    try:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                found.add(str(link.readlink()))
            except OSError:
                continue
    except OSError:
        return set()
    return found
