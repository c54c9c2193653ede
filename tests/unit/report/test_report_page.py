# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about a host: what is on it, and that no text of anybody is markup."""

from __future__ import annotations

import dataclasses
import html
import json
import re
from html.parser import HTMLParser
from typing import Any, Optional

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.report import (
    drawing,
    drift,
    page,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.report.facts import (
    Container,
    Disk,
    Facts,
    Image,
    Network,
)

NOW = 1795700000.0
DISK = (Disk("Images", 2, 1, 5_000_000, 1_000_000), Disk("Local Volumes", 1, 1, 7, 0))
WEB = Container(
    name="web", id="1" * 64, group="shop", phase="running", status="Up 3 days (healthy)",
    health="healthy", image="app:2", image_id="sha256:a", newer=False, generation=1, restarts=0,
    exit_code=0, ports=("8080→80/tcp",), networks=(("backend", "10.89.0.2"),), mode="",
    restart_policy="always",
)  # fmt: skip
FACTS = Facts(
    host="web1", system="Linux 6.1, x86_64", version="1.0.0", moment=NOW,
    containers=(WEB,), networks=(Network("backend", "bridge", ("10.89.0.0/24",), False),),
    images=(Image("app:2", "sha256:a", NOW - 86400 * 3, NOW - 3600, 5_000_000, 1),),
    volumes=(("data", 7),), disk=DISK, total=10**9, free=5 * 10**8, place="/var/lib/slipway",
)  # fmt: skip
NOTHING = dataclasses.replace(
    FACTS, containers=(), networks=(), images=(), volumes=(),
    disk=tuple(Disk(one.kind, 0, 0, 0, 0) for one in DISK),
)  # fmt: skip

#: Elements that have no end.
_VOID = {"meta", "br", "!doctype"}


class Read(HTMLParser):
    """Reads a page strictly: each element ends, in its turn; what is in it, and its texts."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, Optional[str]]] = []
        self.texts: list[str] = []
        self.feed(document)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Optional[str]]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, Optional[str]]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


def many(count: int) -> Facts:
    containers = tuple(
        dataclasses.replace(WEB, name=f"web{number}", id=f"{number:064x}")
        for number in range(count)
    )
    return dataclasses.replace(FACTS, containers=containers)


def test_what_is_on_it() -> None:
    run = page.Run("shop", ("create network backend",))
    read = Read(page.page(FACTS, (NOW - 60, ["container job is gone"]), run))
    for said in (
        "web1", "2026-11-26", "1 of 1", "Up 3 days (healthy)", "8080→80/tcp", "10.89.0.2", "app:2",
        "3 days ago", "About an hour ago", "5MB", "500MB of 1GB are free in /var/lib/slipway.",
        "create network backend", "container job is gone", "shop", "data",
    ):  # fmt: skip
        assert said in read.text, said
    assert "svg" in read.tags and "script" not in read.tags
    assert not any(name in ("src", "href", "onload") for name, dummy in read.attributes)


@pytest.mark.parametrize(("count", "drawn"), [(0, 0), (1, 1), (30, 30)])
def test_few_and_many(count: int, drawn: int) -> None:
    document = page.page(many(count))
    read = Read(document)
    assert f"{count} of {count}" in read.text
    assert document.count('font-weight="600">web') == drawn
    assert ("There are none on this host." in read.text) is (count == 0)


def test_an_empty_host() -> None:
    read = Read(page.page(NOTHING))
    assert "There are none on this host." in read.text
    assert not any(word in read.text for word in ("Look at this", "This run", "Since the last"))
    assert "svg" not in read.tags
    failed = Read(page.page(NOTHING, None, page.Run("shop", failed=True)))
    assert "It failed." in failed.text


EVIL = (
    "\"><script>alert(1)</script>'`<img src=x onerror=alert(2)>"
    "\x1b[31m\n\u202e</svg></style>--&amp;"
)


def test_nothing_of_anybody_is_markup() -> None:
    container = dataclasses.replace(
        WEB, name=EVIL, id=EVIL, group=EVIL, status=EVIL, image=EVIL, image_id=EVIL, ports=(EVIL,),
        networks=((EVIL, EVIL),), mode=EVIL, newer=True, restart_policy=EVIL,
    )  # fmt: skip
    alone = dataclasses.replace(
        container, name=f"2{EVIL}", networks=(), phase="exited", exit_code=3
    )
    facts = dataclasses.replace(
        FACTS,
        host=EVIL,
        containers=(container, alone),
        networks=(Network(EVIL, EVIL, (EVIL,), True),),
        images=(Image(EVIL, EVIL, NOW, NOW, 1, 1),),
        volumes=((EVIL, 5),),
        place=EVIL,
    )
    document = page.page(facts, (NOW - 60, [EVIL]), page.Run(EVIL, (EVIL,)))
    plain = Read(page.page(FACTS, (NOW - 60, ["x"]), page.Run("x", ("y",))))
    read = Read(document)
    assert set(read.tags) == {*plain.tags, "span"}
    known = {name for name, dummy in plain.attributes} | {"class", "style"}
    assert {name for name, dummy in read.attributes} <= known
    assert "alert(1)" in read.text
    shown = re.sub(r'<data id="slipway-report".*?</data>', "", document, flags=re.DOTALL)
    assert not any(character in shown for character in "\x1b\u202e")
    assert drift.of_page(document) == drift.snapshot(facts)


def test_lines_of_many_networks_have_names_of_their_own() -> None:
    assert [drawing.letter(number) for number in (0, 25, 26, 51, 52)] == [
        "A",
        "Z",
        "A2",
        "Z2",
        "A3",
    ]
    names = [f"n{number}" for number in range(30)]
    facts = dataclasses.replace(
        FACTS,
        networks=tuple(Network(name, "bridge", (), False) for name in names),
        containers=(dataclasses.replace(WEB, networks=tuple((name, "") for name in names)),),
    )
    drawn = drawing.drawing(facts)
    assert drawn.count("<title>web on n") == 30
    assert drawing.drawing(NOTHING) == ""


def change(**given: Any) -> Facts:
    return dataclasses.replace(FACTS, containers=(dataclasses.replace(WEB, **given),))


CHANGES: list[tuple[Facts, list[str]]] = [
    (FACTS, []),
    (change(id="2" * 64), ["container web was made anew"]),
    (change(id="2", image_id="sha256:b"), ["container web was made anew, of another image"]),
    (change(generation=2), ["container web was started again"]),
    (change(generation=4), ["container web was started again 3 times"]),
    (change(phase="exited", exit_code=3, health=""),
     ["container web is exited with 3, and was running"]),
    (change(health="unhealthy"), ["container web is unhealthy, and was healthy"]),
    (change(name="db"), ["container db is new", "container web is gone"]),
    (dataclasses.replace(FACTS, images=()), ["image app:2 is gone"]),
    (dataclasses.replace(FACTS, images=(dataclasses.replace(FACTS.images[0], id="sha256:b"),)),
     ["image app:2 is a newer one"]),
    (dataclasses.replace(FACTS, networks=()), ["network backend is gone"]),
    (dataclasses.replace(FACTS, volumes=(("data", 9), ("more", 1))), ["volume more is new"]),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "wanted"), CHANGES)
def test_what_is_different(facts: Facts, wanted: list[str]) -> None:
    before = drift.of_page(page.page(FACTS))
    assert before is not None
    assert drift.since(before, facts) == wanted


WHOLE: dict[str, Any] = drift.snapshot(FACTS)
#: What would stop whoever compares it.
WRONG: list[dict[str, Any]] = [
    {"moment": "1"}, {"moment": float("inf")}, {"moment": float("nan")}, {"moment": -1},
    {"moment": 1e15}, {"containers": []}, {"containers": {"web": ["a", "b", "1", "d", 5, "f"]}},
    {"containers": {"web": ["a", "b", 1, ["d"], 5, "f"]}}, {"images": {"a": ["b"]}},
    {"networks": [["n"]]}, {"networks": "text"}, {"volumes": [1, "a"]}, {"volumes": None},
]  # fmt: skip


def test_a_snapshot_is_understood() -> None:
    assert drift.of_page(drift.held(WHOLE)) == WHOLE


@pytest.mark.parametrize(
    "value",
    ["", "[]", "{", '{"version":2}', '{"version":1}',
     '{"version":1,"moment":1,"containers":{"a":5},"images":{},"networks":[],"volumes":[]}',
     "[" * 100000,
     *(json.dumps({**WHOLE, **wrong}) for wrong in WRONG)],
)  # fmt: skip
def test_what_is_not_a_page_is_not_compared(value: str) -> None:
    document = f'<data id="slipway-report" value="{html.escape(value)}" hidden></data>'
    assert drift.of_page(document) is None
    assert drift.of_page(value) is None


ATTENTION: list[tuple[Facts, list[str]]] = [
    (FACTS, []),
    (change(health="unhealthy"), ["container web is unhealthy"]),
    (change(phase="exited", exit_code=1), ["container web exited with 1"]),
    (change(phase="restarting", exit_code=1), ["container web exited with 1 and waits to restart"]),
    (change(phase="exited"), ["container web does not run, though it restarts by itself"]),
    (change(phase="exited", restart_policy=""), []),
    (change(newer=True), ["container web has an older app:2 than the host"]),
    (dataclasses.replace(FACTS, free=5), ["the file system of /var/lib/slipway is nearly full"]),
]


@pytest.mark.parametrize(("facts", "wanted"), ATTENTION)
def test_what_somebody_should_look_at(facts: Facts, wanted: list[str]) -> None:
    assert drift.attention(facts) == wanted
