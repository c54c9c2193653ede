# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts on their way from a module to its action plugin that Ansible must not change.

Ansible takes the values of no_log options out of all that a module returns, wherever they occur. In
a diff, which somebody asked for explicitly, they are the point. So each byte becomes one character
of a block that the values do not use. Nothing is hidden by that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_BLOCK = 256


def _blocks() -> Iterator[int]:
    """Where the blocks of private use begin (Unicode, 23.5): no text means anything by them."""
    yield from range(0xE000, 0xF800, _BLOCK)
    yield from range(0xF0000, 0xFFF00, _BLOCK)


def veil(text: str, values: Sequence[str]) -> str:
    """A text in which none of the values occurs; unveil() is its inverse."""
    used = {ord(character) // _BLOCK for value in values for character in value}
    first = next((block for block in _blocks() if block // _BLOCK not in used), 0xE000)
    data = text.encode("utf-8", "surrogatepass")
    return "".join(chr(first + byte) for byte in data)


def unveil(text: str) -> str:
    """The text that was veiled; see veil()."""
    return bytes(ord(character) % _BLOCK for character in text).decode("utf-8", "surrogatepass")
