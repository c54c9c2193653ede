# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""config.json as a function of the spec, the image and the place."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    capabilities as caps,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    config as bundle,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    place as bundle_place,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    process as processes,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
    ImageDefaults,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.user import User

ROOT = User(0, 0, (0,), "/root", "root")
WWW = User(33, 33, (4, 33), "/srv", "www-data")


def _spec(**options: Any) -> ContainerSpec:
    return ContainerSpec("web", "busybox", "sha256:0", **{"command": ("true",), **options})


def _place(**options: Any) -> bundle_place.Place:
    defaults = {"user": ROOT, "mounts": (), "cgroups_path": "/slipway/x", "machine": "x86_64"}
    return bundle_place.Place(id="x", rootfs="/r", hostname="h", **{**defaults, **options})


def _config(
    spec: Optional[ContainerSpec] = None, image: Optional[ImageDefaults] = None, **place: Any
) -> dict[str, Any]:
    return bundle.config(spec or _spec(), image or ImageDefaults(), _place(**place))


def _names(config: dict[str, Any], kind: str) -> set[str]:
    return set(config["process"]["capabilities"][kind])


def test_the_usual_container() -> None:
    config = _config()
    assert config["ociVersion"] == "1.0.2"
    assert config["root"] == {"path": "/r", "readonly": False}
    assert config["hostname"] == "h"
    assert config["annotations"] == {"slipway.engine.id": "x"}
    process = config["process"]
    assert (process["args"], process["cwd"], process["terminal"]) == (["true"], "/", False)
    assert process["env"] == [f"PATH={processes.PATH}", "HOSTNAME=h", "HOME=/root"]
    assert process["noNewPrivileges"] is False
    assert "rlimits" not in process and "oomScoreAdj" not in process
    for kind in ("bounding", "effective", "permitted"):
        assert _names(config, kind) == caps.DEFAULT_CAPABILITIES
    assert len(caps.DEFAULT_CAPABILITIES) == 14
    assert set(config["linux"]["maskedPaths"]) >= {"/proc/kcore", "/proc/keys", "/sys/firmware"}
    assert "/proc/sys" in config["linux"]["readonlyPaths"]
    assert config["linux"]["seccomp"]["defaultAction"] == "SCMP_ACT_ERRNO"
    assert config["linux"]["resources"]["devices"][0] == {"allow": False, "access": "rwm"}
    assert "pids" not in config["linux"]["resources"]
    assert config["linux"]["cgroupsPath"] == "/slipway/x"
    targets = [mount["destination"] for mount in config["mounts"]]
    assert targets == [
        "/proc",
        "/dev",
        "/dev/pts",
        "/sys",
        "/sys/fs/cgroup",
        "/dev/mqueue",
        "/dev/shm",
    ]


def test_no_capability_is_ever_inherited() -> None:
    spec = _spec(cap_add=("ALL",), privileged=True)
    for user in (ROOT, WWW):
        for process in (
            _config(spec, user=user)["process"],
            processes.process(spec, ImageDefaults(), user, args=["id"]),
        ):
            assert process["capabilities"]["inheritable"] == []
            assert process["capabilities"]["ambient"] == []


def test_a_user_other_than_root_begins_with_no_capability_in_effect() -> None:
    config = _config(_spec(cap_add=("CAP_NET_ADMIN",)), user=WWW)
    assert _names(config, "effective") == _names(config, "permitted") == set()
    assert "CAP_NET_ADMIN" in _names(config, "bounding")
    assert config["process"]["user"] == {
        "uid": 33,
        "gid": 33,
        "additionalGids": [4, 33],
        "umask": 0o022,
    }


@pytest.mark.parametrize(
    ("added", "dropped", "expected"),
    [
        ((), (), caps.DEFAULT_CAPABILITIES),
        (("CAP_NET_ADMIN",), (), caps.DEFAULT_CAPABILITIES | {"CAP_NET_ADMIN"}),
        ((), ("CAP_MKNOD",), caps.DEFAULT_CAPABILITIES - {"CAP_MKNOD"}),
        ((), ("ALL",), frozenset()),
        (("CAP_CHOWN",), ("ALL",), frozenset({"CAP_CHOWN"})),
        (("ALL",), (), frozenset(caps.CAPABILITIES)),
        (("ALL",), ("CAP_SYS_ADMIN",), frozenset(caps.CAPABILITIES) - {"CAP_SYS_ADMIN"}),
    ],
)
def test_capabilities_added_and_dropped(
    added: tuple[str, ...], dropped: tuple[str, ...], expected: frozenset[str]
) -> None:
    spec = _spec(cap_add=added, cap_drop=dropped)
    assert caps.capabilities(spec) == expected
    assert _names(_config(spec), "bounding") == expected


def test_a_host_gives_what_it_has() -> None:
    host = tuple(name for name in caps.CAPABILITIES if name != "CAP_SYS_RESOURCE")
    assert "CAP_SYS_RESOURCE" not in caps.capabilities(_spec(privileged=True), host)
    assert "CAP_SYS_RESOURCE" not in caps.capabilities(_spec(cap_add=("ALL",)), host)
    with pytest.raises(Error, match="cannot grant CAP_SYS_RESOURCE"):
        caps.capabilities(_spec(cap_add=("CAP_SYS_RESOURCE",)), host)
    with pytest.raises(Error, match="CAP_NONE is not a Linux capability"):
        caps.capabilities(_spec(cap_drop=("CAP_NONE",)))


def test_privileged_takes_the_fences_away() -> None:
    config = _config(
        _spec(privileged=True), devices=(bundle_place.Device("/dev/x", "c", 1, 2, 0o660),)
    )
    assert _names(config, "effective") == set(caps.CAPABILITIES)
    assert not {"maskedPaths", "readonlyPaths", "seccomp"} & set(config["linux"])
    assert config["linux"]["resources"]["devices"] == [{"allow": True, "access": "rwm"}]
    assert config["linux"]["devices"][0]["path"] == "/dev/x"
    writable = {m["destination"] for m in config["mounts"] if "ro" not in m["options"]}
    assert {"/sys", "/sys/fs/cgroup"} <= writable
    assert {"/sys", "/sys/fs/cgroup"}.isdisjoint(
        m["destination"] for m in _config()["mounts"] if "ro" not in m["options"]
    )


@pytest.mark.parametrize(
    ("shared", "expected"),
    [
        (bundle_place.Shared(), {"network": None}),
        (bundle_place.Shared(cgroup=""), {"cgroup": None, "network": None}),
        (bundle_place.Shared(network="host"), {}),
        (bundle_place.Shared(network="/proc/7/ns/net"), {"network": "/proc/7/ns/net"}),
    ],
)
def test_namespaces(shared: bundle_place.Shared, expected: dict[str, Optional[str]]) -> None:
    config = _config(shared=shared)
    found = {item["type"]: item.get("path") for item in config["linux"]["namespaces"]}
    always = dict.fromkeys(("pid", "ipc", "uts", "mount"))
    assert found == {**always, **expected}
    # Sysctls of the network may only be set in a namespace of its own: never somebody else's.
    assert ("sysctl" in config["linux"]) is (not shared.network)


@pytest.mark.parametrize("kind", ["pid", "ipc", "uts"])
def test_namespaces_of_others(kind: str) -> None:
    for where in ("host", "/proc/7/ns/x"):
        config = _config(shared=bundle_place.Shared(**{kind: where}))
        found = [item for item in config["linux"]["namespaces"] if item["type"] == kind]
        assert found == ([] if where == "host" else [{"type": kind, "path": where}])
    assert "hostname" not in _config(shared=bundle_place.Shared(uts="host")), (
        "it would rename the host"
    )


def test_variables_of_the_container_win_over_those_of_the_image() -> None:
    image = ImageDefaults(env={"PATH": "/image", "A": "image", "B": "image"})
    spec = _spec(env={"A": "spec", "HOME": "/mine"}, tty=True)
    env = dict(item.split("=", 1) for item in _config(spec, image)["process"]["env"])
    assert env == {
        "PATH": "/image",
        "HOSTNAME": "h",
        "TERM": "xterm",
        "A": "spec",
        "B": "image",
        "HOME": "/mine",
    }
    process = processes.process(spec, image, WWW, args=["x"], env={"A": "exec"}, tty=False)
    assert "A=exec" in process["env"] and not process["terminal"]


@pytest.mark.parametrize("env", [{"A=B": "x"}, {"": "x"}, {"A": "x\0y"}, {"A\0": "x"}])
def test_variables_that_cannot_be(env: dict[str, str]) -> None:
    with pytest.raises(Error, match="environment variable"):
        _config(_spec(env=env))


@pytest.mark.parametrize(
    ("own", "image", "expected"),
    [
        (None, "", "/"),
        (None, "/srv", "/srv"),
        ("/a", "/srv", "/a"),
        ("/a/../b//", "", "/b"),
        ("//a", "", "/a"),
    ],
)
def test_working_directory(own: Optional[str], image: str, expected: str) -> None:
    config = _config(_spec(working_dir=own), ImageDefaults(working_dir=image))
    assert config["process"]["cwd"] == expected


@pytest.mark.parametrize(
    "path",
    ["relative", "/proc", "/proc/self/fd/8", "//proc/self/fd/9", "/x/../proc/1", "/a\0b"]
    + [f"/proc/self/fd/{number}" for number in range(3, 21)],
)
def test_a_working_directory_that_leads_to_the_host_is_refused(path: str) -> None:
    """CVE-2024-21626."""
    for spec, image in (
        (_spec(working_dir=path), ImageDefaults()),
        (_spec(), ImageDefaults(working_dir=path)),
    ):
        with pytest.raises(Error, match="container web: the working directory"):
            _config(spec, image)
    with pytest.raises(Error, match="working directory"):
        processes.process(_spec(), ImageDefaults(), ROOT, args=["x"], cwd=path)


@pytest.mark.parametrize("target", ["/proc", "/proc/sys", "/sys", "//proc", "/a/../proc/x", "/"])
def test_nothing_is_mounted_over_what_is_masked(target: str) -> None:
    """CVE-2019-16884."""
    with pytest.raises(Error, match="not allowed as a mount point"):
        _config(mounts=(bundle_place.BindMount("/host", target),))


def test_mounts_follow_in_the_order_of_their_depth() -> None:
    mounts = (
        bundle_place.BindMount("/c", "/a/b/c"),
        bundle_place.BindMount("/a", "/a"),
        bundle_place.BindMount("/d", "/dev/d"),
    )
    own = [mount["destination"] for mount in _config(mounts=mounts)["mounts"][7:]]
    assert own == ["/a", "/dev/d", "/a/b/c"]


def test_the_image_steers_nothing_but_its_process() -> None:
    """CVE-2024-3154, CVE-2026-53488: labels are data."""
    hostile = {"run.oci.handler": "krun", "run.oci.hooks.stdout": "/x", "slipway.engine.id": "y"}
    image = ImageDefaults(labels=hostile, cmd=("true",))
    assert _config(_spec(command=None), image) == _config()


def test_a_container_without_a_command_says_so() -> None:
    with pytest.raises(Error, match="container web: no command specified"):
        _config(_spec(command=None))


def test_the_written_bundle_is_for_root_only(tmp_path: Path) -> None:
    path = bundle.write(tmp_path, _config(_spec(env={"SECRET": "s3cret"})))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == _config(_spec(env={"SECRET": "s3cret"}))
