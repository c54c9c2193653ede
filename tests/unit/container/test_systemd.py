# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which container gets what systemd needs, and what that is: tables."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    mounts as bundle_mounts,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    place as bundle_place,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    process,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    consistency,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    process as options,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option.form import (
    mount_forms,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.root import (
    host_support,
    systemd,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import safefs
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    effective,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
    ImageDefaults,
    Mount,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.user import User

INIT = ImageDefaults(cmd=("/sbin/init",))
RECORD = container_record.Record("a1" * 32, "web", "", ())
CGROUPS = Mount("bind", "/sys/fs/cgroup", "/sys/fs/cgroup")


def _spec(**given: Any) -> ContainerSpec:
    return ContainerSpec("web", "debian", "sha256:0", **given)


@pytest.mark.parametrize(
    ("said", "kept"),
    [("true", ""), ("auto", ""), ("True", ""), ("false", "false"), ("always", "always")],
)
def test_the_words_of_the_option(said: str, kept: str) -> None:
    assert options.systemd(said) == kept


@pytest.mark.parametrize(
    ("spec", "image", "wanted"),
    [
        (_spec(), INIT, True),
        (_spec(), ImageDefaults(cmd=("/lib/systemd/systemd",)), True),
        (_spec(), ImageDefaults(entrypoint=("/usr/sbin/init",)), True),
        (_spec(command=("/usr/local/sbin/init", "--unit=x")), ImageDefaults(), True),
        (_spec(command=("/init",)), INIT, False),
        (_spec(command=("sh", "-c", "exec /sbin/init")), INIT, False),
        (_spec(), ImageDefaults(), False),
        (_spec(systemd="false"), INIT, False),
        (_spec(init=True), INIT, False),
        (_spec(pid_mode="host"), INIT, False),
        (_spec(systemd="always", command=("/start",)), ImageDefaults(), True),
    ],
)
def test_what_may_be_systemd(spec: ContainerSpec, image: ImageDefaults, wanted: bool) -> None:
    assert systemd.may_be_wanted(spec, image) is wanted


def test_its_file_says_whether_it_is(tmp_path: Path) -> None:
    for name in ("sbin", "lib/systemd", "bin"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("lib/systemd/systemd", "bin/busybox"):
        (tmp_path / name).touch()
    spec = _spec(command=("/sbin/init",))
    with safefs.Root(tmp_path) as root:
        assert not systemd.is_systemd(root, spec, INIT), "there is no such file"
        for target, expected in (
            ("/lib/systemd/systemd", True),
            ("../lib/systemd/systemd", True),
            ("/bin/busybox", False),
            ("/sbin/init", False),
        ):
            (tmp_path / "sbin/init").unlink(missing_ok=True)
            (tmp_path / "sbin/init").symlink_to(target)
            assert systemd.is_systemd(root, spec, INIT) is expected, target


def test_where_its_memory_is_mounted(tmp_path: Path) -> None:
    for name, mode in (("run", 0o755), ("tmp", 0o1777)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
    with safefs.Root(tmp_path) as root:
        made = {mount.target: mount.options for mount in systemd.mounts(root, ())}
        assert made["/run"][:2] == ("exec", "mode=755") and "tmpcopyup" in made["/run"]
        assert made["/tmp"][:2] == ("exec", "mode=1777")
        assert made["/run/lock"] == ("exec", "mode=755"), "the image has none"
        assert "/var/log/journal" not in made, "where there is none, nothing is made"
        assert [m.target for m in systemd.mounts(root, {"/run", "/tmp"})] == ["/run/lock"]


def test_what_it_is_told_and_may_be_told_otherwise() -> None:
    assert systemd.environment(RECORD) == {}
    told = systemd.environment(dataclasses.replace(RECORD, systemd=True))
    assert told == {"container": "slipway", "container_uuid": "a1" * 16}
    image = ImageDefaults(env={"container": "docker"})
    found = process.environment(_spec(), image, User(), engine=told)
    assert (found["container"], found["container_uuid"]) == ("docker", "a1" * 16)


@pytest.mark.parametrize(
    ("spec", "image", "runs_systemd", "signal"),
    [
        (_spec(), ImageDefaults(), False, ""),
        (_spec(), ImageDefaults(), True, "SIGRTMIN+3"),
        (_spec(), ImageDefaults(stop_signal="SIGINT"), True, "SIGINT"),
        (_spec(stop_signal="SIGKILL"), ImageDefaults(stop_signal="SIGINT"), True, "SIGKILL"),
    ],
)
def test_what_asks_it_to_end(
    spec: ContainerSpec, image: ImageDefaults, runs_systemd: bool, signal: str
) -> None:
    record = dataclasses.replace(RECORD, systemd=runs_systemd)
    assert effective.stop_signal(spec, record, image) == signal


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("volumes", "/sys/fs/cgroup:/sys/fs/cgroup"),
        ("volumes", "/sys/fs/cgroup/:/sys/fs/cgroup:rw"),
        ("mounts", {"type": "bind", "source": "/sys/fs/cgroup", "target": "/sys/fs/cgroup/"}),
    ],
)
def test_the_volume_of_older_playbooks_mounts_nothing(option: str, given: Any) -> None:
    read = {"volumes": mount_forms.of_volumes, "mounts": mount_forms.of_mounts}[option]
    (mount,) = read([given])
    spec = _spec(mounts=(mount,))
    assert effective.mounts(spec, RECORD, ImageDefaults()) == ()
    assert effective.writes_cgroups(spec, RECORD), "it makes its own control groups writable"


def test_who_writes_control_groups() -> None:
    assert not effective.writes_cgroups(_spec(), RECORD)
    assert effective.writes_cgroups(_spec(), dataclasses.replace(RECORD, systemd=True))
    read_only = dataclasses.replace(CGROUPS, read_only=True)
    assert not effective.writes_cgroups(_spec(mounts=(read_only,)), RECORD)


def test_who_writes_control_groups_sees_its_own_as_the_root(tmp_path: Path) -> None:
    """With the host's namespace it would write those of the host."""
    layout = Layout(tmp_path / "lib", tmp_path / "run", tmp_path / "etc")
    for mode in ("", "private", "host"):
        spec = _spec(cgroupns_mode=mode)
        for unified in (True, False):
            assert host_support.shared(layout, "x", spec, unified, True).cgroup == ""
    assert host_support.shared(layout, "x", _spec(cgroupns_mode="host"), True).cgroup == "host"


def test_a_volume_of_an_image_for_systemd_is_none() -> None:
    image = ImageDefaults(volumes=("/sys/fs/cgroup/", "/data"))
    assert effective.anonymous_targets(_spec(), image) == ("/data",)


@pytest.mark.parametrize(
    ("cgroups", "privileged", "options"),
    [("ro", False, {"ro"}), ("rw", False, set()), ("ro", True, set()), ("", False, None)],
)
def test_how_control_groups_are_mounted(cgroups: str, privileged: bool, options: Any) -> None:
    place = bundle_place.Place("x", "/r", "h", User(), (), "/slipway/x", cgroups=cgroups)
    found = {
        mount["destination"]: {*mount["options"]} & {"ro"}
        for mount in bundle_mounts.mounts(_spec(privileged=privileged), place)
    }
    assert found.get("/sys/fs/cgroup") == options


@pytest.mark.parametrize("given", [{"init": True}, {"pid_mode": "host"}])
def test_it_has_to_be_the_first_process(given: Any) -> None:
    with pytest.raises(Error, match="systemd: always cannot be combined with"):
        consistency.check(_spec(systemd="always", **given))
