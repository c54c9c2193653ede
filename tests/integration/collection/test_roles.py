# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles, run by Ansible on this machine: what they do, that a second run does nothing."""

from __future__ import annotations

import base64
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
import yaml
from support import CHECKOUT
from support.plays import Play
from support.servers.registry import free_port


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


def test_a_host_that_has_everything_is_only_looked_at(play: Play) -> None:
    for arguments in ((), ("--check",)):
        run = play.role("host", {}, *arguments)
        assert (run.status, run.changed) == (0, 0), run.output


def test_all_that_is_missing_is_named_at_once(play: Play) -> None:
    wanted = [
        {"program": "no-such-program", "package": "some-package"},
        {"module": "no_such_module", "package": "python3-some-package"},
        {"program": "neither", "package": "later", "since": {_distribution(): "9999"}},
    ]
    run = play.role("host", {"host_install": False, "host_wanted": wanted})
    assert run.status != 0
    assert "no-such-program is not installed: install the package some-package" in run.output
    assert "no_such_module is not installed: install the package python3-some-package" in run.output
    assert "neither" not in run.output


def test_check_mode_says_what_it_would_install(play: Play) -> None:
    wanted = [{"program": "no-such-program", "package": "some-package"}]
    run = play.role("host", {"host_wanted": wanted}, "--check")
    assert (run.status, run.changed) == (0, 1), run.output
    assert "would install some-package" in run.output


def test_what_only_compose_needs_can_be_left_out(play: Play) -> None:
    wanted = [{"module": "no_such_module", "package": "some-package", "only_compose": True}]
    given = {"host_wanted": wanted, "host_install": False}
    lacking = play.role("host", given)
    assert lacking.status != 0 and "some-package" in lacking.output
    assert play.role("host", {**given, "host_compose": False}).status == 0


def test_what_only_signatures_need_can_be_left_out(play: Play) -> None:
    wanted = [{"module": "no_such_module", "package": "some-package", "only_signatures": True}]
    run = play.role("host", {"host_wanted": wanted}, "--check")
    assert run.status == 0 and "would install some-package" in run.output, run.output
    none = {"host_wanted": wanted, "host_verify_signatures": False}
    run = play.role("host", none, "--check")
    assert (run.status, run.changed) == (0, 0), run.output


def test_every_distribution_gets_what_archives_and_signatures_need() -> None:
    parts = yaml.safe_load((CHECKOUT / "roles/host/vars/main.yml").read_text())["host_parts"]
    for name, wanted in parts.items():
        found = {part.get("program") or part["module"] for part in wanted}
        assert {"zstd", "cryptography", "crun", "requests"} < found, name


@pytest.fixture
def registry_options(play: Play, sandbox: Path) -> Iterator[dict[str, Any]]:
    # The registry's user has to reach its directory through the sandbox's.
    sandbox.chmod(0o711)
    options = {
        "registry_listen": f"127.0.0.1:{free_port()}",
        "registry_config_directory": str(sandbox / "role-etc"),
        "registry_run_directory": str(sandbox / "role-run"),
        "registry_storage": str(sandbox / "role-storage"),
        "registry_user": "docker-registry",
        "registry_supervisor": "none",
    }
    yield options
    play.role("registry", {**options, "registry_state": "absent"})


def test_a_registry_with_login_and_tls_comes_and_goes(
    play: Play, sandbox: Path, registry_options: dict[str, Any]
) -> None:
    login = {"registry_username": "demo", "registry_password": "a pass:word"}
    options = {**registry_options, **login, "registry_tls": True}
    url = f"https://{options['registry_listen']}/v2/"
    first = play.role("registry", options)
    assert first.status == 0, first.output
    trust = ssl.create_default_context(cafile=str(sandbox / "role-etc" / "tls.crt"))
    assert _ask(url, trust, None) == 401
    assert _ask(url, trust, "demo:wrong") == 401
    assert _ask(url, trust, "demo:a pass:word") == 200
    again = play.role("registry", options)
    assert (again.status, again.changed) == (0, 0), again.output
    assert "a pass:word" not in first.output + again.output

    other = play.role("registry", {**options, "registry_password": "another"})
    assert other.status == 0 and other.changed > 0, other.output
    assert _ask(url, trust, "demo:a pass:word") == 401
    assert _ask(url, trust, "demo:another") == 200

    gone = {**options, "registry_state": "absent"}
    assert play.role("registry", gone).changed > 0
    assert play.role("registry", gone).changed == 0
    with pytest.raises(urllib.error.URLError):
        _ask(url, trust, None)
    assert not (sandbox / "role-etc").exists()
    assert not (sandbox / "role-storage").exists()


def _ask(url: str, trust: ssl.SSLContext, login: Optional[str]) -> int:
    request = urllib.request.Request(url)
    if login is not None:
        coded = base64.b64encode(login.encode()).decode()
        request.add_header("Authorization", f"Basic {coded}")
    try:
        with urllib.request.urlopen(request, context=trust, timeout=10) as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        return error.code


def _distribution() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("ID="):
            return line[3:].strip('"')
    return ""
