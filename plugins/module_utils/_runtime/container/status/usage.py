# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running container uses, in the shape of Docker's API (GET /containers/ID/stats, v1.41).

The numbers are the kernel's: the container's control groups (cgroup-v1 and cgroup-v2 of its
documentation, in whatever combination the host mounts them), and ``/proc/PID/net/dev`` of its
network namespace. Reading only; no program is started, so a sample of 200 containers takes
milliseconds.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Optional

from ...base import clock
from ...base.errors import Error
from ...base.frozen import dataclass
from ...base.layout import Layout
from ...kernel import cgroups
from ...records.container_record import LIVE, Record
from . import liveness

#: What the API says of a time that has not come.
_NEVER = "0001-01-01T00:00:00Z"

#: Clock ticks are what cpuacct.stat and /proc/stat count in.
_NS_PER_TICK = 10**9 // os.sysconf("SC_CLK_TCK")

_CGROUPS = Path("/sys/fs/cgroup")

#: Docker reports no limit as the host's memory; the kernel's word for it is a number near 2**63.
_UNLIMITED = 1 << 60


@dataclass(frozen=True)
class Groups:
    """The control groups of a process: the v2 one, and the v1 ones by controller."""

    unified: Optional[Path]
    legacy: Mapping[str, Path]

    def of(self, controller: str) -> Optional[Path]:
        """The v1 group that counts this, None where the v2 group does."""
        return self.legacy.get(controller)


def groups(pid: int) -> Groups:
    """Where the host keeps the control groups of a process (cgroups(7), /proc/PID/cgroup).

    Raises FileNotFoundError or ProcessLookupError when the process is gone.
    """
    unified: Optional[Path] = None
    legacy: dict[str, Path] = {}
    for dummy, controllers, path in cgroups.of_process(pid):
        below = path.lstrip("/")
        if not controllers:
            hybrid = _CGROUPS / "unified"
            unified = (hybrid if hybrid.is_dir() else _CGROUPS) / below
            continue
        for controller in controllers.split(","):
            # cpu,cpuacct are mounted together, under either name or both.
            for name in (controller, controllers):
                if (_CGROUPS / name).is_dir():
                    legacy[controller] = _CGROUPS / name / below
                    break
    return Groups(unified, legacy)


def members(layout: Layout, container_id: str) -> list[int]:
    """The pids, on the host, of every process of a container, lowest first.

    Raises Error when it does not run. Groups the container made below its own are looked into too.
    """
    found = running(layout, container_id)
    try:
        here = groups(found.pid)
    except (FileNotFoundError, ProcessLookupError):
        return []
    # The device controller's group is made by every runtime under v1; pids' by ours.
    tops = [here.of(name) for name in ("pids", "devices", "freezer", "memory")]
    top = next((group for group in (*tops, here.unified) if group is not None), None)
    pids: set[int] = set()
    if top is not None and top not in (_CGROUPS, _CGROUPS / "unified"):
        for directory, dummy, dummy in os.walk(top):
            pids.update(int(text) for text in _read(Path(directory, "cgroup.procs")).split())
    return sorted(pids | {found.pid})


def running(layout: Layout, container_id: str) -> Record:
    """The record of a container that has a process now. Raises Error, naming it, when it has
    none.
    """
    found = liveness.current(layout, container_id)
    if found.phase not in LIVE:
        raise Error(f"container {found.name} is not running", hint=f"start {found.name} first")
    return found


def sample(
    layout: Layout, container_id: str, before: Optional[Mapping[str, Any]] = None
) -> dict[str, Any]:
    """One document of /containers/ID/stats: now, with ``before``, an earlier one, as ``precpu``.

    Without ``before`` precpu_stats is zero, as with Docker's ``one-shot=true``: the share of the
    processor is the difference of two samples. A container that does not run gives Docker's empty
    document. Raises NotFound.
    """
    found = liveness.current(layout, container_id)
    numbers: dict[str, Any] = {}
    if found.phase in LIVE:
        # One that ends between the two looks gives an empty document, too.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            numbers = _measure(found.pid)
    earlier = before or {}
    empty = {"cpu_usage": {"total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0}}
    throttling = {"periods": 0, "throttled_periods": 0, "throttled_time": 0}
    zero = {**empty, "throttling_data": throttling}
    return {
        "id": found.id,
        "name": f"/{found.name}",
        "read": clock.now(),
        "preread": earlier.get("read", _NEVER),
        "num_procs": 0,
        "storage_stats": {},
        "precpu_stats": earlier.get("cpu_stats", zero),
        "cpu_stats": numbers.pop("cpu_stats", zero),
        "memory_stats": numbers.pop("memory_stats", {}),
        "pids_stats": numbers.pop("pids_stats", {}),
        "blkio_stats": numbers.pop("blkio_stats", _no_blkio()),
        **numbers,
    }


def _measure(pid: int) -> dict[str, Any]:
    return {**measured(groups(pid)), "networks": _networks(pid)}


def measured(here: Groups) -> dict[str, Any]:
    """What control groups count: cpu_stats, memory_stats, pids_stats, blkio_stats of the API."""
    return {
        "cpu_stats": _cpu(here),
        "memory_stats": _memory(here),
        "pids_stats": _pids(here),
        "blkio_stats": _blkio(here),
    }


# --- the controllers ----------------------------------------------------------------------------


def _cpu(here: Groups) -> dict[str, Any]:
    v1 = here.of("cpuacct")
    if v1 is not None:
        stat = _pairs(v1 / "cpuacct.stat")
        usage: dict[str, Any] = {
            "total_usage": _number(v1 / "cpuacct.usage"),
            "percpu_usage": [int(text) for text in _read(v1 / "cpuacct.usage_percpu").split()],
            "usage_in_kernelmode": stat.get("system", 0) * _NS_PER_TICK,
            "usage_in_usermode": stat.get("user", 0) * _NS_PER_TICK,
        }
        throttled = _pairs((here.of("cpu") or v1) / "cpu.stat")
        waited = throttled.get("throttled_time", 0)
    else:
        throttled = _pairs(here.unified / "cpu.stat") if here.unified else {}
        usage = {
            "total_usage": throttled.get("usage_usec", 0) * 1000,
            "usage_in_kernelmode": throttled.get("system_usec", 0) * 1000,
            "usage_in_usermode": throttled.get("user_usec", 0) * 1000,
        }
        waited = throttled.get("throttled_usec", 0) * 1000
    return {
        "cpu_usage": usage,
        "system_cpu_usage": _system_cpu(),
        "online_cpus": len(os.sched_getaffinity(1) if os.path.exists("/proc/1") else ()) or 1,
        "throttling_data": {
            "periods": throttled.get("nr_periods", 0),
            "throttled_periods": throttled.get("nr_throttled", 0),
            "throttled_time": waited,
        },
    }


def _system_cpu() -> int:
    """What all processors of the host have spent, idle too, in nanoseconds (proc(5), stat)."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = file.readline().split()[1:8]
    return sum(int(field) for field in fields) * _NS_PER_TICK


def _memory(here: Groups) -> dict[str, Any]:
    v1 = here.of("memory")
    if v1 is not None:
        limit = _number(v1 / "memory.limit_in_bytes")
        return {
            "usage": _number(v1 / "memory.usage_in_bytes"),
            "max_usage": _number(v1 / "memory.max_usage_in_bytes"),
            "failcnt": _number(v1 / "memory.failcnt"),
            "limit": limit if 0 < limit < _UNLIMITED else _host_memory(),
            "stats": _pairs(v1 / "memory.stat"),
        }
    if here.unified is None or not (here.unified / "memory.current").exists():
        return {}
    limit = _number(here.unified / "memory.max")
    return {
        "usage": _number(here.unified / "memory.current"),
        "limit": limit if 0 < limit < _UNLIMITED else _host_memory(),
        "stats": _pairs(here.unified / "memory.stat"),
    }


def _host_memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _pids(here: Groups) -> dict[str, int]:
    group = here.of("pids") or here.unified
    if group is None or not (group / "pids.current").exists():
        return {}
    found = {"current": _number(group / "pids.current")}
    limit = _read(group / "pids.max").strip()
    return {**found, "limit": int(limit)} if limit.isdecimal() else found


def _no_blkio() -> dict[str, Any]:
    return {
        f"{name}_recursive": None
        for name in (
            "io_service_bytes",
            "io_serviced",
            "io_queue",
            "io_service_time",
            "io_wait_time",
            "io_merged",
            "io_time",
            "sectors",
        )
    }


def _blkio(here: Groups) -> dict[str, Any]:
    found = _no_blkio()
    v1 = here.of("blkio")
    if v1 is not None:
        for key, name in (("io_service_bytes", "io_service_bytes"), ("io_serviced", "io_serviced")):
            entries = list(_operations(v1 / f"blkio.throttle.{name}_recursive"))
            found[f"{key}_recursive"] = entries or None
        return found
    if here.unified is None:
        return found
    sizes, counts = [], []
    for line in _read(here.unified / "io.stat").splitlines():
        device, dummy, rest = line.partition(" ")
        major, dummy, minor = device.partition(":")
        values = dict(pair.split("=", 1) for pair in rest.split() if "=" in pair)
        for letter, op in (("r", "read"), ("w", "write")):
            place = {"major": int(major), "minor": int(minor), "op": op}
            sizes.append({**place, "value": int(values.get(f"{letter}bytes", 0))})
            counts.append({**place, "value": int(values.get(f"{letter}ios", 0))})
    found["io_service_bytes_recursive"] = sizes or None
    found["io_serviced_recursive"] = counts or None
    return found


def _operations(path: Path) -> Iterator[dict[str, Any]]:
    """``8:0 Read 4096`` of blkio.throttle; the line of all devices together is left out."""
    for line in _read(path).splitlines():
        fields = line.split()
        if len(fields) == 3 and ":" in fields[0]:
            major, dummy, minor = fields[0].partition(":")
            yield {
                "major": int(major),
                "minor": int(minor),
                "op": fields[1],
                "value": int(fields[2]),
            }


#: The columns of /proc/net/dev behind an interface's name that the API shows.
_COLUMNS = {
    "rx_bytes": 0,
    "rx_packets": 1,
    "rx_errors": 2,
    "rx_dropped": 3,
    "tx_bytes": 8,
    "tx_packets": 9,
    "tx_errors": 10,
    "tx_dropped": 11,
}


def _networks(pid: int) -> dict[str, dict[str, int]]:
    """Each interface of the container but loopback."""
    return counted_in(Path(f"/proc/{pid}/net/dev").read_bytes())


def counted_in(table: bytes) -> dict[str, dict[str, int]]:
    """The same of such a table. Pure. A name in it may hold any byte but blanks and colons."""
    found = {}
    for line in table.split(b"\n")[2:-1]:
        name, dummy, rest = line.partition(b":")
        values = rest.split()
        if name.strip() != b"lo" and len(values) >= 12:
            shown = name.strip().decode("utf-8", "replace")
            found[shown] = {key: int(values[at]) for key, at in _COLUMNS.items()}
    return found


def _read(path: Path) -> str:
    """A file of a control group; one the kernel does not have, or that is gone, is empty."""
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""


def _number(path: Path) -> int:
    text = _read(path).strip()
    return int(text) if text.isdecimal() else 0


def _pairs(path: Path) -> dict[str, int]:
    """``name 123`` lines."""
    fields = (line.split() for line in _read(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in fields if len(pair) == 2 and pair[1].isdecimal()}


# --- what docker stats shows --------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """The numbers of one line of ``docker stats``; bytes, and percent of one processor each."""

    cpu_percent: float
    memory_bytes: int
    memory_limit_bytes: int
    memory_percent: float
    received_bytes: int
    sent_bytes: int
    read_bytes: int
    written_bytes: int
    pids: int


def figures(document: Mapping[str, Any]) -> Figures:
    """What Docker's command line makes of a document of ``sample`` (given an earlier one). Pure.

    Its memory is without the page cache that can be dropped: inactive_file (v2), or
    total_inactive_file (v1).
    """
    memory = document["memory_stats"]
    stats = memory.get("stats") or {}
    cache = stats.get("total_inactive_file", stats.get("inactive_file", 0))
    used = int(memory.get("usage") or 0)
    used -= cache if cache < used else 0
    limit = int(memory.get("limit") or 0)
    networks = (document.get("networks") or {}).values()
    moved = {"read": 0, "write": 0}
    for entry in document["blkio_stats"].get("io_service_bytes_recursive") or ():
        if entry["op"].lower() in moved:
            moved[entry["op"].lower()] += entry["value"]
    return Figures(
        cpu_percent=_cpu_percent(document),
        memory_bytes=used,
        memory_limit_bytes=limit,
        memory_percent=100.0 * used / limit if limit else 0.0,
        received_bytes=sum(network["rx_bytes"] for network in networks),
        sent_bytes=sum(network["tx_bytes"] for network in networks),
        read_bytes=moved["read"],
        written_bytes=moved["write"],
        pids=(document["pids_stats"] or {}).get("current", 0),
    )


def _cpu_percent(document: Mapping[str, Any]) -> float:
    now, then = document["cpu_stats"], document["precpu_stats"]
    used = int(now["cpu_usage"]["total_usage"]) - int(then["cpu_usage"]["total_usage"])
    passed: int = now.get("system_cpu_usage", 0) - then.get("system_cpu_usage", 0)
    if used <= 0 or passed <= 0 or "system_cpu_usage" not in then:
        return 0.0
    return 100.0 * used / passed * int(now.get("online_cpus", 1))
