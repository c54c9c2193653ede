# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flags of run: all of Docker's, each an option of the module or refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli import directory
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.line import (
    nicknames as made_up,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.line import run_params
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.line.run_flags import (
    REFUSED,
    SIMPLE,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.line.verbs import read
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    catalogue,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    decide,
)

#: What ``docker run --help`` of version 28 lists.
DOCKERS = """
add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent
cgroupns cidfile cpu-count cpu-percent cpu-period cpu-quota cpu-rt-period cpu-rt-runtime
cpu-shares cpus cpuset-cpus cpuset-mems detach detach-keys device device-cgroup-rule
device-read-bps device-read-iops device-write-bps device-write-iops disable-content-trust dns
dns-option dns-search domainname entrypoint env env-file expose gpus group-add health-cmd
health-interval health-retries health-start-interval health-start-period health-timeout hostname
init interactive io-maxbandwidth io-maxiops ip ip6 ipc isolation kernel-memory label label-file
link link-local-ip log-driver log-opt mac-address memory memory-reservation memory-swap
memory-swappiness mount name network network-alias no-healthcheck oom-kill-disable oom-score-adj
pid pids-limit platform privileged publish publish-all pull quiet read-only restart rm runtime
security-opt shm-size sig-proxy stop-signal stop-timeout storage-opt sysctl tmpfs tty ulimit
use-api-socket user userns uts volume volume-driver volumes-from workdir
"""


def params(*words: str) -> dict[str, Any]:
    """What a command line says as the parameters of a task."""
    name, verb, rest = directory.find(["run", *words, "image"])
    return run_params.params(read(verb, name, rest), {"AROUND": "here", "BYTES": "\udcff"})


def test_all_flags_of_docker_are_known() -> None:
    known = {flag.name for flag in directory.find(["run"])[1].flags}
    assert set(DOCKERS.split()) <= known


def test_every_flag_is_an_option_or_is_refused() -> None:
    """An option the module loses, or never had, is found here."""
    known = catalogue.ARGUMENTS
    assert [flag.name for flag, option, dummy in SIMPLE if option not in known] == []
    for flag in REFUSED:
        value = () if flag.kind == "switch" else ("1",)
        with pytest.raises(Error, match=f"--{flag.name} is not supported"):
            params(f"--{flag.name}", *value)
    for words in (["--gpus", "all"], ["--storage-opt", "size=1G"]):
        with pytest.raises(Error, match="is not supported: "):
            decide.declare(run_params.with_defaults({**params(*words), "name": "a"}))
    given = run_params.with_defaults({**params("--kernel-memory", "1m"), "name": "a"})
    assert "since 5.16" in decide.declare(given).ignored[0]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("--add-host a:1.2.3.4 --add-host b=[::1]", {"etc_hosts": {"a": "1.2.3.4", "b": "::1"}}),
        ("--ulimit nofile=1:2 --ulimit core=0", {"ulimits": ["nofile:1:2", "core:0:0"]}),
        ("--sysctl net.x=1", {"sysctls": {"net.x": "1"}}),
        (
            "--device-read-bps /dev/sda:1mb",
            {"device_read_bps": [{"path": "/dev/sda", "rate": "1mb"}]},
        ),
        (
            "--device-write-iops /dev/sda:9",
            {"device_write_iops": [{"path": "/dev/sda", "rate": 9}]},
        ),
        (
            "--log-opt max-size=1m --log-opt tag=a=b",
            {"log_options": {"max-size": "1m", "tag": "a=b"}},
        ),
        ("--entrypoint= ", {"entrypoint": [""]}),
        ("--restart on-failure:5", {"restart_policy": "on-failure", "restart_retries": 5}),
        ("--network host", {"network_mode": "host"}),
        ("--net container:a", {"network_mode": "container:a"}),
        (
            "--network a --network b --ip 10.0.0.2 --network-alias x --link c:d",
            {
                "networks": [
                    {"name": "a", "ipv4_address": "10.0.0.2", "aliases": ["x"], "links": ["c:d"]},
                    {"name": "b"},
                ]
            },
        ),
        (
            "--network name=a,alias=x,alias=y,ip=10.0.0.2,mac-address=02:00:00:00:00:01"
            ",gw-priority=3",
            {
                "networks": [
                    {
                        "name": "a",
                        "aliases": ["x", "y"],
                        "ipv4_address": "10.0.0.2",
                        "mac_address": "02:00:00:00:00:01",
                        "gw_priority": 3,
                    }
                ]
            },
        ),
        ("--link a:b", {"links": ["a:b"]}),
        (
            "--health-cmd true --health-interval 5s --health-retries 2",
            {"healthcheck": {"test": ["CMD-SHELL", "true"], "interval": "5s", "retries": 2}},
        ),
        (
            "--health-interval 5s",
            {"healthcheck": {"interval": "5s", "test_cli_compatible": True}},
        ),
        ("--no-healthcheck", {"healthcheck": {"test": ["NONE"]}}),
        ("-e A=1 -e AROUND -e NOWHERE -e E=", {"env": {"A": "1", "AROUND": "here", "E": ""}}),
        (
            "--mount type=bind,src=/a,dst=/b,readonly,bind-propagation=rslave",
            {
                "mounts": [
                    {
                        "type": "bind",
                        "source": "/a",
                        "target": "/b",
                        "read_only": True,
                        "propagation": "rslave",
                    }
                ]
            },
        ),
        (
            "--mount source=v,target=/v,volume-nocopy,volume-opt=o=size=1m,volume-label=a=b",
            {
                "mounts": [
                    {
                        "type": "volume",
                        "source": "v",
                        "target": "/v",
                        "no_copy": True,
                        "volume_options": {"o": "size=1m"},
                        "labels": {"a": "b"},
                    }
                ]
            },
        ),
        (
            "--mount type=tmpfs,destination=/t,tmpfs-size=1m,tmpfs-mode=1770,ro=false",
            {
                "mounts": [
                    {
                        "type": "tmpfs",
                        "target": "/t",
                        "tmpfs_size": "1m",
                        "tmpfs_mode": "1770",
                        "read_only": False,
                    }
                ]
            },
        ),
    ],
)
def test_a_flag_says_what_a_playbook_would(words: str, wanted: dict[str, Any]) -> None:
    found = params(*words.split())
    assert {name: found[name] for name in wanted} == wanted
    # And the module's own parsers take it.
    decide.declare(run_params.with_defaults({**found, "name": "a", "image": "image"}))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("--ulimit nofile", "--ulimit: ulimit 'nofile' is not in the format"),
        ("--add-host a", "--add-host: bad format for add-host"),
        ("--device-read-iops /dev/sda:1mb", "is not a number of operations"),
        ("--restart on-failure:x", "--restart: 'x' is not a number"),
        ("--ip 10.0.0.2", "require a user-defined network"),
        ("--network host --network a", "cannot be combined with other networks"),
        ("--network name=a,nope=1", "--network: unknown field 'nope'"),
        ("--network alias=a", "has no name"),
        ("--mount type=bind,src=/a", "has no target"),
        ("--mount type=bind,dst=/b,nope=1", "--mount: unknown field 'nope'"),
        ("--mount dst=/b,readonly=maybe", "is not a boolean"),
        ("--no-healthcheck --health-cmd x", "conflicts with --health-*"),
        ("-e =x", "invalid environment variable"),
        ("--env-file /nothere", "open /nothere: No such file"),
        ("--restart bogus", "--restart: 'bogus' is not valid: use no, on-failure, always"),
        ("--restart Always", "--restart: 'Always' is not valid"),
        ("--restart unless_stopped", "--restart: 'unless_stopped' is not valid"),
        ("--restart yes", "--restart: 'yes' is not valid"),
        ("--cgroupns bogus", "--cgroupns: 'bogus' is not valid: use host, private"),
        ("--mount type=bogus,dst=/b", "--mount: type: 'bogus' is not valid: use bind"),
        ("--mount dst=/b,consistency=x", "--mount: consistency: 'x' is not valid"),
        ("--mount type=bind,src=/,dst=/b,bind-propagation=x", "--mount: propagation: 'x' is not"),
    ],
)
def test_what_is_not_understood_names_the_flag(words: str, complaint: str) -> None:
    with pytest.raises(Error) as caught:
        params(*words.split())
    assert complaint in str(caught.value)


def test_files_of_variables(tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_bytes(b"\xef\xbb\xbf# no\n\n  A=1 # kept \r\nAROUND\nB=\n")
    found = params("--env-file", str(path), "-e", "B=2")["env"]
    assert found == {"A": "1 # kept ", "AROUND": "here", "B": "2"}
    path.write_text("A B=1\n")
    with pytest.raises(Error, match="contains whitespace"):
        params("--env-file", str(path))
    path.write_bytes(b"A=\xff\n")
    with pytest.raises(Error, match="invalid UTF-8"):
        params("--env-file", str(path))
    # What a name alone has around us may be anything; the flag is the one that has the name.
    path.write_text("BYTES\n")
    with pytest.raises(Error, match="--env-file: 'BYTES': the name or value is not UTF-8"):
        params("--env-file", str(path), "-e", "A=1")
    for given in ("BYTES", "A=\udcff", "\udcff=1"):
        with pytest.raises(Error, match=r"--env: .*: the name or value is not UTF-8"):
            params("-e", given)


def test_names_that_are_made_up_are_names() -> None:
    found = {made_up.random(retry) for retry in (False, True) for dummy in range(300)}
    assert len(found) > 200
    for name in found:
        container_record.check_name(name)
