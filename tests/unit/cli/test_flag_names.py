# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a command line is said in its flags, whoever found it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.directory import find
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.line import run_params
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.line.flag_names import (
    in_flags,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.line.run_flags import (
    SIMPLE,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.line.verbs import (
    FLOAT,
    INT,
    SWITCH,
    read,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    catalogue,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    decide,
    declare,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    declare as network,
)

OPTIONS = {name for name in catalogue.ARGUMENTS if "_" in name}


def said(*words: str) -> str:
    """What ``slipway run`` says of flags, "" when it takes them."""
    name, verb, rest = find(["run", "--name", "web", *words, "busybox:1"])
    try:
        params = run_params.params(read(verb, name, rest), {})
        params |= {"name": "web", "image": "busybox:1"}
        declared = decide.declare(run_params.with_defaults(params))
        declare.resolve(declared, "docker.io/library/busybox:1", "sha256:" + "1" * 64, None)
    except Error as exc:
        return in_flags(exc, name)
    return ""


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            "--rm --restart always",
            "container web: --rm cannot be combined with --restart always; a container that is"
            " removed when it exits cannot be restarted",
        ),
        ("--user a:b:c", "--user: 'a:b:c' is not valid: use USER, USER:GROUP or :GROUP"),
        (
            "--memory 1G --memory-swap 512M",
            "container web: --memory-swap 512M is less than --memory 1G; --memory-swap is --memory"
            " plus swap; set it to the value of --memory to disable swap",
        ),
        (
            "--cpus 1 --cpu-quota 5000",
            "container web: --cpus cannot be combined with --cpu-period or --cpu-quota; --cpus is"
            " shorthand for both",
        ),
        (
            "--uts host --hostname a",
            "container web: --hostname and --domainname cannot be combined with --uts=host; the"
            " container sees the host's own name",
        ),
        (
            "--network host --sysctl net.ipv4.ip_forward=1",
            "container web: network sysctls cannot be combined with --network=host; they would"
            " change that network for everything else in it",
        ),
        ("--restart always:3", "--restart applies only to --restart on-failure, not always"),
        ("-p x:80", "--publish: 'x:80' is not valid: 'x' is not a port or port range"),
        ("-v /a:/x -v /b:/x", "Duplicate mount point: /x"),
        ("--storage-opt size=1G", "--storage-opt is not supported: it is supported only for"),
        ("--gpus all", "--gpus is not supported: vendor devices need a hook inside the OCI runtime;"
         " list the device nodes in the option --device, or have the option --runtime"),
        ("--mount type=bind,target=/a", "--mount: '/a' is not valid: type bind needs a source"),
        (
            "--mount type=tmpfs,target=/a,bind-create-src",
            "--mount: '/a' is not valid: bind-create-src applies only to type bind",
        ),
        ("--network name=a,ip=1.2.3", "--network: '1.2.3' is not valid: ip of a must be an IPv4"),
        ("--ip 1.2.3 --network a", "--network: '1.2.3' is not valid: ip of a must be an IPv4"),
        ("--log-opt max-file=0", "--log-opt: max-file: '0' is not valid"),
        ("--health-interval 5x", "--health-interval: '5x' is not valid"),
        ("--env-file /nowhere", "open /nowhere: No such file or directory"),
    ],
)  # fmt: skip
def test_words_of_run(words: str, text: str) -> None:
    assert said(*words.split()).startswith(text)


@pytest.mark.parametrize(("flag", "option"), [(row[0], row[1]) for row in SIMPLE])
def test_every_flag_is_named(flag: Any, option: str) -> None:
    if flag.kind == SWITCH:
        return
    texts = ("a\x01 :=:", "-7:x", "relative:/:/")
    for value in ("-9999999999",) if flag.kind in (INT, FLOAT) else texts:
        text = said(f"--{flag.name}={value}")
        assert not text or f"--{flag.name}" in text or "for the log driver" in text, text
        assert not OPTIONS & set(re.findall(r"\w+", text)), text


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"driver_options": {"x": "y"}}, "--opt: unknown option 'x'"),
        ({"ipam_driver": "other"}, "network n: unknown IPAM driver 'other'"),
        (
            {"enable_ipv6": False, "ipam_config": [{"subnet": "fd00::/64"}]},
            "network n: --subnet has an IPv6 subnet, and --ipv6 is false; set --ipv6=true, or omit",
        ),
        ({"config_only": True, "config_from": "m"}, "network n: --config-only and --config-from"),
    ],
)
def test_words_of_network_create(params: dict[str, Any], text: str) -> None:
    with pytest.raises(Error) as caught:
        network.declare({"name": "n", **params})
    assert in_flags(caught.value, "network create").startswith(text)


@pytest.mark.parametrize(
    ("error", "verb", "text"),
    [
        (Error("container a: no", "check the option devices"), "start",
         "container a: no; check the option --device"),
        (Error("container a: the control groups do not support the option cpus"), "update",
         "container a: the control groups do not support the option --cpus"),
        (Error("image a is used by container b", "remove it, or set force: true"), "rmi",
         "image a is used by container b; remove it, or use --force"),
        (Error("container a: it is private", "set ipc_mode: shareable for b"), "start",
         "container a: it is private; set --ipc=shareable for b"),
        (Error("'a_b/network_mode' is a path; see /ipc_mode"), "run",
         "'a_b/network_mode' is a path; see /ipc_mode"),
        (Error("volume v: unknown driver 'x'", "its driver_options mount NFS"), "volume create",
         "volume v: unknown driver 'x'; its --opt mount NFS"),
        (Error("a:1 names a tag, which cannot be combined with all_tags"), "pull",
         "a:1 names a tag, which cannot be combined with --all-tags"),
        (Error("network n does not exist", "create it with slipway.engine.network"), "run",
         "network n does not exist; create it with slipway network create"),
        (Error("no login for r is stored", "run registry_login with registry_url r; check it"),
         "pull", "no login for r is stored; run slipway login r; check it"),
        (Error("not found", docker="No such container: x"), "rm", "No such container: x"),
    ],
)  # fmt: skip
def test_what_acting_says(error: Error, verb: str, text: str) -> None:
    assert in_flags(error, verb) == text
