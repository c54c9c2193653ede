# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers without images or networks: a root of busybox, conmon and a real OCI runtime."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Callable, Optional

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    config,
    process,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    place as bundle_place,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    cgroup_layout,
    conmon,
    conmon_files,
    oci_runtime,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
    ImageDefaults,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.user import User


@contextlib.contextmanager
def serving(name: str) -> Iterator[None]:
    """A host that an OCI runtime serves: crun refuses controllers on a hybrid's v2 side."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    controllers = Path("/sys/fs/cgroup/unified/cgroup.controllers")
    hidden = bool(oci_runtime.refusal(name, cgroup_layout.read()))
    if hidden:
        subprocess.run(["mount", "--bind", "/dev/null", str(controllers)], check=True)
    try:
        yield
    finally:
        if hidden:
            subprocess.run(["umount", str(controllers)], check=True)


class Running:
    """One container of a test. Owns its root, its monitor and its record at the runtime."""

    def __init__(self, layout: Layout, runtime: oci_runtime.Runtime, tar: Path) -> None:
        self.layout = layout
        self.runtime = runtime
        self.id = secrets.token_hex(32)
        self.bundle = layout.run_container(self.id)
        self.rootfs = self.bundle / "rootfs"
        self.rootfs.mkdir(parents=True)
        self.log = layout.tmp / f"{self.id}.log"
        self.hook = self.bundle / "hook"
        self.generation = 0
        subprocess.run(["tar", "-xf", str(tar), "-C", str(self.rootfs)], check=True)

    def launch(
        self,
        *command: str,
        spec: Optional[ContainerSpec] = None,
        user: Optional[User] = None,
        change: Optional[Callable[[dict[str, Any]], object]] = None,
        **place: Any,
    ) -> conmon.Launched:
        """Write the bundle, changed by ``change`` where it shall be wrong, and launch conmon."""
        self.spec = spec or ContainerSpec("web", "busybox", "")
        self.spec = dataclasses.replace(self.spec, command=command)
        self.place = bundle_place.Place(
            id=self.id,
            rootfs=str(self.rootfs),
            hostname="web",
            user=user or User(additional_gids=(0,)),
            mounts=(),
            cgroups_path=cgroup_layout.path(self.id),
            shared=bundle_place.Shared(cgroup="" if cgroup_layout.is_v2() else "host"),
        )
        self.place = dataclasses.replace(self.place, **place)
        value = config.config(self.spec, ImageDefaults(), self.place)
        if change is not None:
            change(value)
        config.write(self.bundle, value)
        self.generation += 1
        script = 'echo "$@" >> "$0"; ls -l /proc/self/fd >> "$0.fds"'
        return conmon.launch(
            self.layout,
            self.runtime,
            self.id,
            self.generation,
            self.bundle,
            f"k8s-file:{self.log}",
            name="web",
            exit_command=["/bin/sh", "-c", script, str(self.hook), str(self.generation)],
        )

    def start(self, *command: str, **options: Any) -> int:
        """Launch and start; the pid of the container's process."""
        self.launched = self.launch(*command, **options)
        self.pid = self.launched.wait(20)
        oci_runtime.start(self.runtime, self.id)
        return self.pid

    def ended(self, timeout_s: float = 60.0) -> conmon_files.Exit:
        """Wait for the exit, and for the hook that follows it."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            found = conmon_files.read_exit(self.layout, self.id, self.generation)
            if found is not None and not conmon_files.alive(self.layout, self.id):
                return found
            time.sleep(0.005)
        raise AssertionError("the container did not end")

    def run(self, *command: str, **options: Any) -> str:
        """Run a command to its end and return what it wrote to either stream."""
        self.log.unlink(missing_ok=True)
        self.start(*command, **options)
        self.ended()
        oci_runtime.delete(self.runtime, self.id)
        return self.output()

    def shell(self, script: str, **options: Any) -> str:
        return self.run("/bin/sh", "-c", script, **options)

    def output(self) -> str:
        with open(self.log, "rb") as log:
            return b"".join(entry.data for entry in conmon_files.parse_log(log)).decode()

    def hooks(self) -> Sequence[str]:
        """The generations whose exit hook ran."""
        return self.hook.read_text().split() if self.hook.exists() else []

    def process(self, *args: str, user: Optional[User] = None, **options: Any) -> dict[str, Any]:
        """The process object of an exec."""
        return process.process(
            self.spec, ImageDefaults(), user or User(), args=args, host=self.place.capabilities,
            **options,
        )  # fmt: skip

    def remove(self) -> None:
        try:
            monitor = int((self.bundle / "conmon.pid").read_text())
        except FileNotFoundError:
            monitor = 0
        oci_runtime.delete(self.runtime, self.id, force=True)
        deadline = time.monotonic() + 30
        while monitor and conmon_files.alive(self.layout, self.id) and time.monotonic() < deadline:
            time.sleep(0.005)
        if monitor and conmon_files.alive(self.layout, self.id):
            os.kill(monitor, signal.SIGKILL)
        self.log.unlink(missing_ok=True)
