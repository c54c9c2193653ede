# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Beside other firewalls: with the rules that Docker, ufw and firewalld make, what passes, what is
said about what does not, and that doing what is said lets it pass.
"""

from __future__ import annotations

import math
import subprocess
from collections.abc import Iterator

import pytest
from support.servers.laboratory import PATIENCE_S, ask, silent
from support.servers.segment import FAR_PEER, LAN_HOST, LAN_PEER, Container, Host

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import Port

#: What dockerd 20.10 makes of the table filter; another bridge than any of ours is its own.
DOCKER = """
*filter
:INPUT ACCEPT
:FORWARD DROP
:OUTPUT ACCEPT
:DOCKER -
:DOCKER-ISOLATION-STAGE-1 -
:DOCKER-ISOLATION-STAGE-2 -
:DOCKER-USER -
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -j RETURN
COMMIT
"""

#: The frame of what ufw 0.36 makes, without its rules for ICMP and logging.
UFW = """
*filter
:INPUT DROP
:FORWARD DROP
:OUTPUT ACCEPT
:ufw-before-input -
:ufw-before-forward -
:ufw-user-input -
:ufw-user-forward -
:ufw-reject-forward -
-A INPUT -j ufw-before-input
-A INPUT -j ufw-user-input
-A FORWARD -j ufw-before-forward
-A FORWARD -j ufw-user-forward
-A FORWARD -j ufw-reject-forward
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
-A ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
"""

#: The frame of what firewalld 1.3 makes with nftables; ``trusted`` are the interfaces of that zone.
FIREWALLD = """
table inet firewalld {{
    chain filter_INPUT {{
        type filter hook input priority filter + 10; policy accept;
        ct state {{ established, related }} accept
        ct status dnat accept
        iifname "lo" accept
        {trusted_input}
        reject with icmpx admin-prohibited
    }}
    chain filter_FORWARD {{
        type filter hook forward priority filter + 10; policy accept;
        ct state {{ established, related }} accept
        ct status dnat accept
        iifname "lo" accept
        {trusted}
        reject with icmpx admin-prohibited
    }}
}}
"""

#: A table of an administrator's own.
OWN = """
table inet own {
    chain guard {
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
    }
}
"""


@pytest.fixture
def host(layout: Layout) -> Iterator[Host]:
    made = Host(layout)
    made.network("blue", "10.1.1.0/24")
    yield made
    made.end()
    for table in ("ip filter", "ip6 filter", "inet firewalld", "inet own"):
        subprocess.run(["nft", "delete", "table", *table.split()], capture_output=True, check=False)


def load(program: str, rules: str) -> None:
    subprocess.run([program, "-f", "-"] if program == "nft" else [program], input=rules.encode(),
                   check=True)  # fmt: skip


def passes(
    host: Host, web: Container, client: Container, patience_s: float = 1.0
) -> tuple[bool, bool, bool]:
    """Whether a published port is reached, the world outside, and the name server."""
    return (
        ask(host.lan, LAN_HOST, 8080, patience_s=patience_s) == ("web", LAN_PEER),
        ask(client.space, FAR_PEER, 80, patience_s=patience_s) is not None,
        web.address
        in client.run("dig", "+short", f"+time={math.ceil(patience_s)}", "+tries=1", "web"),
    )


def run_remedy(warning: str) -> None:
    command = warning.partition(": ")[2]
    subprocess.run(["sh", "-ec", command], check=True)


def pair(host: Host) -> tuple[Container, Container]:
    host.far.serve("far", "tcp:80")
    web = host.container("web", ("blue",), (Port(80, "tcp", "", 8080),))
    return web, host.container("client", ("blue",))


def test_beside_docker(host: Host) -> None:
    load("iptables-restore", DOCKER)
    web, client = pair(host)
    # Docker's policy drops what it does not know: nothing of ours, but for names and the host.
    assert passes(host, web, client) == (False, False, True)
    assert ask(None, LAN_HOST, 8080) is not None
    (warning,) = web.warnings
    assert "the chain FORWARD of ip filter drops traffic from containers by its policy" in warning
    assert warning.endswith("iptables -I DOCKER-USER -m mark --mark 0x2000000/0x2000000 -j ACCEPT")
    run_remedy(warning)
    assert passes(host, web, client, PATIENCE_S) == (True, True, True)
    # What our own table drops is dropped all the same, and nobody is told again.
    assert silent(host.lan, web.address, 81)
    assert host.container("third", ("blue",), (Port(80, "tcp", "", 8081),)).warnings == ()


def test_beside_ufw(host: Host) -> None:
    load("iptables-restore", UFW)
    web, client = pair(host)
    assert passes(host, web, client) == (False, False, False)
    forward, asked = sorted(web.warnings, key=lambda text: "from containers to the host" in text)
    rule = "-m mark --mark 0x2000000/0x2000000 -j ACCEPT"
    assert f"'-A ufw-before-forward {rule}' to /etc/ufw/before.rules" in forward
    assert f"'-A ufw-before-input {rule}' to /etc/ufw/before.rules" in asked
    for text in (forward, asked):
        subprocess.run(["iptables", *text.split("'")[1].split()], check=True)
    assert passes(host, web, client, PATIENCE_S) == (True, True, True)
    assert host.container("third", ("blue",), (Port(80, "tcp", "", 8081),)).warnings == ()


def test_beside_firewalld(host: Host) -> None:
    load("nft", FIREWALLD.format(trusted="", trusted_input=""))
    web, client = pair(host)
    # It lets published ports in by itself.
    assert passes(host, web, client) == (True, False, False)
    bridge = web.attachments[0].bridge
    wanted = f"firewall-cmd --permanent --zone=trusted --add-interface={bridge}"
    assert any(wanted in warning for warning in web.warnings)
    subprocess.run(["nft", "delete", "table", "inet", "firewalld"], check=True)
    zone = f'iifname "{bridge}" accept'
    load("nft", FIREWALLD.format(trusted=zone, trusted_input=zone))
    assert passes(host, web, client, PATIENCE_S) == (True, True, True)
    assert host.container("third", ("blue",), (Port(80, "tcp", "", 8081),)).warnings == ()


def test_beside_a_table_of_the_administrators_own(host: Host) -> None:
    load("nft", OWN)
    web, client = pair(host)
    assert passes(host, web, client)[:2] == (False, False)
    (warning,) = web.warnings
    run_remedy(warning)
    assert passes(host, web, client, PATIENCE_S) == (True, True, True)


def test_beside_the_old_iptables(host: Host) -> None:
    subprocess.run(["iptables-legacy", "-P", "FORWARD", "DROP"], check=True)
    try:
        web, client = pair(host)
        assert passes(host, web, client)[:2] == (False, False)
        (warning,) = web.warnings
        run_remedy(warning)
        assert passes(host, web, client, PATIENCE_S) == (True, True, True)
    finally:
        subprocess.run(["iptables-legacy", "-P", "FORWARD", "ACCEPT"], check=True)
        subprocess.run(["iptables-legacy", "-F", "FORWARD"], check=True)
