# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about how much of the host a container gets: memory, processors, devices, limits.

What one option allows is checked here, what several say together in consistency.py, and what the
host's kernel can do when the bundle is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Callable

from ...base.regex import regex
from ...spec.container import SHM_SIZE_BYTES, DeviceMapping, DeviceRate, Ulimit
from .form.option import Argument, Option, bad
from .form.text import number, path, plain, show_size, size

_MAX = (1 << 63) - 1
_CPU_LIST = regex(r"\A[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*\Z", re.ASCII)
#: setrlimit(2), as names of ulimits.
_LIMITS = frozenset(
    [
        "as",
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ]
)
_LIMIT = regex(r"\A-?[0-9]{1,19}\Z", re.ASCII)
_ACCESS = regex(r"\A[rwm]{1,3}\Z", re.ASCII)
_RULE = regex(r"\A([abc]) ([0-9]{1,10}|\*):([0-9]{1,10}|\*) ([rwm]{1,3})\Z", re.ASCII)
_PARENT = regex(r"\A/?[a-zA-Z0-9_.:@-]+(/[a-zA-Z0-9_.:@-]+)*\Z", re.ASCII)


def _size(option: str) -> Callable[[Any], int]:
    return lambda value: size(option, value)


def memory_swap(value: Any) -> int:
    """Bytes of memory and swap together; -1 is without limit."""
    text = str(value).strip(" ")
    return -1 if text in ("-1", "unlimited") else size("memory_swap", text)


def shm_size(value: Any) -> int:
    """Bytes of /dev/shm; Docker's default for 0."""
    return size("shm_size", value) or SHM_SIZE_BYTES


def _show_swap(value: int) -> str:
    return "unlimited" if value < 0 else show_size(value)


def nano_cpus(value: Any) -> int:
    """Processors as billionths of one; at least a hundredth, as the kernel's smallest quota."""
    found = round(float(value) * 1e9) if 0 <= float(value) < 1e6 else -1
    if found < 0 or 0 < found < 10_000_000:
        raise bad("cpus", str(value), "it must be 0.01 or more, or 0 for all")
    return found


def cpu_list(option: str, text: str) -> str:
    """A list of numbers and ranges, such as 0-2,5, in its one canonical form; "" is all."""
    text = text.strip(" ")
    if not text:
        return ""
    if not _CPU_LIST.match(text):
        raise bad(option, text, "use numbers and ranges such as 0-2,5")
    numbers: set[int] = set()
    for part in text.split(","):
        first, dummy, last = part.partition("-")
        if int(last or first) < int(first) or int(last or first) > 8192:
            raise bad(option, text, "ranges must ascend, and the largest number is 8192")
        numbers.update(range(int(first), int(last or first) + 1))
    ranges: list[list[int]] = []
    for item in sorted(numbers):
        if ranges and ranges[-1][1] == item - 1:
            ranges[-1][1] = item
        else:
            ranges.append([item, item])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)


def pids_limit(value: int) -> int:
    """-1 and 0 are both without limit."""
    return max(0, number("pids_limit", value, -1, 1 << 22))


def cpu_quota(value: int) -> int:
    """-1 and 0 are both without limit; the kernel's smallest is a millisecond."""
    if value in (-1, 0):
        return 0
    return number("cpu_quota", value, 1000, _MAX, "it must be 1000 microseconds or more, or -1")


def _or_zero(option: str, low: int, high: int) -> Callable[[Any], int]:
    return lambda value: value if value == 0 else number(option, value, low, high)


def swappiness(value: int) -> int:
    """From 0 to 100; -1 is the host's. Raises Error."""
    return number("memory_swappiness", value, -1, 100)


def rates(option: str, whole: Callable[[Any], int]) -> Callable[[Any], tuple[DeviceRate, ...]]:
    """``path`` and ``rate`` of block devices of the host, sorted by path."""

    def parse(values: Iterable[Mapping[str, Any]]) -> tuple[DeviceRate, ...]:
        found: dict[str, DeviceRate] = {}
        for value in values:
            device = path(option, value["path"])
            if device in found:
                raise bad(option, device, "it is given twice")
            rate = whole(value["rate"])
            if not 0 < rate <= _MAX:
                raise bad(option, str(value["rate"]), f"the rate of {device} must be positive")
            found[device] = DeviceRate(device, rate)
        return tuple(found[device] for device in sorted(found))

    return parse


def _show_rates(shown: Callable[[int], Any]) -> Callable[[Any], list[dict[str, Any]]]:
    return lambda value: [{"path": rate.path, "rate": shown(rate.rate)} for rate in value]


def _more_rates(have: Any, given: Any) -> tuple[DeviceRate, ...]:
    joined = {rate.path: rate for rate in (*have, *given)}
    return tuple(joined[device] for device in sorted(joined))


def ulimits(texts: Iterable[str]) -> tuple[Ulimit, ...]:
    """``NAME:SOFT[:HARD]`` or ``NAME=SOFT[:HARD]``; -1 is without limit, HARD left out is SOFT."""
    found: dict[str, Ulimit] = {}
    for text in texts:
        name, dummy, limits = str(text).replace("=", ":", 1).partition(":")
        soft, colon, hard = limits.partition(":")
        name = name.lower()
        if name not in _LIMITS:
            raise bad("ulimits", text, f"known limits: {', '.join(sorted(_LIMITS))}")
        if not _LIMIT.match(soft) or (colon and not _LIMIT.match(hard)):
            raise bad("ulimits", text, "write NAME:SOFT[:HARD], numbers or -1 for no limit")
        if name in found:
            raise bad("ulimits", text, f"{name} is given twice")
        low, high = int(soft), int(hard or soft)
        if min(low, high) < -1 or (high != -1 and (low == -1 or low > high)):
            raise bad("ulimits", text, "the soft limit must not exceed the hard limit")
        found[name] = Ulimit(name, low, high)
    return tuple(found[name] for name in sorted(found))


def _more_ulimits(have: Any, given: Any) -> tuple[Ulimit, ...]:
    joined = {limit.name: limit for limit in (*have, *given)}
    return tuple(joined[name] for name in sorted(joined))


def devices(texts: Iterable[str]) -> tuple[DeviceMapping, ...]:
    """``HOST_PATH[:CONTAINER_PATH[:rwm]]``, sorted by the path inside."""
    found: dict[str, DeviceMapping] = {}
    for text in texts:
        parts = str(text).split(":")
        if "=" in parts[0] and not parts[0].startswith("/"):
            raise bad("devices", text, "CDI devices are not supported")
        if len(parts) > 3:
            raise bad("devices", text, "write HOST_PATH[:CONTAINER_PATH[:rwm]]")
        if len(parts) == 2 and _ACCESS.match(parts[1]):
            parts = [parts[0], parts[0], parts[1]]
        access = parts[2] if len(parts) == 3 else "rwm"
        if not _ACCESS.match(access) or len(set(access)) != len(access):
            raise bad("devices", text, "permissions must consist of the letters r, w and m")
        source = path("devices", parts[0])
        target = path("devices", parts[1] if len(parts) > 1 else parts[0])
        if target in found:
            raise bad("devices", text, f"{target} is given twice")
        found[target] = DeviceMapping(source, target, _ordered(access))
    return tuple(found[target] for target in sorted(found))


def _ordered(access: str) -> str:
    return "".join(letter for letter in "rwm" if letter in access)


def show_device(device: DeviceMapping) -> str:
    """A device in the form of ``devices``: SOURCE:TARGET:ACCESS."""
    access = "" if device.access == "rwm" else f":{device.access}"
    target = f":{device.target}" if access or device.target != device.source else ""
    return f"{device.source}{target}{access}"


def _more_devices(have: Any, given: Any) -> tuple[DeviceMapping, ...]:
    joined = {device.target: device for device in (*have, *given)}
    return tuple(joined[target] for target in sorted(joined))


def device_cgroup_rules(texts: Iterable[str]) -> tuple[str, ...]:
    """``TYPE MAJOR:MINOR ACCESS``, such as ``c 42:* rwm``."""
    found = []
    for text in texts:
        match = _RULE.match(str(text))
        if not match:
            raise bad("device_cgroup_rules", text, "write TYPE MAJOR:MINOR ACCESS, as c 42:* rwm")
        rule = f"{match[1]} {match[2]}:{match[3]} {_ordered(match[4])}"
        if rule not in found:
            found.append(rule)
    return tuple(found)


def cgroup_parent(text: str) -> str:
    """The path of a cgroup, or a slice. Raises Error for what leads out of the tree."""
    text = plain("cgroup_parent", text)
    if text and (not _PARENT.match(text) or {".", ".."} & set(text.split("/"))):
        raise bad("cgroup_parent", text, "it must be the path of a cgroup, or a systemd slice")
    return text


def _rates_option(
    name: str, kind: str, whole: Callable[[Any], int], shown: Callable[[int], Any]
) -> Option:
    suboptions = (Argument("path", required=True), Argument("rate", kind, required=True))
    return Option(
        name,
        "list",
        suboptions=suboptions,
        parse=rates(name, whole),
        show=_show_rates(shown),
        more=_more_rates,
    )


OPTIONS = (
    Option("memory", field="memory_bytes", parse=_size("memory"), show=show_size),
    Option(
        "memory_reservation",
        field="memory_reservation_bytes",
        parse=_size("memory_reservation"),
        show=show_size,
    ),
    Option("memory_swap", field="memory_swap_bytes", parse=memory_swap, show=_show_swap),
    Option("memory_swappiness", "int", parse=swappiness),
    Option("cpus", "float", field="nano_cpus", parse=nano_cpus, show=lambda value: value / 1e9),
    Option("cpu_shares", "int", parse=_or_zero("cpu_shares", 2, 262144)),
    Option(
        "cpu_period", "int", field="cpu_period_us", parse=_or_zero("cpu_period", 1000, 1_000_000)
    ),
    Option("cpu_quota", "int", field="cpu_quota_us", parse=cpu_quota),
    Option("cpuset_cpus", parse=lambda value: cpu_list("cpuset_cpus", value)),
    Option("cpuset_mems", parse=lambda value: cpu_list("cpuset_mems", value)),
    Option("pids_limit", "int", parse=pids_limit),
    Option("blkio_weight", "int", parse=_or_zero("blkio_weight", 10, 1000)),
    _rates_option("device_read_bps", "str", _size("device_read_bps"), show_size),
    _rates_option("device_write_bps", "str", _size("device_write_bps"), show_size),
    _rates_option("device_read_iops", "int", int, int),
    _rates_option("device_write_iops", "int", int, int),
    # Docker's name for the option and its meaning part here: true disables the OOM killer.
    Option("oom_killer", "bool", field="oom_kill_disable"),
    Option("oom_score_adj", "int", parse=lambda value: number("oom_score_adj", value, -1000, 1000)),
    Option(
        "ulimits",
        "list",
        parse=ulimits,
        show=lambda value: [f"{limit.name}:{limit.soft}:{limit.hard}" for limit in value],
        more=_more_ulimits,
    ),
    Option("shm_size", field="shm_size_bytes", parse=shm_size, show=show_size),
    Option("cgroup_parent", parse=cgroup_parent),
    Option(
        "devices",
        "list",
        parse=devices,
        show=lambda value: [show_device(device) for device in value],
        more=_more_devices,
    ),
    Option("device_cgroup_rules", "list", parse=device_cgroup_rules),
)
