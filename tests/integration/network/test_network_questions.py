# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What containers ask while others come and go: every question is answered, and at once."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.containers import until
from support.servers.laboratory import unfiltered_bridges
from support.servers.segment import Host

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network import synchronise
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.names import (
    aardvark,
    questions,
)

#: Asks for one name without a break, each time from another port, until it is told to end.
ASKING = r"""
import json, os, socket, struct, sys
server, name, end = sys.argv[1], sys.argv[2].encode(), sys.argv[3]
kind = socket.AF_INET6 if ':' in server else socket.AF_INET
question = struct.pack('>6H', 7, 0x100, 1, 0, 0, 0) + bytes([len(name)]) + name + b'\0'
question += struct.pack('>2H', 1, 1)
told = {}
while not os.path.exists(end):
    with socket.socket(kind, socket.SOCK_DGRAM) as asking:
        asking.settimeout(3)
        asking.connect((server, 53))
        try:
            asking.send(question)
            said = socket.inet_ntoa(asking.recv(512)[-4:])
        except OSError as exc:
            said = type(exc).__name__
    told[said] = told.get(said, 0) + 1
    if sum(told.values()) == 1:
        open(end + '.begun', 'w').close()
print(json.dumps(told))
"""


@pytest.fixture
def host(layout: Layout) -> Iterator[Host]:
    with unfiltered_bridges():
        made = Host(layout)
        yield made
        made.end()


def asked_meanwhile(host: Host, server: str, tmp_path: Path) -> dict[str, int]:
    """What a container is told that asks for another one while fifty come and go."""
    client = host.container("client", ("blue",))
    end = tmp_path / "end"
    told: list[str] = []
    argv = ("/usr/bin/python3", "-c", ASKING, server, "web", str(end))
    thread = threading.Thread(target=lambda: told.append(client.run(*argv)))
    thread.start()
    until(Path(f"{end}.begun").exists)
    try:
        for number in range(25):
            host.container(f"other{number}", ("blue",)).end()
    finally:
        end.touch()
        thread.join()
    found: dict[str, int] = json.loads(told[0])
    return found


@pytest.mark.parametrize("server", ["10.1.1.1", "fd00:b::1"])
def test_every_question_is_answered(host: Host, server: str, tmp_path: Path) -> None:
    host.network("blue", "10.1.1.0/24", "fd00:b::/64")
    web = host.container("web", ("blue",))
    told = asked_meanwhile(host, server, tmp_path)
    assert set(told) == {web.address} and told[web.address] > 100


def test_what_is_in_the_way_of_a_killed_process_is_nothing(host: Host) -> None:
    """The table stays for the next one, and without a socket it lets everything pass."""
    host.network("blue", "10.1.1.0/24")
    web = host.container("web", ("blue",))
    questions.prepare()
    client = host.container("client", ("blue",))
    assert client.run("dig", "+short", "+time=2", "+tries=1", "web").split() == [web.address]
    for container in (web, client):
        container.end()
    synchronise.synchronise(host.layout)
    tables = subprocess.run(["nft", "list", "tables"], check=True, capture_output=True).stdout
    assert questions.TABLE.encode() not in tables


@pytest.mark.parametrize(
    ("said", "refuses"),
    [
        ("aardvark-dns 1.4.0", True),
        ("aardvark-dns 1.10.0", True),
        ("aardvark-dns 1.11.0", False),
        ("aardvark-dns 2.0.0-dev", False),
        ("no release", False),
    ],
)
def test_releases(said: str, refuses: bool, tmp_path: Path) -> None:
    program = tmp_path / "aardvark-dns"
    program.write_text(f"#!/bin/sh\necho {said}\n")
    program.chmod(0o755)
    assert questions.refused_by(str(program)) == refuses


def test_this_release_is_read() -> None:
    program = aardvark.program()
    assert program is not None
    said = subprocess.run([program, "--version"], check=True, capture_output=True).stdout
    number = tuple(map(int, said.split()[-1].split(b".")[:2]))
    assert questions.refused_by(program) == (number < (1, 11))
