# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks written for community.docker may say of a connection to Docker's daemon.

Every module of the collection takes these options. There is no daemon, so none of them gets to a
module: they are taken out here, and one warning says so. docs/options.md lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Names, and the aliases that community.docker has for each.
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "docker_host": ("docker_url",),
    "tls": (),
    "tls_hostname": (),
    "validate_certs": ("tls_verify",),
    "ca_path": ("ca_cert", "tls_ca_cert", "cacert_path"),
    "client_cert": ("tls_client_cert", "cert_path"),
    "client_key": ("tls_client_key", "key_path"),
    "api_version": ("docker_api_version",),
    "timeout": (),
    "use_ssh_client": (),
    "debug": (),
}

#: Modules that have an option of that name themselves, about something else, such as a registry.
OWN: Mapping[str, frozenset[str]] = {
    "ca_path": frozenset(
        {
            "image",
            "image_import",
            "image_pull",
            "image_push",
            "image_search_info",
            "image_sign",
            "image_verify",
            "registry_login",
        }
    ),
    "validate_certs": frozenset({"image_import"}),
    "debug": frozenset({"container"}),
    "timeout": frozenset({"compose"}),
}


def without(module: str, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A module's arguments without these, and the names of those that were given a value.

    ``module`` is its name in this collection.
    """
    kept = dict(arguments)
    ignored = []
    for name, aliases in OPTIONS.items():
        if module in OWN.get(name, ()):
            continue
        values = [kept.pop(spelled) for spelled in (name, *aliases) if spelled in kept]
        if any(value is not None for value in values):
            ignored.append(name)
    return kept, ignored


def warning(ignored: list[str]) -> str:
    return f"There is no Docker daemon to connect to; ignored options: {', '.join(ignored)}."
