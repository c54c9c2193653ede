# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a request may go: origins, and the rules for the addresses a registry sends us to.

A registry names other places: the token service in a challenge, storage in a redirect, the place of
an upload. It may be hostile or taken over, so each such URL is judged before anything is sent to
it. Only an exact origin (scheme, host, port) is ever given credentials; see also CVE-2018-20060,
CVE-2020-15157, CVE-2026-33540.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Iterable
from typing import Optional, Union
from urllib.parse import urlsplit

from ..base.errors import Error
from ..base.frozen import dataclass
from ..base.regex import regex

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

_PORTS = {"http": 80, "https": 443}
#: The characters of RFC 3986. Two URL parsers disagree about a backslash or a blank; so none gets
#: that far.
_URL = regex(r"\Ahttps?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+\Z", re.ASCII | re.IGNORECASE)
_HOST_NAME = regex(
    r"\A[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\Z", re.ASCII
)
#: Top-level names that are never in the public DNS (RFC 6761, 6762, 8375, 9476, ICANN's
#: reservations).
_PRIVATE_TOP_LEVEL = frozenset(
    {"localhost", "local", "internal", "intranet", "private", "corp", "home", "lan", "arpa", "alt"}
    | {"test", "invalid", "example", "onion"}
)


@dataclass(frozen=True)
class Origin:
    """What has to be equal for credentials to be sent: scheme, host in lower case, port."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """The origin of an absolute URL; Error for what two parsers could read in two ways."""
        if not _URL.match(url):
            raise Error(f"{url[:200]!a} is not a plain http or https URL")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as exc:
            raise Error(f"{url[:200]!a} is not a valid URL") from exc
        if "@" in parts.netloc:
            raise Error(f"the URL of {parts.hostname!a} contains user information")
        host = (parts.hostname or "").lower()
        check_host(host)
        return cls(parts.scheme.lower(), host, port or _PORTS[parts.scheme.lower()])

    @classmethod
    def of_registry(cls, scheme: str, host_port: str) -> Origin:
        """The origin of a registry ``host[:port]``, as a reference names it."""
        return cls.of(f"{scheme}://{host_port}/")

    @property
    def address(self) -> Optional[Address]:
        """The IP address the host is, or None for a name."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    @property
    def is_loopback(self) -> bool:
        """127/8, ::1 or localhost: plain http is permitted there without leave, as in Docker."""
        if self.address is not None:
            return self.address.is_loopback
        name = self.host.rstrip(".")
        return name == "localhost" or name.endswith(".localhost")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (
            "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        )


def check_host(host: str) -> None:
    """Refuse a host that is neither an address nor a name, and a name that C libraries read as an
    address.

    getaddrinfo(3) takes ``2130706433``, ``127.1`` and ``0x7f.1`` for 127.0.0.1, which would slip
    past every rule below.
    """
    with contextlib.suppress(ValueError):
        # A zone (fe80::1%eth0) means something on this host only; no registry can name one.
        if "%" not in host and ipaddress.ip_address(host):
            return
    name = host[:-1] if host.endswith(".") else host
    last = name.rpartition(".")[2]
    if (
        len(name) > 253
        or not _HOST_NAME.match(name)
        or re.match(r"\A(?:[0-9]+|0x[0-9a-f]*)\Z", last)
    ):
        raise Error(f"{host[:200]!a} is neither a host name nor an address")


def check_redirect(registry: Origin, target: Origin, *, insecure: bool) -> None:
    """Whether a registry may send an anonymous request on to ``target``; Error says why not."""
    _check_address(registry, target, "a redirect")
    _check_scheme(registry, target, insecure, "a redirect")


def check_realm(
    registry: Origin, target: Origin, *, insecure: bool, allowed: Iterable[str] = ()
) -> None:
    """Whether a registry may name ``target`` as its token service, which is shown the login.

    It must be https, unless the registry is insecure or both are this host. It is the registry's
    own host, or a neighbour below the same domain, or a name in the public DNS, or one that the
    administrator allows (``token_realms``). An IP address is one only for a registry that is named
    by address too.
    """
    _check_scheme(registry, target, insecure, "a token service")
    if target.host == registry.host or target.host in set(allowed):
        return
    _check_address(registry, target, "a token service")
    if registry.is_loopback and target.is_loopback:
        return
    if target.address is not None:
        if registry.address is None:
            raise _refused(registry, target, "a token service", "it is an IP address")
        return
    labels = target.host.rstrip(".").split(".")
    parent = registry.host.rstrip(".").partition(".")[2]
    neighbour = "." in parent and target.host.rstrip(".").endswith("." + parent)
    if not neighbour and (len(labels) < 2 or labels[-1] in _PRIVATE_TOP_LEVEL):
        raise _refused(
            registry, target, "a token service", "it is another host outside the public DNS"
        )


def check_resolved(registry: Origin, target: Origin, addresses: Iterable[str]) -> None:
    """Refuse a foreign name that resolves to this host or to link-local addresses
    (169.254.169.254).
    """
    if registry.is_loopback or target.host == registry.host:
        return
    for text in addresses:
        address = ipaddress.ip_address(text.partition("%")[0])
        if _is_inner(address):
            raise _refused(registry, target, "another host", f"its address is {address}")


def _check_scheme(registry: Origin, target: Origin, insecure: bool, what: str) -> None:
    if target.scheme == "https" or insecure:
        return
    if registry.scheme == "http" and registry.is_loopback and target.is_loopback:
        return
    raise _refused(registry, target, what, "it is plain http")


def _check_address(registry: Origin, target: Origin, what: str) -> None:
    if target.host == registry.host:
        return
    if target.is_loopback:
        if not registry.is_loopback:
            raise _refused(registry, target, what, "it is this host itself")
    elif target.address is not None and _is_inner(target.address):
        raise _refused(
            registry, target, what, "its address is link-local or does not belong to a host"
        )


def _is_inner(address: Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        address = mapped
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_multicast
    )


def _refused(registry: Origin, target: Origin, what: str, why: str) -> Error:
    return Error(
        f"the registry {registry} names {target} as {what}, which is not allowed: {why}",
        hint="if this is intended, declare it for the registry in /etc/slipway/registries.json "
        "(insecure, token_realms)",
    )
