# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replacing a container: killed at any moment, one of the two is there and nothing else is."""

from __future__ import annotations

import functools
import os
import signal
from typing import Any

import pytest
from support import containers
from support.containers import World
from support.converging import apply, check
from support.declaring import acting, task
from support.dying import killed

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    oci_runtime,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
    creation,
    replacement,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    journal,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    Mount,
    RestartPolicy,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.volume import (
    store as volume_store,
)

DATA = (Mount("anonymous", "", "/data"),)


def test_killed_anywhere_it_is_one_or_the_other(world: World) -> None:
    old = world.run("web", mounts=DATA)
    (volume,) = old.anonymous_volumes
    (volume_store.data(world.layout, volume) / "kept").touch()
    spec = world.spec("web", env={"NEW": "1"}, mounts=DATA)
    ends = set()
    after = 0
    while True:
        act = functools.partial(replacement.swap, world.host, old.id, spec, world.image, start=True)
        if not killed(act, after):
            break
        replacement.recover_all(world.host)
        (left,) = container_record.all_ids(world.layout)
        assert os.listdir(world.layout.names) == ["web"]
        assert actions.identify(world.host, "web") == left
        now = world.current(left)
        assert (now.phase, now.name) == ("running", "web")
        assert not journal.pending(world.layout)
        # What the service keeps is there whichever of the two it is.
        assert (volume_store.data(world.layout, now.anonymous_volumes[0]) / "kept").exists()
        ends.add(left == old.id)
        if left != old.id:
            actions.remove(world.host, left, force=True)
            old = world.create("web", mounts=DATA)
            volume_store.remove(world.layout, old.anonymous_volumes[0])
            actions.remove(world.host, old.id)
            old = actions.create(
                world.host, world.spec("web", mounts=DATA), world.image, volumes={"/data": volume}
            )
            old = actions.start(world.host, old.id)
        # Dense where the name changes hands is what matters; all of it would take a minute.
        after += 1 if after < 8 else 5
    assert not world.host.warnings
    # What was half made when it was killed goes with the next command or task.
    files.prepare(world.layout)
    assert ends == {True, False}, "it was killed both before and after the old one was given up"
    assert (
        container_record.read_spec(world.layout, container_record.by_name(world.layout, "web"))
        == spec
    )


def test_a_creation_killed_anywhere_leaves_nothing(world: World) -> None:
    spec = world.spec("new", mounts=DATA)
    left = set()
    for after in range(100):
        if not killed(lambda: actions.create(world.host, spec, world.image), after):
            break
        made = len(container_record.all_ids(world.layout))
        left.add((len(list(volume_store.volumes(world.layout))), made))
        if after % 2:
            world.slipway("ps")
        else:
            actions.remove(world.host, world.create("next").id)
        assert not journal.pending(world.layout)
        assert os.listdir(world.layout.names) == (
            ["new"] if container_record.all_ids(world.layout) else []
        )
        found = [volume.name for volume in volume_store.volumes(world.layout)]
        for whole in list(container_record.records(world.layout)):
            assert found == list(whole.anonymous_volumes)
            actions.remove(world.host, whole.id)
            # It is somebody's now: the creation that was never struck off does not have it.
            actions.remove(world.host, world.create("next").id)
            assert volume_store.find(world.layout, found[0])
            volume_store.remove(world.layout, found.pop())
        assert found == []
    assert left >= {(0, 0), (1, 0), (1, 1)}
    files.prepare(world.layout)


def test_a_creation_under_way_is_left_alone(world: World) -> None:
    made = world.create("web", mounts=DATA)
    container_record.release_name(world.layout, "web", made.id)
    creation.begin(world.layout, made.id, False, made.anonymous_volumes)
    world.slipway("ps")
    creation.recover(world.host, actions.remove)
    assert creation.pending(world.layout) == container_record.all_ids(world.layout) == [made.id]
    assert volume_store.find(world.layout, made.anonymous_volumes[0])
    creation.end(world.layout, made.id)


def test_the_next_task_or_command_finishes_it(world: World) -> None:
    old = world.run("web")
    spec = world.spec("web", env={"NEW": "1"})

    def cut() -> None:
        real = container_record.turn_name

        def turn_and_die(*given: Any) -> None:
            real(*given)
            os.kill(os.getpid(), signal.SIGKILL)

        container_record.turn_name = turn_and_die  # type: ignore[assignment]  # only in the forked process
        replacement.swap(world.host, old.id, spec, world.image, start=True)

    assert killed(cut, 10**6)
    assert world.current(container_record.by_name(world.layout, "web")).phase == "created"
    same = acting("web")
    foretold = check(world.layout, same, {})
    assert foretold.actions == ("finish the interrupted replacement of container web",)
    assert (foretold.before["replacement"], foretold.after["running"]) == ("interrupted", True)
    assert len(container_record.all_ids(world.layout)) == 2, "checking changes nothing"
    outcome, dummy = apply(world.layout, same)
    assert outcome == foretold
    assert container_record.all_ids(world.layout) == [old.id]
    assert world.current(old.id).phase == "running"
    assert killed(cut, 10**6)
    assert b"web" in world.slipway("ps").stdout
    assert container_record.all_ids(world.layout) == [old.id]
    assert world.current(old.id).phase == "running"


def test_a_replacement_under_way_is_left_alone(world: World) -> None:
    old = world.run("web")
    plan = journal.Swap("web", old.id, "0" * 64, journal.Writer.me(), ran=True)
    journal.write_swap(world.layout, plan)
    replacement.recover_all(world.host)
    assert journal.find_swap(world.layout, "web") == plan
    actions.stop(world.host, old.id)
    world.slipway("container", "prune", "-f")
    assert container_record.all_ids(world.layout) == [old.id], "it may come back"
    journal.end_swap(world.layout, "web")


def test_who_finishes_a_replacement_is_not_disturbed(world: World) -> None:
    """As at boot, when a command comes while recovery is under way: that is no reason to warn."""
    old = world.run("web")
    gone = journal.Writer(2**22, 0, "an earlier boot")
    journal.write_swap(world.layout, journal.Swap("web", old.id, "0" * 64, gone, ran=True))
    with files.lock(world.layout.lock("swap", "web")):
        said = world.slipway("ps").stderr
        assert journal.find_swap(world.layout, "web") is not None
    assert said == b""
    assert world.slipway("ps").stderr == b""
    assert journal.find_swap(world.layout, "web") is None


def test_anonymous_volumes_go_along(world: World) -> None:
    other = Mount("anonymous", "", "/other")
    old = world.run("web", mounts=(*DATA, other))
    first, second = old.anonymous_volumes
    spec = world.spec("web", env={"A": "1"}, mounts=DATA)
    new = replacement.swap(world.host, old.id, spec, world.image, start=True)
    assert new.anonymous_volumes == (first,)
    assert volume_store.find(world.layout, second), "what nobody removed is still there"
    volume_store.remove(world.layout, second)
    spec = world.spec("web", env={"A": "2"}, mounts=DATA)
    third = replacement.swap(world.host, new.id, spec, world.image, start=True, keep_volumes=False)
    assert third.anonymous_volumes != (first,)
    assert [volume.name for volume in volume_store.volumes(world.layout)] == list(
        third.anonymous_volumes
    )


def test_what_ends_badly_at_once_does_not_stay(world: World) -> None:
    old = world.run("web", mounts=DATA)
    (volume,) = old.anonymous_volumes
    other = Mount("anonymous", "", "/other")
    script = "echo no such option >&2; exit 3"
    bad = world.spec("web", script, mounts=(*DATA, other))
    with pytest.raises(Error) as caught:
        replacement.swap(world.host, old.id, bad, world.image, start=True)
    assert str(caught.value) == (
        "the new container web did not stay up, and the old one was restarted:"
        " the new one exited with 3; last log lines: no such option"
    )
    assert container_record.all_ids(world.layout) == [old.id]
    assert world.current(container_record.by_name(world.layout, "web")).phase == "running"
    assert [found.name for found in volume_store.volumes(world.layout)] == [volume]
    assert not journal.pending(world.layout)
    # A task says the same, and finds what it found before.
    with pytest.raises(Error, match="the new one exited with 3; last log lines: no such option"):
        apply(world.layout, task("web", image=None, command=["sh", "-c", script]))
    assert container_record.all_ids(world.layout) == [old.id]


def test_what_ends_well_or_starts_again_stays(world: World) -> None:
    old = world.run("web")
    done = replacement.swap(
        world.host, old.id, world.spec("web", "exit 0"), world.image, start=True
    )
    assert container_record.all_ids(world.layout) == [done.id]
    policy = RestartPolicy("on-failure")
    flapping = world.spec("web", "exit 3", restart_policy=policy)
    again = replacement.swap(world.host, done.id, flapping, world.image, start=True)
    assert container_record.all_ids(world.layout) == [again.id]
    kept = world.spec("web", env={"A": "1"})
    stays = replacement.swap(world.host, again.id, kept, world.image, start=True)
    assert container_record.all_ids(world.layout) == [stays.id]


def test_what_a_killed_commit_froze_goes_on(world: World) -> None:
    running = world.run("web", "while :; do date +%N; sleep 0.05; done")

    def freeze() -> None:
        with journal.freezing(world.layout, running.id):
            oci_runtime.pause(oci_runtime.choose(world.layout), running.id)
            os.kill(os.getpid(), signal.SIGKILL)

    assert killed(freeze, 10**6)
    (repair,) = check(world.layout, acting("web"), {}).actions
    assert "freeze" in repair
    world.slipway("ps")
    assert not journal.pending(world.layout)
    said = len(world.log("web"))
    containers.until(lambda: len(world.log("web")) > said)
    # A stop does not wait for a command that looks first.
    assert killed(freeze, 10**6)
    assert actions.stop(world.host, running.id).phase == "exited"
