# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Combinations of a container's options: which are valid, and which are not. Pure.

It is asked of the whole spec, since under ``undeclared: keep`` one half may be the task's and the
other the container's.
"""

from __future__ import annotations

from ...base.errors import Error
from ...spec.container import ContainerSpec
from .form.text import show_size
from .logging import logging
from .mounts import check_made, check_places
from .security import IPC_SYSCTLS

#: Words of the texts below that are options, and could be taken for others.
_OPTIONS = ("cpus", "domainname", "hostname", "memory", "uts")
#: What Docker takes for the least that a container can start with.
_LEAST_MEMORY_BYTES = 6 << 20


def check(spec: ContainerSpec) -> None:
    """Raise Error when the options of a container contradict one another."""
    logging(spec)
    check_places(spec)
    check_made(spec, [m.target for m in spec.mounts if m.kind in ("volume", "anonymous")])
    for contradicts, what, hint in (
        *_memory(spec),
        *_processors(spec),
        *_systemd(spec),
        *_namespaces(spec),
        *_supervision(spec),
    ):
        if contradicts:
            raise Error(f"container {spec.name}: {what}", hint=hint, options=_OPTIONS)


def _supervision(spec: ContainerSpec) -> list[tuple[bool, str, str]]:
    name = spec.restart_policy.name
    return [
        (
            spec.auto_remove and name != "no",
            f"auto_remove cannot be combined with restart_policy {name}",
            "a container that is removed when it exits cannot be restarted",
        )
    ]


def _memory(spec: ContainerSpec) -> list[tuple[bool, str, str]]:
    memory, swap = spec.memory_bytes, spec.memory_swap_bytes
    reserved = spec.memory_reservation_bytes
    shown = show_size(memory)
    return [
        (0 < memory < _LEAST_MEMORY_BYTES, f"memory {shown} is too small", "the minimum is 6M"),
        (
            swap > 0 and not memory,
            "memory_swap requires memory",
            "memory_swap is memory plus swap, so set memory too",
        ),
        (
            0 < swap < memory,
            f"memory_swap {show_size(swap)} is less than memory {shown}",
            "memory_swap is memory plus swap; set it to the value of memory to disable swap",
        ),
        (
            0 < memory < reserved,
            f"memory_reservation {show_size(reserved)} is more than memory {shown}",
            "the reservation is a soft limit, which cannot exceed the hard one",
        ),
    ]


def _processors(spec: ContainerSpec) -> list[tuple[bool, str, str]]:
    slices = bool(spec.cpu_period_us or spec.cpu_quota_us)
    return [
        (
            bool(spec.nano_cpus) and slices,
            "cpus cannot be combined with cpu_period or cpu_quota",
            "cpus is shorthand for both",
        )
    ]


def _systemd(spec: ContainerSpec) -> list[tuple[bool, str, str]]:
    always = spec.systemd == "always"
    return [
        (
            always and (spec.init or bool(spec.pid_mode)),
            f"systemd: always cannot be combined with {'init' if spec.init else 'pid_mode'}",
            "systemd has to be process 1",
        ),
    ]


def _namespaces(spec: ContainerSpec) -> list[tuple[bool, str, str]]:
    foreign = spec.network_mode == "host" or spec.network_mode.startswith("container:")
    foreign_ipc = spec.ipc_mode == "host" or spec.ipc_mode.startswith("container:")
    names = [name.replace("/", ".") for name in spec.sysctls]
    named = bool(spec.hostname or spec.domainname)
    return [
        (
            spec.uts_mode == "host" and named,
            "hostname and domainname cannot be combined with uts: host",
            "the container sees the host's own name",
        ),
        (
            foreign and any(name.startswith("net.") for name in names),
            f"network sysctls cannot be combined with network_mode: {spec.network_mode}",
            "they would change that network for everything else in it",
        ),
        (
            foreign_ipc
            and any(name in IPC_SYSCTLS or name.startswith("fs.mqueue.") for name in names),
            f"IPC sysctls cannot be combined with ipc_mode: {spec.ipc_mode}",
            "they would change it for everything else in it",
        ),
    ]
