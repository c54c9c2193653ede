# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contexts for builds, and what came of them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Callable, Optional, Union

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build import builder, inputs
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.asked.request import (
    Request,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host

#: A file of a context: its content, None for a directory, or ``->target`` for a link.
File = Union[str, bytes, None]


def fill(directory: Path, files: Mapping[str, File]) -> Path:
    """Write a context."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.mkdir(exist_ok=True)
        elif isinstance(content, str) and content.startswith("->"):
            path.symlink_to(content[2:])
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return directory


@dataclass
class Outcome:
    """What a build made, and said."""

    built: builder.Built
    layout: Layout
    said: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def config(self) -> Mapping[str, Any]:
        config: Mapping[str, Any] = self.built.state.document()["config"]
        return config

    @property
    def image(self) -> store.Image:
        found = store.find(self.layout, self.built.id)
        assert found is not None
        return found

    def tree(self) -> dict[str, str]:
        """What the layers above the base added, later ones over earlier: paths with their content,
        ``->`` and the target of a link, or ``/`` for a directory.
        """
        found: dict[str, str] = {}
        for layer in store.ensure_unpacked(self.layout, self.image):
            for path in sorted(layer.rglob("*")):
                name = str(path.relative_to(layer))
                if path.is_symlink():
                    found[name] = f"->{path.readlink()}"
                elif path.is_dir():
                    found[name] = "/"
                elif path.is_char_device():
                    found.pop(name, None)
                elif path.is_file() and path.stat().st_size < 10_000:
                    found[name] = path.read_text("utf-8", "replace")
        return found

    def path(self, name: str) -> Path:
        """The file of the topmost layer that has it."""
        for layer in reversed(store.ensure_unpacked(self.layout, self.image)):
            path = layer / name
            if path.is_symlink() or path.exists():
                return path
        raise FileNotFoundError(name)


def build(
    layout: Layout,
    context: Union[str, Path, None],
    dockerfile: str = "",
    told: Optional[Callable[[str], None]] = None,
    path: str = "",
    **options: Any,
) -> Outcome:
    """Build from the text of a Dockerfile, or from the one in the context, which has the name
    ``path``; ``options`` are members of a Request. ``told`` gets each line while it is said.
    """
    said: list[str] = []

    def tell(line: str) -> None:
        said.append(line)
        if told is not None:
            told(line)

    host = Host(layout, progress=tell)
    inline = dockerfile.encode() if dockerfile else None
    request = Request(context=str(context) if context else "", dockerfile=path, inline=inline)
    request = replace(request, **options)
    with host.held, contextlib.ExitStack() as stack:
        source = inputs.opened(host, request, stack)
        scheme = inputs.prepare(request, source)
        built = builder.build(host, request, scheme, source)
    return Outcome(built, layout, said, host.warnings)
