# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host between a neighbour and somebody far away, with containers as the network sees them."""

from __future__ import annotations

import dataclasses
import subprocess
from typing import Any, Union

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import linux
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network import (
    attach,
    synchronise,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.link import host_side
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.names import zones
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    network_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
    Endpoint,
    Port,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.network import (
    NetworkSpec,
    Pool,
)
from support.servers.laboratory import Space, wire

LAN, LAN_HOST, LAN_PEER = "192.0.2.0/24", "192.0.2.1", "192.0.2.2"
FAR_HOST, FAR_PEER = "198.51.100.1", "198.51.100.2"


class Container:
    """A running container as the network sees it: a record, and a namespace with a server."""

    def __init__(
        self,
        layout: Layout,
        name: str,
        networks: tuple[Union[str, Endpoint], ...] = ("bridge",),
        ports: tuple[Port, ...] = (),
        scope: tuple[str, ...] = (),
        **spec: Any,
    ) -> None:
        self.layout, self.name = layout, name
        self.id = (name.encode().hex() + "0" * 64)[:64]
        layout.container(self.id).mkdir(mode=0o700)
        endpoints = [
            Endpoint(network) if isinstance(network, str) else network for network in networks
        ]
        self.attachments = attach.attach(layout, self.id, endpoints)
        asked = ContainerSpec(name, name, name, hostname=name, **spec)
        zones.prepare(layout, self.id, asked, self.attachments)
        made = container_record.Record(
            self.id, name, "", (), attachments=self.attachments, dns_servers=asked.dns_servers
        )
        with synchronise.claim(
            layout, self.id, ports, self.attachments, scope=scope
        ) as publications:
            self.record = dataclasses.replace(made, publications=publications)
            container_record.write_record(layout, self.record)
        self.warnings = synchronise.synchronise(layout, starting=[self.record]).warnings
        self.space = Space()
        attach.connect(layout, self.space.pid, self.attachments)
        self.space.serve(name, "tcp:80", "udp:80", "tcp:81")
        self.record = as_running(self.record, self.space.pid)
        container_record.write_record(layout, self.record)

    @property
    def address(self) -> str:
        return self.attachments[0].ipv4_address.partition("/")[0]

    @property
    def address6(self) -> str:
        return self.attachments[0].ipv6_address.partition("/")[0]

    def hosts(self) -> str:
        return (self.layout.container(self.id) / "hosts").read_text()

    def resolv(self) -> str:
        return (self.layout.container(self.id) / "resolv.conf").read_text()

    def run(self, *argv: str) -> str:
        """Run a program of the host where the container's files of names are in /etc."""
        home = self.layout.container(self.id)
        mounts = "".join(f"mount --bind {home}/{n} /etc/{n}; " for n in ("hosts", "resolv.conf"))
        script = f'{mounts} exec nsenter --target {self.space.pid} --net "$@"'
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-ec", script, "sh", *argv],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return done.stdout + done.stderr

    def end(self) -> None:
        self.space.end()
        gone = dataclasses.replace(self.record, phase="exited", publications=())
        container_record.write_record(self.layout, gone)
        synchronise.synchronise(self.layout)
        attach.release(self.layout, gone)


def as_running(found: container_record.Record, pid: int) -> container_record.Record:
    """The record of a container whose process is this one."""
    start = linux.process_start_time(pid)
    assert start is not None
    return dataclasses.replace(
        found, phase="running", pid=pid, pid_start=start, boot_id=linux.boot_id()
    )


def add_network(layout: Layout, name: str, subnet: str, subnet6: str = "", **options: Any) -> None:
    """A network whose gateways are the first addresses of its subnets."""
    pools = [Pool(subnet, subnet.replace(".0/24", ".1"))]
    if subnet6:
        pools.append(Pool(subnet6, subnet6.replace("::/64", "::1")))
    spec = NetworkSpec(name, pools=tuple(pools), enable_ipv6=bool(subnet6), **options)
    made = network_record.make(spec)
    network_record.write(layout, made)
    host_side.ensure_bridge(
        made.bridge, network_record.bridge_addresses(made), network_record.mtu(made)
    )
    synchronise.synchronise(layout)


class Host:
    """This namespace as a host between a neighbour (LAN) and somebody far away."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.lan, self.far = Space(), Space()
        wire(None, self.lan, ("lan0", "eth0"), (f"{LAN_HOST}/24", f"{LAN_PEER}/24"))
        wire(None, self.far, ("far0", "eth0"), (f"{FAR_HOST}/24", f"{FAR_PEER}/24"))
        subprocess.run(["ip", "addr", "add", "2001:db8::1/64", "dev", "lan0", "nodad"], check=True)
        self.lan.run("ip", "addr", "add", "2001:db8::2/64", "dev", "eth0", "nodad")
        self.lan.run("ip", "route", "add", "default", "via", LAN_HOST)
        self.lan.run("ip", "-6", "route", "add", "default", "via", "2001:db8::1")
        self.far.run("ip", "route", "add", "default", "via", FAR_HOST)
        self.containers: list[Container] = []

    def network(self, name: str, subnet: str, subnet6: str = "", **options: Any) -> None:
        add_network(self.layout, name, subnet, subnet6, **options)

    def container(
        self,
        name: str,
        networks: tuple[Union[str, Endpoint], ...] = ("bridge",),
        ports: tuple[Port, ...] = (),
        scope: tuple[str, ...] = (),
        **spec: Any,
    ) -> Container:
        made = Container(self.layout, name, networks, ports, scope, **spec)
        self.containers.append(made)
        return made

    def end(self) -> None:
        for container in self.containers:
            container.end()
        for network in network_record.networks(self.layout):
            host_side.delete_link(network.bridge)
            network_record.remove(self.layout, network.id)
        synchronise.synchronise(self.layout)
        self.lan.end()
        self.far.end()
        for name in ("lan0", "far0"):
            host_side.delete_link(name)
