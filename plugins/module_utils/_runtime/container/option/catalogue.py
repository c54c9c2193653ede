# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All options that say what a container is, each once: the tables of option/, joined.

An option is added to the table of its subject there, as a field to ContainerSpec, and to the
module's documentation and argument_spec; declaring, comparing and showing follow from that.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import (
    dns,
    logging,
    mounts,
    namespaces,
    networks,
    ports,
    process,
    resources,
    security,
    supervision,
)
from .option import Option

#: In the order in which differences are named.
OPTIONS: tuple[Option, ...] = (
    *process.OPTIONS,
    *ports.OPTIONS,
    *mounts.OPTIONS,
    *networks.OPTIONS,
    *dns.OPTIONS,
    *security.OPTIONS,
    *namespaces.OPTIONS,
    *resources.OPTIONS,
    *logging.OPTIONS,
    *supervision.OPTIONS,
)

BY_NAME: Mapping[str, Option] = {option.name: option for option in OPTIONS}

#: Which spec field each option of the module speaks of.
FIELDS: Mapping[str, str] = {option.name: option.spec_field for option in OPTIONS}
