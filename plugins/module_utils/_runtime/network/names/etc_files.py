# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names: a container's /etc/hosts, /etc/resolv.conf and /etc/hostname.

The three files are in ``containers/<id>/`` and bind-mounted into the container, so they are changed
in place: a file that is replaced would not be visible inside. What programs in the container write
into its hosts file stays; only the block between our two marker lines is replaced, which names the
containers on its networks.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Sequence
from pathlib import Path

from ...base.errors import Error
from ...base.frozen import dataclass
from ...base.regex import regex

#: RFC 1123, with the underscores that container names may have.
_HOST_NAME = regex(
    r"\A(?=.{1,253}\Z)[a-zA-Z0-9]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?"
    r"(\.[a-zA-Z0-9]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?)*\Z",
    re.ASCII,
)

_BEGIN = "# slipway: the containers on these networks"
_SERVERS = "# slipway: name servers"
_END = "# slipway: end"

_LOCALHOST = (
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::\tip6-localnet\n"
    "ff00::\tip6-mcastprefix\n"
    "ff02::1\tip6-allnodes\n"
    "ff02::2\tip6-allrouters\n"
)

#: A hosts file is written by a container's root too, so its size is not ours to choose.
_MAX_BYTES = 1 << 20

#: Where systemd-resolved keeps the servers behind its own 127.0.0.53.
RESOLVED = Path("/run/systemd/resolve/resolv.conf")


@dataclass(frozen=True)
class Entry:
    """One line of a hosts file: an address, without prefix length, and its names."""

    address: str
    names: tuple[str, ...]


def check_host_name(name: str) -> None:
    """Raise Error unless a text is allowed in a hosts file as a name."""
    if not _HOST_NAME.match(name):
        raise Error(
            f"{name[:60]!r} is not a host name",
            hint="use letters, digits, '-' and '.', each part at most 63 long",
        )


def hosts(own: Sequence[Entry], others: Sequence[Entry] = ()) -> str:
    """A whole hosts file, with Docker's contents: localhost, the container itself, its peers."""
    return _LOCALHOST + lines(own) + _block(others)


def with_peers(text: str, others: Sequence[Entry]) -> str:
    """A hosts file with our block replaced and every other line as it was found."""
    kept: list[str] = []
    inside = False
    for line in text.splitlines():
        if line == _BEGIN:
            inside = True
        elif line == _END:
            inside = False
        elif not inside and line:
            kept.append(line)
    return "".join(f"{line}\n" for line in kept) + _block(others)


def _block(entries: Sequence[Entry]) -> str:
    return f"{_BEGIN}\n{lines(entries)}{_END}\n" if entries else ""


def lines(entries: Sequence[Entry]) -> str:
    """Lines of a hosts file. Raises Error for a name that is not allowed in one."""
    for entry in entries:
        for name in entry.names:
            check_host_name(name)
    # A name may be given twice, as an alias; a resolver reads the first.
    return "".join(f"{e.address}\t{' '.join(dict.fromkeys(e.names))}\n" for e in entries)


@dataclass(frozen=True)
class Resolver:
    """What a resolv.conf says: servers, search domains and options, in order (resolv.conf(5))."""

    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


def upstream(host: str, resolved: str = "") -> Resolver:
    """What a container may take over of the host's resolv.conf, given as text.

    ``resolved`` is used in place of ``host`` when that names only servers on the loopback, which a
    container cannot reach; it is systemd-resolved's list. When no server is left there is none: no
    public resolver is made up in silence.
    """
    found = _parse(host)
    if not found.servers and resolved:
        behind = _parse(resolved)
        found = behind if behind.servers else found
    return found


def _parse(text: str) -> Resolver:
    servers: list[str] = []
    search: list[str] = []
    options: list[str] = []
    for line in text.splitlines():
        words = line.split("#")[0].split(";")[0].split()
        if not words:
            continue
        if words[0] == "nameserver":
            servers += [word for word in words[1:2] if _reachable(word)]
        elif words[0] in ("search", "domain"):
            # The last of them counts.
            search = words[1:]
        elif words[0] == "options":
            options += words[1:]
    return Resolver(tuple(servers), tuple(search), tuple(options))


def _reachable(server: str) -> bool:
    """Whether a container could ask a server of the host: not on its loopback, nor on its link."""
    try:
        address = ipaddress.ip_address(server.partition("%")[0])
    except ValueError:
        return False
    return not (address.is_loopback or (address.version == 6 and address.is_link_local))


def resolv_conf(resolver: Resolver, why_none: str = "") -> str:
    """A container's resolv.conf; its servers are in a block of ours, which may be replaced."""
    lines = [_servers(resolver.servers, (), why_none)]
    # A search domain of "." is none at all, not even that of the host name (resolv.conf(5)).
    lines += [f"search {' '.join(resolver.search)}\n"] if resolver.search else []
    lines += [f"options {' '.join(resolver.options)}\n"] if resolver.options else []
    return "".join(lines)


def with_servers(
    text: str, servers: Sequence[str], options: Sequence[str] = (), why_none: str = ""
) -> str:
    """A resolv.conf with other servers in our block; one without the block is somebody else's.

    ``options`` come into the block too, less those of a kind that is outside of it.
    """
    if f"{_SERVERS}\n" not in text or f"{_END}\n" not in text:
        return text
    before, dummy, rest = text.partition(f"{_SERVERS}\n")
    after = rest.partition(f"{_END}\n")[2]
    kinds = {option.partition(":")[0] for option in _parse(before + after).options}
    wanted = [option for option in options if option.partition(":")[0] not in kinds]
    return before + _servers(servers, wanted, why_none) + after


def _servers(servers: Sequence[str], options: Sequence[str], why_none: str) -> str:
    lines = [f"nameserver {server}\n" for server in servers]
    lines += [f"# No name server: {why_none}\n"] if not servers and why_none else []
    lines += [f"options {' '.join(options)}\n"] if options else []
    return f"{_SERVERS}\n{''.join(lines)}{_END}\n"


def read(path: Path) -> str:
    """A file's text, or "" when it is missing, unreadable as a file, or larger than is sane."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        if os.fstat(fd).st_size > _MAX_BYTES:
            return ""
        return os.read(fd, _MAX_BYTES).decode("utf-8", "replace")
    finally:
        os.close(fd)


def write_in_place(path: Path, text: str) -> bool:
    """Give a file new content and keep its inode. Returns whether it was different.

    Readable for every user of the container, whatever the umask: its directory is closed to the
    host's users. A shorter content is first padded with empty lines, so a reader between the two
    system calls sees no remains of the old.
    """
    data = text.encode()
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(path, flags, 0o644)
    try:
        found = os.fstat(fd)
        if found.st_mode & 0o777 != 0o644:
            os.fchmod(fd, 0o644)
        if found.st_size == len(data) and os.pread(fd, len(data) + 1, 0) == data:
            return False
        padding = b"\n" * min(max(found.st_size - len(data), 0), _MAX_BYTES)
        os.pwrite(fd, data + padding, 0)
        if found.st_size > len(data):
            os.ftruncate(fd, len(data))
    except OSError as exc:
        exc.filename = str(path)
        raise
    finally:
        os.close(fd)
    return True
