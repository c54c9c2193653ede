# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container's spec, image and record say together: mounts, ports, stop signal. Pure."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..base.frozen import replace
from ..spec.container import CGROUPS, ContainerSpec, ImageDefaults, Mount, Port
from .container_record import Record


def anonymous_targets(
    spec: ContainerSpec, image: ImageDefaults, inherited: Sequence[Mount] = ()
) -> tuple[str, ...]:
    """The paths that get a volume of their own: declared without a name, or the image's VOLUMEs.

    Their volumes are ``Record.anonymous_volumes``, in this order.
    """
    declared = [mount.target for mount in spec.mounts if mount.kind == "anonymous"]
    taken = {os.path.normpath(mount.target) for mount in (*spec.mounts, *inherited)}
    # Images for systemd declare it; the control groups there are never a volume.
    taken.add(CGROUPS)
    return (*declared, *(path for path in image.volumes if os.path.normpath(path) not in taken))


def mounts(spec: ContainerSpec, record: Record, image: ImageDefaults) -> tuple[Mount, ...]:
    """Every mount of a container, anonymous volumes by their names, in the order of targets.

    What it has from other containers gives way to what it declares itself.
    """
    asked = {mount.target: mount for mount in spec.mounts}
    found = {mount.target: mount for mount in record.inherited}
    found |= {target: mount for target, mount in asked.items() if mount.kind != "anonymous"}
    targets = anonymous_targets(spec, image, record.inherited)
    for target, name in zip(targets, record.anonymous_volumes):
        mount = asked.get(target, Mount("volume", name, target))
        found[target] = replace(mount, kind="volume", source=name)
    found.pop(CGROUPS, None)
    return tuple(sorted(found.values(), key=lambda mount: mount.target))


def exposed(spec: ContainerSpec, image: ImageDefaults) -> list[str]:
    """Every port that the image or the task names, such as ``80/tcp``, sorted as text."""
    declared = (f"{port.container_port}/{port.protocol}" for port in spec.ports)
    return sorted({*image.exposed_ports, *spec.exposed_ports, *declared})


def ports(spec: ContainerSpec, image: ImageDefaults) -> tuple[Port, ...]:
    """What is published: the declared ports and, where all are to be, the other exposed ones."""
    named = {(port.container_port, port.protocol) for port in spec.ports}
    others = []
    for text in exposed(spec, image) if spec.publish_all else ():
        number, dummy, protocol = text.partition("/")
        if number.isdecimal() and (int(number), protocol or "tcp") not in named:
            others.append(Port(int(number), protocol or "tcp"))
    return (*spec.ports, *others)


#: What systemd takes for an orderly shutdown (systemd(1)); it would start anew at SIGTERM.
_SYSTEMD_STOP_SIGNAL = "SIGRTMIN+3"


def stop_signal(spec: ContainerSpec, record: Record, image: ImageDefaults) -> str:
    """The signal that asks a container to end; "" where nobody says."""
    asked = image.stop_signal if spec.stop_signal is None else spec.stop_signal
    return asked or (_SYSTEMD_STOP_SIGNAL if record.systemd else "")


def writes_cgroups(spec: ContainerSpec, record: Record) -> bool:
    """Whether a container may make control groups of its own below its own."""
    return record.systemd or any(
        mount.target == CGROUPS and not mount.read_only for mount in spec.mounts
    )
