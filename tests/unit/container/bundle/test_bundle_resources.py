# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits as a function of the spec: what a container is made with, and told while it runs."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    resources,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
    Ulimit,
)

MIB = 1 << 20


def _spec(**limits: Any) -> ContainerSpec:
    return ContainerSpec("web", "busybox", "", **limits)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, {}),
        ({"memory_bytes": 64 * MIB}, {"memory": {"limit": 64 * MIB, "swap": 128 * MIB}}),
        (
            {"memory_bytes": 64 * MIB, "memory_swap_bytes": -1},
            {"memory": {"limit": 64 * MIB, "swap": -1}},
        ),
        ({"memory_swappiness": 0}, {"memory": {"swappiness": 0}}),
        ({"oom_kill_disable": True}, {"memory": {"disableOOMKiller": True}}),
        ({"nano_cpus": 1_500_000_000}, {"cpu": {"period": 100_000, "quota": 150_000}}),
        ({"nano_cpus": 10_000_000}, {"cpu": {"period": 100_000, "quota": 1000}}),
        ({"cpu_quota_us": 5000}, {"cpu": {"quota": 5000}}),
        (
            {"cpuset_cpus": "0-2", "cpuset_mems": "0", "cpu_shares": 2},
            {"cpu": {"shares": 2, "cpus": "0-2", "mems": "0"}},
        ),
        ({"pids_limit": 9}, {"pids": {"limit": 9}}),
        ({"blkio_weight": 10}, {"blockIO": {"weight": 10}}),
    ],
)
def test_what_a_container_is_made_with(
    limits: dict[str, Any], expected: dict[str, dict[str, Any]]
) -> None:
    assert resources.resources(_spec(**limits)) == expected
    # The same words change one that runs, and their absence takes the limit away.
    changed = resources.changes(_spec(), _spec(**limits), cpus="0-3", mems="0")
    assert changed == expected
    assert resources.changes(_spec(**limits), _spec(**limits)) == {}
    back = resources.changes(_spec(**limits), _spec(), cpus="0-3", mems="0")
    assert {kind: set(values) for kind, values in back.items()} == {
        kind: set(values) for kind, values in expected.items()
    }


def test_both_halves_of_a_pair_are_told() -> None:
    """The kernel compares memory with memory and swap, whichever is written first."""
    have = _spec(
        memory_bytes=64 * MIB, memory_swap_bytes=128 * MIB, cpu_quota_us=1, cpu_period_us=2
    )
    want = _spec(
        memory_bytes=96 * MIB, memory_swap_bytes=128 * MIB, cpu_quota_us=3, cpu_period_us=2
    )
    assert resources.changes(have, want) == {
        "memory": {"limit": 96 * MIB, "swap": 128 * MIB},
        "cpu": {"quota": 3, "period": 2},
    }
    assert resources.changes(have, _spec()) == {
        "memory": {"limit": -1, "swap": -1},
        "cpu": {"quota": -1, "period": 100_000},
    }


def test_what_the_kernel_has_no_file_for() -> None:
    swapless = _spec(memory_bytes=64 * MIB)
    assert resources.resources(swapless, ["memory_swap_bytes"]) == {"memory": {"limit": 64 * MIB}}
    for field, option in resources.INTERFACES.items():
        asked = _spec(**{field: 20, "memory_bytes": 10})
        with pytest.raises(Error, match=f"do not support the option {option}"):
            resources.resources(asked, [field])


def test_limits_of_each_process() -> None:
    spec = _spec(ulimits=(Ulimit("nofile", 64, 128), Ulimit("core", -1, -1)))
    assert resources.rlimits(spec) == [
        {"type": "RLIMIT_NOFILE", "soft": 64, "hard": 128},
        {"type": "RLIMIT_CORE", "soft": (1 << 64) - 1, "hard": (1 << 64) - 1},
    ]
