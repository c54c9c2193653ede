# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of the flags that verbs read, for mypy alone: nothing imports this at run time."""

from __future__ import annotations

from typing import Any, Optional


class FlagValues:
    """What ``arguments.NAME`` is, by the name of the flag with ``_`` for ``-``.

    Any is a flag that two verbs have with values of different kinds.
    """

    add_host: list[str]
    alias: list[str]
    all: bool
    all_tags: bool
    archive: bool
    attach: Any
    attachable: bool
    author: str
    aux_address: list[str]
    build: bool
    build_arg: list[str]
    build_context: list[str]
    cgroup_parent: str
    change: list[str]
    cidfile: str
    config_from: str
    config_only: bool
    configuration: bool
    cpu_period: Optional[int]
    cpu_quota: Optional[int]
    cpu_shares: Optional[int]
    cpuset_cpus: str
    cpuset_mems: str
    detach: bool
    detach_keys: str
    details: bool
    digests: bool
    dir: str
    driver: str
    driver_opt: list[str]
    entrypoint: str
    env: list[str]
    env_file: list[str]
    env_from_file: list[str]
    file: Any
    filter: dict[str, list[str]]
    follow: bool
    follow_link: bool
    force: bool
    force_recreate: bool
    format: str
    gw_priority: int
    health_cmd: str
    hosts: str
    human: bool
    ignore_pull_failures: bool
    iidfile: str
    index: Optional[int]
    ingress: bool
    input: str
    interactive: bool
    internal: bool
    ip6: str
    ip: str
    ipam_driver: str
    ipam_opt: list[str]
    ipv4: bool
    ipv6: bool
    keep_storage: str
    key: str
    key_file: Any
    label: list[str]
    label_file: list[str]
    last: int
    latest: bool
    limit: int
    link: Any
    memory: str
    memory_swap: str
    message: str
    mount: list[str]
    name: str
    net: list[str]
    net_alias: list[str]
    network: Any
    network_alias: list[str]
    no_attach: list[str]
    no_build: bool
    no_cache: bool
    no_deps: bool
    no_healthcheck: bool
    no_log_prefix: bool
    no_pause: bool
    no_prune: bool
    no_recreate: bool
    no_start: bool
    no_stdin: bool
    no_stream: bool
    no_trunc: bool
    no_tty: bool
    opt: list[str]
    output: Any
    password: str
    password_stdin: bool
    pause: bool
    platform: str
    policy: str
    privileged: bool
    profile: list[str]
    progress: str
    project_name: str
    protocol: str
    publish: list[str]
    pull: Any
    push: bool
    quiet: bool
    remove_orphans: bool
    renew_anon_volumes: bool
    restart: str
    rm: bool
    rmi: str
    scale: list[str]
    scope: str
    secret: list[str]
    service_ports: bool
    services: bool
    shm_size: str
    sig_proxy: bool
    signal: str
    since: str
    size: bool
    ssh: list[str]
    status: list[str]
    stop: bool
    subnet: list[str]
    tag: list[str]
    tail: str
    target: str
    tasks: bool
    time: Optional[float]
    timeout: Optional[float]
    timestamps: bool
    tty: bool
    type: str
    ulimit: list[str]
    until: str
    user: str
    username: str
    verbose: bool
    volume: list[str]
    volumes: bool
    wait: bool
    wait_timeout: Optional[int]
    workdir: str
    yes: bool
