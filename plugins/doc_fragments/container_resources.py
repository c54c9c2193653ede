# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the module container about how much of the host it gets."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by the module; its options are in the module's argument_spec."""

    DOCUMENTATION = r"""
options:
  memory:
    description:
      - The memory limit, as a number of bytes or with a unit, such as V(512M) or V(1.5g). The
        minimum is V(6M); V(0) is without limit.
      - This and the other limits of memory, CPUs, processes and block I/O weight are updated in a
        running container in place.
    type: str
  memory_reservation:
    description:
      - The soft limit the container is reduced to if the host runs out of memory, in the format of
        O(memory).
    type: str
  memory_swap:
    description:
      - The limit of memory plus swap, in the format of O(memory).
      - V(unlimited) or V(-1) is without limit. The default is twice O(memory).
    type: str
  memory_swappiness:
    description:
      - How readily the kernel swaps, from V(0) to V(100). V(-1) is the setting of the host.
      - It is only supported on hosts with cgroup v1.
    type: int
  kernel_memory:
    description:
      - Ignored with a warning, because Linux no longer has this limit. O(memory) includes kernel
        memory.
    type: str
  cpus:
    description:
      - How many CPUs the container may use, such as V(1.5). V(0) is all.
      - It is shorthand for O(cpu_period) and O(cpu_quota), and mutually exclusive with them.
    type: float
  cpu_shares:
    description:
      - The relative weight of the container under CPU contention, from V(2) to V(262144); the
        default is 1024.
    type: int
  cpu_period:
    description:
      - The period of O(cpu_quota) in microseconds, from V(1000) to V(1000000).
    type: int
  cpu_quota:
    description:
      - How many microseconds of CPU time the container gets in each O(cpu_period). V(-1) is without
        limit.
    type: int
  cpuset_cpus:
    description:
      - The CPUs the container may run on, such as V(0-2,5).
    type: str
  cpuset_mems:
    description:
      - The memory nodes the container may use, such as V(0,1).
    type: str
  pids_limit:
    description:
      - How many processes and threads the container may have. V(-1) and V(0) are without limit.
    type: int
  blkio_weight:
    description:
      - The relative weight for block I/O, from V(10) to V(1000). V(0) is the default of the kernel.
      - It is not supported on hosts whose kernel does not schedule block I/O by weight.
    type: int
  device_read_bps:
    description:
      - Limits for bytes read from disks per second. Partitions cannot be limited by themselves.
    type: list
    elements: dict
    suboptions:
      path:
        description: Path of the device on the host, such as V(/dev/sda).
        type: str
        required: true
      rate:
        description: Bytes per second, in the format of O(memory).
        type: str
        required: true
  device_write_bps:
    description:
      - Limits for bytes written to disks per second, as in O(device_read_bps).
    type: list
    elements: dict
    suboptions:
      path:
        description: Path of the device on the host, such as V(/dev/sda).
        type: str
        required: true
      rate:
        description: Bytes per second, in the format of O(memory).
        type: str
        required: true
  device_read_iops:
    description:
      - Limits for read operations on disks per second, as in O(device_read_bps).
    type: list
    elements: dict
    suboptions:
      path:
        description: Path of the device on the host, such as V(/dev/sda).
        type: str
        required: true
      rate:
        description: Operations per second.
        type: int
        required: true
  device_write_iops:
    description:
      - Limits for write operations on disks per second, as in O(device_read_bps).
    type: list
    elements: dict
    suboptions:
      path:
        description: Path of the device on the host, such as V(/dev/sda).
        type: str
        required: true
      rate:
        description: Operations per second.
        type: int
        required: true
  oom_killer:
    description:
      - V(true) B(disables) the OOM killer for the container, the meaning that
        M(community.docker.docker_container) gives it too. Its processes then wait for memory.
      - It is only supported on hosts with cgroup v1.
    type: bool
  oom_score_adj:
    description:
      - How likely the kernel is to kill the container if the host is out of memory, from V(-1000)
        to V(1000).
    type: int
  ulimits:
    description:
      - Limits of each process, as C(NAME:SOFT[:HARD]), such as V(nofile:1024:4096). V(-1) is
        without limit. The names are those of C(setrlimit), without C(RLIMIT_) and in lower case.
    type: list
    elements: str
  shm_size:
    description:
      - The size of C(/dev/shm), in the format of O(memory). The default is V(64M).
    type: str
  cgroup_parent:
    description:
      - The parent of the container's control group. If systemd manages control groups, the name of
        a slice.
    type: str
  devices:
    description:
      - Devices of the host, as C(HOST_PATH[:CONTAINER_PATH[:ACCESS]]). The access consists of the
        letters C(r), C(w) and C(m). A directory means all devices in it.
    type: list
    elements: str
  device_cgroup_rules:
    description:
      - Additional devices the container may use, as C(TYPE MAJOR:MINOR ACCESS), such as V(c 42:*
        rwm).
    type: list
    elements: str
  device_requests:
    description:
      - Not supported, because vendor devices need a hook of the vendor. List their nodes in
        O(devices), or set O(runtime) to the vendor's OCI runtime.
    type: list
    elements: dict
    suboptions:
      capabilities:
        description: Not supported.
        type: list
        elements: list
      count:
        description: Not supported.
        type: int
      device_ids:
        description: Not supported.
        type: list
        elements: str
      driver:
        description: Not supported.
        type: str
      options:
        description: Not supported.
        type: dict
  storage_opts:
    description:
      - Not supported, because the root filesystem of a container has no storage of its own. Put
        data that may grow on a volume or a tmpfs.
    type: dict
"""
