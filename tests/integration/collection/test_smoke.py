# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main modules and a role in one play: foreseen, carried out, and unchanged the second time.

``./check versions`` runs it with older and newer releases of ansible-core.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.containers import World, page
from support.plays import Play
from support.servers.registry import free_port

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout

_SERVE = ["sh", "-c", "mkdir -p /srv; cp /etc/page /srv/index.html; exec httpd -f -p 80 -h /srv"]
_SECRET = "canary-of-the-smoke"


def play_of(directory: Path, port: int) -> list[dict[str, Any]]:
    """An image, a network, a volume, a container, a stack and a service."""
    asleep = {"image": "smoke:1", "command": ["sleep", "1000"], "stop_signal": "KILL"}
    return [
        {"slipway.engine.image_tag": {"name": "busybox:1", "repository": ["smoke:1"]}},
        {"slipway.engine.image_info": {"name": "smoke:1"}},
        {
            "slipway.engine.network": {
                "name": "backend",
                "ipam_config": [{"subnet": "10.89.7.0/24"}],
            }
        },
        {"slipway.engine.volume": {"volume_name": "data", "labels": {"kept": "daily"}}},
        {
            "slipway.engine.container": {
                **asleep,
                "name": "alone",
                "networks": [{"name": "backend"}],
                "volumes": ["data:/data"],
                "env": {"LIMIT": "3", "TEXT": "{1: 2}"},
                "secret_env": {"TOKEN": _SECRET},
                "memory": "32M",
            }
        },
        {
            "slipway.engine.stack": {
                "name": "pair",
                "networks": [{"name": "pair"}],
                "defaults": {**asleep, "networks": [{"name": "pair"}]},
                "containers": [{"name": "one"}, {"name": "two", "depends_on": ["one"]}],
            }
        },
        {
            "ansible.builtin.include_role": {"name": "slipway.engine.service"},
            "vars": {
                "service_name": "shop",
                "service_directory": str(directory / "shop"),
                "service_networks": [{"name": "shop"}],
                "service_secrets": [{"name": "token", "content": _SECRET}],
                "service_files": [{"name": "page", "template": str(directory / "page.j2")}],
                "service_containers": [
                    {**asleep, "name": "shop-db", "secrets": ["token"]},
                    {
                        **asleep,
                        "name": "shop-web",
                        "command": _SERVE,
                        "files": ["page:/etc/page"],
                        "published_ports": [f"127.0.0.1:{port}:80"],
                    },
                ],
                "service_wait_for": [{"url": f"http://127.0.0.1:{port}/"}],
                # What is text stays text, whatever it looks like.
                "greeting": '{"a": [1, "0400"]}',
            },
        },
    ]


def test_a_task_in_check_mode_makes_nothing(layout: Layout, tmp_path: Path) -> None:
    task = {"slipway.engine.volume": {"volume_name": "data"}}
    foretold = Play(tmp_path).tasks([task], "--check")
    assert foretold.status == 0 and foretold.changed == 1, foretold.output
    assert list(layout.volumes.iterdir()) == []


def test_the_main_modules_converge(world: World, tmp_path: Path) -> None:
    (tmp_path / "page.j2").write_text("{{ greeting }}")
    port = free_port()
    tasks = play_of(tmp_path, port)
    play = Play(tmp_path)
    runs = [play.tasks(tasks, "--diff", *flags) for flags in (["--check"], [], [])]
    for run in runs:
        assert run.status == 0, run.output
        assert _SECRET not in run.output
    foretold, done, again = (
        [(one["task"], [item["changed"] for item in one["results"]]) for one in run.record]
        for run in runs
    )
    # A page is waited for only where there is one.
    waits = [one for one in done if "answers" in one[0] or "port is open" in one[0]]
    assert [one for one in foretold if one not in waits and "answers" not in one[0]] == [
        one for one in done if one not in waits
    ]
    assert any(any(changed) for dummy, changed in done)
    assert not any(any(changed) for dummy, changed in again)
    assert page(port) == '{"a": [1, "0400"]}'
    inside = world.slipway("exec", "alone", "sh", "-c", "echo $LIMIT $TEXT $TOKEN").stdout.decode()
    assert inside == f"3 {{1: 2}} {_SECRET}\n"
    found = world.slipway("exec", "shop-db", "cat", "/run/secrets/token").stdout.decode()
    assert found == _SECRET
