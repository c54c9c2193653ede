# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in and out as a resource, and the module, against real registries."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

import pytest
from support.servers.faults import FaultyServer
from support.servers.registry import Registry as RealRegistry
from support.servers.registry import free_port

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host, Plan
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry import credentials
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry.credentials import (
    Credentials,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import registry_login

SECRET = "canary-5ecret"
OTHER_SECRET = "canary-0ther"
LOGIN = Credentials("anna", SECRET)


@pytest.fixture
def guarded(registries: Callable[..., RealRegistry]) -> RealRegistry:
    return registries(username="anna", password=SECRET, tls=True)


@pytest.fixture
def declared(guarded: RealRegistry, layout: Layout) -> registry_login.Declared:
    return registry_login.Declared(
        domain=guarded.host,
        registry_url=guarded.host,
        path=layout.auth_file,
        credentials=LOGIN,
        ca_file=str(guarded.ca),
    )


def _plan(layout: Layout, declared: registry_login.Declared) -> Plan[registry_login.Login]:
    return registry_login.RESOURCE.plan(
        declared, registry_login.RESOURCE.observe(Host(layout), declared)
    )


def _converge(layout: Layout, declared: registry_login.Declared) -> Plan[registry_login.Login]:
    """Apply, and see that the host is then what the plan said, with nothing left to do."""
    plan = _plan(layout, declared)
    plan.apply(Host(layout))
    after = _plan(layout, replace(declared, reauthorize=False))
    assert registry_login.RESOURCE.view(after.have) == registry_login.RESOURCE.view(plan.want)
    assert not after.changed
    return plan


def test_log_in_and_out(layout: Layout, declared: registry_login.Declared) -> None:
    assert _converge(layout, declared).actions == [f"log in to {declared.domain} as anna"]
    assert not _converge(layout, declared).changed
    assert credentials.read(layout.auth_file, declared.domain) == LOGIN
    gone = replace(declared, credentials=None)
    assert _converge(layout, gone).actions == [f"log out of {declared.domain}"]
    assert not _converge(layout, gone).changed
    assert credentials.read(layout.auth_file, declared.domain) is None


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (None, "not logged in"),
        (Credentials("anna", OTHER_SECRET), "password"),
        (Credentials("eve", SECRET), "username"),
        (Credentials("anna", "", "a-token"), "password"),
    ],
)
def test_the_diff_says_what_differs_and_never_the_secret(
    stored: Credentials, reason: str, layout: Layout, declared: registry_login.Declared
) -> None:
    if stored:
        credentials.store(layout.auth_file, declared.domain, stored)
    plan = _converge(layout, declared)
    assert plan.reasons == (reason,)
    before, after = registry_login.RESOURCE.view(plan.have), registry_login.RESOURCE.view(plan.want)
    assert before != after
    told = json.dumps([before, after, plan.actions]) + repr(plan)
    for secret in (SECRET, OTHER_SECRET, "a-token"):
        assert secret not in told


def test_reauthorize_stores_anew_every_time(
    layout: Layout, declared: registry_login.Declared
) -> None:
    again = replace(declared, reauthorize=True)
    assert _converge(layout, again).changed
    assert _converge(layout, again).reasons == ("reauthorize",)


def test_a_refused_login_is_an_error_and_changes_nothing(
    layout: Layout, declared: registry_login.Declared
) -> None:
    credentials.store(layout.auth_file, declared.domain, LOGIN)
    before = layout.auth_file.read_bytes()
    for wrong in (Credentials("anna", OTHER_SECRET), Credentials("eve", SECRET)):
        with pytest.raises(Error, match=f"logging in to .* as '{wrong.username}' failed") as caught:
            _plan(layout, replace(declared, credentials=wrong))
        assert SECRET not in str(caught.value) and OTHER_SECRET not in str(caught.value)
    assert layout.auth_file.read_bytes() == before


def test_a_registry_that_is_down(layout: Layout) -> None:
    address = f"127.0.0.1:{free_port()}"
    declared = registry_login.Declared(address, address, layout.auth_file, LOGIN)
    plan = _plan(layout, declared)
    assert plan.changed and len(plan.unmet) == 1 and address in plan.unmet[0]
    with pytest.raises(Error, match="connection refused"):
        plan.apply(Host(layout))
    assert not layout.auth_file.exists()
    # Not asked, it does not matter; and what is stored is not taken back for it.
    assert _converge(layout, replace(declared, validate=False)).changed
    host = Host(layout)
    assert not registry_login.RESOURCE.plan(
        declared, registry_login.RESOURCE.observe(host, declared)
    ).changed
    assert any("could not be checked" in warning for warning in host.warnings)
    assert _converge(layout, replace(declared, credentials=None)).changed


def test_logging_out_asks_nobody(layout: Layout, registry: RealRegistry) -> None:
    with FaultyServer(registry.host).running() as server:
        credentials.store(layout.auth_file, server.address, LOGIN)
        declared = registry_login.Declared(server.address, server.address, layout.auth_file)
        assert _converge(layout, declared).changed
        assert server.seen == []


def test_a_login_of_docker_hub_is_found_by_its_other_names(layout: Layout) -> None:
    declared = registry_login.Declared(
        "docker.io", "https://index.docker.io/v1/", layout.auth_file, LOGIN, validate=False
    )
    assert _converge(layout, declared).changed
    assert list(json.loads(layout.auth_file.read_text())["auths"]) == [
        "https://index.docker.io/v1/"
    ]


def test_the_login_serves_skopeo(layout: Layout, declared: registry_login.Declared) -> None:
    _converge(layout, declared)
    argv = ["skopeo", "list-tags", "--tls-verify=false", "--authfile", str(layout.auth_file)]
    done = subprocess.run(
        [*argv, f"docker://{declared.domain}/no/such"], capture_output=True, check=False, timeout=60
    )
    assert b"unauthorized" not in done.stderr.lower()
    layout.auth_file.write_text("{}")
    done = subprocess.run(
        [*argv, f"docker://{declared.domain}/no/such"], capture_output=True, check=False, timeout=60
    )
    assert b"unauthorized" in done.stderr.lower() or b"authentication" in done.stderr.lower()


def _task(*extra: str, **options: object) -> dict[str, Any]:
    """Run the module as a task of its own, and return its result; no secret may be printed."""
    collections = next(path for path in sys.path if path.endswith("/collections"))
    argv = [
        f"{Path(sys.executable).parent}/ansible",
        "localhost",
        "-c",
        "local",
        "-vvv",
        "--diff",
        "-e",
        "ansible_python_interpreter=/usr/bin/python3",
        "-m",
        "slipway.engine.registry_login",
        "-a",
        json.dumps(options),
        *extra,
    ]
    env = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": collections,
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "ANSIBLE_NOCOLOR": "1",
    }
    done = subprocess.run(argv, capture_output=True, check=False, timeout=120, env=env, text=True)
    output = done.stdout + done.stderr
    for secret in (SECRET, OTHER_SECRET, base64.b64encode(f"anna:{SECRET}".encode()).decode()):
        # Ansible itself hides it in the arguments it shows; nothing else may show it.
        assert secret not in output
    start = output.index("localhost | ")
    result: dict[str, Any] = json.loads(output[output.index("{", start) : output.rindex("}") + 1])
    return result


def test_the_module_predicts_what_it_does_and_shows_no_secret(
    guarded: RealRegistry, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    login: dict[str, object] = {
        "registry_url": f"https://{guarded.host}/v2/",
        "username": "anna",
        "password": "{{ lookup('env', 'REGISTRY_PASSWORD') }}",
        "ca_path": str(guarded.ca),
    }
    monkeypatch.setenv("REGISTRY_PASSWORD", SECRET)
    predicted = _task("--check", **login)
    assert predicted["changed"] and not layout.auth_file.exists()
    done = _task(**login)
    again = _task(**login)
    gone = _task(registry=guarded.host, state="absent")
    for key in ("changed", "actions", "diff", "login_result"):
        assert predicted.get(key) == done.get(key)
    assert done["login_result"]["username"] == "anna"
    assert not again["changed"] and gone["changed"]
