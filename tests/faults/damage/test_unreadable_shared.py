# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network or a volume whose record cannot be read is removed by who wants it absent (R11)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support import audit as leaks
from support.containers import World
from support.converging import check
from support.declaring import acting, task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Conflict,
    Error,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import linux
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.link import probe
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    network_record,
    running,
)

from .. import state, tasks
from ..scene import perform
from .suffering import Damaged, cut, predicted, ran, zeros

NO_LAN = tasks.network("lan", state="absent", force=True)
NO_DATA = tasks.volume("data", state="absent")


@pytest.fixture
def host(world: World, tmp_path: Path) -> Damaged:
    return Damaged(world, tmp_path)


@pytest.mark.parametrize("how", [cut, zeros])
def test_a_network_goes(host: Damaged, how: Callable[[Path], None]) -> None:
    found = host.current()
    bridge = found.attachments[0].bridge
    how(host.network / "network.json")
    assert "not valid JSON" in str(ran(host.layout, host.play())[1])
    with pytest.raises(Conflict, match="the running containers web are connected to it"):
        perform(host.layout, tasks.network("lan", state="absent"), [])
    assert check(host.layout, NO_LAN, {}).actions == (
        "replace the damaged record of network lan",
        "disconnect container web from network lan",
        "remove network lan",
    )
    assert probe.exists(bridge) and not (host.network / "network.json").read_bytes().endswith(
        b"}\n"
    )
    warned: list[str] = []
    assert perform(host.layout, NO_LAN, warned)
    assert any("its record cannot be read" in line for line in warned)
    assert not probe.exists(bridge) and not host.network.exists()
    assert running.is_running(found) and running.is_running(host.spared)
    assert not perform(host.layout, NO_LAN)
    assert predicted(host.layout, host.play()) == ([True, False, True], None)
    assert ran(host.layout, host.play()) == ([True, False, True], None)
    assert ran(host.layout, host.play()) == ([False, False, False], None)
    assert state.litter(host.layout) == state.damaged(host.layout) == []
    host.end()
    assert leaks.snapshot(host.layout.root)["lease"] == frozenset()


def test_a_network_with_a_bridge_of_its_own_name_goes_at_the_prompt(host: Damaged) -> None:
    options = {"com.docker.network.bridge.name": "own0"}
    for one in (
        tasks.network("own", driver_options=options),
        task("on-it", networks=[{"name": "own"}], networks_cli_compatible=True),
        acting("on-it", state="stopped"),
    ):
        perform(host.layout, one)
    network = host.current("on-it").attachments[0].network_id
    zeros(host.layout.network(network) / "network.json")
    refused = host.world.slipway("network", "rm", "own", check=False)
    assert refused.returncode and b"network.json" in refused.stderr
    assert probe.exists("own0")
    # By its ID too: the container on it knows its name.
    host.world.slipway("network", "rm", "--force", network[:12])
    assert not probe.exists("own0") and not host.layout.network(network).exists()
    perform(host.layout, acting("on-it", state="absent"))
    host.end()


def test_networks_that_are_damaged_together_go_one_after_the_other(host: Damaged) -> None:
    for name in ("one", "two"):
        perform(host.layout, tasks.network(name))
    for name in ("one", "two"):
        cut(host.layout.networks / network_record.network_id(name) / "network.json")
    # What is a function of all records cannot follow before the other one is gone, too.
    with pytest.raises(Error, match=network_record.network_id("two")):
        perform(host.layout, tasks.network("one", state="absent"), [])
    assert not host.layout.network(network_record.network_id("one")).exists()
    assert perform(host.layout, tasks.network("two", state="absent"), [])
    assert ran(host.layout, [*host.play(), *host.bystanders()]) == ([False] * 6, None)
    host.end()


@pytest.mark.parametrize("how", [cut, zeros])
def test_a_volume_goes(host: Damaged, how: Callable[[Path], None]) -> None:
    volume = host.layout.volume("data")
    how(volume / "volume.json")
    with pytest.raises(Conflict, match="in use by container web"):
        perform(host.layout, NO_DATA, [])
    perform(host.layout, acting("web", state="absent"))
    for refused in (
        ran(host.layout, [tasks.volume("data", labels={"a": "1"})]),
        ran(host.layout, [tasks.volume("data", recreate="always")]),
        ran(host.layout, [tasks.prune(volumes=True, volumes_filters={"all": True})]),
    ):
        assert "volume.json" in str(refused[1])
    assert host.world.slipway("volume", "rm", "data", check=False).returncode
    assert check(host.layout, NO_DATA, {}).actions == (
        "remove volume data, whose record is damaged",
    )
    assert (volume / "_data" / "index.html").exists()
    warned: list[str] = []
    assert perform(host.layout, NO_DATA, warned)
    assert any("its record cannot be read" in line for line in warned)
    assert not volume.exists()
    assert not perform(host.layout, NO_DATA)
    assert ran(host.layout, host.play()) == ([False, True, True], None)
    assert state.litter(host.layout) == []
    host.end()


def test_what_its_options_mounted_stays(host: Damaged, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "kept").write_text("mine")
    options = {"type": "none", "o": "bind", "device": str(mine)}
    for one in (
        tasks.volume("bound", driver_options=options),
        task("on-it", volumes=["bound:/mine"], network_mode="none"),
    ):
        perform(host.layout, one)
    zeros(host.layout.volume("bound") / "volume.json")
    perform(host.layout, acting("on-it", state="absent"))
    host.world.slipway("volume", "rm", "--force", "bound")
    assert not host.layout.volume("bound").exists()
    assert (mine / "kept").read_text() == "mine"
    # As where a container was killed that had it mounted.
    perform(host.layout, tasks.volume("bound", driver_options=options))
    data = host.layout.volume("bound") / "_data"
    linux.mount(str(mine), data, None, linux.MS_BIND)
    zeros(data.parent / "volume.json")
    assert perform(host.layout, tasks.volume("bound", state="absent"), [])
    assert (mine / "kept").read_text() == "mine"
    host.end()
