# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about which namespaces a container has for itself, and which it shares."""

from __future__ import annotations

from typing import Any, Callable

from ...base.errors import Error
from ...spec.identifiers import is_name
from .form.option import Option, bad
from .form.text import plain


def mode(option: str, *words: str, own: str = "private") -> Callable[[Any], str]:
    """One of ``words``, perhaps ``container:NAME`` too; "" and ``own`` are one of its own."""

    def parse(value: Any) -> str:
        text = plain(option, value)
        if text in ("", own):
            return ""
        kind, colon, name = text.partition(":")
        if text in words or (colon and f"{kind}:NAME" in words and is_name(name)):
            return text
        raise bad(option, text, f"use {', '.join((own, *words))}")

    return parse


def userns_mode(value: Any) -> str:
    """Docker's ``host`` is what every container here has; ids are not mapped."""
    text = plain("userns_mode", value)
    if text not in ("", "host"):
        raise Error(
            f"userns_mode: {text[:100]!r} is not supported",
            hint="containers share the host's user namespace: omit it, or use host",
        )
    return text


OPTIONS = (
    Option("pid_mode", parse=mode("pid_mode", "host", "container:NAME")),
    Option("ipc_mode", parse=mode("ipc_mode", "host", "shareable", "none", "container:NAME")),
    Option("uts", field="uts_mode", parse=mode("uts", "host")),
    Option("userns_mode", parse=userns_mode),
    Option("cgroupns_mode", choices=("host", "private")),
)
