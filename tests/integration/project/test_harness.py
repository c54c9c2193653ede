# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The harness itself: the audit sees what leaks, and the registries are real ones."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest
from support import TESTS
from support import audit as leaks
from support.inputs import images
from support.servers.registry import Registry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout


def _do(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)


def _mount(layout: Layout) -> None:
    (layout.tmp / "m").mkdir()
    _do("mount", "-t", "tmpfs", "tmpfs", str(layout.tmp / "m"))


def _link(layout: Layout) -> None:
    _do("ip", "link", "add", "leaky0", "type", "bridge")


def _rule(layout: Layout) -> None:
    _do("nft", "add", "table", "inet", "slipway")


def _lease(layout: Layout) -> None:
    leases = layout.network("n") / "leases"
    leases.mkdir(parents=True)
    (leases / "10.0.0.2").touch()


def _process(layout: Layout) -> None:
    """Something the kernel knows as conmon, in a session of its own."""
    program = layout.root / "conmon"
    shutil.copy("/bin/sleep", program)
    subprocess.Popen([str(program), "60"], start_new_session=True)


def _group(layout: Layout) -> None:
    (_hierarchy() / "slipway" / "left").mkdir(parents=True)


def _hierarchy() -> Path:
    """One of the hierarchies of control groups; on a host with v2 the only one."""
    pids = Path("/sys/fs/cgroup/pids")
    return pids if pids.is_dir() else Path("/sys/fs/cgroup")


@pytest.fixture
def undone(layout: Layout) -> Iterator[None]:
    before = leaks.snapshot(layout.root)
    yield
    leaks.sweep(before)
    shutil.rmtree(layout.tmp / "m", ignore_errors=True)
    shutil.rmtree(layout.network("n"), ignore_errors=True)


@pytest.mark.parametrize(
    ("leak", "named"),
    [
        (_mount, "leaked mount: /var/lib/slipway/tmp/m"),
        (_link, "leaked link: leaky0"),
        (_rule, "leaked nft: "),
        (_lease, "leaked lease: /var/lib/slipway/networks/n/leases/10.0.0.2"),
        (_process, "leaked process: conmon "),
        (_group, "leaked cgroup: "),
    ],
)
def test_the_audit_names_a_leak(
    layout: Layout, undone: None, leak: Callable[[Layout], None], named: str
) -> None:
    before = leaks.snapshot(layout.root)
    leak(layout)
    assert any(line.startswith(named) for line in leaks.settle(before, layout.root, 0.2))


#: Leaves a process and a control group, and prints what it sees of both.
_INSIDE = """
mkdir -p "$1/slipway/other"
sleep 1000 &
echo $! >"$1/slipway/other/cgroup.procs"
ls -d /proc/[0-9]*
find "$1" -type d
"""


def test_sandboxes_see_nothing_of_each_other(layout: Layout) -> None:
    """Processes and groups of another one would be taken for a leak, or swept away."""
    mine, hierarchy = _hierarchy() / "slipway" / "mine", _hierarchy()
    mine.mkdir(parents=True)
    try:
        argv = [str(TESTS / "sandbox"), "sh", "-c", _INSIDE, "sh", str(hierarchy)]
        seen = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60)
    finally:
        mine.rmdir()
    found = seen.stdout.splitlines()
    assert f"{hierarchy}/slipway/other" in found and str(mine) not in found
    assert 3 <= sum(line.startswith("/proc/") for line in found) <= 6
    assert not list(hierarchy.glob("sandbox.*"))


def test_a_registry_with_tls_and_login(
    registries: Callable[..., Registry], busybox_layout: Path
) -> None:
    secured = registries(username="demo", password="s3cret", tls=True)
    target = f"docker://{secured.host}/busybox:1"
    images.skopeo_copy(f"oci:{busybox_layout}:latest", target, "demo:s3cret")
    with pytest.raises(RuntimeError, match=r"unauthorized|authentication required"):
        images.skopeo_copy(f"oci:{busybox_layout}:latest", target, "demo:wrong")


def test_busybox_is_the_same_bytes_each_time(busybox_tar: Path, tmp_path: Path) -> None:
    assert images.busybox_tar(tmp_path / "again.tar").read_bytes() == busybox_tar.read_bytes()
