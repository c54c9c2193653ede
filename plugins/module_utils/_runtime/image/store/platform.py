# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Platforms, and which of a multi-platform image's manifests is the host's.

Words are those of Go (GOOS, GOARCH), as image-spec's image-index.md asks for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...base.errors import Error
from ...base.frozen import dataclass
from ...base.regex import regex
from ...spec.oci import Descriptor

#: uname's machine -> (architecture, variant)
_MACHINES = {
    "x86_64": ("amd64", ""),
    "i386": ("386", ""),
    "i686": ("386", ""),
    "aarch64": ("arm64", "v8"),
    "armv8l": ("arm", "v8"),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "armv5tel": ("arm", "v5"),
    "ppc64le": ("ppc64le", ""),
    "s390x": ("s390x", ""),
    "riscv64": ("riscv64", ""),
    "loongarch64": ("loong64", ""),
    "mips64": ("mips64le", ""),
}
_ALIASES = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "i386": ("386", ""),
    "aarch64": ("arm64", "v8"),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
_PART = regex(r"\A[A-Za-z0-9][A-Za-z0-9_.-]*\Z", re.ASCII)


@dataclass(frozen=True)
class Platform:
    """An operating system, an architecture and, for Arm, its version (``v7``)."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))


def host_platform() -> Platform:
    """What this host runs."""
    machine = os.uname().machine
    return Platform("linux", *_MACHINES.get(machine, (machine, "")))


def parse_platform(text: str) -> Platform:
    """Read ``linux/arm64``, ``linux/arm/v7``, an architecture alone, or ``linux``, the host's."""
    parts = text.strip().split("/")
    if not 1 <= len(parts) <= 3 or not all(_PART.match(part) for part in parts):
        raise Error(f"{text[:60]!a} is not a platform", hint="use linux/amd64 or linux/arm/v7")
    if text.strip().lower() == "linux":
        return host_platform()
    if len(parts) == 1:
        parts = ["linux", *parts]
    architecture, variant = _ALIASES.get(parts[1].lower(), (parts[1].lower(), ""))
    if len(parts) == 3:
        variant = parts[2].lower()
    elif architecture == "arm64":
        variant = "v8"
    elif architecture == "arm" and not variant:
        variant = "v7"
    return Platform(parts[0].lower(), architecture, variant)


def of(value: object) -> Platform:
    """The platform an index or an image's config states; a missing part is ""."""
    found = value if isinstance(value, dict) else {}
    words = [str(found.get(key) or "") for key in ("os", "architecture", "variant")]
    return Platform(*words)


def of_image(config: Mapping[str, Any]) -> Platform:
    """The platform of an image by its config; what that does not say is this host's, as in
    containerd.
    """
    said, own = of(config), host_platform()
    if said.architecture:
        return Platform(said.os or own.os, said.architecture, said.variant)
    return Platform(said.os or own.os, own.architecture, own.variant)


def check_serves(config: Mapping[str, Any], what: str) -> None:
    """Refuse an image of another operating system: no emulator runs it."""
    found = of_image(config)
    if found.os != host_platform().os:
        raise does_not_serve(found, what)


def does_not_serve(found: Platform, what: str) -> Error:
    """The error for an image that this host cannot run."""
    return Error(f"{what} is an image for {found}, and this host runs images for linux only")


def _acceptable(wanted: Platform) -> list[Platform]:
    """What runs on ``wanted``, the best first: a later Arm runs what an earlier one does."""
    if wanted.architecture == "arm64":
        variants = [wanted.variant, "v8", ""]
    elif wanted.architecture == "arm":
        newest = int(wanted.variant[1:]) if re.match(r"\Av[5-8]\Z", wanted.variant) else 7
        variants = [f"v{number}" for number in range(newest, 4, -1)] + [""]
    else:
        variants = [wanted.variant, ""]
    return [Platform(wanted.os, wanted.architecture, variant) for variant in variants]


def runs_on(found: Platform, wanted: Platform) -> bool:
    """Whether an image made for ``found`` serves where ``wanted`` is asked for."""
    return found in _acceptable(wanted)


def choose(manifests: Sequence[Descriptor], wanted: Platform, where: str) -> Descriptor:
    """The manifest of an index that serves ``wanted``. Raises Error listing what there is."""
    for platform in _acceptable(wanted):
        for descriptor in manifests:
            if descriptor.platform is not None and of(descriptor.platform) == platform:
                return descriptor
    # An index of one image need not say for what: umoci and hand-made ones do not.
    if len(manifests) == 1 and manifests[0].platform is None:
        return manifests[0]
    # BuildKit's attestations are in the index as manifests for unknown/unknown.
    there = sorted({str(of(d.platform)) for d in manifests if of(d.platform).os != "unknown"})
    raise Error(
        f"{where} has no image for {wanted}; it has {', '.join(there) or 'none at all'}",
        hint="choose one of these with the option platform, or use another image",
    )
