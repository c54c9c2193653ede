# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long ansible.builtin.ping takes inside a container, beside the same on the host.

    tests/sandbox .build/check/host-venv/bin/python tests/benchmark/connection.py [ROUNDS [ITEMS]]

Every contender runs it in a loop of ITEMS items, in turn, round after round, so that a machine
whose speed drifts slows all of them alike. It is run as each connection is by default, and with
pipelining for all. community.docker's docker_api takes part when SLIPWAY_PEERS names a directory
with that collection and dockerd is installed.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import conftest  # noqa: E402
from benchmark import start  # noqa: E402
from support import plays  # noqa: E402
from support.inputs import images  # noqa: E402

_PYTHON = {"ansible_python_interpreter": "/usr/bin/python3"}
_HOSTS: dict[str, dict[str, Any]] = {
    "here": {"ansible_connection": "local", **_PYTHON},
    "slipway": {"ansible_connection": "slipway.engine.container", **_PYTHON},
}


@contextlib.contextmanager
def docker(directory: Path, tarball: Path) -> Iterator[dict[str, Any]]:
    engine = start.Docker(directory)
    try:
        start.run(*engine.argv, "import", str(tarball), "host-usr")
        mounted = ["-v", "/usr:/usr:ro", "--network", "none"]
        start.run(
            *engine.argv, "run", "-d", "--name", "inside", *mounted, "host-usr", "sleep", "9999"
        )
        yield {
            "ansible_connection": "community.docker.docker_api",
            "ansible_host": "inside",
            "ansible_docker_docker_host": engine.socket,
            **_PYTHON,
        }
    finally:
        start.run(*engine.argv, "rm", "-f", "inside", check=False)
        engine.close()


def main() -> None:
    if "SLIPWAY_SANDBOX" not in os.environ:
        raise SystemExit("run it in tests/sandbox: it makes containers")
    rounds, items = (int(word) for word in [*sys.argv[1:], "7", "10"][:2])
    directory = Path(os.environ["SLIPWAY_SANDBOX"]) / "benchmark"
    directory.mkdir()
    conftest._link()
    tarball = images.host_usr_tar(directory / "host-usr.tar")
    hosts = dict(_HOSTS)
    made = plays.Play(directory).tasks(
        [
            {"slipway.engine.image_import": {"name": "host-usr", "src": str(tarball)}},
            {"slipway.engine.container": {
                "name": "slipway", "image": "host-usr", "command": "sleep 9999",
                "network_mode": "none", "volumes": ["/usr:/usr:ro"],
            }},
        ]
    )  # fmt: skip
    if made.status:
        raise SystemExit(made.output)
    with contextlib.ExitStack() as running:
        if plays.PEERS:
            try:
                start.Slipway(directory)
                hosts["docker_api"] = running.enter_context(docker(directory, tarball))
            except SystemExit as exc:
                print(f"docker does not serve here and is left out: {exc}")
        try:
            for pipelining in ("", "true"):
                if pipelining:
                    os.environ["ANSIBLE_PIPELINING"] = pipelining
                report(f"pipelining: {pipelining or 'as by default'}",
                       measured(directory, hosts, rounds, items))  # fmt: skip
        finally:
            absent = {"name": "slipway", "state": "absent", "force_kill": True}
            plays.Play(directory).tasks([{"slipway.engine.container": absent}])


def measured(
    directory: Path, hosts: Mapping[str, Mapping[str, Any]], rounds: int, items: int
) -> dict[str, list[float]]:
    """Milliseconds of one item, by host; one figure a round."""
    inventory = directory / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    looped = {"ansible.builtin.ping": {}, "loop": list(range(items))}
    turns = [{"hosts": name, "gather_facts": False, "tasks": [looped]} for name in hosts]
    # The first round warms every cache.
    done = plays.Play(directory, str(inventory), timeout_s=3600).plays(turns * (rounds + 1))
    if done.status:
        raise SystemExit(done.output)
    taken: dict[str, list[float]] = {}
    for index, line in enumerate(done.record[len(hosts) :]):
        name = list(hosts)[index % len(hosts)]
        taken.setdefault(name, []).append(line["seconds"] * 1000 / items)
    return taken


def report(title: str, taken: Mapping[str, list[float]]) -> None:
    print(title)
    here = statistics.median(taken["here"])
    for name, each in taken.items():
        median = statistics.median(each)
        print(
            f"  {name:12} median {median:7.1f} ms   min {min(each):7.1f}   max {max(each):7.1f}"
            f"   {median / here:5.2f} x here"
        )


if __name__ == "__main__":
    main()
