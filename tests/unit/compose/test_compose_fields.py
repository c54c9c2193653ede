# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every field of the Compose specification's schema: it is done, has no effect by the specification
or is told to have none, or is refused by its place with a reason. None is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable

import pytest
from support.inputs.compose_fields import FIELDS, REFUSED, VALUES, WARNED, WITHOUT_EFFECT

from ansible_collections.slipway.engine.plugins.module_utils._runtime.compose.base.findings import (
    Findings,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.compose.compiled import (
    Compiled,
    compile_project,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.compose.reading import (
    files,
    project,
)


def service(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"services": {"a": {"image": "i", **given}}}


#: Where fields are: a document with some of them.
PLACES: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "service": service,
    "service.blkio_config": lambda one: service({"blkio_config": one}),
    "service.build": lambda one: service({"build": one}),
    "service.depends_on.b": lambda one: service({"depends_on": {"b": one}}),
    "service.deploy": lambda one: service({"deploy": one}),
    "service.deploy.resources.limits": lambda one: service(
        {"deploy": {"resources": {"limits": one}}}
    ),
    "service.deploy.resources.reservations": lambda one: service(
        {"deploy": {"resources": {"reservations": one}}}
    ),
    "service.deploy.restart_policy": lambda one: service(
        {"deploy": {"restart_policy": {"condition": "on-failure", **one} if one else {}}}
    ),
    "service.deploy.update_config": lambda one: service({"deploy": {"update_config": one}}),
    "service.healthcheck": lambda one: service({"healthcheck": {"test": "y", **one}}),
    "service.logging": lambda one: service({"logging": one}),
    "service.networks.n": lambda one: service({"networks": {"m": {}, "n": one}}),
    "service.configs[]": lambda one: service({"configs": [{"source": "t", **one}]}),
    "service.devices[]": lambda one: service({"devices": [{"source": "/dev/x", **one}]}),
    "service.env_file[]": lambda one: service({"env_file": [{"path": "x.env", **one}]}),
    "service.ports[]": lambda one: service({"ports": [{"target": 80, **one}]}),
    "service.secrets[]": lambda one: service({"secrets": [{"source": "s", **one}]}),
    "service.volumes[]": lambda one: service({"volumes": [_mount(one)]}),
    "service.volumes[].bind": lambda one: service({"volumes": [_mount({"bind": one})]}),
    "service.volumes[].image": lambda one: service({"volumes": [_mount({"image": one})]}),
    "service.volumes[].tmpfs": lambda one: service({"volumes": [_mount({"tmpfs": one})]}),
    "service.volumes[].volume": lambda one: service({"volumes": [_mount({"volume": one})]}),
    "network": lambda one: {"networks": {"n": one}, **service({"networks": ["n"]})},
    "network.ipam": lambda one: {"networks": {"n": {"ipam": one}}, **service({"networks": ["n"]})},
    "network.ipam.config[]": lambda one: {
        "networks": {"n": {"ipam": {"config": [one]}}},
        **service({"networks": ["n"]}),
    },
    "volume": lambda one: {"volumes": {"v": one}, **service({"volumes": ["v:/v"]})},
    "secret": lambda one: {"secrets": {"s": _source(one)}, **service({"secrets": ["s"]})},
    "config": lambda one: {"configs": {"t": _source(one)}, **service({"configs": ["t"]})},
    "": lambda one: {**service({}), **one},
}


def _mount(given: Mapping[str, Any]) -> dict[str, Any]:
    """A mount of the kind that the field is of."""
    kind = next((one for one in ("bind", "image", "tmpfs") if one in given), "volume")
    source = {} if kind == "tmpfs" or given.get("type") == "tmpfs" else {"source": "v"}
    return {"type": kind, "target": "/x", **source, **given}


def _source(given: Mapping[str, Any]) -> dict[str, Any]:
    own = {"file", "environment", "content"} & set(given)
    return dict(given) if own else {"content": "x", **given}


def compiled(directory: Path, given: Mapping[str, Any]) -> tuple[Compiled, Findings]:
    around: dict[str, Any] = {
        "networks": {"n": None, "m": None},
        "volumes": {"v": None, "w": None},
        "secrets": {"s": {"content": "x"}, "e": {"content": "y"}},
        "configs": {"t": {"content": "x"}, "c": {"content": "y"}},
    }
    for kind, named in around.items():
        around[kind] = {**named, **given.get(kind, {})}
    services = {"b": {"image": "i"}, "d": {"image": "i", "user": "x"}, **given["services"]}
    definition = {**given, **around, "services": services}
    findings = Findings()
    asked = files.Asked(directory=str(directory), definition=definition, around={"TOKEN": "z"})
    found = project.project(files.read(asked, findings), asked, findings)
    return compile_project(found, findings), findings


def test_every_place_has_a_value_for_each_field() -> None:
    assert {place: " ".join(sorted(given)) for place, given in VALUES.items()} == {
        place: " ".join(sorted(given.split())) for place, given in FIELDS.items()
    }
    assert set(PLACES) == set(FIELDS)


@pytest.mark.parametrize(
    ("place", "field"),
    [(place, field) for place, listed in FIELDS.items() for field in listed.split()],
)
def test_a_field(tmp_path: Path, place: str, field: str) -> None:
    (tmp_path / "x.env").write_text("Q='1'")
    (tmp_path / "y.env").write_text("Q=2")
    (tmp_path / "other.yaml").write_text("services: {c: {image: k}}")
    where = f"{place}.{field}" if place else field
    without, dummy = compiled(tmp_path, PLACES[place]({}))
    found, findings = compiled(tmp_path, PLACES[place]({field: VALUES[place][field]}))
    said = [*findings.left_out, *findings.mistakes]
    if where in REFUSED:
        assert len(said) == 1 and REFUSED[where] in said[0], said
        assert field in said[0].partition(": ")[0]
        return
    assert said == []
    if where in WARNED:
        assert any(field in one.partition(": ")[0] for one in findings.warnings)
        return
    assert not any("no effect" in one or "left out" in one for one in findings.warnings)
    same = (without.containers, without.images, without.networks, without.volumes) == (
        found.containers, found.images, found.networks, found.volumes
    )  # fmt: skip
    assert same is (where in WITHOUT_EFFECT)
