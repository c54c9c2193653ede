# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds of git repositories, over http and ssh, and what repositories must not do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.builds.building import Outcome, build, fill
from support.composing import compose
from support.containers import World
from support.converging import Task, apply, check
from support.servers.git import GitServer, git_server
from support.servers.sshd import ssh_host

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.asked.request import (
    Secret,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image import (
    image_build,
)

FILE = "FROM busybox:1\nCOPY . /app\n"
TOKEN = "canary-of-git-51"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with git_server(tmp_path / "git") as made:
        yield made


@pytest.fixture
def work(server: GitServer) -> Path:
    """A repository with a tag, a branch, and a directory that is a context of its own."""
    made = server.repository("app")
    fill(made, {"Dockerfile": FILE, "f": "one", "sub/Dockerfile": FILE, "sub/g": "g"})
    fill(made, {"l": "->f", "run": "x", ".dockerignore": "run"})
    (made / "f").chmod(0o755)
    server.commit(made)
    server.tag(made, "v1")
    fill(made, {"f": "two"})
    server.commit(made, "HEAD:refs/heads/other")
    return made


def test_what_is_built_of_a_repository(world: World, server: GitServer, work: Path) -> None:
    url, layout = f"{server.url}/app.git", world.layout
    first = server.git(work, "rev-parse", "HEAD^")

    def tree(context: str) -> dict[str, str]:
        made = build(layout, context)
        assert made.warnings == [] and list(layout.tmp.iterdir()) == []
        found = made.tree()
        return {name: text for name, text in found.items() if name.startswith("app/")}

    whole = {"app/Dockerfile": FILE, "app/f": "two", "app/l": "->f", "app/.dockerignore": "run"}
    sub = {"app/sub": "/", "app/sub/Dockerfile": FILE, "app/sub/g": "g"}
    assert tree(url) == {**whole, **sub}
    for ref in ("v1", "refs/tags/v1", first):
        assert tree(f"{url}#{ref}")["app/f"] == "one", ref
    assert tree(f"{url}?tag=v1&checksum={first}")["app/f"] == "one"
    assert tree(f"{url}#other:sub") == {"app/Dockerfile": FILE, "app/g": "g"}
    # A commit that no branch begins with is served as part of all of them.
    server.git(server.directory / "app.git", "config", "uploadpack.allowAnySHA1InWant", "false")
    assert tree(f"{url}#{first}:sub")["app/g"] == "g"
    made = build(layout, url)
    assert made.built.ran == 0
    assert made.path("app/f").stat().st_mode & 0o777 == 0o755
    assert made.path("app/sub/g").stat().st_mode & 0o777 == 0o644


def test_tasks_follow_a_branch(world: World, server: GitServer, work: Path) -> None:
    params = {"name": "made", "path": f"{server.url}/app.git#main", "dockerfile": "sub/Dockerfile"}
    task = Task(image_build.declare, image_build.RESOURCE, params)
    foretold = check(world.layout, task, {})
    server.requests.clear()
    done, dummy = apply(world.layout, task)
    assert done == foretold and done.changed
    # Looked at, planned, built and looked at again: asked and fetched once.
    assert len([path for path in server.requests if path.startswith("/app.git/info")]) == 2
    assert not apply(world.layout, task)[0].changed
    server.commit(work)
    assert not apply(world.layout, task)[0].changed, "the same files"
    fill(work, {"f": "three"})
    server.commit(work)
    foretold = check(world.layout, task, {})
    assert foretold.changed and apply(world.layout, task)[0] == foretold


def test_a_service_and_more_contexts(
    world: World, tmp_path: Path, server: GitServer, work: Path
) -> None:
    text = f"""
services:
  web:
    build:
      context: {server.url}/app.git#v1
      dockerfile_inline: |
        FROM busybox:1
        COPY f /f
        COPY --from=more g /g
        ADD --chown=5 {server.url}/app.git#main:sub /added/
        ADD --keep-git-dir=true {server.url}/app.git#v1 /kept
      additional_contexts: {{more: "{server.url}/app.git#other:sub"}}
    command: sleep 1000
    stop_signal: KILL
    network_mode: none
"""
    task = compose(world.layout, tmp_path, text)
    foretold = check(world.layout, task, {})
    done, dummy = apply(world.layout, task)
    assert done == foretold
    assert check(world.layout, task, {}).actions == ()
    read = world.slipway(
        "exec", "shop-web-1", "sh", "-c",
        "cat /f /g /added/g /kept/f /kept/.git/config; stat -c %u /added/g; ls -A /added",
    ).stdout.decode()  # fmt: skip
    assert read.startswith("oneggone[core]") and f"url = {server.url}/app.git" in read
    assert read.split()[-3:] == ["5", "Dockerfile", "g"]
    # Another commit of what ADD takes is another image.
    server.commit(work)
    again = compose(world.layout, tmp_path, build="always")
    assert "build image" in str(check(world.layout, again, {}).actions)


def test_the_program_and_a_token(
    world: World, tmp_path: Path, server: GitServer, work: Path
) -> None:
    assert work.is_dir()
    server.token = TOKEN
    url = f"{server.url}/app.git#v1"
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    secret = f"id=GIT_AUTH_TOKEN,src={tmp_path}/token"
    refused = world.slipway("build", url, check=False)
    assert refused.returncode == 1 and b"could not read Username" in refused.stderr
    done = world.slipway("build", "-t", "made:1", "--secret", secret, "-f", "sub/Dockerfile", url)
    assert TOKEN.encode() not in done.stderr
    assert os.listdir(world.layout.tmp) == []
    # Who has it in the URL sees it nowhere either.
    user = url.replace("://", f"://x-access-token:{TOKEN}@")
    seen = set()
    text = f"FROM busybox:1\nADD {user} /x\n"

    def look(line: str) -> None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.add(TOKEN.encode() in path.read_bytes())
            except OSError:
                continue

    def added(name: str) -> Outcome:
        secrets = (Secret(name, value=TOKEN.encode()),)
        return build(world.layout, None, f"FROM busybox:1\nADD {url} /x\n", look, secrets=secrets)

    # What is for the host of the context is not for any that a Dockerfile names.
    with pytest.raises(Error, match="could not read Username"):
        added("GIT_AUTH_TOKEN")
    with pytest.raises(Error, match="could not read Username"):
        added("GIT_AUTH_TOKEN.example.org")
    made = added("GIT_AUTH_TOKEN.127.0.0.1")
    assert made.tree()["x/f"] == "one" and seen == {False}
    assert TOKEN not in "\n".join(made.said)
    with pytest.raises(Error) as told:
        build(world.layout, None, text.replace("#v1", "#none").replace(TOKEN, "wrong-one"))
    assert "wrong-one" not in told.value.message.partition("ADD")[0]
    grep = ["grep", "-rlF", TOKEN, str(world.layout.root), str(world.layout.run)]
    assert subprocess.run(grep, capture_output=True, timeout=60, check=False).stdout == b""


def test_over_ssh(
    world: World, tmp_path: Path, server: GitServer, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert work.is_dir()
    with ssh_host(tmp_path / "sshd") as host:
        known = f"-o UserKnownHostsFile={host.directory}/known -o StrictHostKeyChecking=yes"
        monkeypatch.setenv("GIT_SSH_COMMAND", f"ssh -F /dev/null -o BatchMode=yes {known}")
        url = f"ssh://root@127.0.0.1:{host.port}{server.directory}/app.git#v1"
        with pytest.raises(Error, match="Permission denied"):
            build(world.layout, url)
        agents = {"default": (str(host.directory / "key"),)}
        assert build(world.layout, url, agents=agents).tree()["app/f"] == "one"
        monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -F /dev/null -o BatchMode=yes")
        with pytest.raises(Error, match="Host key verification failed"):
            build(world.layout, url, agents=agents)


def test_what_a_repository_cannot_do(
    world: World, tmp_path: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = tmp_path / "canary"
    work = server.repository("evil")
    other = server.repository("other")
    fill(other, {"f": "f"})
    server.commit(other)
    (tmp_path / "secret").write_text("of the host")
    fill(work, {"Dockerfile": FILE, "out": f"->{tmp_path}", "up": "->../../../..", "f": "f"})
    fill(work, {".gitattributes": "f filter=evil\n"})
    server.git(work, "-c", "protocol.file.allow=always", "submodule", "-q", "add",
               str(server.directory / "other.git"), "sub")  # fmt: skip
    commit = server.commit(work)
    # What the administrator has set for git is for the administrator.
    home = fill(tmp_path / "home", {
        ".gitconfig": f'[core]\n\thooksPath = {tmp_path}/hooks\n[filter "evil"]\n'
        f"\tsmudge = touch {canary}; cat\n[init]\n\ttemplateDir = {tmp_path}/template\n",
        ".netrc": "machine 127.0.0.1 login me password canary",
    })  # fmt: skip
    for name in ("hooks/post-checkout", "template/hooks/post-checkout"):
        fill(tmp_path, {name: f"#!/bin/sh\ntouch {canary}\n"})
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.hooksPath")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", f"{tmp_path}/hooks")
    url = f"{server.url}/evil.git"
    made = build(world.layout, url)
    assert made.warnings == [f"{url} has submodules, which are not fetched"]
    tree = made.tree()
    assert tree["app/sub"] == "/" and not [name for name in tree if name.startswith("app/sub/")]
    assert tree["app/out"] == f"->{tmp_path}" and not canary.exists()
    for ref, said in (
        (":out", "has no directory out"),
        (":up", "has no directory up"),
        (":none", "has no directory none"),
        ("none", "has no branch or tag none"),
        ("main^{commit}", "is not a branch"),
        ("0" * 40, "was not served"),
        (commit[:12], "has no branch or tag"),
    ):
        with pytest.raises(Error, match=said):
            build(world.layout, f"{url}#{ref}")
    with pytest.raises(Error, match="is the commit"):
        build(world.layout, f"{url}?ref=main&checksum={'1' * 40}")
    text = f"FROM busybox:1\nADD --checksum={{}} {url} /x\n"
    with pytest.raises(Error, match=f"is the commit {commit}, not 1111111"):
        build(world.layout, None, text.format("1111111"))
    assert build(world.layout, None, text.format(commit)).tree()["x/f"] == "f"
    assert not canary.exists() and os.listdir(world.layout.tmp) == []


def test_without_git(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import process

    monkeypatch.setattr(process, "_PATH", "/none")
    with pytest.raises(Error, match="needs git, which is not on this host"):
        build(world.layout, "http://127.0.0.1:9/a.git")
