# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One row per option that says what a container is: what it is set to and what it is changed to.

Option -> (a value, another value, how the other one is shown when the first's members are kept;
None when it is the default, which is not shown).
"""

from __future__ import annotations

from typing import Any


def _file(target: str, mode: str, content: str) -> dict[str, Any]:
    return {"target": target, "mode": mode, "uid": 0, "gid": 0, "content": content}


PROCESS: dict[str, tuple[Any, Any, Any]] = {
    "command": (["sleep", "9"], ["sleep", "8"], ["sleep", "8"]),
    "entrypoint": (["/init"], ["/tini"], ["/tini"]),
    "env": ({"A": "1"}, {"B": "2"}, {"A": "********", "B": "********"}),
    "secret_env": ({"A": "1"}, {"B": "2"}, {"A": "********", "B": "********"}),
    "labels": ({"a": "1"}, {"b": "2"}, {"a": "1", "b": "2"}),
    "hostname": ("here", "there", "there"),
    "user": ("1000", "www", "www"),
    "working_dir": ("/srv", "/tmp", "/tmp"),
    "stop_signal": ("SIGINT", "SIGQUIT", "SIGQUIT"),
    "stop_timeout": (3, 4, 4),
    "tty": (True, False, None),
    "domainname": ("example.com", "example.org", "example.org"),
    "groups": (["mail"], ["7"], ["7", "mail"]),
    "init": (True, False, None),
    "systemd": ("always", "false", "false"),
    "interactive": (True, False, None),
    "runtime": ("runc", "/usr/bin/crun", "/usr/bin/crun"),
}

PORTS: dict[str, tuple[Any, Any, Any]] = {
    "published_ports": (["8080:80/tcp"], ["81:81/tcp"], ["8080:80/tcp", "81:81/tcp"]),
    "publish_all_ports": (True, False, None),
    "exposed_ports": (["80/tcp"], ["53/udp"], ["53/udp", "80/tcp"]),
    "publish_scope": (["lan"], ["local"], ["local"]),
}

MOUNTS: dict[str, tuple[Any, Any, Any]] = {
    "volumes": (["a:/a"], ["b:/b"], ["a:/a", "b:/b"]),
    "secrets": (
        [{"name": "a", "content": "x"}],
        [{"name": "b", "content": "y", "mode": "440"}],
        [_file("/run/secrets/a", "0400", "********"), _file("/run/secrets/b", "0440", "********")],
    ),
    "configs": (
        [{"name": "a", "content": "x"}],
        [{"name": "a", "content": "y", "target": "etc/a"}],
        [_file("/a", "0444", "x"), _file("/etc/a", "0444", "y")],
    ),
    "volumes_from": (["a"], ["b:ro"], ["a", "b:ro"]),
    "volume_driver": ("nfs", "local", None),
}

NETWORKS: dict[str, tuple[Any, Any, Any]] = {
    "network_mode": ("host", "none", "none"),
    "networks": ([{"name": "one"}], [{"name": "two"}], [{"name": "one"}, {"name": "two"}]),
    "mac_address": ("02:42:00:00:00:01", "02-42-00-00-00-AA", "02:42:00:00:00:aa"),
    "links": (["db:sql"], ["cache"], ["cache:cache", "db:sql"]),
}

NAMES: dict[str, tuple[Any, Any, Any]] = {
    "dns_servers": (["192.0.2.53"], ["2001:db8::53"], ["2001:db8::53"]),
    "dns_search_domains": (["example.com"], ["."], ["."]),
    "dns_opts": (["ndots:2"], ["rotate"], ["ndots:2", "rotate"]),
    "etc_hosts": (
        {"a": "192.0.2.1"},
        {"b": "host-gateway"},
        {"a": "192.0.2.1", "b": "host-gateway"},
    ),
}

SECURITY: dict[str, tuple[Any, Any, Any]] = {
    "read_only": (True, False, None),
    "privileged": (True, False, None),
    "capabilities": (["CAP_NET_ADMIN"], ["CAP_SYS_TIME"], ["CAP_NET_ADMIN", "CAP_SYS_TIME"]),
    "cap_drop": (["CAP_CHOWN"], ["CAP_KILL"], ["CAP_CHOWN", "CAP_KILL"]),
    "security_opts": (
        ["no-new-privileges", "label=type:one_t"],
        ["label=type:two_t"],
        ["label=type:two_t", "no-new-privileges=true"],
    ),
    "sysctls": (
        {"net.core.somaxconn": 128},
        {"kernel.sem": "1 2"},
        {"kernel.sem": "1 2", "net.core.somaxconn": "128"},
    ),
}

NAMESPACES: dict[str, tuple[Any, Any, Any]] = {
    "pid_mode": ("host", "container:db", "container:db"),
    "ipc_mode": ("shareable", "host", "host"),
    "uts": ("host", "", None),
    "userns_mode": ("host", "", None),
    "cgroupns_mode": ("host", "private", "private"),
}

_RATE = {"path": "/dev/sda", "rate": "1M"}
_OTHER = {"path": "/dev/sdb", "rate": "2M"}
_COUNT = {"path": "/dev/sda", "rate": 10}
_OTHER_COUNT = {"path": "/dev/sdb", "rate": 20}

RESOURCES: dict[str, tuple[Any, Any, Any]] = {
    "memory": ("64M", "1.5g", "1536M"),
    "memory_reservation": ("32m", "16777216", "16M"),
    "memory_swap": ("unlimited", "0", None),
    "memory_swappiness": (0, 60, 60),
    "cpus": (1.5, 0.5, 0.5),
    "cpu_shares": (512, 256, 256),
    "cpu_period": (50000, 60000, 60000),
    "cpu_quota": (20000, 30000, 30000),
    "cpuset_cpus": ("0,1", "0-1,3", "0-1,3"),
    "cpuset_mems": ("0", "0-1", "0-1"),
    "pids_limit": (50, 60, 60),
    "blkio_weight": (100, 200, 200),
    "device_read_bps": ([_RATE], [_OTHER], [_RATE, _OTHER]),
    "device_write_bps": ([_RATE], [_OTHER], [_RATE, _OTHER]),
    "device_read_iops": ([_COUNT], [_OTHER_COUNT], [_COUNT, _OTHER_COUNT]),
    "device_write_iops": ([_COUNT], [_OTHER_COUNT], [_COUNT, _OTHER_COUNT]),
    "oom_killer": (True, False, None),
    "oom_score_adj": (500, -500, -500),
    "ulimits": (["nofile:64:128"], ["core=0"], ["core:0:0", "nofile:64:128"]),
    "shm_size": ("1M", "2M", "2M"),
    "cgroup_parent": ("/one", "/two", "/two"),
    "devices": (["/dev/null:/dev/a"], ["/dev/b:r"], ["/dev/null:/dev/a", "/dev/b:/dev/b:r"]),
    "device_cgroup_rules": (["c 42:* rmw"], ["b 7:0 r"], ["b 7:0 r"]),
}

LOGGING: dict[str, tuple[Any, Any, Any]] = {
    "log_driver": ("local", "none", "none"),
    "log_options": (
        {"max-size": "1m"},
        {"max-file": "2", "max-size": "2m"},
        {"max-file": "2", "max-size": "2m"},
    ),
}

SUPERVISION: dict[str, tuple[Any, Any, Any]] = {
    "restart_policy": ("always", "unless-stopped", "unless-stopped"),
    "auto_remove": (True, False, None),
    "restart_on_change": (["/etc/a"], ["/etc/b"], ["/etc/a", "/etc/b"]),
    "healthcheck": (
        {"test": "true", "interval": "1m30s"},
        {"test": ["CMD", "ok"], "retries": 2},
        {"test": ["CMD", "ok"], "retries": 2},
    ),
}

#: Options whose difference is applied to the container as it is; all others need a new one.
LIVE = frozenset(
    {"stop_signal", "stop_timeout", "networks", "mac_address", "links", "restart_policy"}
    | {"memory", "memory_reservation", "memory_swap", "cpus", "cpu_shares", "cpu_period"}
    | {"cpu_quota", "cpuset_cpus", "cpuset_mems", "pids_limit", "blkio_weight", "healthcheck"}
    | {"auto_remove", "restart_on_change"}
)

#: Every option of community.docker's docker_container (4.x), but for those about its daemon.
_DOCKERS = """
auto_remove blkio_weight cap_drop capabilities cgroup_parent cgroupns_mode cleanup
command command_handling comparisons container_default_behavior cpu_period cpu_quota
cpu_shares cpus cpuset_cpus cpuset_mems default_host_ip detach device_cgroup_rules
device_read_bps device_read_iops device_requests device_write_bps device_write_iops
devices dns_opts dns_search_domains dns_servers domainname entrypoint env env_file
etc_hosts exposed_ports force_kill groups healthcheck healthy_wait_timeout hostname
image image_comparison image_label_mismatch image_name_mismatch init interactive
ipc_mode keep_volumes kernel_memory kill_signal labels links log_driver log_options
mac_address memory memory_reservation memory_swap memory_swappiness mounts name
network_mode networks networks_cli_compatible oom_killer oom_score_adj output_logs
paused pid_mode pids_limit platform privileged publish_all_ports published_ports pull
pull_check_mode_behavior read_only recreate removal_wait_timeout restart restart_policy
restart_retries runtime security_opts shm_size state stop_signal stop_timeout
storage_opts sysctls tmpfs tty ulimits user userns_mode uts volume_driver volumes
volumes_from working_dir
"""
DOCKERS = frozenset(_DOCKERS.split())

ROWS = {
    **PROCESS,
    **PORTS,
    **MOUNTS,
    **NETWORKS,
    **NAMES,
    **SECURITY,
    **NAMESPACES,
    **RESOURCES,
    **LOGGING,
    **SUPERVISION,
}
