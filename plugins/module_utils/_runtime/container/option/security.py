# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about what a container may do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...base import strict_json
from ...base.errors import Error
from ...base.regex import regex
from ...spec.texts import texts
from .form.option import Option, bad
from .form.text import plain


def capabilities(option: str, names: Iterable[str]) -> tuple[str, ...]:
    """Capability names in the kernel's form, CAP_NET_ADMIN; ``all`` stays ALL."""
    found = set()
    for name in names:
        upper = str(name).upper()
        if not re.match(r"\A[A-Z_]+\Z", upper, re.ASCII):
            raise bad(option, str(name), "it is not a capability name")
        found.add(upper if upper == "ALL" or upper.startswith("CAP_") else f"CAP_{upper}")
    return tuple(sorted(found))


_LABEL = regex(r"\A(user|role|type|level|filetype):[a-zA-Z0-9_.,:-]{1,255}\Z", re.ASCII)
_PROFILE = regex(r"\A[a-zA-Z0-9_./@+-]{1,255}(//&[a-zA-Z0-9_./@+:-]{1,255})*\Z", re.ASCII)


def security_opts(texts: Iterable[str]) -> tuple[str, ...]:
    """Docker's ``--security-opt``, each in one form, ``KIND=VALUE``; ``seccomp=`` holds the profile
    itself.

    What says no more than the default, such as seccomp=builtin, is left out.
    """
    found: dict[str, str] = {}
    for text in texts:
        kind, value = _security_opt(str(text))
        key = f"{kind}={value.partition(':')[0]}" if kind == "label" else kind
        if found.setdefault(key, value) != value:
            raise bad("security_opts", text, f"{key} is given twice")
    return tuple(
        sorted(
            f"{key.partition('=')[0]}={value}"
            for key, value in found.items()
            if (key, value) not in (("no-new-privileges", "false"), ("seccomp", "builtin"))
        )
    )


def _security_opt(text: str) -> tuple[str, str]:
    kind, value = re.match(r"([a-z-]*)[=:]?(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]  # it matches anything
    if kind == "no-new-privileges" and value in ("", "true", "false"):
        return kind, value or "true"
    if kind == "seccomp" and value:
        return kind, value if value in ("unconfined", "builtin") else _profile(value)
    plain("security_opts", text)
    if (
        (kind == "apparmor" and _PROFILE.match(value))
        or (kind == "label" and (value == "disable" or _LABEL.match(value)))
        or (kind == "systempaths" and value == "unconfined")
    ):
        return kind, value
    raise bad(
        "security_opts",
        text,
        "use seccomp=FILE or seccomp=unconfined, no-new-privileges, apparmor=PROFILE,"
        " label=disable, label=KIND:VALUE or systempaths=unconfined",
    )


def _profile(value: str) -> str:
    try:
        profile = strict_json.loads(value)
    except ValueError as exc:
        raise Error(
            f"security_opts: the seccomp profile {value[:60]!r} is not valid JSON",
            hint="give the absolute path of a file on the host",
        ) from exc
    if not isinstance(profile, dict) or "defaultAction" not in profile:
        raise Error("security_opts: the seccomp profile has no defaultAction")
    return json.dumps(profile, sort_keys=True, separators=(",", ":"))


def _show_security_opts(value: Iterable[str]) -> list[str]:
    """A profile is told by its digest: it has some thousand lines."""
    import hashlib

    return [
        f"seccomp=sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        if text.startswith("seccomp={")
        else text
        for text in value
    ]


def _security_key(text: str) -> str:
    return text.partition(":")[0] if text.startswith("label=") else text.partition("=")[0]


def _more_security_opts(have: Any, given: Any) -> tuple[str, ...]:
    joined = {_security_key(text): text for text in (*have, *given)}
    return tuple(sorted(joined.values()))


_SYSCTL = regex(r"\A[a-zA-Z0-9_-]+([./][a-zA-Z0-9_:@*-]+)+\Z", re.ASCII)
#: What the ipc namespace divides (ipc_namespaces(7)); net.* is divided by the network namespace.
IPC_SYSCTLS = frozenset(
    f"kernel.{name}" for name in ("msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni")
) | {"kernel.shm_rmid_forced"}


def sysctls(values: Mapping[str, Any]) -> dict[str, str]:
    """Kernel parameters of the container's own namespaces; any other would be the host's."""
    found = {}
    for name, value in texts("sysctls", values).items():
        if not _SYSCTL.match(name):
            raise bad("sysctls", str(name), "it is not a kernel parameter name")
        dotted = name.replace("/", ".")
        if not (dotted.startswith(("net.", "fs.mqueue.")) or dotted in IPC_SYSCTLS):
            raise bad(
                "sysctls",
                name,
                "only net.*, fs.mqueue.* and System V IPC parameters are namespaced",
            )
        found[name] = plain("sysctls", value)
    return found


OPTIONS = (
    Option("read_only", "bool"),
    Option("privileged", "bool"),
    Option(
        "capabilities",
        "list",
        field="cap_add",
        parse=lambda value: capabilities("capabilities", value),
    ),
    Option(
        "security_opts",
        "list",
        parse=security_opts,
        show=_show_security_opts,
        more=_more_security_opts,
    ),
    Option("sysctls", "dict", parse=sysctls),
    Option("cap_drop", "list", parse=lambda value: capabilities("cap_drop", value)),
)
