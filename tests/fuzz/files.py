# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsers of what users write, of what other engines say, and of the state on disk."""

from __future__ import annotations

import contextlib
import html
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Callable

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import document
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import (
    files as base_files,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.sent import (
    listing,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.declare.quadlet import (
    unit_text,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.line import (
    env_variables,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.compose.base.findings import (
    Findings,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.compose.compiled import (
    compile_project,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.compose.reading import (
    files,
    project,
    variables,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    seccomp,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    creation,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    security,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import (
    index,
    step_cache,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    journal,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.report import (
    drift,
    facts,
    page,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import (
    container as container_spec,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import (
    network as network_spec,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import (
    volume as volume_spec,
)

from . import hosts, mutate
from .parser import Parser, reading, text


def _compose(path: Path) -> None:
    """As the module does it, up to the options of modules; what is wrong are its findings."""
    findings = Findings()
    asked = files.Asked(files=(str(path),), project="shop", around={"A": "a", "EMPTY": ""})
    source = files.read(asked, findings)
    compile_project(project.project(source, asked, findings), findings)


def _interpolated(given: str) -> None:
    variables.expanded(given, {"A": "a", "EMPTY": ""}, "place")


def _env(path: Path) -> None:
    with contextlib.suppress(Error):
        variables.env_file(path, {"A": "a"}, raw=True)
    variables.env_file(path, {"A": "a"})


def _recorded(kind: Any) -> Callable[[Path], object]:
    """What reads a record, writes it and reads it again: it has to be the same."""

    def parse(path: Path) -> None:
        found = document.from_json(kind, base_files.read_json(path), "record")
        again = path.with_name("again")
        base_files.write_json(again, document.to_json(found), durable=False)
        document.from_json(kind, base_files.read_json(again), "record")

    return parse


def _index(data: bytes, place: Path) -> None:
    layout = hosts.installation(place)
    layout.index.parent.mkdir(parents=True, exist_ok=True)
    layout.index.write_bytes(data)
    index.entries(layout)


def _seccomp(data: bytes, place: Path) -> None:
    found = json.loads(security._profile(data.decode("utf-8", "surrogateescape")))
    seccomp.seccomp_of(found, ("CAP_CHOWN",), "x86_64", "6.1.0")


def _packed(random: Random, corpus: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    data = zlib.compress(mutate.document(random, corpus, words))
    return data if random.randrange(8) else mutate.raw(random, [data], words)


def _listing(data: bytes, place: Path) -> None:
    # The corpus is readable.
    packed = zlib.compress(data) if data.startswith(b"{") else data
    for one in listing.unpacked(packed).items:
        assert ".." not in one.path.split("/") and not one.path.startswith("/")


_KEYS = (
    b"services: image: build: ports: volumes: networks: environment: env_file: depends_on: extends:"
    b" deploy: include: x-a: <<: *a &a !reset !override null ${A} ${B:-c} ${A?b} [] {} - 80:80"
    b" configs: secrets: healthcheck: ulimits: logging: devices: labels: profiles: scale: command:"
).split()
_EXPRESSIONS = b"$ $$ ${ } ${A} $A ${B:-x} ${A:+${B}} ${A?y} :? - +".split()
_ASSIGNED = (b"A=", b"export ", b"'", b'"', b" #", b"${A}", b"\\n")
_UNIT = (b"[Container]\n", b"Image=", b"%n", b"%%", b"%", b"\\\n", b"#")
_OF_INDEX = (b"dev.slipway.image.digests", b"org.opencontainers.image.ref.name")
_OF_LIST = (b"..", b"/", b"link", b"file", b"directory", b"chunks:")
_OF_SECCOMP = (b"SCMP_ACT_ALLOW", b"defaultAction", b"syscalls", b"archMap")
_OF_PAGE = (b"containers", b"moment", b"running", b"a:1")
_RECORDS = {
    "container": container_record.Record,
    "spec": container_spec.ContainerSpec,
    "defaults": container_spec.ImageDefaults,
    "network": network_spec.Network,
    "volume": volume_spec.Volume,
    "swap": journal.Swap,
    "creation": creation.Creation,
    "step": step_cache.Kept,
}


def _page(given: str) -> None:
    """An earlier page, compared with a host as whoever asks for the next one does."""
    before = drift.of_page(drift.held({}).replace("{}", html.escape(given)))
    if before is None:
        raise Error("no page")
    found = facts.Facts("host", "Linux", "1", 0.0, images=(facts.Image("a:1", "b", 0, 0, 1, 0),))
    page.page(found, (float(before["moment"]), drift.since(before, found)))


def _env_lines(path: Path) -> None:
    env_variables.file_lines(str(path))


PARSERS = (
    Parser("compose", mutate.raw, reading(_compose, "compose.yaml"), tuple(_KEYS)),
    Parser("interpolation", mutate.raw, text(_interpolated), tuple(_EXPRESSIONS)),
    Parser("env-file", mutate.raw, reading(_env), _ASSIGNED),
    Parser("env-lines", mutate.raw, reading(_env_lines), _ASSIGNED),
    Parser("unit", mutate.raw, reading(unit_text.read, "web.container"), _UNIT),
    Parser("seccomp", mutate.document, _seccomp, _OF_SECCOMP),
    Parser("context", _packed, _listing, _OF_LIST),
    Parser("layout-index", mutate.document, _index, _OF_INDEX),
    Parser("page", mutate.document, text(_page), _OF_PAGE),
    *(Parser(n, mutate.document, reading(_recorded(kind))) for n, kind in _RECORDS.items()),
)
