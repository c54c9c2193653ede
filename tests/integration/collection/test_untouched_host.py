# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host on which the engine has not kept anything yet answers as an empty one: every module, in
check mode and in a run, and every verb of the program.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.plays import Play

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli import directory, main
from ansible_collections.slipway.engine.plugins.module_utils._runtime.trust import keys

MODULES = Path(__file__).resolve().parents[3] / "plugins" / "modules"

#: A registry where nobody listens.
CLOSED = "127.0.0.1:1"
GONE, OTHER = f"{CLOSED}/gone:1", f"{CLOSED}/other:1"
PAIR = keys.generate()
PROJECT = {"services": {"web": {"image": "gone:1"}}}

Row = tuple[str, dict[str, Any], str]

#: Modules, their options, and what their error must contain; "" where they must succeed.
ROWS: list[Row] = [
    ("commit", {"container": "c1", "name": "made:1"}, "c1"),
    ("compose", {"project_src": "/nowhere"}, "/nowhere"),
    ("compose", {"project_name": "shop", "definition": PROJECT, "state": "absent"}, ""),
    ("compose", {"project_name": "shop", "definition": PROJECT, "pull": "never"}, "gone:1"),
    ("compose_exec", {"project_name": "shop", "definition": PROJECT, "service": "web",
                      "command": "true"}, "web"),
    ("compose_pull", {"project_name": "shop", "definition": {"services": {"web": {"image": GONE}}}},
     CLOSED),
    ("compose_run", {"project_name": "shop", "definition": PROJECT, "service": "nobody"}, "nobody"),
    ("container", {"name": "c1", "state": "absent"}, ""),
    ("container", {"name": "0123456789ab", "state": "absent"}, ""),
    ("container", {"name": "c1", "state": "stopped"}, "c1"),
    ("container_copy_from", {"container": "c1", "container_path": "/x", "dest": "/tmp/x"}, "c1"),
    ("container_copy_into", {"container": "c1", "container_path": "/x", "content": "x"}, "c1"),
    ("container_exec", {"container": "c1", "command": "true"}, "c1"),
    ("container_export", {"container": "c1", "path": "/tmp/x.tar"}, "c1"),
    ("container_info", {"name": "c1"}, ""),
    ("container_info", {}, ""),
    ("container_logs_info", {"container": "c1"}, "c1"),
    ("current_container_facts", {}, ""),
    ("host_info", {"containers": True, "containers_all": True, "images": True, "networks": True,
                   "volumes": True, "disk_usage": True, "verbose_output": True}, ""),
    ("host_reset", {"volumes": True, "configuration": True}, ""),
    ("image", {"name": "gone:1", "state": "absent"}, ""),
    ("image", {"name": "0123456789ab", "state": "absent"}, ""),
    ("image", {"name": "gone:1", "source": "local"}, "gone:1"),
    ("image_build", {"name": "made:1", "path": "/nowhere"}, "/nowhere"),
    ("image_export", {"names": ["gone:1"], "path": "/tmp/x.tar"}, "gone:1"),
    ("image_import", {"name": "made:1", "src": "/nowhere.tar"}, "/nowhere.tar"),
    ("image_info", {}, ""),
    ("image_info", {"name": ["gone:1"]}, ""),
    ("image_load", {"path": "/nowhere.tar"}, "/nowhere.tar"),
    ("image_pull", {"name": GONE}, CLOSED),
    ("image_push", {"name": f"{CLOSED}/pushed:1"}, "pushed:1"),
    ("image_remove", {"name": "gone:1"}, ""),
    ("image_search_info", {"term": "gone", "registry": CLOSED}, CLOSED),
    ("image_sign", {"name": GONE, "key": PAIR.private}, CLOSED),
    ("image_tag", {"name": "gone:1", "repository": ["made:1"]}, "gone:1"),
    ("image_verify", {"name": GONE, "public_keys": [PAIR.public]}, CLOSED),
    ("library", {}, ""),
    ("migration_info", {"engine": "/nowhere.sock"}, "/nowhere.sock"),
    ("network", {"name": "blue", "state": "absent"}, ""),
    ("network_info", {"name": "blue"}, ""),
    ("prune", {"containers": True, "images": True, "networks": True, "volumes": True,
               "builder_cache": True}, ""),
    ("registry_login", {"registry_url": CLOSED, "state": "absent"}, ""),
    ("stack", {"name": "shop", "state": "absent"}, ""),
    ("stack", {"name": "shop", "containers": [{"name": "c1", "image": "gone:1", "pull": "never"}]},
     "gone:1"),
    ("volume", {"name": "data", "state": "absent"}, ""),
    ("volume", {"name": "data"}, ""),
    ("volume_info", {"name": "data"}, ""),
    # Last, as the rest of a check-mode run takes them to be there.
    ("container", {"name": "c3", "image": OTHER, "pull": "never"}, "other:1"),
    ("container", {"name": "c2", "image": OTHER, "pull": "always"}, CLOSED),
]  # fmt: skip

#: The same for command lines.
VERBS = {
    "attach c1": "c1",
    "build /nowhere": "/nowhere",
    "builder prune -f": "",
    "commit c1 made:1": "c1",
    **{f"compose -f /nowhere.yaml {verb}": "/nowhere.yaml" for verb in (
        "attach web", "build", "commit web", "config", "cp web:/x /tmp/x", "create", "down",
        "events", "exec web true", "export web", "images", "kill", "logs", "pause", "port web 80",
        "ps", "pull", "push", "restart", "rm -f", "run web", "scale web=2", "start", "stats",
        "stop", "top", "unpause", "up", "volumes", "wait web")},
    "compose ls": "",
    "compose version": "",
    "container inspect c1": "c1",
    "container ls -a": "",
    "container prune -f": "",
    "cp /etc/passwd c1:/x": "c1",
    "cp c1:/x /tmp/x": "c1",
    f"create {GONE}": CLOSED,
    "declare /nowhere.yaml": "/nowhere.yaml",
    "diff c1": "c1",
    "events --since 1h --until 0s": "",
    "exec c1 true": "c1",
    "export c1 -o /tmp/x.tar": "c1",
    "help": "",
    "history gone:1": "gone:1",
    "image inspect gone:1": "gone:1",
    "image ls": "",
    "image prune -a -f": "",
    "image rm gone:1": "gone:1",
    "image verify gone:1": "gone:1",
    "images": "",
    "import /nowhere.tar made:1": "/nowhere.tar",
    "info": "",
    "report": "",
    "inspect 0123456789ab": "0123456789ab",
    "inspect c1": "c1",
    "kill c1": "c1",
    "load -i /nowhere.tar": "/nowhere.tar",
    f"login -u me -p word {CLOSED}": CLOSED,
    f"logout {CLOSED}": "",
    "logs c1": "c1",
    "network connect blue c1": "c1",
    "network create --subnet nonsense blue": "nonsense",
    "network disconnect blue c1": "c1",
    "network inspect blue": "blue",
    "network ls": "",
    "network prune -f": "",
    "network rm blue": "blue",
    "pause c1": "c1",
    "port c1": "c1",
    "ps -a": "",
    f"pull {GONE}": CLOSED,
    f"push {GONE}": "gone",
    "rename c1 c2": "c1",
    "restart c1": "c1",
    "rm c1": "c1",
    "rmi gone:1": "gone:1",
    f"run {GONE}": CLOSED,
    "save gone:1 -o /tmp/x.tar": "gone:1",
    f"search {CLOSED}/gone": CLOSED,
    "start c1": "c1",
    "stats --no-stream": "",
    "stop c1": "c1",
    "system df -v": "",
    "system prune -a -f --volumes": "",
    "system reset -f": "",
    "tag gone:1 made:1": "gone:1",
    "top c1": "c1",
    f"trust inspect {GONE}": CLOSED,
    "trust key generate mine": "",
    f"trust revoke {GONE}": CLOSED,
    f"trust sign --key /nowhere {GONE}": "/nowhere",
    "unpause c1": "c1",
    "update --memory 64m c1": "c1",
    "version": "",
    "volume create data": "",
    "volume inspect data": "data",
    "volume ls": "",
    "volume prune -f": "",
    "volume rm data": "data",
    "wait c1": "c1",
}  # fmt: skip


@pytest.fixture(autouse=True)
def untouched(layout: Layout) -> Iterator[None]:
    for place in places(layout):
        shutil.rmtree(place, ignore_errors=True)
    yield
    files.prepare(layout)


def places(layout: Layout) -> tuple[Path, ...]:
    return layout.root, layout.run, layout.etc


def test_every_module_is_in_the_table() -> None:
    assert {path.stem for path in MODULES.glob("*.py")} == {name for name, *dummy in ROWS}


def test_every_verb_is_in_the_table() -> None:
    known = {
        name
        for file in directory.FILES
        for name, verb in directory.load(file).items()
        if not verb.hidden
    }
    assert known == {directory.find(line.split())[0] for line in VERBS}


@pytest.mark.parametrize(
    ("rows", "flags"),
    [
        (ROWS[::2], ("--check",)),
        (ROWS[1::2], ("--check",)),
        (ROWS[::2], ()),
        (ROWS[1::2], ()),
    ],
    ids=["check", "check of the others", "run", "run of the others"],
)
def test_every_module_answers(
    layout: Layout, tmp_path: Path, rows: list[Row], flags: tuple[str, ...]
) -> None:
    path = tmp_path / "answers.json"
    # The directories are mounts of the sandbox, so they are emptied, but for the compiled library,
    # which would be sent and compiled for each task. Check mode keeps none, and is tried without.
    spared = [layout.program, *(layout.program / f"*.{ending}" for ending in ("zip", "code"))]
    but = [word for path in spared for word in ("-not", "-path", str(path))]
    empty = ["find", *map(str, places(layout)), "-mindepth", "1", *but, "-delete"]
    tasks: list[dict[str, Any]] = []
    for number, (name, options, dummy) in enumerate(rows):
        if not flags:
            tasks.append({"ansible.builtin.command": {"argv": empty}})
        tasks.append(
            {
                f"slipway.engine.{name}": options,
                "register": f"answer{number}",
                "ignore_errors": True,
            }
        )
    content = (
        "{{ [" + ", ".join(f"answer{number}" for number in range(len(rows))) + "] | to_json }}"
    )
    written = {"ansible.builtin.copy": {"dest": str(path), "content": content}}
    fast = ("-e", "ansible_pipelining=true")
    run = Play(tmp_path).tasks([*tasks, {**written, "check_mode": False}], *fast, *flags)
    assert run.status == 0, run.output
    if flags:
        kept = {found for place in places(layout) for found in place.rglob("*")}
        # Which runtime serves this host is looked up once a boot.
        assert kept <= {layout.run / "runtime.json"}
    found = json.loads(path.read_text())
    wrong = []
    for (name, options, said), answer in zip(rows, found):
        failed = answer.get("failed", False)
        told = [*answer.get("warnings", []), *([answer["msg"]] if failed else [])]
        # What check mode knows that the run would fail for is a warning.
        right = any(said in line for line in told) if said else not failed
        if flags and name in ("container_exec", "compose_exec", "compose_run"):
            right = answer["skipped"]
        if "No such file or directory" in str(told) and not said.startswith("/"):
            right = False
        if not right or (said and not flags and not failed):
            wrong.append((name, options, said, answer))
    assert not wrong, json.dumps(wrong)
    for (name, options, dummy), answer in zip(rows, found):
        if name == "host_info":
            assert answer["containers"] == answer["volumes"] == []
        if name == "container_info" and options:
            assert answer["exists"] is False


@pytest.mark.parametrize("line", VERBS)
def test_every_verb_answers(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    said = VERBS[line]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    none = tmp_path / "none"
    own = [f"--{name}={none}/{name}" for name in ("root", "run", "etc")]
    umask = os.umask(0o022)
    try:
        status = main.main([*own, *line.split()])
    finally:
        os.umask(umask)
    output = capfd.readouterr()
    assert (status == 0) is (said == ""), output
    assert said in output.err, output
    if not said.startswith("/"):
        assert "No such file or directory" not in output.err, output
