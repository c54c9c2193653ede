# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an older release wrote is read, and a newer library alone recreates nothing.

tests/records/VERSION.json holds the records that release left on a host, and the options of the
tasks that made its containers. Such a file is never edited: a new field of a record has a default
that means what was so before.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support import CHECKOUT

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import document
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.version import VERSION
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    catalogue,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    network_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    declare,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.volume import (
    store as volume_store,
)

RECORDS = CHECKOUT / "tests" / "records"
RELEASES = sorted(path.stem for path in RECORDS.glob("*.json"))


def put(directory: Path, name: str, value: Any) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.json").write_text(json.dumps(value))


@pytest.fixture(params=RELEASES)
def kept(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What one release left: its records by kind and name, and its tasks."""
    found: dict[str, Any] = json.loads((RECORDS / f"{request.param}.json").read_text())
    return found


@pytest.fixture
def host(tmp_path: Path, kept: dict[str, Any]) -> Layout:
    """A host with these records."""
    layout = Layout(tmp_path / "lib", tmp_path / "run", tmp_path / "etc")
    for container_id, values in kept["containers"].items():
        for name, value in values.items():
            put(layout.container(container_id), name, value)
    for network_id, value in kept["networks"].items():
        put(layout.network(network_id), "network", value)
    for name, value in kept["volumes"].items():
        put(layout.volume(name), "volume", value)
    return layout


def test_there_are_records_of_this_release() -> None:
    """A release is not made without them, so the next one is held to them."""
    assert VERSION in RELEASES


def test_the_task_that_made_a_container_changes_nothing(host: Layout, kept: dict[str, Any]) -> None:
    assert kept["containers"]
    for container_id, values in kept["containers"].items():
        have = container_record.read_spec(host, container_id)
        params = {**catalogue.defaults(), "name": have.name, **kept["tasks"][have.name]}
        want = declare.resolve(declare.declare(params), have.image, have.image_id, have)
        assert declare.differing(have, want) == []
        assert declare.shown(have) == declare.shown(want)
        assert container_record.read_record(host, container_id).name == values["record"]["name"]
        assert container_record.read_image(host, container_id).cmd == tuple(values["image"]["cmd"])


def test_networks_and_volumes_are_what_they_were(host: Layout, kept: dict[str, Any]) -> None:
    assert kept["networks"] and kept["volumes"]
    for network_id, value in kept["networks"].items():
        found = document.to_json(network_record.read(host, network_id))
        assert {key: found[key] for key in value if key != "spec"} == {
            key: item for key, item in value.items() if key != "spec"
        }
        assert {key: found["spec"][key] for key in value["spec"]} == value["spec"]
    for name, value in kept["volumes"].items():
        volume = document.to_json(volume_store.find(host, name))
        assert {key: volume[key] for key in value} == value
