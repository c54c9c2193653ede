# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""That the host starts its containers when it comes up: a unit of systemd, a service of OpenRC, or
a line for cron, whichever it has.

Each is a file that names ``slipway supervise boot``, and for the first two a link that enables it:
``systemctl enable`` and ``rc-update add`` make nothing else, and need a running system for it. What
is done after a reboot is decided there, by the kernel's boot id (container/supervise.py).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

from .. import files
from ..frozen import dataclass
from ..layout import Layout

_UNIT = """\
# Made by slipway.engine, when a container first needed it.
[Unit]
Description=Start the containers that run from boot on
Wants=network-online.target
After=network-online.target nftables.service
RequiresMountsFor={root}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={command}
TimeoutStartSec=infinity
KillMode=process

[Install]
WantedBy=multi-user.target
"""

_SERVICE = """\
#!/sbin/openrc-run
# Made by slipway.engine, when a container first needed it.
description="Start the containers that run from boot on"

depend() {{
    need localmount
    use net
    after firewall nftables
}}

start() {{
    ebegin "Starting containers"
    {command}
    eend $?
}}
"""

_CRON = """\
# Made by slipway.engine, when a container first needed it.
@reboot root {command}
"""


@dataclass(frozen=True)
class Arrangement:
    """How a host is told: ``kind`` for people, a file with its content and mode, and the link that
    enables it, where it takes one.
    """

    kind: str
    path: Path
    content: str
    mode: int = 0o644
    link: Optional[Path] = None


def arrangement(layout: Layout, top: Path = Path("/")) -> Optional[Arrangement]:
    """What fits this host, below ``top``; None when it has none of the three. Only reads."""
    command = " ".join(command_line(layout))
    etc = top / "etc"
    if (top / "run/systemd/system").is_dir():
        unit = etc / "systemd/system/slipway-boot.service"
        wanted_by = unit.parent / "multi-user.target.wants" / unit.name
        content = _UNIT.format(command=command, root=layout.root)
        return Arrangement("systemd", unit, content, link=wanted_by)
    if (top / "sbin/openrc-run").exists():
        service = etc / "init.d/slipway-boot"
        runlevel = etc / "runlevels/default/slipway-boot"
        return Arrangement("OpenRC", service, _SERVICE.format(command=command), 0o755, runlevel)
    if (etc / "cron.d").is_dir():
        return Arrangement("cron", etc / "cron.d/slipway", _CRON.format(command=command))
    return None


def command_line(layout: Layout) -> list[str]:
    """What is run at boot; the program is whichever is in use then."""
    places = (("root", layout.root), ("run", layout.run), ("etc", layout.etc))
    return [
        str(layout.program / "current"),
        *(f"--{name}={path}" for name, path in places if layout != Layout.default()),
        *("supervise", "boot"),
    ]


def stands(asked: Arrangement) -> bool:
    """Whether it is arranged. A unit that its administrator masked stays so."""
    if asked.path.is_symlink():
        return True
    try:
        content = asked.path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return False
    return content == asked.content and (asked.link is None or asked.link.is_symlink())


def arrange(asked: Arrangement) -> None:
    """Write the file, and enable it. Doing it again changes nothing."""
    if stands(asked):
        return
    asked.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    files.write_atomic(asked.path, asked.content.encode(), mode=asked.mode)
    if asked.link is not None and not asked.link.is_symlink():
        asked.link.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        os.symlink(asked.path, asked.link)
        files.fsync_dir(asked.link.parent)
