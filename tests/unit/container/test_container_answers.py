# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure parts of what is told of containers: which one we are in, which lines of a log, modes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    conmon_files,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.status import (
    logs,
    usage,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import container_copy
from ansible_collections.slipway.engine.plugins.module_utils._runtime.system import running_in

ID = "5d7f2c1e9a6d1c2f1a8c8f0e0a4b4f5c6d7e8f90a1b2c3d4e5f60718293a4b5c"
MOUNTS = "700 600 8:1 {} /etc/hostname rw,relatime - ext4 /dev/sda1 rw"


@pytest.mark.parametrize(
    ("hostname", "cgroup", "kind"),
    [
        ("", "0::/", ""),
        ("", "0::/user.slice/user-0.slice/session-1.scope", ""),
        ("/etc/hostname", "0::/", ""),
        (f"/var/lib/slipway/containers/{ID}/hostname", "0::/", "slipway"),
        (f"/containers/{ID}/hostname", "0::/", "slipway"),
        ("", f"3:memory:/slipway/{ID}", "slipway"),
        ("", f"0::/system.slice/slipway-{ID}.scope", "slipway"),
        (f"/var/lib/docker/containers/{ID}/hostname", "0::/", "docker"),
        (f"/docker/containers/{ID}/hostname", f"1:cpu:/docker/{ID}", "docker"),
        ("", f"1:cpu:/docker/{ID}\n0::/", "docker"),
        ("", f"0::/system.slice/docker-{ID}.scope", "docker"),
        (f"/containers/overlay-containers/{ID}/userdata/hostname", "0::/", "podman"),
        ("", f"0::/machine.slice/libpod-{ID}.scope/container", "podman"),
        (f"/var/lib/docker/containers/{ID}/hostname", f"1:cpu:/azpl_job/{ID}", "azure_pipelines"),
        (f"/var/lib/docker/containers/{ID}/hostname", f"1:cpu:/actions_job/{ID}", "github_actions"),
        (f"/var/lib/docker/containers/{ID[:63]}/hostname", "0::/", ""),
    ],
)
def test_which_container_this_is(hostname: str, cgroup: str, kind: str) -> None:
    mountinfo = "1 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + (
        MOUNTS.format(hostname) + "\n" if hostname else ""
    )
    assert running_in.detect(mountinfo, cgroup + "\n") == ((ID, kind) if kind else ("", ""))


def entry(time: str, stream: str, data: bytes) -> conmon_files.LogEntry:
    return conmon_files.LogEntry(time, stream, data)


ENTRIES = [
    entry("2026-01-31T12:00:00.000000001Z", "stdout", b"one\n"),
    entry("2026-01-31T12:00:00.5+00:00", "stderr", b"two\n"),
    entry("2026-01-31T14:00:01.25+02:00", "stdout", b"three\n"),
]


@pytest.mark.parametrize(
    ("since", "until", "streams", "expected"),
    [
        (None, None, ("stdout", "stderr"), b"one\ntwo\nthree\n"),
        (None, None, ("stderr",), b"two\n"),
        ("2026-01-31T12:00:00.25Z", None, ("stdout", "stderr"), b"two\nthree\n"),
        ("2026-01-31T12:00:00.5Z", None, ("stdout", "stderr"), b"two\nthree\n"),
        (None, "2026-01-31T12:00:00.5Z", ("stdout", "stderr"), b"one\n"),
        ("2026-01-31T12:00:01Z", "2026-01-31T12:00:02Z", ("stdout", "stderr"), b"three\n"),
        ("90s", None, ("stdout", "stderr"), b"two\nthree\n"),
        ("1769860801", None, ("stdout", "stderr"), b"three\n"),
    ],
)
def test_which_lines_of_a_log(
    since: Optional[str], until: Optional[str], streams: tuple[str, ...], expected: bytes
) -> None:
    now = 1769860890.25
    times = [None if text is None else logs.moment("since", text, now) for text in (since, until)]
    found = logs.selected(ENTRIES, times[0], times[1], streams)
    assert b"".join(line.data for line in found) == expected


def test_the_numbers_of_a_unified_hierarchy(tmp_path: Path) -> None:
    """cgroup-v2 of the kernel's documentation; the machine of the tests may have another one."""
    for name, content in {
        "cpu.stat": "usage_usec 5000\nuser_usec 3000\nsystem_usec 2000\nnr_periods 7\n"
        "nr_throttled 3\nthrottled_usec 11\n",
        "memory.current": "1000\n",
        "memory.max": "max\n",
        "memory.stat": "anon 600\ninactive_file 100\n",
        "pids.current": "4\n",
        "pids.max": "100\n",
        "io.stat": "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n8:16 rbytes=5 wios=1\n",
    }.items():
        (tmp_path / name).write_text(content)
    found = usage.measured(usage.Groups(tmp_path, {}))
    cpu = found["cpu_stats"]
    assert cpu["cpu_usage"] == {
        "total_usage": 5_000_000,
        "usage_in_kernelmode": 2_000_000,
        "usage_in_usermode": 3_000_000,
    }
    assert cpu["throttling_data"] == {
        "periods": 7, "throttled_periods": 3, "throttled_time": 11_000
    }  # fmt: skip
    memory = found["memory_stats"]
    assert memory["usage"] == 1000 and memory["limit"] > 1 << 26
    assert memory["stats"]["inactive_file"] == 100
    assert found["pids_stats"] == {"current": 4, "limit": 100}
    moved = found["blkio_stats"]["io_service_bytes_recursive"]
    assert [(one["major"], one["minor"], one["op"], one["value"]) for one in moved] == [
        (8, 0, "read", 10), (8, 0, "write", 20), (8, 16, "read", 5), (8, 16, "write", 0)
    ]  # fmt: skip
    (tmp_path / "memory.max").write_text("4096\n")
    assert usage.measured(usage.Groups(tmp_path, {}))["memory_stats"]["limit"] == 4096


@pytest.mark.parametrize("text", ["yesterday", "10", "1h30", "-5m", "2026-13-01", ""])
def test_what_is_no_time(text: str) -> None:
    if text == "10":
        assert logs.moment("since", text, 0.0) == 10.0
        return
    with pytest.raises(Error, match=r"^until: .* is not a time"):
        logs.moment("until", text, 0.0)


@pytest.mark.parametrize(
    ("value", "parse", "expected"),
    [
        (None, "modern", None),
        ("0644", "modern", 0o644),
        ("4755", "modern", 0o4755),
        (420, "modern", 0o644),
        ("420", "legacy", 0o644),
        (420, "legacy", 0o644),
        ("0644", "octal_string_only", 0o644),
    ],
)
def test_modes(value: Any, parse: str, expected: Optional[int]) -> None:
    assert container_copy.mode(value, parse) == expected


@pytest.mark.parametrize(
    ("value", "parse"),
    [
        ("0999", "modern"),
        ("u+x", "modern"),
        ("10000", "modern"),
        (-1, "modern"),
        (True, "modern"),
        (420, "octal_string_only"),
        ("0x1", "legacy"),
    ],
)
def test_what_is_no_mode(value: Any, parse: str) -> None:
    with pytest.raises(Error, match=r"^mode: "):
        container_copy.mode(value, parse)


@pytest.mark.parametrize("said", [b"OURS", b"0", b"-1", b"x", b"\xff", b"9" * 30, b""])
def test_a_monitor_is_known_by_its_arguments(tmp_path: Path, said: bytes) -> None:
    layout = Layout(tmp_path / "lib", tmp_path / "run", tmp_path / "etc")
    place = layout.run_container("a" * 64)
    place.mkdir(parents=True)
    (place / "conmon.pid").write_bytes(said.replace(b"OURS", b"%d" % os.getpid()))
    assert conmon_files.monitor(layout, "a" * 64) == 0
