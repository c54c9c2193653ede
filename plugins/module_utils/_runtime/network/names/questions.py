# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions that containers ask while the name server reads its files: kept, and asked for them.

Before release 1.11 aardvark-dns closes its sockets on SIGHUP and opens them again, up to ten
milliseconds later. A question that comes meanwhile is refused by the kernel, and glibc then says
that the name cannot be resolved; one that was not read yet is lost. Newer releases keep their
sockets.

So there is a table of nftables beside the engine's own. It hands what goes to port 53 of this
host over UDP to a transparent socket (tproxy in nft(8), Documentation/networking/tproxy.rst), if
there is one, which is so only inside ``with kept():``. Without one the kernel goes on as if the
rule were not there. So no rule is changed for a reload, and a process that is killed leaves no name
unanswered. In the end each question is sent from its own address to where it went, and the name
server answers the container itself: for the kernel it is one flow.

Nothing is kept where the kernel has no tproxy, where somebody else has the socket's port, and where
bridged packets pass through nftables (sysctl net.bridge.bridge-nf-call-iptables, which only a host
with br_netfilter has): there the kernel forgets the socket when the packet leaves the bridge
(ip_rcv_core). Questions over TCP are not kept either.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
from collections.abc import Iterator
from typing import Any

from ...base.errors import Error
from ...kernel import process
from ..link import nf_tables
from .dns_query import PORT

#: The table, and the port of the socket that keeps questions.
TABLE = "slipway_questions"
_KEEPER = 18053
_RULES = f"""
table inet {TABLE} {{
    chain prerouting {{
        type filter hook prerouting priority mangle
        iifname != "lo" meta l4proto udp th dport {PORT} fib daddr type local tproxy to :{_KEEPER}
    }}
}}
"""
#: The first release that goes on answering while it reads its files.
_STEADY = (1, 11)
#: Linux, include/uapi/linux/in.h and in6.h.
_IP_TRANSPARENT, _IP_RECVORIGDSTADDR = 19, 20
_IPV6_TRANSPARENT, _IPV6_RECVORIGDSTADDR = 75, 74
#: The largest question that is kept, in bytes: as large as EDNS has them.
_LARGEST = 4096


def refused_by(program: str) -> bool:
    """Whether that name server refuses questions while it reads its files: by its release."""
    try:
        said = process.run([program, "--version"], timeout_s=10).stdout
    except Error:
        return False
    found = re.search(rb"(\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) < _STEADY


def prepare() -> None:
    """Put the table in place, if it is not. Without tproxy in the kernel there is none."""
    if nf_tables.has_table(TABLE):
        return
    process.run(["nft", "-f", "-"], stdin=_RULES.encode(), check=False)


def remove() -> None:
    """Take the table away; none is a success."""
    if nf_tables.has_table(TABLE):
        process.run(["nft", "delete", "table", "inet", TABLE], check=False)


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Keep what is asked in the block, and ask it at its end."""
    prepare()
    with contextlib.ExitStack() as held:
        keepers = []
        for family in (socket.AF_INET, socket.AF_INET6):
            with contextlib.suppress(OSError):
                keeper = held.enter_context(_transparent(family))
                keeper.setblocking(False)
                keeper.bind(("", _KEEPER))
                keepers.append(keeper)
        try:
            yield
        finally:
            for keeper in keepers:
                _ask_again(keeper)


def _transparent(family: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.setsockopt(socket.IPPROTO_IPV6, _IPV6_TRANSPARENT, 1)
        made.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVORIGDSTADDR, 1)
    else:
        made.setsockopt(socket.IPPROTO_IP, _IP_TRANSPARENT, 1)
        made.setsockopt(socket.IPPROTO_IP, _IP_RECVORIGDSTADDR, 1)
    return made


def _ask_again(keeper: socket.socket) -> None:
    """Let no further question come to a socket, and send those that did where they were to go."""
    # Connected, it is a socket for what comes from there and for nothing else (udp(7)).
    with contextlib.suppress(OSError):
        keeper.connect(("127.0.0.1" if keeper.family == socket.AF_INET else "::1", 9))
    while True:
        try:
            question, ancillary, dummy, client = keeper.recvmsg(_LARGEST, socket.CMSG_SPACE(28))
        except OSError:
            return
        for dummy, kind, data in ancillary:
            if kind in (_IP_RECVORIGDSTADDR, _IPV6_RECVORIGDSTADDR):
                # Who is not answered asks again; nobody else is to wait for that.
                with contextlib.suppress(OSError), _transparent(keeper.family) as asking:
                    asking.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    asking.bind(client)
                    asking.sendto(question, _asked(keeper.family, data, client))


def _asked(family: int, data: bytes, client: Any) -> Any:
    """Where a question was to go: of struct sockaddr_in or sockaddr_in6 (ip(7), ipv6(7))."""
    (port,) = struct.unpack_from("!H", data, 2)
    if family == socket.AF_INET:
        return (socket.inet_ntop(family, data[4:8]), port)
    return (socket.inet_ntop(family, data[8:24]), port, 0, client[3])
