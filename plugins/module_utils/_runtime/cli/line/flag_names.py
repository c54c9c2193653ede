# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors in the words of a command line: flags where the modules' errors name their options. Pure.

Imported when there is an error to show.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...base.errors import Error
from ...base.regex import regex

#: What ``run``, ``create`` and ``update`` say beside the flags of run_flags.SIMPLE, by option.
_OF_CONTAINERS: Mapping[str, str] = {
    "env": "--env",
    "env_file": "--env-file",
    "labels": "--label",
    "healthcheck": "--health-cmd",
    "mounts": "--mount",
    "restart_policy": "--restart",
    "restart_retries": "--restart",
    "networks": "--network",
    "network_mode": "--network",
    "links": "--link",
    "platform": "--platform",
    "volumes_from": "--volumes-from",
    "healthcheck.test": "--health-cmd",
    **{
        f"healthcheck.{field}": f"--health-{field.replace('_', '-')}"
        for field in ("interval", "retries", "start_interval", "start_period", "timeout")
    },
}
#: The fields of --network and --mount, for what the option has in its dictionaries.
_OF_ENDPOINTS: Mapping[str, str] = {
    "ipv4_address": "ip",
    "ipv6_address": "ip6",
    "mac_address": "mac-address",
    "gw_priority": "gw-priority",
    "driver_opts": "driver-opt",
    "aliases": "alias",
}
_OF_MOUNTS: Mapping[str, str] = {
    "read_only": "readonly",
    "read_only_force_recursive": "bind-recursive=readonly",
    "read_only_non_recursive": "bind-recursive=writable",
    "non_recursive": "bind-recursive=disabled",
    "create_mountpoint": "bind-create-src",
    "propagation": "bind-propagation",
    "tmpfs_size": "tmpfs-size",
    "tmpfs_mode": "tmpfs-mode",
    "no_copy": "volume-nocopy",
    "volume_options": "volume-opt",
    "volume_driver": "volume-driver",
    "labels": "volume-label",
}
_OF_OTHERS: Mapping[str, Mapping[str, str]] = {
    "network": {
        "driver_options": "--opt",
        "ipam_config": "--subnet",
        "ipam_driver": "--ipam-driver",
        "ipam_driver_options": "--ipam-opt",
        "enable_ipv4": "--ipv4",
        "enable_ipv6": "--ipv6",
        "config_only": "--config-only",
        "config_from": "--config-from",
        "labels": "--label",
        "network_mode": "--network",
        "iprange": "--ip-range",
        "aux_addresses": "--aux-address",
        **{option: f"--{field}" for option, field in _OF_ENDPOINTS.items()},
    },
    "volume": {"driver_options": "--opt", "labels": "--label"},
    "image": {"all_tags": "--all-tags"},
    "build": {
        "args": "--build-arg",
        "labels": "--label",
        "source_date_epoch": "--build-arg SOURCE_DATE_EPOCH",
        "container_limits": "--memory",
    },
}
#: The verbs whose words those are, where their group is not written.
_GROUPS = {
    **dict.fromkeys(("pull", "push"), "image"),
    **dict.fromkeys(("network_create", "network_connect"), "network"),
}
#: What the modules' errors advise, for whoever has a prompt.
_ADVICE = (
    (regex(r"run registry_login with registry_url (\S+?);"), r"run slipway login \1;"),
    (regex(r"with slipway\.engine\.network\b"), "with slipway network create"),
    (regex(r"with slipway\.engine\.image_pull\b"), "with slipway pull"),
    (regex(r"with ca_path, or ca_file"), "with ca_file"),
    (regex(r"with insecure_registry, or with insecure"), "with insecure"),
    (regex(r"set force: true\b"), "use --force"),
)
#: A word, and whether it is said to be an option, or to have a value.
_WORD = regex(r"(?<![\w./'\"-])(option )?([a-z][a-z_0-9]*)(?![\w./'\"-])(: (?=\w))?")
_LEADING = regex(r"\A((?:container|network|volume) \S+: )?([a-z_0-9.]+)(?=: )")


def in_flags(error: Error, verb: str) -> str:
    """What an error says, to somebody who typed the flags of ``verb``."""
    if error.docker is not None:
        return error.docker
    flags = _flags(verb)
    message, hint = error.message, error.hint
    leading = _LEADING.match(message)
    first = leading[2] if leading else ""
    inner = {"networks": _OF_ENDPOINTS, "mounts": _OF_MOUNTS}.get(first, {})
    if leading and first in flags:
        message = f"{leading[1] or ''}{flags[first]}{message[leading.end() :]}"
    words = {name: flag for name, flag in flags.items() if "_" in name or name in error.options}
    words |= {name: field for name, field in inner.items() if "_" in name} if inner else {}
    texts = [_replaced(text, words, flags) for text in (message, hint) if text]
    for pattern, advice in _ADVICE:
        texts = [pattern.sub(advice, text) for text in texts]
    return "; ".join(texts)


def _replaced(text: str, words: Mapping[str, str], flags: Mapping[str, str]) -> str:
    """Options as flags, and ``option: value`` within a sentence as ``--flag=value``."""

    def flag(found: re.Match[str]) -> str:
        option, name, colon = found.groups("")
        named = words if not option else flags
        if name not in named:
            return found[0]
        return f"{option}{named[name]}{'=' if colon else ''}"

    return _WORD.sub(flag, text)


def _flags(verb: str) -> Mapping[str, str]:
    group = _GROUPS.get(verb, verb.partition(" ")[0])
    others = _OF_OTHERS.get(group)
    if others is not None:
        return others
    from .run_flags import SIMPLE

    return {**{option: f"--{flag.name}" for flag, option, dummy in SIMPLE}, **_OF_CONTAINERS}
