# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The administrator's settings for a registry, in /etc/slipway/registries.json and per task.

{"registries": {"registry.example.org:5000": {"insecure": false, "ca_file": "/etc/ssl/our-ca.pem",
                                              "mirrors": ["mirror.example.org"],
                                              "token_realms": ["login.corp"]}}}
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Optional

from ..base import files
from ..base.document import from_json
from ..base.frozen import dataclass, field, replace
from ..base.layout import Layout
from .credentials import registry_domain


@dataclass(frozen=True)
class RegistrySettings:
    """How one registry is spoken to.

    ``insecure`` permits plain http and certificates nobody vouches for; None permits them on
    loopback only, as Docker does. ``ca_file`` holds certificates trusted beside the system's.
    ``mirrors`` are asked before the registry when pulling. ``token_realms`` are hosts that may be
    its token service though the rules of origin.py would refuse them.
    """

    insecure: Optional[bool] = None
    ca_file: Optional[str] = None
    mirrors: tuple[str, ...] = ()
    token_realms: tuple[str, ...] = ()


@dataclass(frozen=True)
class _File:
    registries: Mapping[str, RegistrySettings] = field(default_factory=dict)


def read_settings(
    layout: Layout,
    domain: str,
    *,
    insecure: Optional[bool] = None,
    ca_file: Optional[str] = None,
) -> RegistrySettings:
    """The settings of a registry; what a task says (not None) goes before what the file says."""
    settings = _from_file(layout.registries_file).get(domain, RegistrySettings())
    if insecure is not None:
        settings = replace(settings, insecure=insecure)
    if ca_file is not None:
        settings = replace(settings, ca_file=ca_file)
    return settings


def _from_file(path: Path) -> dict[str, RegistrySettings]:
    try:
        value = files.read_json(path)
    except FileNotFoundError:
        return {}
    found = from_json(_File, value, f"{path}: ")
    return {registry_domain(name): settings for name, settings in found.registries.items()}
