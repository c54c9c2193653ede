# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials: the file, the spellings of a registry, the helpers, and what never shows."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import process
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry import credentials
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.credentials import (
    Credentials,
    registry_domain,
)

LOGIN = Credentials("user", "s3cret:with:colons")


def _basic(username: str, password: str) -> str:
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def test_a_login_is_kept_in_dockers_format_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "etc" / "auth.json"
    credentials.store(path, "reg.example:5000", LOGIN)
    entry = json.loads(path.read_text())["auths"]["reg.example:5000"]
    assert entry == {"auth": _basic("user", "s3cret:with:colons")}
    assert credentials.read(path, "reg.example:5000") == LOGIN
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_mode_does_not_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        credentials.store(tmp_path / "auth.json", "q.io", LOGIN)
    finally:
        os.umask(before)
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}, modes


def test_what_else_stands_in_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "auth.json"
    document = {"auths": {"a.b": {"auth": _basic("x", "y")}}, "HttpHeaders": {"X": "1"}, "n": [1]}
    path.write_text(json.dumps(document))
    credentials.store(path, "q.io", LOGIN)
    credentials.erase(path, "q.io")
    assert json.loads(path.read_text()) == document


@pytest.mark.parametrize(
    "other",
    ["q.io:443", "q.io:5000", "q.io.evil", "xq.io", "q.i", "Q.io", "https://q.io", "q.io/v1/", ""],
)
def test_only_the_exact_host_and_port_match(tmp_path: Path, other: str) -> None:
    path = tmp_path / "auth.json"
    path.write_text(json.dumps({"auths": {other: {"auth": _basic("u", "p")}}}))
    assert credentials.read(path, "q.io") is None


def test_what_a_killed_writer_left_of_the_logins_goes(tmp_path: Path) -> None:
    path = tmp_path / "auth.json"
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = tmp_path / f".auth.json-{gone.pid}-0a1b2c3d4e5f"
    left.write_text("all logins")
    credentials.store(path, "registry.example.org", Credentials("user", "password"))
    assert not left.exists()


@pytest.mark.parametrize(
    "spelling",
    ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"],
)
def test_docker_hub_has_several_spellings(tmp_path: Path, spelling: str) -> None:
    path = tmp_path / "auth.json"
    path.write_text(json.dumps({"auths": {spelling: {"auth": _basic("u", "p")}}}))
    assert credentials.read(path, "docker.io") == Credentials("u", "p")
    credentials.store(path, "docker.io", LOGIN)
    assert list(json.loads(path.read_text())["auths"]) == ["https://index.docker.io/v1/"]
    credentials.erase(path, "docker.io")
    assert credentials.read(path, "docker.io") is None


@pytest.mark.parametrize("evil", ["docker.io.evil", "index.docker.io.evil", "evil/docker.io"])
def test_what_resembles_docker_hub_is_not(tmp_path: Path, evil: str) -> None:
    path = tmp_path / "auth.json"
    credentials.store(path, "docker.io", LOGIN)
    assert credentials.read(path, evil) is None


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("https://index.docker.io/v1/", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("docker.io", "docker.io"),
        ("https://registry-1.docker.io/v2/", "docker.io"),
        ("reg.example:5000", "reg.example:5000"),
        ("https://reg.example:5000/v2/", "reg.example:5000"),
        ("http://127.0.0.1:5000", "127.0.0.1:5000"),
        ("HTTPS://q.io", "q.io"),
        ("[::1]:5000", "[::1]:5000"),
        ("localhost", "localhost"),
    ],
)
def test_a_registry_as_users_write_it(text: str, domain: str) -> None:
    assert registry_domain(text) == domain


@pytest.mark.parametrize(
    "text", ["", "https://", "https://user:pw@q.io/", "a b", "q.io\n.evil", "q.io:x", "ftp://q.io"]
)
def test_what_is_no_registry_is_refused(text: str) -> None:
    with pytest.raises(Error, match="not a registry"):
        registry_domain(text)


def test_an_identity_token_is_a_login_too(tmp_path: Path) -> None:
    path = tmp_path / "auth.json"
    token = Credentials("00000000-0000-0000-0000-000000000000", "", "refresh-me")
    credentials.store(path, "q.io", token)
    assert credentials.read(path, "q.io") == token


def test_old_forms_are_read(tmp_path: Path) -> None:
    path = tmp_path / "auth.json"
    auths = {
        "plain.io": {"username": "u", "password": "p"},
        "padded.io": {"auth": base64.b64encode(b"u:p\0\0").decode()},
        "empty.io": {},
    }
    path.write_text(json.dumps({"auths": auths}))
    assert credentials.read(path, "plain.io") == Credentials("u", "p")
    assert credentials.read(path, "padded.io") == Credentials("u", "p")
    assert credentials.read(path, "empty.io") is None


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"auths": []}',
        '{"auths": {"q.io": {"auth": "!!!"}}}',
        '{"auths": {"q.io": {"auth": 7}}}',
        '{"auths": {"q.io": {"identitytoken": 7}}}',
        '{"credHelpers": 7}',
        '{"credsStore": "../../bin/sh"}',
        '{"credsStore": "-x"}',
        '{"credsStore": "a/b"}',
        '{"credHelpers": {"q.io": "a b"}}',
    ],
)
def test_a_damaged_file_is_named_and_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "auth.json"
    path.write_text(content)
    with pytest.raises(Error, match=r"auth\.json"):
        credentials.read(path, "q.io")
    if "q.io" not in content:
        with pytest.raises(Error, match=r"auth\.json"):
            credentials.store(path, "q.io", LOGIN)
    assert path.read_text() == content


def test_no_text_of_a_login_shows_its_secret() -> None:
    for login in (LOGIN, Credentials("user", "", "s3cret-token")):
        assert "s3cret" not in repr(login) + str(login) + f"{login}"
        assert "user" in repr(login)


def test_writers_do_not_lose_each_others_logins(tmp_path: Path) -> None:
    path = tmp_path / "auth.json"
    threads = [
        threading.Thread(target=credentials.store, args=(path, f"r{n}.io", LOGIN))
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(json.loads(path.read_text())["auths"]) == 12


HELPER = """#!/bin/sh
# A credential helper that keeps its logins in files and notes how it was called.
echo "$0 $*" >> {directory}/calls
read -r line
case $1 in
store) printf %s "$line" > {directory}/stored ;;
get)
    if [ "$line" = "{server}" ] && [ -e {directory}/stored ]; then cat {directory}/stored
    else echo "credentials not found in native keychain"; exit 1; fi ;;
erase) rm {directory}/stored ;;
esac
"""


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A credential helper ``test`` for reg.example; ``calls`` holds its command lines."""
    program = tmp_path / "docker-credential-test"
    program.write_text(HELPER.format(directory=tmp_path, server="reg.example"))
    program.chmod(0o755)
    monkeypatch.setattr(process, "_PATH", f"{tmp_path}:{process._PATH}")
    return tmp_path


@pytest.mark.parametrize(
    "config", [{"credHelpers": {"reg.example": "test"}}, {"credsStore": "test"}]
)
def test_a_helper_keeps_the_login_and_the_file_no_secret(
    helper: Path, config: dict[str, object]
) -> None:
    path = helper / "auth.json"
    path.write_text(json.dumps({**config, "auths": {"reg.example": {"auth": _basic("o", "l")}}}))
    assert credentials.read(path, "reg.example") is None
    credentials.store(path, "reg.example", LOGIN)
    assert json.loads(path.read_text()) == {**config, "auths": {"reg.example": {}}}
    assert credentials.read(path, "reg.example") == LOGIN
    credentials.erase(path, "reg.example")
    credentials.erase(path, "reg.example")
    assert credentials.read(path, "reg.example") is None
    assert json.loads(path.read_text()) == {**config, "auths": {}}
    # A command line is readable by everyone on the host.
    assert "s3cret" not in (helper / "calls").read_text()


def test_a_helpers_identity_token(helper: Path) -> None:
    path = helper / "auth.json"
    path.write_text('{"credsStore": "test"}')
    credentials.store(path, "reg.example", Credentials("", "", "refresh"))
    assert json.loads((helper / "stored").read_text())["Username"] == "<token>"
    assert credentials.read(path, "reg.example") == Credentials("", "", "refresh")


def test_a_helper_for_one_registry_is_not_asked_for_another(helper: Path) -> None:
    path = helper / "auth.json"
    path.write_text('{"credHelpers": {"reg.example": "test"}}')
    credentials.store(path, "reg.example:5000", LOGIN)
    assert credentials.read(path, "reg.example:5000") == LOGIN
    assert not (helper / "calls").exists()


@pytest.mark.parametrize("stored", ["", "[]", "{}", '{"Username": "u", "Secret": 7}', "s3cret"])
def test_a_helper_that_speaks_nonsense_is_named(helper: Path, stored: str) -> None:
    path = helper / "auth.json"
    path.write_text('{"credsStore": "test"}')
    (helper / "stored").write_text(stored)
    with pytest.raises(Error, match="docker-credential-test get") as caught:
        credentials.read(path, "reg.example")
    assert "s3cret" not in str(caught.value)


def test_a_helper_that_fails_or_is_missing_is_named(helper: Path) -> None:
    path = helper / "auth.json"
    (helper / "docker-credential-test").write_text("#!/bin/sh\necho locked >&2; exit 3\n")
    path.write_text('{"credsStore": "test", "credHelpers": {"q.io": "absent"}}')
    with pytest.raises(Error, match="docker-credential-test get failed with status 3: locked"):
        credentials.read(path, "reg.example")
    with pytest.raises(Error, match="docker-credential-absent"):
        credentials.read(path, "q.io")
