# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this very process runs in a container, and in which: seen from inside, by its mounts.

Every engine binds a file of its own over /etc/hostname (also with the host's network), and the path
it has on the host holds the container's id: proc(5), mountinfo, the fields root and mount point.
Control groups say so too where the container has no cgroup namespace.
"""

from __future__ import annotations

from pathlib import Path

from ..base.regex import regex

_ID = r"([0-9a-f]{64})"

#: Where each engine keeps the file, below whatever its storage is called.
_HOSTNAMES = (
    (regex(rf"/{_ID}/userdata/hostname\Z"), "podman"),
    (regex(rf"/docker/containers/{_ID}/hostname\Z"), "docker"),
    (regex(rf"(?:/slipway|\A)/containers/{_ID}/hostname\Z"), "slipway"),
    (regex(rf"/{_ID}/hostname\Z"), "docker"),
)

#: How each engine names the control groups of its containers.
_CGROUPS = (
    (regex(rf"/slipway[/:-]+{_ID}(?:\.scope)?\Z"), "slipway"),
    (regex(rf"/docker[/-]{_ID}(?:\.scope)?\Z"), "docker"),
    (regex(rf"/libpod-{_ID}(?:\.scope)?(?:/container)?\Z"), "podman"),
    (regex(rf"/azpl_job/{_ID}\Z"), "azure_pipelines"),
    (regex(rf"/actions_job/{_ID}\Z"), "github_actions"),
)


def detect(mountinfo: str, cgroup: str) -> tuple[str, str]:
    """The container's id and its kind (slipway, docker, podman, azure_pipelines, github_actions);
    two empty texts outside of one. Pure, of what /proc/self/mountinfo and /proc/self/cgroup hold.
    """
    for line in cgroup.splitlines():
        path = line.split(":", 2)[-1]
        for pattern, kind in _CGROUPS:
            found = pattern.search(path)
            if found and kind.endswith(("_pipelines", "_actions")):
                return found.group(1), kind
    for line in mountinfo.splitlines():
        fields = line.split(" ")
        if len(fields) > 4 and fields[4] == "/etc/hostname":
            for pattern, kind in _HOSTNAMES:
                found = pattern.search(fields[3])
                if found:
                    return found.group(1), kind
    for line in cgroup.splitlines():
        path = line.split(":", 2)[-1]
        for pattern, kind in _CGROUPS:
            found = pattern.search(path)
            if found:
                return found.group(1), kind
    return "", ""


def here() -> tuple[str, str]:
    """The same of this process."""
    said = []
    for name in ("mountinfo", "cgroup"):
        try:
            said.append(Path(f"/proc/self/{name}").read_text("utf-8", "surrogateescape"))
        except OSError:
            said.append("")
    return detect(said[0], said[1])
