# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of docker and podman, as tasks: what is said, what is left out and named."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.declare.command import (
    foreign_flags,
    lines,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.declare.play import (
    yaml_text,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.declare.play.play import (
    Play,
    is_secret,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.verb.run import VERBS


class Unsafe(str):
    """A text that was marked."""


class Loader(yaml.SafeLoader):  # type: ignore[misc]  # It has no types.
    """Ansible's, as far as these files go."""


Loader.add_constructor("!unsafe", lambda loader, node: Unsafe(node.value))


def read(play: Play) -> dict[str, Any]:
    [found] = yaml.load(play.text("all", "a test"), Loader=Loader)
    return dict(found)


def line(text: str) -> tuple[dict[str, Any], Play]:
    """The options of the one container that a line declares."""
    play = Play()
    lines.declare(play, shlex.split(text), "/base")
    [task] = read(play)["tasks"]
    return task["slipway.engine.container"], play


ROWS: list[tuple[str, dict[str, Any]]] = [
    ("docker run -d nginx", {"name": "nginx", "image": "nginx"}),
    ("docker run --name a -p 80:80 i:1 c 'd e'",
     {"name": "a", "image": "i:1", "command": ["c", "d e"], "published_ports": ["80:80"]}),
    ("podman run --name a -v ./x:/x -v ~/y:/y -v z:/z i",
     {"volumes": ["/base/x:/x", "/root/y:/y", "z:/z"]}),
    ("docker run --name a --mount type=bind,src=../x,dst=/x i",
     {"mounts": [{"type": "bind", "source": "/x", "target": "/x"}]}),
    ("docker create --name a i", {"state": "created"}),
    ("docker container run --name a --restart on-failure:3 i",
     {"restart_policy": "on-failure", "restart_retries": 3}),
    ("docker run --name a --pull always --platform linux/arm64 i",
     {"pull": "always", "platform": "linux/arm64"}),
    ("sudo podman run --name a --pull newer i sudo x",
     {"pull": "always", "command": ["sudo", "x"]}),
    ("docker run --name a --network b --ip 10.0.0.2 i",
     {"networks": [{"name": "b", "ipv4_address": "10.0.0.2"}]}),
    ("docker run --name a -e A=yes -e 'B={{ x }}' i", {"env": {"A": "yes", "B": "{{ x }}"}}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), ROWS)
def test_a_line(text: str, wanted: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/root")
    found = line(text)[0]
    assert {key: found.get(key) for key in wanted} == wanted


NAMED = [
    ("docker run --name a --gpus all i", "a: device_requests is left out: vendor devices"),
    ("docker run --name a --annotation a=b i", "a: --annotation is left out: nothing here"),
    ("docker run --name a --cpu-count 2 i", "it applies to Windows only"),
    ("docker run --name a --cidfile x i", "a: --cidfile is left out: a container is known by"),
    ("docker run --name a --log-driver gelf i", "gelf is not available here"),
    ("docker run --name a --sysctl kernel.x=1 --sysctl net.y=2 i", "(sysctls is left out)"),
    ("docker run --name a -e NOT_THERE_AT_ALL i", "--env NOT_THERE_AT_ALL is left out"),
    ("podman run --name a --replace --secret x,type=env i", "a: --secret is left out: nothing"),
    ("podman run --name a --sdnotify conmon i", "not units of systemd here"),
    ("docker run i", "the line has no --name"),
]


@pytest.mark.parametrize(("text", "said"), NAMED)
def test_what_is_left_out_is_named(text: str, said: str) -> None:
    play = line(text)[1]
    assert any(said in note for note in play.notes), play.notes
    assert said.split(": ")[-1][:20] in play.text("all", "x")


def test_a_part_that_is_not_taken_leaves_the_others() -> None:
    found = line("docker run --name a --sysctl kernel.x=1 --sysctl net.y=2 i")[0]
    assert found["sysctls"] == {"net.y": "2"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("docker run --nonsense i", "unknown flag: --nonsense"),
        ("docker run", "requires at least 1 argument"),
        ("docker run --name a --cpus x i", "invalid argument"),
        ("docker run --name a --cpus 1 --cpu-quota 5000 i", "container a: cpus cannot be combined"),
        ("docker -H x run i", "a flag before the verb is not read"),
        ("docker swarm init", "swarm is not read here"),
        ("docker run --name a --ip 1.2.3.4 i", "require a user-defined network"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    with pytest.raises(Error) as found:
        line(text)
    assert said in str(found.value)


def test_secrets_are_variables_of_the_play() -> None:
    text = (
        "docker run --name a.b -e DB_PASSWORD='x\"y {{ z }}' -e PASSWORD_FILE=/run/p -e A=1"
        " -e URL=postgres://u:p@h/d i serve --api-token=abc --port=1"
    )
    play = Play()
    lines.declare(play, shlex.split(text), "/")
    found = read(play)
    assert found["vars"] == {
        "a_b_db_password": 'x"y {{ z }}',
        "a_b_url": "postgres://u:p@h/d",
        "a_b_api_token": "--api-token=abc",
    }
    assert isinstance(found["vars"]["a_b_db_password"], Unsafe)
    options = found["tasks"][0]["slipway.engine.container"]
    assert options["env"] == {"PASSWORD_FILE": "/run/p", "A": "1"}
    assert options["secret_env"] == {
        "DB_PASSWORD": "{{ a_b_db_password }}",
        "URL": "{{ a_b_url }}",
    }
    assert not isinstance(options["secret_env"]["URL"], Unsafe)
    assert options["command"] == ["serve", "{{ a_b_api_token }}", "--port=1"]


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("POSTGRES_PASSWORD", "x", True),
        ("MYSQL_ROOT_PASSWORD", "x", True),
        ("PASS", "x", True),
        ("api_key", "x", True),
        ("AWS_SECRET_ACCESS_KEY", "x", True),
        ("SECRET_KEY_BASE", "x", True),
        ("GITHUB_TOKEN", "x", True),
        ("SENTRY_DSN", "x", True),
        ("REDIS_URL", "redis://:x@h", True),
        ("MYSQL_ALLOW_EMPTY_PASSWORD", "yes", False),
        ("DB_PASSWORD_FILE", "/run/secrets/x", False),
        ("DB_PASSWORD", "", False),
        ("COMPASS", "north", False),
        ("KEYBOARD", "de", False),
        ("URL", "http://h:80/a@b", False),
    ],
)
def test_what_a_secret_looks_like(name: str, value: str, secret: bool) -> None:
    assert is_secret(name, value) is secret


def test_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAG", "1 2")
    text = """\
#!/bin/sh
set -eu
docker network create --subnet 10.1.0.0/24 net  # ours
docker volume create --label a=b data
docker run -d --name web --volumes-from db -v $(pwd)/x:/x \\
    -l 'a=$TAG' -l b="${TAG}" -l c="it's $TAG" \\
    nginx
docker run -d --name db -v data:/data --network net postgres
docker network connect --alias w net web
echo done
"""
    play = Play()
    lines.script(play, text, "x.sh", "/base")
    tasks = read(play)["tasks"]
    assert [task["name"] for task in tasks] == [
        "Network net", "Volume data", "Container db", "Container web"
    ]  # fmt: skip
    web = tasks[3]["slipway.engine.container"]
    assert web["volumes"] == ["/base/x:/x"]
    assert web["labels"] == {"a": "$TAG", "b": "1 2", "c": "it's 1 2"}
    assert web["networks"] == [{"name": "bridge"}, {"name": "net", "aliases": ["w"]}]
    assert play.notes == ["x.sh:10: 'echo done' is not a line of docker, podman"]


def test_files_are_beside_the_script(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("A=1\nTOKEN=geheim\n")
    play = Play()
    lines.script(play, "docker run --name a --env-file env i", "x.sh", str(tmp_path))
    found = read(play)
    assert found["vars"] == {"a_token": "geheim"}
    assert found["tasks"][0]["slipway.engine.container"]["env"] == {"A": "1"}


def test_the_password_of_a_file_server_is_a_secret() -> None:
    play = Play()
    text = "docker volume create -o type=cifs -o device=//h/x -o o=user=u,password=geheim data"
    lines.declare(play, shlex.split(text), "/")
    found = read(play)
    assert found["vars"] == {"data_option_o": "user=u,password=geheim"}
    options = found["tasks"][0]["slipway.engine.volume"]["driver_options"]
    assert options == {"type": "cifs", "device": "//h/x", "o": "{{ data_option_o }}"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("docker run --name a -e X=$(date) i", "x.sh:1: '$(date)"),
        ("docker run --name a -e X=$NOT_THERE i", "x.sh:1: the variable NOT_THERE has no value"),
        ("docker run 'x", "x.sh:1: No closing quotation"),
        (
            "docker run --name a i\ndocker run --name a j",
            "x.sh:2: the container a is declared twice",
        ),
    ],
)
def test_a_line_of_a_script_is_named(text: str, said: str) -> None:
    with pytest.raises(Error) as found:
        lines.script(Play(), text, "x.sh", "/")
    assert said in str(found.value)


def test_a_circle_is_named() -> None:
    play = Play()
    for one, other in (("a", "b"), ("b", "a")):
        lines.declare(play, ["docker", "run", "--name", one, "--volumes-from", other, "i"], "/")
    with pytest.raises(Error, match="a, b need one another in a circle"):
        play.text("all", "x")


TEXTS = [
    "a", "", " ", "yes", "no", "true", "null", "~", "-", "- a", "a: b", "a #b", "a:b", "1", "1.5",
    "1e3", "0x1f", "22:22", "2020-01-01", "=", "<<", "*a", "&a", "!a", "%a", "@a", "`a`", "a,b",
    "[a]", "{a}", "{{ a }}", "{% a %}", "a\nb", "a\tb", 'a"b', "a'b", "a\\b", "ä €", "\U0001f600",
    "\x7f\x85\u2028", "|", ">", "?", "a ", " a", "Host(`a`)",
    "on", "N", "y", "a: ", "a:", "curl -f x",
    "sh -c 'a b'", "/a/b:/c:ro", "a=b", "$a ${b}", "\ufeff", "#a", "a #", "...", "---",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_comes_back(text: str) -> None:
    for value in ({"key": text}, [text], [{"key": [text], text or "x": 1}], {"key": [[text]]}):
        written = "\n".join(yaml_text.lines(value))
        assert yaml.load(written, Loader=Loader) == value


def test_all_flags_of_run_are_read() -> None:
    """What the program's own run knows, this does; and no flag of podman's hides one of them."""
    own = {flag.name for flag in VERBS["run"].flags}
    assert own <= {flag.name for flag in lines._verb(*foreign_flags.PODMANS).flags}
