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
      - How much memory the container may use, as a number of bytes or with a unit, such as V(512M)
        or V(1.5g). At least V(6M); V(0) is without limit.
      - This and the other limits of memory, processors, processes and block input/output weight are
        changed in a running container as it is.
    type: str
  memory_reservation:
    description:
      - The memory the container is pushed back to when the host runs short of it, in the form of
        O(memory).
    type: str
  memory_swap:
    description:
      - How much memory and swap together the container may use, in the form of O(memory).
      - V(unlimited) or V(-1) is without limit. Twice O(memory) when left out.
    type: str
  memory_swappiness:
    description:
      - How readily the kernel swaps, from V(0) to V(100). V(-1) is the host's own.
      - It exists on hosts with cgroup v1 only, and is refused on others.
    type: int
  kernel_memory:
    description:
      - Refused, since Linux has no such limit any more. O(memory) counts the kernel's memory too.
    type: str
  cpus:
    description:
      - How many processors the container may use, such as V(1.5). V(0) is all.
      - It is the shorter form of O(cpu_period) and O(cpu_quota), and excludes them.
    type: float
  cpu_shares:
    description:
      - The container's weight where processors are short, from V(2) to V(262144); others have 1024.
    type: int
  cpu_period:
    description:
      - The period of O(cpu_quota) in microseconds, from V(1000) to V(1000000).
    type: int
  cpu_quota:
    description:
      - How many microseconds of processor time the container gets in each O(cpu_period). V(-1) is
        without limit.
    type: int
  cpuset_cpus:
    description:
      - The processors the container may run on, such as V(0-2,5).
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
      - The container's weight for block devices, from V(10) to V(1000). V(0) is the kernel's.
      - It is refused on hosts whose kernel schedules no device by weight.
    type: int
  device_read_bps:
    description:
      - How many bytes may be read of block devices in a second.
    type: list
    elements: dict
    suboptions:
      path:
        description: Path of the device on the host, such as V(/dev/sda).
        type: str
        required: true
      rate:
        description: Bytes, in the form of O(memory).
        type: str
        required: true
  device_write_bps:
    description:
      - How many bytes may be written of block devices in a second.
    type: list
    elements: dict
    suboptions:
      path:
        description: Path of the device on the host, such as V(/dev/sda).
        type: str
        required: true
      rate:
        description: Bytes, in the form of O(memory).
        type: str
        required: true
  device_read_iops:
    description:
      - How often may be read of block devices in a second.
    type: list
    elements: dict
    suboptions:
      path:
        description: Path of the device on the host, such as V(/dev/sda).
        type: str
        required: true
      rate:
        description: How often.
        type: int
        required: true
  device_write_iops:
    description:
      - How often may be written of block devices in a second.
    type: list
    elements: dict
    suboptions:
      path:
        description: Path of the device on the host, such as V(/dev/sda).
        type: str
        required: true
      rate:
        description: How often.
        type: int
        required: true
  oom_killer:
    description:
      - V(true) B(disables) the OOM killer for the container, the meaning that
        M(community.docker.docker_container) gives it too. Its processes wait for memory then.
      - It exists on hosts with cgroup v1 only, and is refused on others.
    type: bool
  oom_score_adj:
    description:
      - How likely the kernel is to end the container when the host has no memory left, from
        V(-1000) to V(1000).
    type: int
  ulimits:
    description:
      - Limits of each process, as C(NAME:SOFT[:HARD]), such as V(nofile:1024:4096). V(-1) is
        without limit. The names are those of C(setrlimit), without C(RLIMIT_) and in lower case.
    type: list
    elements: str
  shm_size:
    description:
      - The size of C(/dev/shm), in the form of O(memory). V(64M) when left out.
    type: str
  cgroup_parent:
    description:
      - The control group below which the container's own is made. Where systemd owns them, the name
        of a slice.
    type: str
  devices:
    description:
      - Devices of the host, as C(HOST_PATH[:CONTAINER_PATH[:ACCESS]]). The access is of the letters
        C(r), C(w) and C(m). A directory stands for all devices in it.
    type: list
    elements: str
  device_cgroup_rules:
    description:
      - Which devices the container may open beside its own, as C(TYPE MAJOR:MINOR ACCESS), such as
        V(c 42:* rwm).
    type: list
    elements: str
  device_requests:
    description:
      - Refused, since a vendor's devices need its hook. Name their nodes in O(devices), or the
        vendor's OCI runtime in O(runtime).
    type: list
    elements: dict
    suboptions:
      capabilities:
        description: Refused.
        type: list
        elements: list
      count:
        description: Refused.
        type: int
      device_ids:
        description: Refused.
        type: list
        elements: str
      driver:
        description: Refused.
        type: str
      options:
        description: Refused.
        type: dict
  storage_opts:
    description:
      - Refused, since the root of a container has no storage of its own. Put what may grow on a
        volume or a tmpfs.
    type: dict
"""
