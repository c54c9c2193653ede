# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contexts of a build as trees of files: directories of the host, and git repositories."""

from __future__ import annotations

import contextlib

from ..plan.plan import Host
from .asked.request import Request
from .source import context, git_url
from .source.context import Source


def opened(
    host: Host, request: Request, text: str, dockerfile: str = ""
) -> contextlib.AbstractContextManager[Source]:
    """The tree that a context of a build is, with its ignore file. Raises NotFound, and Error."""
    if not git_url.is_repository(text):
        return context.directory(text, dockerfile)
    from . import git

    found = git_url.repository(text)
    top = git.tree(host, request, found)
    return context.directory(str(top), dockerfile, title=f"the context {found}")
