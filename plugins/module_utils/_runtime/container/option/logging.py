# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about where the output of a container goes, and how much of it is kept. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

from ...base.errors import Error
from ...base.frozen import dataclass
from ...base.regex import regex
from ...spec.container import ContainerSpec
from ...spec.texts import texts
from .form.option import Option, bad
from .form.text import plain, size

FILE, LOCAL, JOURNAL, SYSLOG, NONE = "json-file", "local", "journald", "syslog", "none"
DRIVERS = (FILE, LOCAL, JOURNAL, SYSLOG, NONE)
#: Docker's others. They are taken, so a container that has one can be declared, and refused when it
#: is to start.
FOREIGN = ("awslogs", "etwlogs", "fluentd", "gcplogs", "gelf", "logentries", "splunk")

#: What every driver of Docker takes.
_COMMON = ("labels", "labels-regex", "env", "env-regex", "tag", "mode", "max-buffer-size")
#: What each driver takes beside that.
_KNOWN = {
    FILE: ("max-size", "max-file", "compress"),
    LOCAL: ("max-size", "max-file", "compress"),
    JOURNAL: (),
    SYSLOG: ("syslog-address", "syslog-facility", "syslog-format"),
    NONE: (),
}

#: Docker's: a local log is 5 files of 20 megabytes unless something else is said.
_LOCAL_BYTES, _LOCAL_FILES = 20 << 20, 5
#: What is kept of a container whose output goes to syslog, for whoever asks for its logs.
_CACHE_BYTES, _CACHE_FILES = 5 << 20, 2

_COUNT = regex(r"\A[0-9]{1,4}\Z", re.ASCII)
_PLACE = regex(r"\{\{\s*\.(\w+)\s*\}\}")

#: syslog(3), by number.
_FACILITIES = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron"),
    *("authpriv", "ftp", "", "", "", ""),
    *(f"local{number}" for number in range(8)),
)
_FORMS = ("rfc3164", "rfc5424", "rfc5424micro")
_BOOLEANS = ("true", "false", "1", "0", "t", "f", "True", "False", "TRUE", "FALSE", "T", "F")


@dataclass(frozen=True)
class Syslog:
    """Where lines are sent: ``address``, ``unix://PATH`` or ``udp://HOST:PORT``; ``form`` "" is
    that of the host's own socket.
    """

    address: str = "unix:///dev/log"
    facility: int = 3
    form: str = ""

    @property
    def missing(self) -> bool:
        """Whether it is a socket of this host that does not exist."""
        import os.path  # As below.

        where = self.endpoint[1]
        return isinstance(where, str) and not os.path.exists(where)

    @property
    def endpoint(self) -> tuple[int, Union[str, tuple[str, int]]]:
        """The family and the address of a socket. Raises Error for an unknown transport."""
        import socket  # Only who starts such a container asks.

        scheme, dummy, rest = self.address.partition("://")
        if scheme in ("unix", "unixgram") and rest.startswith("/"):
            return socket.AF_UNIX, rest
        host, dummy, port = rest.rpartition(":")
        if scheme == "udp" and rest and (port.isdecimal() or not dummy):
            host, number = (host, int(port)) if dummy else (rest, 514)
            host = host.strip("[]")
            return (socket.AF_INET6 if ":" in host else socket.AF_INET), (host, number)
        raise Error(
            f"log_options: syslog-address {self.address[:100]!r} is not supported",
            hint="use unix:///dev/log or udp://HOST:PORT",
        )


@dataclass(frozen=True)
class Logging:
    """Where output goes: ``driver``, at most ``files`` files of about ``max_bytes`` (0: without
    limit), or the journal or syslog under ``tag``.
    """

    driver: str = FILE
    max_bytes: int = 0
    files: int = 1
    tag: str = ""
    syslog: Optional[Syslog] = None

    def tagged(self, container_id: str) -> str:
        """The tag of a container that has its id."""
        short = self.tag.replace("{{.ID}}", container_id[:12])
        return short.replace("{{.FullID}}", container_id)

    @property
    def rotates(self) -> bool:
        """Whether somebody has to rotate the file; a single one is begun anew by its monitor."""
        return self.max_bytes > 0 and self.files > 1


def log_driver(text: str) -> str:
    """The driver, "" for the default. Raises Error for one that is not supported."""
    if text not in DRIVERS and text not in FOREIGN:
        raise bad("log_driver", text, f"known drivers: {', '.join(DRIVERS)}")
    return "" if text == FILE else text


def log_options(values: Mapping[str, Any]) -> dict[str, str]:
    """Values as text, as Docker shows them."""
    found = texts("log_options", values, switches=True)
    return {name: plain("log_options", value) for name, value in found.items()}


def logging(spec: ContainerSpec) -> Logging:
    """What both options say together. Raises Error for what the driver does not understand."""
    driver, options = spec.log_driver or FILE, spec.log_options
    if driver in FOREIGN:
        return Logging(driver)
    for name in options:
        if name not in _KNOWN[driver] and name not in _COMMON:
            known = ", ".join((*_KNOWN[driver], *_COMMON))
            raise Error(
                f"container {spec.name}: unknown option {name[:60]!r} for the log driver {driver}",
                hint=f"known options: {known}",
            )
    _one_of(options, "mode", ("blocking", "non-blocking"))
    _one_of(options, "compress", _BOOLEANS)
    if driver == JOURNAL:
        return Logging(driver, tag=_tag(spec, options.get("tag", "")))
    if driver == SYSLOG:
        tag = _tag(spec, options.get("tag", "{{.ID}}"))
        return Logging(driver, _CACHE_BYTES, _CACHE_FILES, tag, _syslog(options))
    max_bytes = size("log_options: max-size", options["max-size"]) if "max-size" in options else 0
    count = options.get("max-file", "1")
    if not _COUNT.match(count) or int(count) < 1:
        raise bad("log_options: max-file", count, "it must be a number of files, at least 1")
    if driver == LOCAL:
        files = int(options.get("max-file", _LOCAL_FILES))
        return Logging(driver, max_bytes or _LOCAL_BYTES, files)
    return Logging(driver, max_bytes, int(count))


def served(spec: ContainerSpec) -> None:
    """Raise Error when this host cannot send output where it should go; asked at a start."""
    kept = logging(spec)
    if kept.driver in FOREIGN:
        raise Error(
            f"container {spec.name}: the log driver {kept.driver} is not available",
            hint=f"available drivers: {', '.join(DRIVERS)}",
        )
    if kept.syslog is not None:
        dummy = kept.syslog.endpoint


def _syslog(options: Mapping[str, str]) -> Syslog:
    facility = options.get("syslog-facility", "daemon")
    number = int(facility) if facility.isdecimal() else -1
    if facility in _FACILITIES and facility:
        number = _FACILITIES.index(facility)
    if not 0 <= number < len(_FACILITIES):
        raise bad("log_options: syslog-facility", facility, "name a facility such as daemon")
    _one_of(options, "syslog-format", _FORMS)
    return Syslog(
        options.get("syslog-address", Syslog().address),
        number,
        options.get("syslog-format", ""),
    )


def _one_of(options: Mapping[str, str], name: str, known: Sequence[str]) -> None:
    if name in options and options[name] not in known:
        raise bad(f"log_options: {name}", options[name], f"use {' or '.join(known[:2])}")


def details(spec: ContainerSpec, env: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """What log_options say of each line, as ``logs --details`` shows it: ``A=1,stage=test``."""
    from urllib.parse import quote_plus  # Only who asks for details pays for it.

    found: dict[str, str] = {}
    for option, values in (("labels", labels), ("env", env)):
        names = [name.strip() for name in spec.log_options.get(option, "").split(",")]
        pattern = spec.log_options.get(f"{option}-regex")
        for name, value in values.items():
            if name in names or (pattern and re.search(pattern, name)):
                found[name] = value
    if spec.log_options.get("tag"):
        found["tag"] = _tag(spec, spec.log_options["tag"])
    return ",".join(f"{quote_plus(k)}={quote_plus(v)}" for k, v in sorted(found.items()))


def _tag(spec: ContainerSpec, text: str) -> str:
    """Docker's template, of what is known before there is a container; ID is filled in later."""
    known = {"Name": spec.name, "ImageName": spec.image, "ID": "{{.ID}}", "FullID": "{{.FullID}}"}

    def value(found: re.Match[str]) -> str:
        if found[1] not in known:
            raise bad("log_options: tag", text, f"known fields: {', '.join(sorted(known))}")
        return known[found[1]]

    return _PLACE.sub(value, text)


OPTIONS = (
    Option("log_driver", parse=log_driver, show=lambda value: value or FILE),
    Option("log_options", "dict", aliases=("log_opt",), parse=log_options),
)
