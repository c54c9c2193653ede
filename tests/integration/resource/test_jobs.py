# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers that are waited for, removed at their end, or restarted when their files change."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from support.containers import World, until
from support.converging import apply, check
from support.declaring import acting, converge, task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.show import (
    documents,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import Mount
from ansible_collections.slipway.engine.plugins.module_utils._runtime.volume import (
    store as volume_store,
)


def test_a_job_is_waited_for(world: World) -> None:
    job = task("job", command=["sh", "-c", "echo out; echo err >&2; sleep 0.1"], detach=False)
    foretold = check(world.layout, job, {})
    assert foretold.actions == ("create container job", "run container job until it exits")
    for again in (False, True):
        outcome, told = apply(world.layout, job)
        assert again or outcome == foretold
        assert told["status"] == 0 and "failed" not in told
        assert sorted(told["container"]["Output"].split()) == ["err", "out"], "of this run alone"
        assert told["container"]["State"]["Status"] == "exited"
    fails = task("job", command=["sh", "-c", "echo broken; exit 3"], detach=False)
    outcome, told = apply(world.layout, fails)
    assert (told["status"], told["failed"], told["msg"]) == (3, True, "broken\n")
    assert len(container_record.all_ids(world.layout)) == 1
    for gone in ("cleanup", "auto_remove"):
        given = {"command": fails.params["command"], "detach": False, gone: True}
        outcome, told = apply(world.layout, task("job", **given))
        assert outcome.after == {"name": "job", "state": "absent"}
        assert (told["status"], told["container"]) == (3, {"Output": "broken\n"})
        assert container_record.all_ids(world.layout) == []
    for asked, notes in ((True, ["broken\n"]), (False, [])):
        given = {"command": fails.params["command"], "detach": False, "cleanup": True}
        loud, host = task("job", output_logs=asked, **given), Host(world.layout)
        declared = loud.declare(loud.params)
        loud.resource.plan(declared, loud.resource.observe(host, declared)).apply(host)
        assert host.notes == notes, "for the host's log, when asked for"
    missing = task("job", command=["/no/such"], detach=False)
    with pytest.raises(Error, match="is not in the image"):
        apply(world.layout, missing)
    assert container_record.all_ids(world.layout) == []
    (running,) = converge(world, task("web"))
    assert converge(world, task("web", detach=False)) == [running], "one that runs is left alone"
    with pytest.raises(Error, match="which it never does with restart_policy"):
        check(world.layout, task("job", detach=False, restart_policy="always"), {})


def test_removed_at_its_end(world: World) -> None:
    data = (Mount("anonymous", "", "/data"),)
    gone = world.run("gone", "sleep 0.1", auto_remove=True, mounts=data)
    until(lambda: not world.layout.container(gone.id).exists())
    until(lambda: not list(volume_store.volumes(world.layout)))
    held = world.create("held", "exit 5", auto_remove=True)
    with container_record.watch(world.layout, held.id):
        actions.start(world.host, held.id)
        until(lambda: world.recorded(held.id).phase == "exited")
        time.sleep(0.3)
        assert world.recorded(held.id).exit_code == 5, "who waits for it can still read that"
    until(lambda: not world.layout.container(held.id).exists())
    (made,) = converge(world, task("web", auto_remove=True))
    actions.restart(world.host, made)
    assert world.current(made).generation == 2, "a restart is no end"
    assert converge(world, acting("web", restart=False, labels={"a": "b"})) != [made]
    assert converge(world, acting("web", state="absent")) == []
    done, dummy = apply(world.layout, task("web", auto_remove=True, command=["true"]))
    assert done.changed
    until(lambda: container_record.all_ids(world.layout) == [])
    for end in (actions.stop, actions.kill):
        running = world.run("web", auto_remove=True)
        end(world.host, running.id)
        assert container_record.all_ids(world.layout) == []
    (made,) = converge(world, task("web", auto_remove=True))
    stopping = acting("web", state="stopped")
    foretold = check(world.layout, stopping, {})
    assert (apply(world.layout, stopping)[0], foretold.after["state"]) == (foretold, "absent")
    with pytest.raises(Error, match="auto_remove cannot be combined with restart_policy always"):
        check(world.layout, task("web", auto_remove=True, restart_policy="always"), {})


def test_changed_files_restart_it(world: World, tmp_path: Path) -> None:
    single, tree = tmp_path / "single", tmp_path / "tree"
    single.write_text("one")
    (tree / "below").mkdir(parents=True)
    (tree / "below/file").write_text("one")
    paths = [str(single), str(tree), str(tmp_path / "missing")]
    watching = task("web", restart_on_change=paths)
    (made,) = converge(world, watching)
    for path, content in (
        (single, "two"),
        (tree / "below/file", "two"),
        (tree / "new", ""),
        (tmp_path / "missing", "here"),
    ):
        os.utime(single)
        tree.chmod(0o700)
        assert check(world.layout, watching, {}).actions == (), "content alone counts"
        path.write_text(content)
        top = next(one for one in paths if str(path).startswith(one))
        assert check(world.layout, watching, {}).actions == (
            f"restart container web ({top} changed)",
        )
        generation = world.current(made).generation
        assert converge(world, watching) == [made]
        assert world.current(made).generation == generation + 1
    # Named later, it counts from the start on.
    late = tmp_path / "late"
    late.write_text("one")
    found = converge(world, task("web", restart_on_change=[*paths, str(late)]))
    assert found == [made]
    assert world.current(made).generation == 6
    actions.stop(world.host, made)
    late.write_text("two")
    assert converge(world, task("web", restart_on_change=[*paths, str(late)])) == [made]


def test_names_and_labels_of_images(world: World, busybox_tar: Path) -> None:
    labelled = world.add_image("other", busybox_tar, "LABEL origin=here")
    (made,) = converge(world, task("web", image="other:1"))
    renamed = task("web", image=labelled.id, image_name_mismatch="ignore")
    assert converge(world, renamed) == [made]
    assert check(world.layout, task("web", image=labelled.id), {}).changed
    # What the image has is nothing new, and what replaced it is not kept.
    beside, keep = {"image": "other:1"}, {"undeclared": "keep"}
    assert converge(world, task("web", **beside, labels={"origin": "here"})) == [made]
    assert converge(world, task("web", **beside, labels={"origin": "here"}, **keep)) == [made]
    (other,) = converge(world, task("web", **beside, labels={"origin": "there", "more": "x"}))
    assert converge(world, task("web", **beside, **keep)) == [other]
    (back,) = converge(world, task("web", **beside, labels={}, **keep))
    assert documents.container(world.host, back)["Config"]["Labels"] == {
        "more": "x",
        "origin": "here",
    }
    strict = {"comparisons": {"labels": "strict"}, "image_label_mismatch": "fail"}
    with pytest.raises(Error, match=r'in the base image.*Labels: "origin"'):
        check(world.layout, task("web", image="other:1", **strict), {})
    converge(world, task("web", image="other:1", labels={"origin": "x"}, **strict))


@pytest.mark.parametrize(("command", "status"), [("/no/such", 127), ("/etc", 126)])
def test_what_cannot_be_run_has_docker_s_status(world: World, command: str, status: int) -> None:
    made = world.create("web", command=(command,))
    with pytest.raises(Error):
        actions.start(world.host, made.id)
    failed = world.current(made.id)
    assert (failed.phase, failed.exit_code) == ("created", status)
    assert command in failed.error
