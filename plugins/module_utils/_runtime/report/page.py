# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page: one file of HTML that needs no scripts and no other file. Pure.

Every text of somebody else goes through text() or an attribute of it, so that names and labels are
never markup; a policy in the page keeps a browser from loading or running anything in any case.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Optional

from ..base.frozen import dataclass
from ..text.table import plain, size
from . import drift
from .drawing import drawing, letter
from .facts import Container, Facts
from .style import STYLE

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"


@dataclass(frozen=True)
class Run:
    """A task that the page is of: ``what`` it converged, and what it did."""

    what: str
    actions: tuple[str, ...] = ()
    failed: bool = False


def text(value: object) -> str:
    """A text of anybody as HTML: on one line, nothing in it is markup."""
    return escape(plain(str(value)))


def page(
    facts: Facts, earlier: Optional[tuple[float, list[str]]] = None, run: Optional[Run] = None
) -> str:
    """The whole file. ``earlier`` is the moment of an earlier page, in seconds since the epoch, and
    what is different since then.
    """
    made = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(facts.moment))
    parts = [
        *_tiles(facts),
        *_attention(facts),
        *_drift(facts, earlier, run),
        *_containers(facts),
        *_networks(facts),
        *_images(facts),
        *_disk(facts),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">'
        f"<title>{text(facts.host)}: containers</title><style>{STYLE}</style></head>\n"
        f"<body><main><header><h1>{text(facts.host)}</h1><p>{made} · {text(facts.system)}</p>"
        f"</header>\n{''.join(parts)}"
        f"<footer>Written by slipway {text(facts.version)}. Environments, commands and files of"
        f" containers are not on this page.</footer></main>\n{drift.held(drift.snapshot(facts))}"
        "</body></html>\n"
    )


def _section(title: str, content: str, kind: str = "") -> str:
    return f"<section{f' class={kind}' if kind else ''}><h2>{title}</h2>{content}</section>\n"


def _listed(lines: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{text(line)}</li>' for line in lines)}</ul>"


def _tiles(facts: Facts) -> Iterator[str]:
    runs = sum(one.live for one in facts.containers)
    checked = [one for one in facts.containers if one.health]
    well = sum(one.health == "healthy" for one in checked)
    tiles = [
        (f"{runs} of {len(facts.containers)}", "containers run"),
        (f"{well} of {len(checked)}" if checked else "-", "checked ones are healthy"),
        (str(len(facts.images)), "images"),
        (str(len(facts.networks)), "networks"),
        (size(sum(one.size for one in facts.disk)), "on disk"),
    ]
    shown = (f'<div class="tile"><b>{value}</b><span>{what}</span></div>' for value, what in tiles)
    yield f'<div class="tiles">{"".join(shown)}</div>\n'


def _attention(facts: Facts) -> Iterator[str]:
    found = drift.attention(facts)
    if found:
        yield _section("Look at this", _listed(found), "warns")


def _drift(
    facts: Facts, earlier: Optional[tuple[float, list[str]]], run: Optional[Run]
) -> Iterator[str]:
    parts = []
    if run is not None:
        if run.failed:
            said = '<p class="bad">It failed. What it did before is what is on this page.</p>'
        else:
            said = _listed(run.actions) if run.actions else '<p class="dim">Nothing to change.</p>'
        parts.append(_section(f"This run of {text(run.what)}", said))
    if earlier is not None:
        moment, changes = earlier
        said = _listed(changes) if changes else '<p class="dim">Nothing is different.</p>'
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment))
        parts.append(_section("Since the last page", f'<p class="dim">of {when}</p>{said}'))
    if parts:
        yield f'<div class="pair">{"".join(parts)}</div>\n'


def _table(
    headings: Sequence[str], rows: Iterable[str], numbers: Sequence[str] = (), kind: str = ""
) -> str:
    head = "".join(f"<th{' class=num' if one in numbers else ''}>{one}</th>" for one in headings)
    body = "".join(rows)
    return f'<table class="rows {kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cell(of: str, content: str, kind: str = "") -> str:
    """One field; on a narrow screen ``of`` stands before it, and an empty one is left out."""
    kinds = " ".join(filter(None, (kind, "" if content else "empty")))
    return f'<td data-of="{of}"{f" class={kinds!r}" if kinds else ""}>{content}</td>'


def _containers(facts: Facts) -> Iterator[str]:
    if not facts.containers:
        yield _section("Containers", '<p class="dim">There are none on this host.</p>')
        return
    rows = []
    group = ""
    for one in facts.containers:
        if one.group != group:
            group = one.group
            rows.append(f'<tr class="group"><td colspan="6">{text(group)}</td></tr>')
        rows.append(_container(one))
    headings = ("Name", "State", "Image", "Ports", "Networks", "Restarts")
    yield _section("Containers", _table(headings, rows, ("Restarts",), "wide"))


def _state(one: Container) -> tuple[str, str]:
    """The colour of a state, and its dot: a full one is of a container that runs."""
    if one.health == "unhealthy" or (one.phase == "exited" and one.exit_code):
        return "bad", "dot" if one.live else "dot hollow"
    if one.phase in ("restarting", "paused", "removing") or one.health == "starting":
        return "warn", "dot"
    return ("good", "dot") if one.live else ("idle", "dot hollow")


def _container(one: Container) -> str:
    colour, dot = _state(one)
    newer = '<br><span class="warn">a newer one is here</span>' if one.newer else ""
    networks = "".join(
        f"<span>{text(name)} <code>{text(address)}</code></span><br>"
        for name, address in one.networks
    )
    ports = "".join(f'<span class="tag">{text(port)}</span>' for port in one.ports)
    restarts = str(one.restarts) if one.restarts else ""
    cells = (
        _cell("Name", f'<span class="{colour}"><span class="{dot}"></span></span>{text(one.name)}',
              "name"),
        _cell("State", f'<span class="{colour}">{text(one.status)}</span>'),
        _cell("Image", f"{text(one.image)}{newer}"),
        _cell("Ports", ports),
        _cell("Networks", networks or (f'<span class="dim">{text(one.mode)}</span>'
                                       if one.mode else "")),
        _cell("Restarts", restarts, "num"),
    )  # fmt: skip
    return f"<tr>{''.join(cells)}</tr>"


def _networks(facts: Facts) -> Iterator[str]:
    drawn = drawing(facts)
    if not facts.networks:
        return
    key = []
    for number, one in enumerate(facts.networks):
        said = [text(one.driver), *map(text, one.subnets), *(["internal"] if one.internal else [])]
        key.append(
            f'<li><b style="color:var(--n{number % 8})">{letter(number)}</b> {text(one.name)}'
            f' <span class="dim">{", ".join(said)}</span></li>'
        )
    shown = f'<div class="map">{drawn}</div>' if drawn else ""
    yield _section("Networks", f'<ul class="key">{"".join(key)}</ul>{shown}')


def _images(facts: Facts) -> Iterator[str]:
    if not facts.images:
        return
    rows = []
    for one in facts.images:
        used = f"{one.containers}" if one.containers else '<span class="dim">unused</span>'
        cells = (
            _cell("Name", text(one.name), "name"),
            _cell("Built", text(drift.ago(one.created, facts.moment))),
            _cell("Pulled", text(drift.ago(one.asked, facts.moment))),
            _cell("Containers", used),
            _cell("Size", size(one.size), "num"),
        )
        rows.append(f"<tr>{''.join(cells)}</tr>")
    headings = ("Name", "Built", "Pulled", "Containers", "Size")
    yield _section("Images", _table(headings, rows, ("Size",)))


def _bar(part: int, whole: int) -> str:
    share = 100 * part / whole if whole else 0
    return f'<div class="bar"><i style="width:{share:.1f}%"></i></div>'


def _disk(facts: Facts) -> Iterator[str]:
    rows = []
    most = max((one.size for one in facts.disk), default=0)
    for one in facts.disk:
        freed = size(one.reclaimable) if one.reclaimable else ""
        cells = (
            _cell("Of", text(one.kind), "name"),
            _cell("In use", f"{one.active} of {one.count}"),
            _cell("Could go", freed),
            _cell("Share", _bar(one.size, most)),
            _cell("Size", size(one.size), "num"),
        )
        rows.append(f"<tr>{''.join(cells)}</tr>")
    table = _table(("Of", "In use", "Could go", "Share", "Size"), rows, ("Size",))
    used = facts.total - facts.free
    whole = (
        f'<p class="dim">{size(facts.free)} of {size(facts.total)} are free in'
        f" {text(facts.place)}.</p>{_bar(used, facts.total)}"
    )
    volumes = "".join(
        f'<li>{text(name)} <span class="dim">{size(count)}</span></li>'
        for name, count in facts.volumes
    )
    named = f'<h2 style="margin-top:18px">Volumes</h2><ul>{volumes}</ul>' if volumes else ""
    yield _section("Disk", f"{whole}{table}{named}")
