# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All parsers of foreign bytes, by name."""

from __future__ import annotations

from . import files, hosts, images, registries
from .parser import Parser

PARSERS: dict[str, Parser] = {
    parser.name: parser
    for parser in (*images.PARSERS, *registries.PARSERS, *hosts.PARSERS, *files.PARSERS)
}
