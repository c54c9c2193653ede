# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of a service: which option each is, and what is left out. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, Callable

from . import compose_text


def _same(value: Any) -> Any:
    return value


def _texts(value: Any) -> list[str]:
    return compose_text.words(value)  # type: ignore[return-value]  # it makes a list


def _switch(value: Any) -> bool:
    """A variable makes a text of it."""
    return text(value).lower() in ("true", "yes", "on", "1")


def _command(value: Any) -> list[str]:
    return shlex.split(value) if isinstance(value, str) else [str(word) for word in value]


def pairs(value: Any) -> dict[str, str]:
    return {name: text(item) for name, item in compose_text.pairs(value).items()}


def text(value: Any) -> str:
    """A value of YAML as the text it was."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _hosts(value: Any) -> dict[str, str]:
    """``name:address`` or ``name=address``, in a list or as a mapping."""
    if isinstance(value, Mapping):
        return {str(name): str(address) for name, address in value.items()}
    found = {}
    for one in value:
        name, dummy, address = str(one).partition("=" if "=" in str(one) else ":")
        found[name] = address.strip("[]")
    return found


def _ulimits(value: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}:{one['soft']}:{one['hard']}" if isinstance(one, Mapping) else f"{name}:{one}:{one}"
        for name, one in value.items()
    ]


def _ports(value: Any) -> list[str]:
    found = []
    for one in value:
        if not isinstance(one, Mapping):
            found.append(str(one))
            continue
        address, outside = one.get("host_ip") or "", str(one.get("published") or "")
        address = f"[{address}]" if ":" in address else address
        inside = str(one["target"])
        begin = f"{address}:{outside}:" if address else f"{outside}:" if outside else ""
        protocol = one.get("protocol") or "tcp"
        found.append(f"{begin}{inside}{'' if protocol == 'tcp' else f'/{protocol}'}")
    return found


def _health(value: Mapping[str, Any]) -> dict[str, Any]:
    if value.get("disable"):
        return {"test": ["NONE"]}
    names = ("test", "interval", "timeout", "retries", "start_period", "start_interval")
    found = {name: value[name] for name in names if value.get(name) is not None}
    if isinstance(found.get("test"), list):
        found["test"] = [str(word) for word in found["test"]]
    return found if "test" in found else {**found, "test_cli_compatible": True}


#: Keys of a service, the option that each is, and how it is written there.
SIMPLE: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "annotations": ("", _same),
    "cap_add": ("capabilities", _texts),
    "cap_drop": ("cap_drop", _texts),
    "cgroup": ("cgroupns_mode", str),
    "cgroup_parent": ("cgroup_parent", str),
    "command": ("command", _command),
    "cpu_period": ("cpu_period", int),
    "cpu_quota": ("cpu_quota", int),
    "cpu_shares": ("cpu_shares", int),
    "cpus": ("cpus", float),
    "cpuset": ("cpuset_cpus", str),
    "device_cgroup_rules": ("device_cgroup_rules", _texts),
    "devices": ("devices", _texts),
    "dns": ("dns_servers", _texts),
    "dns_opt": ("dns_opts", _texts),
    "dns_search": ("dns_search_domains", _texts),
    "domainname": ("domainname", str),
    "entrypoint": ("entrypoint", _command),
    "expose": ("exposed_ports", _texts),
    "extra_hosts": ("etc_hosts", _hosts),
    "group_add": ("groups", _texts),
    "healthcheck": ("healthcheck", _health),
    "hostname": ("hostname", str),
    "image": ("image", str),
    "init": ("init", _switch),
    "ipc": ("ipc_mode", str),
    "labels": ("labels", pairs),
    "mac_address": ("mac_address", str),
    "mem_limit": ("memory", str),
    "mem_reservation": ("memory_reservation", str),
    "mem_swappiness": ("memory_swappiness", int),
    "memswap_limit": ("memory_swap", str),
    "oom_kill_disable": ("oom_killer", _switch),
    "oom_score_adj": ("oom_score_adj", int),
    "pid": ("pid_mode", str),
    "pids_limit": ("pids_limit", int),
    "platform": ("platform", str),
    "ports": ("published_ports", _ports),
    "privileged": ("privileged", _switch),
    "read_only": ("read_only", _switch),
    "runtime": ("runtime", str),
    "security_opt": ("security_opts", _texts),
    "shm_size": ("shm_size", str),
    "stdin_open": ("interactive", _switch),
    "stop_signal": ("stop_signal", str),
    "storage_opt": ("storage_opts", pairs),
    "sysctls": ("sysctls", pairs),
    "tmpfs": ("tmpfs", _texts),
    "tty": ("tty", _switch),
    "ulimits": ("ulimits", _ulimits),
    "user": ("user", str),
    "userns_mode": ("userns_mode", str),
    "uts": ("uts", str),
    "working_dir": ("working_dir", str),
}

#: Keys that several options come of, or that are about other services.
JOINED = frozenset(
    ("build", "container_name", "depends_on", "deploy", "env_file", "environment", "links",
     "logging", "network_mode", "networks", "profiles", "pull_policy", "restart", "scale",
     "stop_grace_period", "volumes", "volumes_from")
)  # fmt: skip

#: Keys that stand for nothing here, and what to do.
LEFT_OUT = {
    "configs": "mount a file that a task writes, see the module container's volumes",
    "secrets": "write a file by a task with no_log, and mount it",
    "develop": "it is for the work on an image",
    "extends": "write both services in one by docker compose config",
    "gpus": "list the device nodes under devices",
    "label_file": "write the labels under labels",
    "attach": "nobody is attached to a container that a play starts",
    "pull_refresh_after": "see the option pull",
}
