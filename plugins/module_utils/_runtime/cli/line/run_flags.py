# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flags of ``run`` and ``create``, and the options of the module container that they are.

One meaning: a flag is turned into what a playbook would say, and the module's own parsers take it
from there (run_params.py). A flag without an option is rejected. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Callable

from ...base.errors import Error
from .verbs import FLOAT, INT, LIST, STRING, STRINGS, SWITCH, Flag

_Convert = Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


def _alone(text: str) -> list[str]:
    return [text]


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """NAME=VALUE texts, the last of a name wins."""
    return {name: value for name, dummy, value in (text.partition("=") for text in texts)}


def _rates(texts: Iterable[str]) -> list[dict[str, str]]:
    """``/dev/sda:1mb``."""
    found = []
    for text in texts:
        path, colon, rate = text.rpartition(":")
        if not colon:
            raise Error(f"{text[:100]!r} is not in the format PATH:RATE")
        found.append({"path": path, "rate": rate})
    return found


def _whole_rates(texts: Iterable[str]) -> list[dict[str, Any]]:
    found = []
    for one in _rates(texts):
        if not one["rate"].isdecimal():
            raise Error(f"{one['rate'][:40]!r} is not a number of operations per second")
        found.append({"path": one["path"], "rate": int(one["rate"])})
    return found


def _ulimits(texts: Iterable[str]) -> list[str]:
    """``nofile=1024:2048`` on the command line is ``nofile:1024:2048`` in a playbook."""
    found = []
    for text in texts:
        name, equals, limits = text.partition("=")
        if not equals:
            raise Error(f"ulimit {text[:100]!r} is not in the format NAME=SOFT[:HARD]")
        soft, dummy, hard = limits.partition(":")
        found.append(f"{name}:{soft}:{hard or soft}")
    return found


def _hosts(texts: Iterable[str]) -> dict[str, str]:
    """``--add-host name:address``, or with = as newer ones have it."""
    found = {}
    for text in texts:
        mark = "=" if "=" in text else ":"
        name, there, address = text.partition(mark)
        if not there or not name or not address:
            raise Error(f"bad format for add-host: {text[:100]!r}")
        found[name] = address.strip("[]")
    return found


#: Flags that say what an option of the module says; the text is what help shows.
# fmt: off
_SIMPLE: tuple[tuple[str, str, str, str, _Convert, str], ...] = (
    ("add-host", "", LIST, "etc_hosts", _hosts, "Add a custom host-to-IP mapping (host:ip)"),
    ("blkio-weight", "", INT, "blkio_weight", _same,
     "Block IO (relative weight), between 10 and 1000, or 0 to disable"),
    ("cap-add", "", STRINGS, "capabilities", _same, "Add Linux capabilities"),
    ("cap-drop", "", STRINGS, "cap_drop", _same, "Drop Linux capabilities"),
    ("cgroup-parent", "", STRING, "cgroup_parent", _same,
     "Optional parent cgroup for the container"),
    ("cgroupns", "", STRING, "cgroupns_mode", _same, "Cgroup namespace to use (host|private)"),
    ("cpu-period", "", INT, "cpu_period", _same,
     "Limit CPU CFS (Completely Fair Scheduler) period"),
    ("cpu-quota", "", INT, "cpu_quota", _same, "Limit CPU CFS (Completely Fair Scheduler) quota"),
    ("cpu-shares", "c", INT, "cpu_shares", _same, "CPU shares (relative weight)"),
    ("cpus", "", FLOAT, "cpus", _same, "Number of CPUs"),
    ("cpuset-cpus", "", STRING, "cpuset_cpus", _same,
     "CPUs in which to allow execution (0-3, 0,1)"),
    ("cpuset-mems", "", STRING, "cpuset_mems", _same,
     "MEMs in which to allow execution (0-3, 0,1)"),
    ("device", "", LIST, "devices", _same, "Add a host device to the container"),
    ("device-cgroup-rule", "", LIST, "device_cgroup_rules", _same,
     "Add a rule to the cgroup allowed devices list"),
    ("device-read-bps", "", LIST, "device_read_bps", _rates,
     "Limit read rate (bytes per second) from a device"),
    ("device-read-iops", "", LIST, "device_read_iops", _whole_rates,
     "Limit read rate (IO per second) from a device"),
    ("device-write-bps", "", LIST, "device_write_bps", _rates,
     "Limit write rate (bytes per second) to a device"),
    ("device-write-iops", "", LIST, "device_write_iops", _whole_rates,
     "Limit write rate (IO per second) to a device"),
    ("dns", "", LIST, "dns_servers", _same, "Set custom DNS servers"),
    ("dns-option", "", LIST, "dns_opts", _same, "Set DNS options"),
    ("dns-search", "", LIST, "dns_search_domains", _same, "Set custom DNS search domains"),
    ("domainname", "", STRING, "domainname", _same, "Container NIS domain name"),
    ("entrypoint", "", STRING, "entrypoint", _alone,
     "Overwrite the default ENTRYPOINT of the image"),
    ("expose", "", LIST, "exposed_ports", _same, "Expose a port or a range of ports"),
    ("group-add", "", LIST, "groups", _same, "Add additional groups to join"),
    ("gpus", "", STRING, "device_requests", _alone,
     "GPU devices to add to the container ('all' to pass all GPUs)"),
    ("hostname", "h", STRING, "hostname", _same, "Container host name"),
    ("init", "", SWITCH, "init", _same,
     "Run an init inside the container that forwards signals and reaps processes"),
    ("interactive", "i", SWITCH, "interactive", _same, "Keep STDIN open even if not attached"),
    ("ipc", "", STRING, "ipc_mode", _same, "IPC mode to use"),
    ("kernel-memory", "", STRING, "kernel_memory", _same, "Kernel memory limit"),
    ("log-driver", "", STRING, "log_driver", _same, "Logging driver for the container"),
    ("log-opt", "", LIST, "log_options", pairs, "Log driver options"),
    ("mac-address", "", STRING, "mac_address", _same, "Container MAC address"),
    ("memory", "m", STRING, "memory", _same, "Memory limit"),
    ("memory-reservation", "", STRING, "memory_reservation", _same, "Memory soft limit"),
    ("memory-swap", "", STRING, "memory_swap", _same,
     "Swap limit equal to memory plus swap: '-1' to enable unlimited swap"),
    ("memory-swappiness", "", INT, "memory_swappiness", _same,
     "Tune container memory swappiness (0 to 100)"),
    ("oom-kill-disable", "", SWITCH, "oom_killer", _same, "Disable OOM Killer"),
    ("oom-score-adj", "", INT, "oom_score_adj", _same,
     "Tune host's OOM preferences (-1000 to 1000)"),
    ("pid", "", STRING, "pid_mode", _same, "PID namespace to use"),
    ("pids-limit", "", INT, "pids_limit", _same,
     "Tune container pids limit (set -1 for unlimited)"),
    ("privileged", "", SWITCH, "privileged", _same, "Give extended privileges to this container"),
    ("publish", "p", LIST, "published_ports", _same, "Publish a container's port(s) to the host"),
    ("publish-all", "P", SWITCH, "publish_all_ports", _same,
     "Publish all exposed ports to random ports"),
    ("read-only", "", SWITCH, "read_only", _same,
     "Mount the container's root filesystem as read only"),
    ("rm", "", SWITCH, "auto_remove", _same, "Automatically remove the container when it exits"),
    ("runtime", "", STRING, "runtime", _same, "OCI runtime to use for this container"),
    ("security-opt", "", LIST, "security_opts", _same, "Security options"),
    ("shm-size", "", STRING, "shm_size", _same, "Size of /dev/shm"),
    ("stop-signal", "", STRING, "stop_signal", _same, "Signal to stop the container"),
    ("stop-timeout", "", INT, "stop_timeout", _same, "Timeout (in seconds) to stop a container"),
    ("storage-opt", "", LIST, "storage_opts", pairs, "Storage driver options for the container"),
    ("sysctl", "", LIST, "sysctls", pairs, "Sysctl options"),
    ("systemd", "", STRING, "systemd", _same,
     "Give systemd what it needs (true|false|auto|always)"),
    ("tmpfs", "", LIST, "tmpfs", _same, "Mount a tmpfs directory"),
    ("tty", "t", SWITCH, "tty", _same, "Allocate a pseudo-TTY"),
    ("ulimit", "", LIST, "ulimits", _ulimits, "Ulimit options"),
    ("user", "u", STRING, "user", _same, "Username or UID (<name|uid>[:<group|gid>])"),
    ("userns", "", STRING, "userns_mode", _same, "User namespace to use"),
    ("uts", "", STRING, "uts", _same, "UTS namespace to use"),
    ("volume", "v", LIST, "volumes", _same, "Bind mount a volume"),
    ("volume-driver", "", STRING, "volume_driver", _same,
     "Optional volume driver for the container"),
    ("volumes-from", "", LIST, "volumes_from", _same,
     "Mount volumes from the specified container(s)"),
    ("workdir", "w", STRING, "working_dir", _same, "Working directory inside the container"),
)
# fmt: on

#: (flag, option, conversion)
SIMPLE: tuple[tuple[Flag, str, _Convert], ...] = tuple(
    (Flag(name, short, kind, text), option, convert)
    for name, short, kind, option, convert, text in _SIMPLE
)

#: Flags that make an option together with others, or none at all.
JOINED: tuple[Flag, ...] = (
    Flag("cidfile", "", STRING, "Write the container ID to the file"),
    Flag("disable-content-trust", "", SWITCH, "Skip image verification", default=True),
    Flag("env", "e", LIST, "Set environment variables"),
    Flag("env-file", "", LIST, "Read in a file of environment variables"),
    Flag("health-cmd", "", STRING, "Command to run to check health"),
    Flag("health-interval", "", STRING, "Time between running the check (ms|s|m|h)"),
    Flag("health-retries", "", INT, "Consecutive failures needed to report unhealthy"),
    Flag(
        "health-start-interval",
        "",
        STRING,
        "Time between running the check during the start period (ms|s|m|h)",
    ),
    Flag(
        "health-start-period",
        "",
        STRING,
        "Start period for the container to initialize before starting health-retries "
        "countdown (ms|s|m|h)",
    ),
    Flag("health-timeout", "", STRING, "Maximum time to allow one check to run (ms|s|m|h)"),
    Flag("ip", "", STRING, "IPv4 address (e.g., 172.30.100.104)"),
    Flag("ip6", "", STRING, "IPv6 address (e.g., 2001:db8::33)"),
    Flag("label", "l", LIST, "Set meta data on a container"),
    Flag("label-file", "", LIST, "Read in a line delimited file of labels"),
    Flag("link", "", LIST, "Add link to another container"),
    Flag("mount", "", LIST, "Attach a filesystem mount to the container", value="mount"),
    Flag("name", "", STRING, "Assign a name to the container"),
    Flag("net", "", LIST, "Connect a container to a network", hidden=True),
    Flag("net-alias", "", LIST, "Add network-scoped alias for the container", hidden=True),
    Flag("network", "", LIST, "Connect a container to a network", value="network"),
    Flag("network-alias", "", LIST, "Add network-scoped alias for the container"),
    Flag("no-healthcheck", "", SWITCH, "Disable any container-specified HEALTHCHECK"),
    Flag("platform", "", STRING, "Set platform if server is multi-platform capable"),
    Flag(
        "pull",
        "",
        STRING,
        "Pull image before running (always, missing, never)",
        default="missing",
        choices=("always", "missing", "never"),
    ),
    Flag("quiet", "q", SWITCH, "Suppress the pull output"),
    Flag("restart", "", STRING, "Restart policy to apply when a container exits", default="no"),
)

#: Docker's flags that nothing here stands for: refused when they are given, with the reason.
REFUSED: Mapping[Flag, str] = {
    Flag("annotation", "", LIST, "Add an annotation to the container", hidden=True): "",
    Flag(
        "blkio-weight-device", "", LIST, "Block IO weight (relative device weight)", hidden=True
    ): "",
    Flag(
        "cpu-count", "", INT, "CPU count (Windows only)", hidden=True
    ): "it applies to Windows only",
    Flag(
        "cpu-percent", "", INT, "CPU percent (Windows only)", hidden=True
    ): "it applies to Windows only",
    Flag("cpu-rt-period", "", INT, "Limit CPU real-time period in microseconds", hidden=True): "",
    Flag("cpu-rt-runtime", "", INT, "Limit CPU real-time runtime in microseconds", hidden=True): "",
    Flag(
        "io-maxbandwidth",
        "",
        STRING,
        "Maximum IO bandwidth limit for the system drive (Windows only)",
        hidden=True,
    ): "it applies to Windows only",
    Flag(
        "io-maxiops", "", INT, "Maximum IOps limit for the system drive (Windows only)", hidden=True
    ): "it applies to Windows only",
    Flag(
        "isolation", "", STRING, "Container isolation technology", hidden=True
    ): "it applies to Windows only",
    Flag("link-local-ip", "", LIST, "Container IPv4/IPv6 link-local addresses", hidden=True): "",
    Flag(
        "use-api-socket", "", SWITCH, "Bind mount Docker API socket and required auth", hidden=True
    ): "there is no Docker API socket",
}

FLAGS: tuple[Flag, ...] = (*(row[0] for row in SIMPLE), *JOINED, *REFUSED)
