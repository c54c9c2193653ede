# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SELinux and AppArmor: what a host enforces, and what the OCI runtime is told of it.

No kernel here enforces either, so what is looked at is config.json: the runtimes write its labels
to the kernel as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    config as bundle,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    labels,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    place as bundle_place,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.root import (
    confinement,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
    ImageDefaults,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.user import User

PROCESS = "system_u:system_r:container_t:s0"
FILE = "system_u:object_r:container_file_t:s0"
BOTH = labels.Enforced(PROCESS, FILE, confinement.PROFILE)
ID = "a" * 64


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "lib", tmp_path / "run", tmp_path / "etc")


def _spec(*opts: str, **options: Any) -> ContainerSpec:
    given = {"command": ("true",), "security_opts": opts, **options}
    return ContainerSpec("web", "busybox", "", **given)


def _config(spec: ContainerSpec, enforced: labels.Enforced = BOTH) -> dict[str, Any]:
    place = bundle_place.Place(ID, "/r", "h", User(), (), "/x", machine="x86_64", enforced=enforced)
    return bundle.config(spec, ImageDefaults(), place)


def _told(config: dict[str, Any]) -> tuple[Any, Any, Any]:
    own = config["process"]
    return own.get("selinuxLabel"), config["linux"].get("mountLabel"), own.get("apparmorProfile")


def test_a_container_is_labelled_by_the_policy_of_the_host() -> None:
    pair = ",".join(labels.categories(ID))
    told = _told(_config(_spec()))
    assert told == (f"{PROCESS}:{pair}", f"{FILE}:{pair}", "slipway-container")
    assert _told(_config(_spec(), labels.Enforced())) == (None, None, None)


def test_categories_are_two_and_the_containers_own() -> None:
    pairs = {labels.categories(f"{number:064x}") for number in range(2000)}
    assert len(pairs) > 1990
    for low, high in pairs:
        assert 0 <= int(low[1:]) < int(high[1:]) < 1024


@pytest.mark.parametrize(
    ("opts", "options", "expected"),
    [
        (["label=disable"], {}, (None, None, "slipway-container")),
        (
            ["label=type:spc_t", "label=level:s0:c1,c2"],
            {},
            (
                "system_u:system_r:spc_t:s0:c1,c2",
                "system_u:object_r:container_file_t:s0:c1,c2",
                "slipway-container",
            ),
        ),
        (["apparmor=unconfined", "label=disable"], {}, (None, None, "unconfined")),
        (["apparmor=mine", "label=disable"], {}, (None, None, "mine")),
        ([], {"privileged": True}, (None, None, "unconfined")),
        ([], {"pid_mode": "host"}, (None, None, "slipway-container")),
        ([], {"ipc_mode": "host"}, (None, None, "slipway-container")),
    ],
)
def test_labels_are_changed_as_docker_changes_them(
    opts: list[str], options: dict[str, Any], expected: tuple[Any, Any, Any]
) -> None:
    assert _told(_config(_spec(*opts, **options))) == expected


def test_parts_of_a_label() -> None:
    made = labels.labels(
        _spec("label=user:me_u", "label=role:me_r", "label=filetype:my_file_t"), ID, BOTH
    )
    assert made.process.startswith("me_u:me_r:container_t:s0:c")
    assert made.mount.startswith("system_u:object_r:my_file_t:s0:c")


def test_other_rights() -> None:
    config = _config(_spec("no-new-privileges=true", "systempaths=unconfined"))
    assert config["process"]["noNewPrivileges"] is True
    assert not {"maskedPaths", "readonlyPaths"} & set(config["linux"])
    assert "seccomp" in config["linux"]
    assert "seccomp" not in _config(_spec("seccomp=unconfined"))["linux"]
    own = 'seccomp={"defaultAction":"SCMP_ACT_LOG"}'
    for privileged in (False, True):
        found = _config(_spec(own, privileged=privileged))["linux"]["seccomp"]
        assert found["defaultAction"] == "SCMP_ACT_LOG"


def _host(root: Path, **contents: str) -> Path:
    for name, content in contents.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def _selinux(root: Path, contexts: str) -> Path:
    (root / "etc/selinux/mls/contexts").mkdir(parents=True)
    (root / "etc/selinux/mls/contexts/lxc_contexts").write_text(contexts)
    _host(root, sys__fs__selinux__enforce="1", etc__selinux__config="# x\nSELINUXTYPE=mls\n")
    return root


def test_the_policy_is_found_where_the_host_has_it(layout: Layout, tmp_path: Path) -> None:
    assert confinement.enforced(layout, _spec(), tmp_path) == labels.Enforced()
    root = _selinux(tmp_path, f'process = "{PROCESS}"\nfile = "{FILE}"\nro_file="x"\n')
    assert confinement.enforced(layout, _spec(), root) == labels.Enforced(PROCESS, FILE)


def test_selinux_without_a_policy_for_containers_is_said(layout: Layout, tmp_path: Path) -> None:
    root = _selinux(tmp_path, "content = nothing\n")
    with pytest.raises(Error, match="no policy for containers") as caught:
        confinement.enforced(layout, _spec(), root)
    for package in ("container-selinux", "selinux-policy-default"):
        assert package in str(caught.value)
    assert confinement.enforced(layout, _spec("label=disable"), root) == labels.Enforced()


def test_the_profile_that_is_loaded_is_used(layout: Layout, tmp_path: Path) -> None:
    root = _host(
        tmp_path,
        sys__module__apparmor__parameters__enabled="Y\n",
        sys__kernel__security__apparmor__profiles="other (enforce)\nslipway-container (enforce)\n",
    )
    assert confinement.enforced(layout, _spec(), root).apparmor == "slipway-container"
    assert confinement.enforced(layout, _spec("apparmor=mine"), root).apparmor == "mine"


def test_a_profile_cannot_be_asked_of_a_host_without_apparmor(
    layout: Layout, tmp_path: Path
) -> None:
    with pytest.raises(Error, match="requires AppArmor"):
        confinement.enforced(layout, _spec("apparmor=mine"), tmp_path)
    confinement.enforced(layout, _spec("apparmor=unconfined"), tmp_path)
