# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One row per option that says what a container is: what it is set to and what it is changed to.

Option -> (a value, another value, how the other one is shown when the first's members are kept;
None when it is the default, which is not shown).
"""

from __future__ import annotations

from typing import Any

PROCESS: dict[str, tuple[Any, Any, Any]] = {
    "command": (["sleep", "9"], ["sleep", "8"], ["sleep", "8"]),
    "entrypoint": (["/init"], ["/tini"], ["/tini"]),
    "env": ({"A": "1"}, {"B": "2"}, {"A": "********", "B": "********"}),
    "labels": ({"a": "1"}, {"b": "2"}, {"a": "1", "b": "2"}),
    "hostname": ("here", "there", "there"),
    "user": ("1000", "www", "www"),
    "working_dir": ("/srv", "/tmp", "/tmp"),
    "stop_signal": ("SIGINT", "SIGQUIT", "SIGQUIT"),
    "stop_timeout": (3, 4, 4),
    "tty": (True, False, None),
}

PORTS: dict[str, tuple[Any, Any, Any]] = {
    "published_ports": (["8080:80/tcp"], ["81:81/tcp"], ["8080:80/tcp", "81:81/tcp"]),
    "publish_all_ports": (True, False, None),
    "exposed_ports": (["80/tcp"], ["53/udp"], ["53/udp", "80/tcp"]),
    "publish_scope": (["lan"], ["local"], ["local"]),
}

MOUNTS: dict[str, tuple[Any, Any, Any]] = {
    "volumes": (["a:/a"], ["b:/b"], ["a:/a", "b:/b"]),
}

NETWORKS: dict[str, tuple[Any, Any, Any]] = {
    "network_mode": ("host", "none", "none"),
    "networks": ([{"name": "one"}], [{"name": "two"}], [{"name": "two"}, {"name": "one"}]),
    "mac_address": ("02:42:00:00:00:01", "02-42-00-00-00-AA", "02:42:00:00:00:aa"),
    "links": (["db:sql"], ["cache"], ["cache:cache", "db:sql"]),
}

NAMES: dict[str, tuple[Any, Any, Any]] = {
    "dns_servers": (["192.0.2.53"], ["2001:db8::53"], ["2001:db8::53"]),
    "dns_search_domains": (["example.com"], ["."], ["."]),
    "dns_opts": (["ndots:2"], ["rotate"], ["rotate"]),
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
}

SUPERVISION: dict[str, tuple[Any, Any, Any]] = {
    "restart_policy": ("always", "unless-stopped", "unless-stopped"),
}

ROWS = {**PROCESS, **PORTS, **MOUNTS, **NETWORKS, **NAMES, **SECURITY, **SUPERVISION}
