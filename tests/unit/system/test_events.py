# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two looks at the records tell of the time between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.frozen import replace
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records.container_record import (  # noqa: E501
    Record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records.notes import Note
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import Mount
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.network import (
    Attachment,
    Network,
    NetworkSpec,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.volume import Volume
from ansible_collections.slipway.engine.plugins.module_utils._runtime.system import events
from ansible_collections.slipway.engine.plugins.module_utils._runtime.system.events import (
    Event,
    Look,
    Named,
    Seen,
)

ID = "a" * 64
BLUE = "b" * 64
IMAGE = "sha256:" + "c" * 64
OTHER = "sha256:" + "d" * 64


def at(second: int) -> str:
    return f"2026-01-01T00:00:{second:02d}.000000001Z"


ON_BLUE = Attachment(BLUE, "blue", "sl-b", "v", "eth0", "02:00:00:00:00:01")
MADE = Record(ID, "web", at(1), ())
RUNS = replace(MADE, phase="running", generation=1, started_at=at(2), attachments=(ON_BLUE,))
ENDED = replace(RUNS, phase="exited", finished_at=at(3), exit_code=3, attachments=())
AGAIN = replace(RUNS, generation=2, started_at=at(4), finished_at=at(3))
NETWORK = Network(BLUE, NetworkSpec("blue"), "sl-b", at(1))
VOLUME = Volume("data", at(1))


def seen(record: Record, health: str = "") -> Look:
    about = {"image": "busybox:1", "name": record.name, "tier": "front"}
    return Look(containers={ID: Seen(record, about, health)})


def named(**names: Named) -> Look:
    return Look(images=names, ids=frozenset(one.id for one in names.values()))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (Look(), seen(MADE), ["container create"]),
        (Look(), seen(RUNS), ["container create", "network connect", "container start"]),
        (seen(MADE), seen(RUNS), ["network connect", "container start"]),
        (seen(RUNS), seen(ENDED), ["container die", "network disconnect"]),
        (seen(RUNS), seen(replace(ENDED, oom_killed=True)),
         ["container oom", "container die", "network disconnect"]),
        # A whole run between two looks, and one that followed another.
        (seen(MADE), seen(ENDED),
         ["container start", "container die"]),
        (seen(RUNS), seen(AGAIN),
         ["container die", "network disconnect", "network connect", "container start"]),
        # The record of a run is written before it starts, and the start may fail.
        (seen(MADE), seen(replace(MADE, generation=1, attachments=(ON_BLUE,))), []),
        (seen(replace(MADE, generation=1, attachments=(ON_BLUE,))), seen(RUNS),
         ["network connect", "container start"]),
        (seen(ENDED), seen(replace(ENDED, generation=2, exit_code=127)), []),
        (seen(RUNS), seen(replace(ENDED, phase="removing")),
         ["container die", "network disconnect"]),
        (seen(replace(ENDED, phase="removing")), Look(), ["container destroy"]),
        (seen(RUNS), seen(replace(ENDED, phase="restarting")),
         ["container die", "network disconnect"]),
        (seen(RUNS), seen(replace(RUNS, phase="paused")), ["container pause"]),
        (seen(replace(RUNS, phase="paused")), seen(RUNS), ["container unpause"]),
        (seen(RUNS), seen(replace(RUNS, attachments=())), ["network disconnect"]),
        (seen(replace(RUNS, attachments=())), seen(RUNS), ["network connect"]),
        (seen(RUNS), seen(replace(RUNS, name="shop")), ["container rename"]),
        (seen(RUNS), seen(RUNS, "starting"), []),
        (seen(RUNS, "starting"), seen(RUNS, "healthy"), ["container health_status: healthy"]),
        (seen(RUNS, "healthy"), seen(RUNS, "healthy"), []),
        (seen(ENDED), Look(), ["container destroy"]),
        (seen(RUNS), Look(), ["container die", "network disconnect", "container destroy"]),
        (Look(), Look(networks={BLUE: NETWORK}), ["network create"]),
        (Look(networks={BLUE: NETWORK}), Look(), ["network destroy"]),
        (Look(networks={BLUE: NETWORK}), Look(networks={BLUE: NETWORK}), []),
        (Look(), Look(volumes={"data": VOLUME}), ["volume create"]),
        (Look(volumes={"data": VOLUME}), Look(volumes={"data": replace(VOLUME, created=at(9))}),
         ["volume create", "volume destroy"]),
        (Look(), named(web=Named(IMAGE)), ["image tag"]),
        (Look(), named(web=Named(IMAGE, at(5))), ["image pull"]),
        # Asked again, without anything newer.
        (named(web=Named(IMAGE, at(5))), named(web=Named(IMAGE, at(6))), ["image pull"]),
        (named(web=Named(IMAGE, at(5))), named(web=Named(IMAGE, at(5))), []),
        (named(web=Named(IMAGE)), named(web=Named(IMAGE), old=Named(IMAGE)), ["image tag"]),
        (named(web=Named(IMAGE)), replace(named(), ids=frozenset({IMAGE})), ["image untag"]),
        (named(web=Named(IMAGE)), named(), ["image untag", "image delete"]),
        (named(web=Named(IMAGE)), named(web=Named(OTHER)), ["image tag", "image delete"]),
    ],
)  # fmt: skip
def test_what_happened_between(before: Look, after: Look, told: list[str]) -> None:
    found = events.between(before, after)
    assert [f"{one.kind} {one.action}" for one in found] == told
    assert found == sorted(found, key=lambda one: one.nanoseconds)


def test_what_an_event_says() -> None:
    died = events.between(seen(RUNS), seen(ENDED))[0]
    assert died.document() == {
        "status": "die",
        "id": ID,
        "from": "busybox:1",
        "Type": "container",
        "Action": "die",
        "Actor": {
            "ID": ID,
            "Attributes": {"exitCode": "3", "image": "busybox:1", "name": "web", "tier": "front"},
        },
        "scope": "local",
        "time": 1767225603,
        "timeNano": 1767225603_000000001,
    }
    shown = died.fields()
    assert {"Status", "ID", "From", "Type", "Action", "Actor", "Scope", "Time", "TimeNano"} == {
        *shown
    }
    [connected, dummy] = events.between(seen(MADE), seen(RUNS))
    assert connected.id == BLUE
    assert connected.attributes == {"container": ID, "name": "blue", "type": "bridge"}
    renamed = events.between(seen(RUNS), seen(replace(RUNS, name="shop")))[0]
    assert (renamed.attributes["name"], renamed.attributes["oldName"]) == ("shop", "/web")
    [pulled] = events.between(Look(), named(web=Named(IMAGE, at(5))))
    assert "from" not in pulled.document() and pulled.time == at(5)


DATA = Mount("volume", "data", "/data", read_only=True)


def with_data(record: Record) -> Look:
    return Look(containers={ID: replace(seen(record).containers[ID], volumes=(DATA,))})


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (MADE, RUNS, ["volume mount", "network connect", "container start"]),
        (RUNS, ENDED, ["container die", "network disconnect", "volume unmount"]),
        (RUNS, AGAIN, ["container die", "network disconnect", "volume unmount",
                       "volume mount", "network connect", "container start"]),
        (MADE, ENDED, ["volume mount", "container start", "container die", "volume unmount"]),
        (RUNS, replace(RUNS, phase="paused"), ["container pause"]),
    ],
)  # fmt: skip
def test_volumes_of_a_run(before: Record, after: Record, told: list[str]) -> None:
    found = events.between(with_data(before), with_data(after))
    assert [f"{one.kind} {one.action}" for one in found] == told
    about = {
        "mount": {"container": ID, "destination": "/data", "driver": "local", "propagation": "",
                  "read/write": "false"},
        "unmount": {"container": ID, "driver": "local"},
    }  # fmt: skip
    for one in found:
        if one.kind == "volume":
            assert (one.id, one.attributes) == ("data", about[one.action])


def test_what_was_noted_comes_in_its_time() -> None:
    noted = [
        Note(at(3), ID, "kill", {"signal": "9"}),
        Note(at(5), ID, "stop", {}),
        Note(at(4), BLUE, "top", {}),
    ]
    looks = (seen(RUNS), seen(ENDED))
    found = events.with_notes(events.between(*looks), noted, *looks)
    assert [one.action for one in found] == ["kill", "die", "disconnect", "stop"]
    assert found[0].attributes == {
        "image": "busybox:1", "name": "web", "tier": "front", "signal": "9"
    }  # fmt: skip
    # Its container may be gone by then; of one that nobody knew nothing is told.
    gone = events.with_notes((), noted, seen(RUNS), Look())
    assert [one.action for one in gone] == ["kill", "stop"]
    # What led to an end comes with it, and what followed it with the next look.
    assert [events.led(note, found[1:2]) for note in noted] == [True, False, False]


def test_what_records_say_of_the_past() -> None:
    now = replace(
        seen(ENDED),
        networks={BLUE: NETWORK},
        volumes={"data": VOLUME},
        images={"busybox:1": Named(IMAGE, at(5)), "made:1": Named(OTHER)},
    )
    begin = 1767225600.0
    found = [f"{one.kind} {one.action}" for one in events.past(now, begin, None)]
    assert found == [
        *("container create", "network create", "volume create"),
        *("container start", "container die", "image pull"),
    ]
    found = [one.action for one in events.past(now, begin + 2, begin + 4)]
    assert found == ["start", "die"]


CONTAINER = Event(at(1), "container", "health_status: healthy", ID, {
    "image": "example.org:5000/box:1", "name": "web", "tier": "front"})  # fmt: skip
PULL = Event(at(1), "image", "pull", "busybox:1", {"name": "busybox"})
CONNECT = Event(at(1), "network", "connect", BLUE, {"container": ID, "name": "blue"})


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({}, [CONTAINER, PULL, CONNECT]),
        ({"type": ["container"]}, [CONTAINER]),
        ({"type": ["image", "network"]}, [PULL, CONNECT]),
        ({"event": ["health_status"]}, [CONTAINER]),
        ({"event": ["health_status: healthy", "pull"]}, [CONTAINER, PULL]),
        ({"event": ["health_status: unhealthy"]}, []),
        ({"container": ["web"]}, [CONTAINER]),
        ({"container": ["aaaa"]}, [CONTAINER]),
        ({"network": ["blue"]}, [CONNECT]),
        ({"image": ["example.org:5000/box"]}, [CONTAINER]),
        ({"image": ["example.org:5000/box:1"]}, [CONTAINER]),
        ({"image": ["busybox"]}, [PULL]),
        ({"label": ["tier"]}, [CONTAINER]),
        ({"label": ["tier=front", "tier=back"]}, []),
        ({"scope": ["local"]}, [CONTAINER, PULL, CONNECT]),
        ({"scope": ["swarm"]}, []),
        ({"type": ["container"], "event": ["pull"]}, []),
    ],
)
def test_filters(given: Mapping[str, Any], meant: list[Event]) -> None:
    test = events.chosen(given)
    assert [one for one in (CONTAINER, PULL, CONNECT) if test(one)] == meant


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"event": ["resize"]}, "filter event: 'resize' is never reported here"),
        ({"type": ["plugin"]}, "filter type: 'plugin' is never reported here"),
        ({"node": ["one"]}, "unknown filter 'node'"),
    ],
)
def test_what_would_be_waited_for_in_vain(given: Mapping[str, Any], said: str) -> None:
    with pytest.raises(Error, match=said):
        events.chosen(given)
