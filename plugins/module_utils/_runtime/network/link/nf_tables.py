# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is in nf_tables of the family inet: questions to the kernel, without nft.

Source: linux/netfilter/nfnetlink.h and nf_tables.h.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from . import netlink

_NFPROTO_INET = 1
_GETTABLE, _GETCHAIN = (10 << 8) | 1, (10 << 8) | 4
_NFTA_TABLE_NAME, _NFTA_CHAIN_TABLE, _NFTA_CHAIN_NAME, _NFTA_CHAIN_USE = 1, 1, 3, 6
#: struct nfgenmsg: the family, the version, no resource.
_HEADER = bytes((_NFPROTO_INET, 0, 0, 0))


def has_table(name: str) -> bool:
    """Whether there is a table of that name."""
    return _ask(_GETTABLE, _text(_NFTA_TABLE_NAME, name)) is not None


def uses_of_chain(table: str, name: str) -> int:
    """How many rules a chain has and lead to it; 0 without such a chain."""
    return uses_of_chains(table, [name])[0]


def uses_of_chains(table: str, names: Sequence[str]) -> list[int]:
    """The same of several. They are asked for by name, since a list would have the chains of all
    tables of the host.
    """
    start = _HEADER + _text(_NFTA_CHAIN_TABLE, table)
    questions = [
        netlink.message(
            _GETCHAIN, netlink.NLM_F_REQUEST, number, start + _text(_NFTA_CHAIN_NAME, name)
        )
        for number, name in enumerate(names, 1)
    ]
    with netlink.Conversation(netlink.NETFILTER) as conversation:
        return [_uses(answer) for answer in conversation.ask_each(questions)]


def _uses(answer: Optional[bytes]) -> int:
    found = None if answer is None else netlink.find(answer, _NFTA_CHAIN_USE, len(_HEADER))
    return int.from_bytes(found or b"", "big")


def _text(kind: int, value: str) -> bytes:
    return netlink.attribute(kind, f"{value}\0".encode())


def _ask(kind: int, question: bytes) -> Any:
    flags = netlink.NLM_F_REQUEST | netlink.NLM_F_ACK
    with netlink.Conversation(netlink.NETFILTER) as conversation:
        answer = conversation.ask(netlink.message(kind, flags, 1, _HEADER + question))
    return None if answer is None else netlink.attributes(answer[len(_HEADER) :])
