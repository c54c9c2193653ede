# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about the names a container knows: its resolver, its hosts file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...base.regex import regex
from .form.option import Option, bad
from .form.text import address, hostname

#: Docker's word for the address under which a container reaches its host.
HOST_GATEWAY = "host-gateway"

_DOMAIN = regex(
    r"\A(?=.{1,253}\Z)_?[a-zA-Z0-9]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?"
    r"(\._?[a-zA-Z0-9]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?)*\.?\Z",
    re.ASCII,
)
_RESOLVER_OPTION = regex(r"\A[a-zA-Z0-9-]{1,40}(:[0-9]{1,5})?\Z", re.ASCII)


def addresses(option: str, texts: Iterable[Any]) -> tuple[str, ...]:
    """IP addresses in their canonical form, in order, each once."""
    found = []
    for text in texts:
        try:
            found.append(address(str(text)))
        except ValueError as exc:
            raise bad(option, str(text), "it is not an IP address") from exc
    return tuple(dict.fromkeys(found))


def domains(texts: Iterable[Any]) -> tuple[str, ...]:
    """Search domains in order; ``.`` alone means that none is searched, not even the host's."""
    found = tuple(dict.fromkeys(str(text) for text in texts))
    for text in found:
        if text != "." and not _DOMAIN.match(text):
            raise bad("dns_search_domains", text, "it is not a domain")
    return found


def resolver_options(texts: Iterable[Any]) -> tuple[str, ...]:
    """Options of resolv.conf(5), such as ``ndots:2``."""
    found = tuple(sorted({str(text) for text in texts}))
    for text in found:
        if not _RESOLVER_OPTION.match(text):
            raise bad("dns_opts", text, "use one option of resolv.conf(5), such as ndots:2")
    return found


def extra_hosts(values: Mapping[str, Any]) -> dict[str, str]:
    """``etc_hosts``: names and their addresses, or host-gateway."""
    found = {}
    for name, value in values.items():
        hostname(name, "etc_hosts")
        if not name:
            raise bad("etc_hosts", name, "it is not a host name")
        text = str(value)
        found[name] = text if text == HOST_GATEWAY else addresses("etc_hosts", [text])[0]
    return dict(sorted(found.items()))


OPTIONS = (
    Option("dns_servers", "list", parse=lambda value: addresses("dns_servers", value)),
    Option("dns_search_domains", "list", field="dns_search", parse=domains),
    Option("dns_opts", "list", field="dns_options", parse=resolver_options),
    Option("etc_hosts", "dict", field="extra_hosts", parse=extra_hosts, show=dict),
)
