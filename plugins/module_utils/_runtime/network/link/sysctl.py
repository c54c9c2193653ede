# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's network settings, those of the network namespace this thread is in."""

from __future__ import annotations

import os

from ...base.errors import Error


def enable_forwarding(ipv6: bool = False) -> None:
    """Let the host forward between its interfaces; what is on already is not written again."""
    write("net/ipv4/ip_forward", "1")
    if ipv6 and read("net/ipv6/conf/all/forwarding") == "0":
        # A forwarding host ignores router advertisements unless accept_ra is 2; without this it
        # would lose its own default route (Documentation/networking/ip-sysctl.rst).
        for name in os.listdir("/proc/sys/net/ipv6/conf"):
            if read(f"net/ipv6/conf/{name}/accept_ra") == "1":
                write(f"net/ipv6/conf/{name}/accept_ra", "2")
        write("net/ipv6/conf/all/forwarding", "1")


def set_ipv6(interface: str, enabled: bool) -> None:
    """No router advertisement is believed on our links (CVE-2020-13401), and IPv6 is off where the
    network has no IPv6 subnet (CVE-2024-32473)."""
    write(f"net/ipv6/conf/{interface}/accept_ra", "0")
    write(f"net/ipv6/conf/{interface}/disable_ipv6", "0" if enabled else "1")
    # We give the addresses away ourselves; probing for duplicates would keep the link-local one,
    # and with it neighbour discovery, out of use for the first two seconds.
    write(f"net/ipv6/conf/{interface}/accept_dad", "0")


def read(name: str) -> str:
    """The value of a sysctl, its name with slashes; "" where the kernel has none."""
    try:
        with open(f"/proc/sys/{name}", encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def write(name: str, value: str) -> None:
    """Set a sysctl of this thread's network namespace; a kernel without it needs no setting."""
    if read(name) in ("", value):
        return
    try:
        with open(f"/proc/sys/{name}", "w", encoding="ascii") as file:
            file.write(value)
    except OSError as exc:
        raise Error(
            f"cannot set the sysctl {name.replace('/', '.')} to {value}: {exc.strerror}",
            hint="slipway requires a writable /proc/sys/net",
        ) from exc
