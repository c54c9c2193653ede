# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is in nf_tables of the family inet: one question to the kernel each, without nft.

Source: linux/netfilter/nfnetlink.h and nf_tables.h.
"""

from __future__ import annotations

from typing import Any

from . import netlink

_NFPROTO_INET = 1
_GETTABLE, _GETCHAIN = (10 << 8) | 1, (10 << 8) | 4
_NFTA_TABLE_NAME, _NFTA_CHAIN_TABLE, _NFTA_CHAIN_NAME, _NFTA_CHAIN_USE = 1, 1, 3, 6


def has_table(name: str) -> bool:
    """Whether there is a table of that name."""
    return _ask(_GETTABLE, _text(_NFTA_TABLE_NAME, name)) is not None


def uses_of_chain(table: str, name: str) -> int:
    """How many rules a chain has and lead to it; 0 without such a chain."""
    found = _ask(_GETCHAIN, _text(_NFTA_CHAIN_TABLE, table) + _text(_NFTA_CHAIN_NAME, name))
    return 0 if found is None else int.from_bytes(found.get(_NFTA_CHAIN_USE, b""), "big")


def _text(kind: int, value: str) -> bytes:
    return netlink.attribute(kind, f"{value}\0".encode())


def _ask(kind: int, question: bytes) -> Any:
    header = bytes((_NFPROTO_INET, 0, 0, 0))
    flags = netlink.NLM_F_REQUEST | netlink.NLM_F_ACK
    with netlink.Conversation(netlink.NETFILTER) as conversation:
        answer = conversation.ask(netlink.message(kind, flags, 1, header + question))
    return None if answer is None else netlink.attributes(answer[len(header) :])
