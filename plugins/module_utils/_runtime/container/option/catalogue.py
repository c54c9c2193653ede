# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All options of the module container, each once: the tables of option/, joined.

An option is added to the table of its subject there, as a field to ContainerSpec, to the module's
documentation and to what inspect shows; the module's argument_spec, the program's defaults,
declaring, comparing and showing follow from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import (
    acting,
    dns,
    logging,
    mounts,
    namespaces,
    networks,
    ports,
    process,
    refused,
    resources,
    security,
    supervision,
)
from .form.option import Argument, Option

#: Those that say what a container is, in the order in which differences are named.
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

#: Every option that a task may give, by name.
ARGUMENTS: Mapping[str, Argument] = {
    argument.name: argument
    for argument in (
        *acting.OPTIONS,
        *(known for option in OPTIONS for known in (option, *option.companions)),
        *refused.OPTIONS,
    )
}


def argument_spec() -> dict[str, dict[str, Any]]:
    """What Ansible is told about the module's options."""
    return {name: argument.spec() for name, argument in ARGUMENTS.items()}


def defaults() -> dict[str, Any]:
    """The parameters of a task that gives none of them."""
    return {name: argument.default for name, argument in ARGUMENTS.items()}
