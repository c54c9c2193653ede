# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of a service: which option of a container each is, and what is not to be had. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, Callable

from ..base.values import listed, mapping, switch, text, text_pairs, words
from ..reading.merge import hosts


def _same(value: Any) -> Any:
    return value


def _command(value: Any) -> list[str]:
    return shlex.split(value) if isinstance(value, str) else [text(word) for word in listed(value)]


def _list(value: Any) -> list[str]:
    return [text(one) for one in listed(value)]


def _hosts(value: Any) -> dict[str, str]:
    if not isinstance(value, (Mapping, list)):
        raise TypeError("a list or a mapping is expected")
    return hosts(value)


def ulimits(value: Any) -> list[str]:
    """``NAME:SOFT:HARD`` of each."""
    return [
        f"{name}:{one['soft']}:{one['hard']}" if isinstance(one, Mapping) else f"{name}:{one}:{one}"
        for name, one in mapping(value).items()
    ]


def _ports(value: Any) -> list[str]:
    found = []
    for one in listed(value):
        if not isinstance(one, Mapping):
            found.append(text(one))
            continue
        address, outside = one.get("host_ip") or "", text(one.get("published"))
        address = f"[{address}]" if ":" in address else address
        inside = text(one["target"])
        begin = f"{address}:{outside}:" if address else f"{outside}:" if outside else ""
        protocol = one.get("protocol") or "tcp"
        found.append(f"{begin}{inside}{'' if protocol == 'tcp' else f'/{protocol}'}")
    return found


def _health(value: Any) -> dict[str, Any]:
    if switch(mapping(value).get("disable")):
        return {"test": ["NONE"]}
    names = ("test", "interval", "timeout", "retries", "start_period", "start_interval")
    found = {name: value[name] for name in names if value.get(name) is not None}
    if isinstance(found.get("test"), list):
        found["test"] = [text(word) for word in found["test"]]
    elif found.get("test") == "NONE":
        found["test"] = ["NONE"]
    return found if "test" in found else {**found, "test_cli_compatible": True}


def _swap(value: Any) -> str:
    return "unlimited" if text(value) == "-1" else text(value)


#: Keys of a service, the option that each is, and how it is written there.
SIMPLE: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "cap_add": ("capabilities", _list),
    "cap_drop": ("cap_drop", _list),
    "cgroup": ("cgroupns_mode", text),
    "cgroup_parent": ("cgroup_parent", text),
    "command": ("command", _command),
    "cpu_period": ("cpu_period", int),
    "cpu_quota": ("cpu_quota", int),
    "cpu_shares": ("cpu_shares", int),
    "cpus": ("cpus", float),
    "cpuset": ("cpuset_cpus", text),
    "device_cgroup_rules": ("device_cgroup_rules", _list),
    "dns": ("dns_servers", words),
    "dns_opt": ("dns_opts", _list),
    "dns_search": ("dns_search_domains", words),
    "domainname": ("domainname", text),
    "entrypoint": ("entrypoint", _command),
    "expose": ("exposed_ports", _list),
    "extra_hosts": ("etc_hosts", _hosts),
    "group_add": ("groups", _list),
    "healthcheck": ("healthcheck", _health),
    "hostname": ("hostname", text),
    "image": ("image", text),
    "init": ("init", switch),
    "ipc": ("ipc_mode", text),
    "mac_address": ("mac_address", text),
    "mem_limit": ("memory", text),
    "mem_reservation": ("memory_reservation", text),
    "mem_swappiness": ("memory_swappiness", int),
    "memswap_limit": ("memory_swap", _swap),
    "oom_kill_disable": ("oom_killer", switch),
    "oom_score_adj": ("oom_score_adj", int),
    "pid": ("pid_mode", text),
    "pids_limit": ("pids_limit", int),
    "platform": ("platform", text),
    "ports": ("published_ports", _ports),
    "privileged": ("privileged", switch),
    "read_only": ("read_only", switch),
    "runtime": ("runtime", text),
    "security_opt": ("security_opts", _list),
    "shm_size": ("shm_size", text),
    "stdin_open": ("interactive", switch),
    "stop_signal": ("stop_signal", text),
    "sysctls": ("sysctls", text_pairs),
    "tmpfs": ("tmpfs", words),
    "tty": ("tty", switch),
    "ulimits": ("ulimits", ulimits),
    "user": ("user", text),
    "userns_mode": ("userns_mode", text),
    "uts": ("uts", text),
    "working_dir": ("working_dir", text),
}

#: Keys that several options come of, or that are about other services.
JOINED = frozenset(
    ("blkio_config", "build", "configs", "container_name", "depends_on", "deploy", "devices",
     "env_file", "environment", "external_links", "label_file", "labels", "links", "logging",
     "network_mode", "networks", "profiles", "pull_policy", "restart", "scale", "secrets",
     "stop_grace_period", "volumes", "volumes_from")
)  # fmt: skip

#: Keys that say nothing where nobody is attached to a container.
SILENT = frozenset(("attach",))

#: Keys that are not to be had here, and why or what to do.
LACKING: Mapping[str, str] = {
    "annotations": "nothing here stands for it",
    "cpu_count": "it is for Windows",
    "cpu_percent": "it is for Windows",
    "cpu_rt_period": "realtime scheduling is not divided up here",
    "cpu_rt_runtime": "realtime scheduling is not divided up here",
    "credential_spec": "it is for Windows",
    "develop": "it is for the work on an image",
    "gpus": "list the device nodes under devices",
    "isolation": "it is for Windows",
    "models": "models are not run here",
    "post_start": "nothing is run in a container after its start; use a service that depends on it",
    "pre_stop": "nothing is run in a container before its end; use its stop_signal",
    "provider": "nothing but containers is run here",
    "pull_refresh_after": "use pull_policy",
    "storage_opt": "put data that may grow on a volume",
    "use_api_socket": "there is no daemon here",
}

KNOWN = frozenset((*SIMPLE, *JOINED, *SILENT, *LACKING, "extends"))

#: What is known inside of keys.
INSIDE: Mapping[str, tuple[str, ...]] = {
    "healthcheck": ("disable", "interval", "retries", "start_interval", "start_period", "test",
                    "timeout"),
    "logging": ("driver", "options"),
    "blkio_config": ("device_read_bps", "device_read_iops", "device_write_bps",
                     "device_write_iops", "weight", "weight_device"),
}  # fmt: skip

#: What is known of each entry of a list.
OF_EACH: Mapping[str, tuple[str, ...]] = {
    "ports": ("app_protocol", "host_ip", "mode", "name", "protocol", "published", "target"),
    "volumes": ("bind", "consistency", "image", "read_only", "source", "target", "tmpfs", "type",
                "volume"),
    "configs": ("gid", "mode", "source", "target", "uid"),
    "secrets": ("gid", "mode", "source", "target", "uid"),
    "env_file": ("format", "path", "required"),
}  # fmt: skip

#: The key that an option of a container is of, for errors; of one that several keys make, the one
#: that is meant most likely.
KEY_OF: Mapping[str, str] = {
    **{option: key for key, (option, dummy) in SIMPLE.items()},
    "aliases": "networks",
    "blkio_weight": "blkio_config.weight",
    "env": "environment",
    "labels": "labels",
    "devices": "devices",
    "links": "links",
    "log_driver": "logging.driver",
    "log_options": "logging.options",
    "mounts": "volumes",
    "configs": "configs",
    "name": "container_name",
    "networks": "networks",
    "network_mode": "network_mode",
    "pull": "pull_policy",
    "restart_policy": "restart",
    "restart_retries": "restart",
    "secrets": "secrets",
    "stop_timeout": "stop_grace_period",
    "volumes": "volumes",
    "volumes_from": "volumes_from",
}
