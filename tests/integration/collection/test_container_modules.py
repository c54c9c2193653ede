# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules around a container, as plays use them: commands, copies, logs, archives, facts."""

from __future__ import annotations

import contextlib
import json
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from support.containers import World, until
from support.plays import Play, Run
from support.servers.registry import Registry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import Mount

SECRET = "canary-of-exec-51d0c2"


def results(run: Run) -> list[Mapping[str, Any]]:
    assert run.status == 0, run.output
    return [item for task in run.record for item in task["results"]]


def answers(
    directory: Path, tasks: Sequence[Mapping[str, Any]], *flags: str
) -> tuple[Run, list[dict[str, Any]]]:
    """Run tasks, and read all that each of them returned."""
    path = directory / "answers.json"
    # Ansible takes an rc other than 0 for a failure of the task.
    named = [
        {**task, "register": f"answer{number}", "failed_when": False}
        for number, task in enumerate(tasks)
    ]
    content = "{{ [" + ", ".join(str(task["register"]) for task in named) + "] | to_json }}"
    written = {"ansible.builtin.copy": {"dest": str(path), "content": content}}
    last = {**written, "check_mode": False, "no_log": True}
    run = Play(directory).tasks([*named, last], *flags)
    assert run.status == 0, run.output
    found: list[dict[str, Any]] = json.loads(path.read_text())
    return run, found


def module(called: str, /, **options: Any) -> dict[str, Any]:
    return {f"slipway.engine.{called}": options}


def test_commands_and_what_they_say(world: World, tmp_path: Path) -> None:
    world.run("web", "echo to out; echo to err >&2; exec sleep 1000", env={"OWN": "x"})
    shell = ["sh", "-c"]
    tasks = [
        module("container_exec", container="web", argv=[*shell, 'echo "$A $OWN"; id -u; pwd; echo'],
               env={"A": "b"}, user="33:33", chdir="/srv"),
        module("container_exec", container="web", command="sh -c 'cat; echo e >&2; exit 3'",
               stdin="in", strip_empty_ends=False),
        module("container_exec", container="web", command="nope"),
        module("container_exec", container="web", command="/etc/passwd", tty=True),
        module("container_exec", container="web", argv=["sleep", "983"], detach=True),
        module("container_exec", container="web", argv=["head", "-c", "5000", "/dev/zero"],
               output_limit=100),
        module("container_exec", container="web", argv=[*shell, f"test $S = {SECRET[:9]}*; read X"],
               env={"S": SECRET}, stdin=SECRET),
        module("container_logs_info", container="web"),
        module("container_logs_info", container="web", stderr=False, timestamps=True, tail=5),
        module("container_logs_info", container="web", since="1h", until="30m"),
        module("current_container_facts"),
    ]  # fmt: skip
    run, found = answers(tmp_path, tasks, "-vvv", "--diff")
    one, two, missing, refused, started, short, secret, logs, out, none, facts = found
    assert (one["stdout"], one["stderr"], one["rc"]) == ("b x\n33\n/srv", "", 0)
    assert one["changed"] and not one["truncated"]
    assert (two["stdout"], two["stderr"], two["rc"]) == ("in\n", "e\n", 3)
    assert two["msg"] == "the command in container web exited with 3: e" and "msg" not in one
    assert (missing["rc"], refused["rc"]) == (127, 126) and "is not in the image" in missing[
        "stderr"
    ]
    assert missing["msg"] == missing["stderr"] and refused["msg"] == refused["stderr"]
    assert len(started["exec_id"]) == 64 and "rc" not in started
    assert len(short["stdout"]) == 100 and short["truncated"]
    assert secret["rc"] == 0 and SECRET not in run.output
    assert sorted(logs["lines"]) == ["to err", "to out"] and not logs["changed"]
    assert len(out["lines"]) == 1 and out["log"].endswith(
        "Z to out\n" if "Z " in out["log"] else "to out\n"
    )
    assert none["lines"] == []
    found = facts["ansible_facts"]
    assert found["ansible_module_running_in_container"] is bool(
        found["ansible_module_container_id"]
    )
    checked = Play(tmp_path).tasks(tasks[:1], "--check")
    assert checked.status == 0 and checked.record[0]["status"] == "skipped"


def test_copies_are_predicted_and_happen_once(world: World, tmp_path: Path) -> None:
    """Check, apply, apply, check: files and directories, of controller and host, both ways."""
    made = world.run("web", user="www-data", mounts=(Mount("volume", "site", "/site"),))
    site = tmp_path / "files/site"
    (site / "sub").mkdir(parents=True)
    (site / "index").write_text("page\n")
    (site / "index").chmod(0o640)
    (site / "away").symlink_to("/etc/passwd")
    (site / b"\xff\xfe".decode("utf-8", "surrogateescape")).write_text("bytes")
    (site / "sub/run").write_text("#!/bin/sh\n")
    (site / "sub/run").chmod(0o4755)
    fetched = tmp_path / "fetched"
    tasks = [
        module("container_copy_into", container="web", src=str(site), container_path="/site/www"),
        module("container_copy_into", container="web", path=str(site), container_path="/srv/www",
               owner_id=5, group_id=6, mode="0604", directory_mode="0705"),
        module("container_copy_into", container="web", src=str(site / "index"),
               container_path="/srv/index"),
        # A diff shows texts, so whoever writes secrets says that there is to be none.
        {**module("container_copy_into", container="web", content=SECRET,
                  container_path="/srv/secret", mode=0o600), "diff": False},
        module("container_copy_into", container="web", content="AP8=", content_is_b64=True,
               container_path="/srv/binary"),
        module("container_copy_into", container="web", path=str(site / "away"), local_follow=False,
               container_path="/srv/link"),
        module("container_copy_from", container="web", container_path="/site", dest=str(fetched),
               mode="0600"),
    ]  # fmt: skip
    play = Play(tmp_path)
    # What the last task copies is made by the first, so it is checked by itself.
    checked = results(play.tasks(tasks[:-1], "--check", "--diff"))
    run = play.tasks(tasks, "--diff", "-vvv")
    applied = results(run)
    assert [item.get("diff") for item in checked] == [item.get("diff") for item in applied[:-1]]
    assert all(item["changed"] for item in applied) and SECRET not in run.output
    assert play.tasks(tasks).changed == 0 and play.tasks(tasks, "--check").changed == 0
    root = Path(f"/proc/{made.pid}/root")
    www = root / "site/www"
    assert (www / "index").read_text() == "page\n" and os.readlink(www / "away") == "/etc/passwd"
    assert {path.lstat().st_uid for path in (www, *www.rglob("*"))} == {33}
    assert (www / "sub/run").stat().st_mode & 0o7777 == 0o4755
    own = (root / "srv/www/index").stat()
    assert (own.st_uid, own.st_gid, own.st_mode & 0o7777) == (5, 6, 0o604)
    assert (root / "srv/www/sub").stat().st_mode & 0o7777 == 0o705
    assert (root / "srv/index").stat().st_mode & 0o7777 == 0o640
    assert (root / "srv/binary").read_bytes() == b"\0\xff"
    assert (root / "srv/secret").stat().st_mode & 0o7777 == 0o600
    assert os.readlink(root / "srv/link") == "/etc/passwd"
    assert (fetched / "www/sub/run").stat().st_mode & 0o7777 == 0o600
    assert os.readlink(fetched / "www/away") == "/etc/passwd"
    assert b"\xff\xfe" in os.listdir(os.fsencode(fetched / "www"))

    # Changed in one place, one place is written; force and conflicts.
    (www / "index").write_text("other")
    new = {"container": "web", "content": "new", "container_path": "/srv/index"}
    kept = module("container_copy_into", **new, force=False)
    forced = module("container_copy_into", **new, follow=True, force=True)
    again = results(play.tasks([tasks[0], kept, forced, forced]))
    assert [item["changed"] for item in again] == [True, False, True, True]
    assert (www / "index").read_text() == "page\n"
    errors = (
        (
            {"content": "Q", "container_path": "/srv"},
            "/srv in container web is a directory that is not empty",
        ),
        (
            {"content": "Q", "container_path": "/no/x"},
            "the directory /no does not exist in container web",
        ),
        ({"path": str(site), "container_path": "/srv/index"}, "is a file"),
        ({"path": "/dev/null", "container_path": "/x"}, "is a device"),
        (
            {"path": "/nowhere/x", "container_path": "/x"},
            "/nowhere/x does not exist on this host",
        ),
        (
            {"src": "/nowhere/x", "container_path": "/x"},
            "/nowhere/x does not exist on the controller",
        ),
        ({"content": "Q", "container_path": "/x", "mode": "0999"}, "is not a mode"),
        ({"content": "Q", "container_path": "/proc/x"}, "not a file of the container"),
    )
    failing = [
        {**module("container_copy_into", container="web", **options), "ignore_errors": True}
        for options, dummy in errors
    ]
    for flags in ([], ["--check"]):
        run = play.tasks(failing, *flags)
        assert run.changed == 0
        for dummy, error in errors:
            assert error in run.output, run.output


def test_environments_in_results(world: World, tmp_path: Path) -> None:
    """What is declared is shown as docker inspect shows it; what is secret comes to the container
    and nowhere else, also by way of a check-mode run's predictions.
    """
    made = module("container", name="web", image="busybox:1", command=["sleep", "1000"],
                  network_mode="none", stop_signal="KILL", env={"A": "plain"},
                  secret_env={"A": SECRET, "B": SECRET})  # fmt: skip
    look = module("container_info", name="web")
    play = Play(tmp_path)
    run, (first, second) = answers(tmp_path, [made, made], "--check", "-vvv", "--diff")
    assert first["changed"] and not second["changed"] and SECRET not in run.output
    run, (first, second, told) = answers(tmp_path, [made, made, look], "-vvv", "--diff")
    assert first["changed"] and not second["changed"] and SECRET not in run.output
    for found in (first["container"], told["container"]):
        assert {"A=********", "B=********"} <= set(found["Config"]["Env"])
    pid = told["container"]["State"]["Pid"]
    environment = Path(f"/proc/{pid}/environ").read_text().split("\0")
    assert {f"A={SECRET}", f"B={SECRET}"} < set(environment)
    plain = {**made["slipway.engine.container"], "secret_env": None}
    (found,) = answers(tmp_path, [module("container", **plain)])[1]
    assert "A=plain" in found["container"]["Config"]["Env"]
    commit = module("commit", container="web", name="kept:1")
    assert play.tasks([made, commit]).status == 0
    image = answers(tmp_path, [module("image_info", name="kept:1")])[1][0]["images"][0]
    assert "A=plain" in image["Config"]["Env"] and SECRET not in str(image)


def test_actions_with_debug_have_the_keys_of_docker(world: World, tmp_path: Path) -> None:
    made = module("container", name="web", image="busybox:1", command=["sleep", "1000"],
                  network_mode="none", stop_signal="KILL", debug=True)  # fmt: skip
    gone = module("container", name="web", state="absent", debug=True)
    plain = module("container", name="web", state="stopped")
    run, (checked,) = answers(tmp_path, [made], "--check")
    assert "no Docker daemon" not in run.output
    run, (first, second) = answers(tmp_path, [made, made])
    keys = [sorted(action) for action in first["actions"]]
    assert keys == [sorted(action) for action in checked["actions"]]
    assert "created" in first["actions"][0] and second["actions"] == []
    assert first["actions"][1:] == [{"started": first["container"]["Id"]}]
    run, (stopped, removed) = answers(tmp_path, [plain, gone])
    assert stopped["actions"] == ["stop container web"]
    assert [action.get("removed") for action in removed["actions"]] == [first["container"]["Id"]]


def test_diffs_show_texts(world: World, tmp_path: Path) -> None:
    """Under Ansible's keys for files, exact in check mode, and also of what no_log would mask."""
    root = Path(
        f"/proc/{world.run('web', 'mkdir /srv/dir; ln -s group /etc/lnk; sleep 1000').pid}/root"
    )
    until((root / "etc/lnk").is_symlink)
    text, large = tmp_path / "text", tmp_path / "large"
    text.write_text("one\ntwo\n")
    large.write_bytes(b"x" * 200_000)
    (root / "srv/old").write_text("one\n")

    def into(place: str, **options: Any) -> dict[str, Any]:
        return module("container_copy_into", container="web", container_path=place, **options)

    def shown(before: str, path: str, after: str, header: str) -> dict[str, Any]:
        return {"before": before, "before_header": path, "after": after, "after_header": header}

    made = "dynamically generated"
    expected = [
        (into("/srv/old", path=str(text)), shown("one\n", "/srv/old", "one\ntwo\n", str(text))),
        (into("/srv/sent", src=str(text)), shown("", "/srv/sent", "one\ntwo\n", str(text))),
        (into("/srv/dir", content="new"), shown("(directory)", "/srv/dir", "new", made)),
        (into("/srv/f", content="\ue000\u20ac"), shown("", "/srv/f", "\ue000\u20ac", made)),
        (into("/etc/lnk", content="new"), shown("/etc/group", "/etc/lnk", "new", made)),
        (into("/srv/b", content="AAA=", content_is_b64=True),
         {"before": "", "before_header": "/srv/b", "src_binary": 1}),
        (into("/srv/l", path=str(large)),
         {"before": "", "before_header": "/srv/l", "src_larger": 104448}),
        (into("/srv/old", content="no", force=False), None),
    ]  # fmt: skip
    tasks = [task for task, dummy in expected]
    play = Play(tmp_path)
    checked = results(play.tasks(tasks, "--check", "--diff"))
    run = play.tasks(tasks, "--diff")
    applied = results(run)
    for (task, want), before, after in zip(expected[:-1], checked, applied):
        assert before["diff"] == after["diff"] == want, task
    assert applied[-1]["diff"] == shown("one\ntwo\n", "/srv/old", "one\ntwo\n", "/srv/old")
    assert (root / "srv/dir").read_text() == "new" and "+two" in run.output
    unchanged = play.tasks(tasks, "--diff")
    assert unchanged.changed == 0 and "+two" not in unchanged.output
    assert not any(item.get("diff") for item in results(play.tasks(tasks)))


def test_what_root_unpacked_does_not_stay(world: World, tmp_path: Path) -> None:
    """Ansible removes its directory as the user who logged in, who cannot remove what is root's."""
    world.run("web")
    (tmp_path / "site").mkdir()
    (tmp_path / "site/secret").write_text(SECRET)
    where = tmp_path / "remote"
    task = {
        **module("container_copy_into", container="web", src=str(tmp_path / "site"),
                 container_path="/srv/site"),
        "vars": {"ansible_remote_tmp": str(where)},
    }  # fmt: skip
    play = Play(tmp_path)
    with kept_remote_files():
        for flags in (["--check"], [], []):
            assert play.tasks([task], *flags).status == 0
    sent = [path for path in where.rglob("*") if path.name == "copied"]
    assert len(sent) == 3 and all(path.is_file() for path in sent)
    assert not [path for path in where.rglob("*") if path.name == "secret"]
    assert not list(world.layout.tmp.iterdir())


@contextlib.contextmanager
def kept_remote_files() -> Iterator[None]:
    """Have Ansible leave what it sends, so that what the module leaves beside it is seen."""
    os.environ["ANSIBLE_KEEP_REMOTE_FILES"] = "1"
    try:
        yield
    finally:
        del os.environ["ANSIBLE_KEEP_REMOTE_FILES"]


def test_a_play_that_makes_the_container_first(world: World, tmp_path: Path) -> None:
    """What check mode says of a container that is not there yet comes true."""
    tasks = [
        module("container", name="new", image="busybox:1", command=["sleep", "1000"], user="daemon",
               network_mode="none", stop_signal="KILL"),
        module("container_copy_into", container="new", content="text", container_path="/etc/new"),
        module("container_copy_into", container="new", content="text", container_path="/etc/group",
               owner_id=0),
    ]  # fmt: skip
    play = Play(tmp_path)
    checked = results(play.tasks(tasks, "--check", "--diff"))
    applied = results(play.tasks(tasks, "--diff"))
    assert [item["diff"] for item in checked] == [item["diff"] for item in applied]
    assert [item["changed"] for item in applied] == [True] * 3
    assert play.tasks(tasks).changed == play.tasks(tasks, "--check").changed == 0


def test_a_play_that_pulls_the_image_first(
    world: World, registry: Registry, tmp_path: Path
) -> None:
    """The files of an image that is not there yet are unknown, which is not a mistake."""
    name, play = f"{registry.host}/far:1", Play(tmp_path)
    away = [
        module("image_tag", name="busybox:1", repository=[name]),
        module("image_push", name=name),
        module("image_remove", name=name),
    ]
    assert play.tasks(away).status == 0
    assert play.tasks([module("image_remove", name="busybox:1")]).status == 0
    tasks = [
        module("container", name="new", image=name, command=["sleep", "1000"],
               network_mode="none", stop_signal="KILL", volumes=["site:/d"]),
        module("container_copy_into", container="new", content="text", container_path="/d/page"),
        module("container_info", name="new"),
        module("volume_info", name="site"),
    ]  # fmt: skip
    checked = answers(tmp_path, tasks, "--check")[1]
    applied = answers(tmp_path, tasks)[1]
    assert [item["changed"] for item in checked] == [item["changed"] for item in applied]
    assert [item.get("exists") for item in checked] == [item.get("exists") for item in applied]
    assert [item.get("exists") for item in applied] == [None, None, True, True]


def test_an_export_is_what_the_container_sees(world: World, tmp_path: Path) -> None:
    script = (
        "rm /bin/vi; echo own > /srv/file; chown 33:33 /srv/file; chmod 2640 /srv/file;"
        " ln /srv/file /srv/hard; mkfifo /srv/fifo; echo v > /data/x; ln -s /x /srv/l;"
        " exec sleep 1000"
    )
    made = world.run("web", script, mounts=(Mount("volume", "data", "/data"),))
    upper = world.layout.container(made.id) / "upper"
    until((upper / "srv/l").is_symlink)
    os.setxattr(f"/proc/{made.pid}/root/srv/file", "user.note", b"kept")
    path = tmp_path / "web.tar"
    tasks = [module("container_export", container="web", path=str(path))]
    play = Play(tmp_path)
    for running in (True, False):
        if not running:
            actions.stop(world.host, made.id, 0)
            path.unlink()
        # Checked twice where it runs: what is not running is read in the same way.
        flags = (["--check"], [], [], ["--check"]) if running else ([], ["--check"])
        runs = [results(play.tasks(tasks, *given))[0]["changed"] for given in flags]
        assert runs == ([True, True, False, False] if running else [True, False])
        assert path.stat().st_mode & 0o777 == 0o600
        with tarfile.open(path) as archive:
            found = {member.name: member for member in archive}
        assert "bin/vi" not in found and "bin/sh" in found and "bin/busybox" in found
        assert not any(name.startswith((".wh", "data/", "proc/")) for name in found)
        assert found["data"].isdir() and found["srv/fifo"].isfifo() and found["srv/l"].issym()
        one = found["srv/file"]
        assert (one.uid, one.gid, one.mode) == (33, 33, 0o2640)
        assert one.pax_headers["SCHILY.xattr.user.note"] == "kept"
        assert found["srv/hard"].linkname == "srv/file"
    path.write_bytes(b"other")
    assert play.tasks(tasks).changed == 1
    imported = world.add_image("again", path)
    again = world.run("again", "cat /srv/file", image=imported)
    until(lambda: world.current(again.id).phase == "exited")
    assert "own" in world.log(again.id)


def test_what_is_told_of_containers(world: World, tmp_path: Path) -> None:
    first = world.run("first", "echo x > /file; exec sleep 1000", labels={"app": "shop"})
    world.create("second", labels={"app": "shop"})
    world.create("third")
    until((world.layout.container(first.id) / "upper/file").exists)
    info = "container_info"
    tasks = [
        module(info, name="first", size=True, stats=True, top=True, ports=True, changes=True),
        module(info, name="nobody"),
        module(info),
        module(info, filters={"label": "app=shop"}),
        module(info, filters={"label": "app=shop"}, all=False),
        module(info, filters={"ancestor": "busybox:1", "name": ["first", "third"]}, stats=True),
    ]
    one, nobody, everything, shop, running, some = answers(tmp_path, tasks, "--check")[1]
    found = one["container"]
    assert one["exists"] and found["Id"] == first.id and one["containers"] == [found]
    assert found["SizeRw"] == 2 and found["SizeRootFs"] > 100_000
    assert found["Stats"]["pids_stats"]["current"] == 1
    assert found["Top"]["Processes"][0][7] == "sleep 1000" and found["Ports"] == {}
    assert {"Path": "/file", "Kind": 1} in found["Changes"]
    assert nobody == {**nobody, "exists": False, "container": None, "containers": []}
    names = [
        [one["Name"] for one in item["containers"]] for item in (everything, shop, running, some)
    ]
    assert names == [["/third", "/second", "/first"], ["/second", "/first"], ["/first"],
                     ["/third", "/first"]]  # fmt: skip
    assert some["containers"][0]["Stats"]["memory_stats"] == {}
    assert json.loads(json.dumps(everything["containers"][2])) == {
        key: value for key, value in found.items()
        if key not in ("SizeRw", "SizeRootFs", "Stats", "Top", "Ports", "Changes")
    }  # fmt: skip
