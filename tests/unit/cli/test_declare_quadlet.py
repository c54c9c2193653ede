# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of Quadlet, as tasks: keys, specifiers, words, units that name one another, refusals."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.declare.play.play import (
    Play,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.declare.quadlet import (
    units as quadlet,
)


def tasks(directory: Path, **texts: str) -> tuple[dict[str, dict[str, Any]], Play]:
    """The options of each task by its name; ``web__container`` is the unit web.container."""
    paths = []
    for name, text in texts.items():
        path = directory / name.replace("__", ".").replace("_at_", "@")
        path.write_text(text)
        paths.append(path)
    play = Play()
    quadlet.declare(play, paths)
    [found] = yaml.safe_load(play.text("all", "x").replace("!unsafe ", ""))
    return {
        task["name"]: next(value for key, value in task.items() if key != "name")
        for task in found["tasks"]
    }, play


def container(directory: Path, text: str) -> tuple[dict[str, Any], Play]:
    found, play = tasks(directory, web__container=f"[Container]\nImage=i\n{text}\n")
    return found[f"Container {next(iter(found)).partition(' ')[2]}"], play


ROWS: list[tuple[str, dict[str, Any]]] = [
    ("", {"name": "systemd-web", "image": "i"}),
    ("ContainerName=%N-%p", {"name": "web-web"}),
    ('Exec=sh -c "a b" \'c d\' e\\x20f', {"command": ["sh", "-c", "a b", "c d", "e f"]}),
    ("Entrypoint=/bin/sh", {"entrypoint": ["/bin/sh"]}),
    ('Entrypoint=["/bin/sh","-c"]', {"entrypoint": ["/bin/sh", "-c"]}),
    ('Environment=A=1 "B=two words"\nEnvironment=C=100%%',
     {"env": {"A": "1", "B": "two words", "C": "100%"}}),
    ("Environment=A=1\nEnvironment=\nEnvironment=B=2", {"env": {"B": "2"}}),
    ("AddCapability=CAP_NET_ADMIN CAP_SYS_TIME\nDropCapability=all",
     {"capabilities": ["CAP_NET_ADMIN", "CAP_SYS_TIME"], "cap_drop": ["all"]}),
    ("NoNewPrivileges=yes\nSecurityLabelDisable=true\nSeccompProfile=/etc/x.json",
     {"security_opts": ["no-new-privileges", "label=disable", "seccomp=/etc/x.json"]}),
    ("ReadOnly=on\nRunInit=no", {"read_only": True, "init": False}),
    ("User=5\nGroup=6", {"user": "5:6"}),
    ("Network=host", {"network_mode": "host"}),
    ("Network=none", {"network_mode": "none"}),
    ("Network=shop.network", {"networks": [{"name": "systemd-shop"}]}),
    ("Network=shop:ip=10.1.1.1,alias=x",
     {"networks": [{"name": "shop", "ipv4_address": "10.1.1.1", "aliases": ["x"]}]}),
    ("Network=db.container", {"network_mode": "container:systemd-db"}),
    ("Volume=site.volume:/srv:ro\nVolume=./x:/x\nVolume=/var/cache",
     {"volumes": ["systemd-site:/srv:ro", "{here}/x:/x", "/var/cache"]}),
    ("Mount=type=volume,source=site.volume,destination=/srv",
     {"mounts": [{"type": "volume", "source": "systemd-site", "target": "/srv"}]}),
    ("PublishPort=8080:80\nPublishPort=127.0.0.1::53/udp",
     {"published_ports": ["8080:80", "127.0.0.1::53/udp"]}),
    ("HealthCmd=true\nHealthInterval=5s\nHealthRetries=3",
     {"healthcheck": {"test": ["CMD-SHELL", "true"], "interval": "5s", "retries": 3}}),
    ("PodmanArgs=--cpus 2 \\\n  # in between\n --memory=1g", {"cpus": 2.0, "memory": "1g"}),
    ("Ulimit=nofile=1:2\nSysctl=net.a=1 net.b=2\nShmSize=1m\nTmpfs=/t",
     {"ulimits": ["nofile:1:2"], "sysctls": {"net.a": "1", "net.b": "2"}, "shm_size": "1m",
      "tmpfs": ["/t"]}),
    ("[Service]\nRestart=on-failure\nTimeoutStopSec=70",
     {"restart_policy": "on-failure", "stop_timeout": 70}),
    ("[Service]\nRestart=always", {"restart_policy": "unless-stopped"}),
    ("[Service]\nRestart=no", {"restart_policy": None}),
    ("Label=a=%H\nLabel=b=%l", {"labels": {"a": os.uname().nodename,
                                           "b": os.uname().nodename.partition(".")[0]}}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), ROWS)
def test_a_container(tmp_path: Path, text: str, wanted: dict[str, Any]) -> None:
    found = container(tmp_path, text)[0]
    wanted = yaml.safe_load(yaml.safe_dump(wanted).replace("{here}", str(tmp_path)))
    assert {key: found.get(key) for key in wanted} == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Secret=x", "systemd-web: --secret is left out"),
        ("Pod=x.pod", "systemd-web: --pod is left out"),
        ("AutoUpdate=registry", "web.container: AutoUpdate is left out: a play updates"),
        ("Notify=true", "web.container: Notify is left out: containers are not units"),
        ("UIDMap=0:1:2", "web.container: UIDMap is left out: ids are not mapped here"),
        ("Nonsense=1", "web.container: Nonsense is left out: nothing here stands for it"),
        ("UserNS=auto", "(userns_mode is left out)"),
        ("[Service]\nExecStartPre=x", "ExecStartPre of [Service] is left out"),
        ("[Other]\nA=1", "the section Other is left out"),
    ],
)
def test_what_is_left_out_is_named(tmp_path: Path, text: str, said: str) -> None:
    notes = container(tmp_path, text)[1].notes
    assert any(said in note for note in notes), notes


@pytest.mark.parametrize(
    ("unit", "text", "said"),
    [
        (
            "x__kube",
            "[Kube]\nYaml=x",
            "x.kube: .kube units are refused: a description",
        ),
        ("x__pod", "[Pod]", "x.pod: .pod units are refused: there are no pods here"),
        ("x__build", "[Build]", "x.build: .build units are refused"),
        ("x__container", "[Unit]", "it has no section [Container]"),
        ("x__container", "[Container]\nExec=a", "Image is missing"),
        ("x__container", "[Container]\nImage=x.build", "Image=x.build is a unit"),
        ("x__container", "[Container]\nImage=i\nExec='a", "a quote is not closed"),
        (
            "x__container",
            "[Container]\nImage=%!",
            "specifier %! is not known; write %% for a %",
        ),
        ("x__container", "[Container]\nImage", "line 2 is not in the format KEY=VALUE"),
        ("x__container", "Image=i", "line 1 is not in the format KEY=VALUE"),
        ("x__container", "[Container]\nImage=i\nPodmanArgs=--nonsense", "unknown flag: --nonsense"),
        ("x__network", "[Network]\nGateway=1.2.3.4", "Gateway has no Subnet before it"),
    ],
)
def test_what_is_refused(tmp_path: Path, unit: str, text: str, said: str) -> None:
    with pytest.raises(Error) as found:
        tasks(tmp_path, **{unit: text})
    assert said in str(found.value)


def test_units_that_belong_together(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("# x\nTOKEN=geheim\n")
    (tmp_path / "web@.container.d").mkdir()
    (tmp_path / "web@1.container.d").mkdir()
    (tmp_path / "web@1.container.d" / "10.conf").write_text("[Container]\nLabel=from=drop-in\n")
    found, play = tasks(
        tmp_path,
        web_at_1__container="[Unit]\nAfter=db.service\n[Container]\nImage=web\nContainerName=web-%i\n"
        "Network=shop.network\nVolume=site.volume:/srv\nEnvironmentFile=env\n",
        db__container="[Container]\nImage=db\nContainerName=base\nNetwork=shop.network\n",
        shop__network="[Network]\nNetworkName=shop\nSubnet=10.1.0.0/24\nGateway=10.1.0.1\n"
        "IPRange=10.1.0.0/28\nInternal=true\nLabel=a=b\nOptions=mtu=1400\nDNS=1.1.1.1\n",
        site__volume="[Volume]\nDevice=/dev/sdb\nType=ext4\nOptions=ro\nLabel=a=b\nCopy=false\n",
    )
    assert list(found) == [
        "Network shop",
        "Volume systemd-site",
        "Container base",
        "Container web-1",
    ]
    assert found["Network shop"] == {
        "name": "shop", "internal": True, "labels": {"a": "b"},
        "driver_options": {"com.docker.network.driver.mtu": "1400"},
        "ipam_config": [{"subnet": "10.1.0.0/24", "gateway": "10.1.0.1", "iprange": "10.1.0.0/28"}],
    }  # fmt: skip
    assert found["Volume systemd-site"] == {
        "name": "systemd-site", "labels": {"a": "b"},
        "driver_options": {"device": "/dev/sdb", "type": "ext4", "o": "ro"},
    }  # fmt: skip
    web = found["Container web-1"]
    assert web["labels"] == {"from": "drop-in"}
    assert web["secret_env"] == {"TOKEN": "{{ web_1_token }}"}
    assert (web["networks"], web["volumes"]) == ([{"name": "shop"}], ["systemd-site:/srv"])
    assert [note.split(" is left")[0] for note in play.notes] == [
        "shop.network: DNS", "site.volume: Copy"
    ]  # fmt: skip
