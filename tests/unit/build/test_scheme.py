# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which stages a build needs, and what it stands on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build import inputs
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.asked import scheme
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.dockerfile import parse
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store.platform import (
    Platform,
)

HOST, OTHER = Platform("linux", "amd64"), Platform("linux", "arm64", "v8")

FILE = """
ARG TAG=1
ARG NONE
FROM --platform=$BUILDPLATFORM base:$TAG AS compiler
FROM compiler AS first
COPY --from=compiler /a /a
FROM base:${NONE:-2} AS unused
FROM scratch AS second
RUN --mount=from=first,target=/f true
COPY --from=other:3 /x /x
FROM second
"""


def made(text: str, target: str = "", args: Optional[Mapping[str, str]] = None) -> scheme.Scheme:
    found = parse.parse(text.encode(), "Dockerfile")
    return scheme.scheme(found, args or {}, target, HOST, OTHER)


@pytest.mark.parametrize(
    ("target", "args", "stages", "images"),
    [
        ("", {}, [0, 1, 3, 4], [("base:1", HOST), ("other:3", OTHER)]),
        ("first", {"TAG": "9"}, [0, 1], [("base:9", HOST)]),
        ("SECOND", {}, [0, 1, 3], [("base:1", HOST), ("other:3", OTHER)]),
        ("unused", {}, [2], [("base:2", OTHER)]),
        ("unused", {"NONE": "x"}, [2], [("base:x", OTHER)]),
        ("0", {}, [0], [("base:1", HOST)]),
    ],
)
def test_what_is_needed(
    target: str, args: dict[str, str], stages: list[int], images: list[tuple[str, Platform]]
) -> None:
    found = made(FILE, target, args)
    assert [one.stage.index for one in found.stages] == stages
    assert list(found.images) == images


@pytest.mark.parametrize(
    ("text", "target", "why"),
    [
        (FILE, "frist", "no stage 'frist'; did you mean first?"),
        ("FROM a AS b\n", "x", "no stage 'x'; there are b"),
        ("ARG A\nFROM $A\n", "", "Dockerfile:2: FROM $A is empty"),
        ("FROM a:${B:?needed}\n", "", "Dockerfile:1: FROM B: needed"),
        ("FROM a\nCOPY --from=1 /a /b\n", "", "names the stage 1"),
        ("FROM a AS x\nCOPY --from=x /a /b\n", "", "comes later"),
        ("FROM --platform=$NONE$ a\n", "", "not a platform"),
    ],
)
def test_what_cannot_be_built(text: str, target: str, why: str) -> None:
    with pytest.raises(Error) as caught:
        made(text, target)
    assert why in str(caught.value)


NOTES: list[tuple[dict[str, str], dict[str, str], list[str]]] = [
    ({}, {}, []),
    ({"the file a": "1"}, {"the file a": "2"}, ["the file a changed"]),
    ({"the file a": "1"}, {}, ["the file a is gone"]),
    ({}, {"the argument A": "1"}, ["the argument A is new"]),
    (
        {},
        {f"the file {number}": "1" for number in range(8)},
        [*(f"the file {number} is new" for number in range(5)), "3 more files changed"],
    ),
]


@pytest.mark.parametrize(("before", "after", "said"), NOTES)
def test_what_changed(before: dict[str, str], after: dict[str, str], said: list[Any]) -> None:
    assert inputs.differences(before, after) == said
