# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks as a drawing: a line for each, a row for each container, a dot where one is on the
other. SVG within the page, in the page's colours. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ..text.table import plain, shortened
from .facts import Container, Facts

_ROW, _LINE, _TOP, _LEFT = 30, 22, 34, 16
_COLOURS = 8
_NAME_WIDTH, _PORT_WIDTH = 24, 22
#: How wide a letter is at most, in pixels.
_CHARACTER = 8.6


def text(value: str, width: int = 0) -> str:
    """A text of anybody within the drawing, of at most ``width`` characters; 0 is all of it."""
    return escape(shortened(plain(value), width) if width else plain(value))


def letter(number: int) -> str:
    """What a line is called: A to Z, then A2 and so on."""
    return chr(ord("A") + number % 26) + (str(number // 26 + 1) if number >= 26 else "")


def drawing(facts: Facts) -> str:
    """The SVG of all networks with containers on them; "" where no container is on any."""
    lines = [one.name for one in facts.networks]
    place = {name: number for number, name in enumerate(lines)}
    rows = sorted(
        (one for one in facts.containers if one.networks or one.mode),
        key=lambda one: (min((place.get(name, 99) for name, dummy in one.networks), default=99),
                         one.name),
    )  # fmt: skip
    if not any(one.networks for one in rows):
        return ""
    names = max(len(shortened(one.name, _NAME_WIDTH)) for one in rows)
    ports = max(len(shortened(_told(one), _PORT_WIDTH)) for one in rows)
    beside = _LEFT + len(lines) * _LINE + 6
    right = round(beside + names * _CHARACTER + 18)
    width = round(right + ports * _CHARACTER + 8)
    height = _TOP + len(rows) * _ROW
    parts = [*_lines(lines, rows)]
    for number, one in enumerate(rows):
        parts += _row(number, one, place, beside, right)
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
        f' aria-label="Networks and the containers on them" font-family="system-ui,sans-serif"'
        f' font-size="14" fill="currentColor">{"".join(parts)}</svg>'
    )


def _lines(lines: list[str], rows: list[Container]) -> Iterator[str]:
    for number, name in enumerate(lines):
        x = _LEFT + number * _LINE
        on = [row for row, one in enumerate(rows) if name in dict(one.networks)]
        colour = f"var(--n{number % _COLOURS})"
        yield (
            f'<circle cx="{x}" cy="14" r="10" fill="{colour}"/><text x="{x}" y="18.5"'
            f' text-anchor="middle" font-size="12" font-weight="600" fill="var(--card)">'
            f"{letter(number)}</text>"
        )
        if on:
            end = _TOP + on[-1] * _ROW + _ROW // 2
            yield f'<path d="M{x} 24V{end}" stroke="{colour}" stroke-width="3" fill="none"/>'


def _row(
    number: int, one: Container, place: dict[str, int], beside: int, right: int
) -> Iterator[str]:
    y = _TOP + number * _ROW + _ROW // 2
    at = [(name, address) for name, address in one.networks if name in place]
    xs = [_LEFT + place[name] * _LINE for name, dummy in at]
    if xs:
        yield (
            f'<path d="M{min(xs)} {y}H{beside - 6}" stroke="var(--line)" stroke-width="2"'
            ' fill="none"/>'
        )
    for x, (name, address) in zip(xs, at):
        colour = f"var(--n{place[name] % _COLOURS})"
        told = f"{one.name} on {name}{f': {address}' if address else ''}"
        yield (
            f'<circle cx="{x}" cy="{y}" r="6" fill="{colour if one.live else "var(--card)"}"'
            f' stroke="{colour}" stroke-width="2.5"><title>{text(told)}</title></circle>'
        )
    dim = "" if one.live else ' fill="var(--dim)"'
    name = text(one.name, _NAME_WIDTH)
    yield (
        f'<text x="{beside}" y="{y + 5}" font-weight="600"{dim}>{name}'
        f"<title>{text(one.name)}</title></text>"
    )
    if _told(one):
        told = text(_told(one), _PORT_WIDTH)
        yield (
            f'<text x="{right}" y="{y + 5}" font-size="13" fill="var(--dim)">{told}'
            f"<title>{text(_told(one))}</title></text>"
        )


def _told(one: Container) -> str:
    """Its ports, or what it has in place of a network."""
    if one.mode and not one.networks:
        return f"network: {one.mode}"
    return ", ".join(port.removesuffix("/tcp") for port in one.ports)
