# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Having the host start its containers at boot and stop them at shutdown: a systemd unit, a service
of OpenRC, or a line for cron, whichever it has.

Each is a file that names ``slipway supervise boot``, and for the first two ``slipway supervise
shutdown`` and a link that enables it: ``systemctl enable`` and ``rc-update add`` make nothing else,
and need a running system for it. What is done after a reboot is decided there, by the kernel's boot
id (container/lifecycle/host_power.py).

Both stop only what they have started, so the service is started at once too: the host may shut
down before it ever booted with it. For the same reason a container that could not be started does
not make them fail; it is in their log. A service that is not started is one that the last boot left
out: that is damage like a file that is missing. Cron does not know about shutdown.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from ...base import files
from ...base.errors import Error
from ...base.frozen import dataclass
from ...base.layout import Layout

#: How long all containers that wait for it may take to start. Seconds.
_START_TIMEOUT_S = 900.0

_UNIT = """\
# Installed by slipway.engine when the first container needed it.
[Unit]
Description=Start containers at boot, and stop all of them at shutdown
Wants=network-online.target
# Stopped in the reverse order: the containers go before what they need.
After=network.target network-online.target nftables.service
After=local-fs.target remote-fs.target dbus.socket dbus.service
RequiresMountsFor={root}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=-{command} boot
ExecStop={command} shutdown
TimeoutStartSec=infinity
TimeoutStopSec=15min
KillMode=process

[Install]
WantedBy=multi-user.target
"""

_SERVICE = """\
#!/sbin/openrc-run
# Installed by slipway.engine when the first container needed it.
description="Start containers at boot, and stop all of them at shutdown"

depend() {{
    # Debian has no localmount, and calls what mounts and what makes networks by other names.
    use localmount net netmount
    after localmount mountall.sh mountnfs.sh networking firewall nftables
}}

start() {{
    ebegin "Starting containers"
    {command} boot
    eend $?
    return 0
}}

stop() {{
    ebegin "Stopping containers"
    {command} shutdown
    eend $?
}}
"""

_CRON = """\
# Installed by slipway.engine when the first container needed it.
@reboot root {command} boot
"""


@dataclass(frozen=True)
class Arrangement:
    """How a host is told: ``kind`` for people, a file with its content and mode, the link that
    enables it, where it takes one, the commands that have it in force from now on, of which the
    last starts it, and the one that stops it.

    It is in force while one of ``marks`` exists, which costs nothing to see, or ``inquiry``
    succeeds; without marks there is nothing to be in force. What exists at ``refusal`` is the
    administrator's way to say that it should not be.
    """

    kind: str
    path: Path
    content: str
    mode: int = 0o644
    link: Optional[Path] = None
    commands: tuple[tuple[str, ...], ...] = ()
    stopping: tuple[str, ...] = ()
    marks: tuple[Path, ...] = ()
    inquiry: tuple[str, ...] = ()
    refusal: Optional[Path] = None


def arrangement(layout: Layout, top: Path = Path("/")) -> Optional[Arrangement]:
    """What fits this host, below ``top``; None when it has none of the three. Only reads."""
    command = " ".join(command_line(layout))
    etc = top / "etc"
    if (top / "run/systemd/system").is_dir():
        unit = etc / "systemd/system/slipway-boot.service"
        wanted_by = unit.parent / "multi-user.target.wants" / unit.name
        content = _UNIT.format(command=command, root=layout.root)
        enforced = (("systemctl", "daemon-reload"), ("systemctl", "start", unit.name))
        # Of each unit that is active, systemd names the run there, for journald.
        mark = top / f"run/systemd/units/invocation:{unit.name}"
        return Arrangement(
            "systemd",
            unit,
            content,
            link=wanted_by,
            commands=enforced,
            stopping=("systemctl", "stop", unit.name),
            marks=(mark,),
            inquiry=("systemctl", "is-active", "--quiet", unit.name),
            refusal=top / "run/systemd/system" / unit.name,
        )
    if (top / "sbin/openrc-run").exists():
        service = etc / "init.d/slipway-boot"
        runlevel = etc / "runlevels/default/slipway-boot"
        content = _SERVICE.format(command=command)
        state = top / "run/openrc"
        if not (state / "softlevel").exists():
            # It did not boot this host, such as an image that is prepared, and starts nothing here.
            return Arrangement("OpenRC", service, content, 0o755, runlevel)
        started, stopped = (("rc-service", service.name, verb) for verb in ("start", "stop"))
        return Arrangement(
            "OpenRC",
            service,
            content,
            0o755,
            runlevel,
            (started,),
            stopped,
            marks=tuple(state / phase / service.name for phase in ("started", "starting")),
            inquiry=("rc-service", "--quiet", service.name, "status"),
        )
    if (etc / "cron.d").is_dir():
        return Arrangement("cron", etc / "cron.d/slipway", _CRON.format(command=command))
    return None


def command_line(layout: Layout) -> list[str]:
    """What is run, but for its last word; the program is whichever is in use then."""
    places = (("root", layout.root), ("run", layout.run), ("etc", layout.etc))
    return [
        str(layout.program / "current"),
        *(f"--{name}={path}" for name, path in places if layout != Layout.default()),
        "supervise",
    ]


def stands(asked: Arrangement) -> bool:
    """Whether it is arranged, and in force. A unit that its administrator masked stays so."""
    if not _written(asked):
        return False
    if asked.path.is_symlink() or (asked.refusal is not None and asked.refusal.is_symlink()):
        return True
    if not asked.marks or any(os.path.lexists(mark) for mark in asked.marks):
        return True
    from ...kernel import process  # Where a mark is there, nobody is asked.

    return process.run(list(asked.inquiry), check=False).returncode == 0


def _written(asked: Arrangement) -> bool:
    if asked.path.is_symlink():
        return True
    try:
        content = asked.path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return False
    return content == asked.content and (asked.link is None or asked.link.is_symlink())


def arrange(asked: Arrangement) -> None:
    """Write the file, and enable it. Doing it again changes nothing."""
    if _written(asked):
        return
    asked.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    files.write_atomic(asked.path, asked.content.encode(), mode=asked.mode)
    files.sweep_of(asked.path)
    if asked.link is not None and not asked.link.is_symlink():
        asked.link.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        os.symlink(asked.path, asked.link)
        files.fsync_dir(asked.link.parent)


def withdraw(asked: Arrangement) -> None:
    """Take the arrangement back, once the host has no containers that it would stop. A unit that
    its administrator masked stays so.
    """
    if asked.path.is_symlink() or not asked.path.exists():
        return
    _run(asked.stopping)
    for path in (asked.link, asked.path):
        if path is not None and os.path.lexists(path):
            path.unlink()
            files.fsync_dir(path.parent)
    for command in asked.commands[:-1]:
        _run(command)


def enforce(asked: Arrangement) -> None:
    """Have it in force now, so what the last boot left out is started. Raises Error when the host
    refuses.
    """
    for command in asked.commands:
        try:
            _run(command)
        except Error as exc:
            raise Error(
                f"this host does not start its containers after a reboot: {exc}",
                hint=f"{asked.kind} says why the service {asked.path.stem} does not start",
            ) from exc


def _run(command: Sequence[str]) -> None:
    from ...kernel import process  # Not to look whether it stands.

    if command:
        process.run(command, timeout_s=_START_TIMEOUT_S)
