# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pyroute2's classes of rtnetlink messages, of which no more is imported than is used."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import sys
import threading
from collections.abc import Iterator

from ...base.errors import Error

#: How many settings of a bridge's port pyroute2 0.5 has, which is in Debian 11, and those that
#: follow up to the one that keeps ports apart (linux/if_link.h: IFLA_BRPORT_ISOLATED is 33).
_LATER_PORT_SETTINGS = (
    31,
    (
        ("IFLA_BRPORT_GROUP_FWD_MASK", "uint16"),
        ("IFLA_BRPORT_NEIGH_SUPPRESS", "uint8"),
        ("IFLA_BRPORT_ISOLATED", "uint8"),
    ),
)


class Codec:
    """pyroute2's classes for the messages we send."""

    def __init__(self) -> None:
        from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
        from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg, protinfo_bridge
        from pyroute2.netlink.rtnl.rtmsg import rtmsg

        known = protinfo_bridge.nla_map
        if len(known) == _LATER_PORT_SETTINGS[0]:
            # It leaves out what it does not know, without an error.
            protinfo_bridge.nla_map = (*known, *_LATER_PORT_SETTINGS[1])
        self.link, self.address, self.route = ifinfmsg, ifaddrmsg, rtmsg


_IMPORT = threading.Lock()


def preload() -> threading.Thread:
    """Import pyroute2's codec in a thread, while the caller waits for other programs."""
    thread = threading.Thread(target=_preload, name="pyroute2", daemon=True)
    thread.start()
    return thread


def _preload() -> None:
    # Whoever needs it imports it again and reports the failure.
    with contextlib.suppress(Error):
        load()


def load() -> Codec:
    """What encodes netlink messages, imported once. Raises Error without pyroute2."""
    with _IMPORT:
        return _once()


@functools.cache
def _once() -> Codec:
    with _without_programs():
        return _imported()


@contextlib.contextmanager
def _without_programs() -> Iterator[None]:
    """While pyroute2.config is imported, keep it from running ``uname -p`` and ``file``, which the
    standard library's platform.uname and platform.architecture do: two processes, for what no
    message has. Newer releases of pyroute2 ask neither.
    """
    import platform  # pyroute2 imports it too.

    # A cached property, of the one object that platform.uname gives.
    vars(platform.uname()).setdefault("processor", "")
    asked = platform.architecture
    platform.architecture = functools.partial(asked, executable="")
    try:
        yield
    finally:
        platform.architecture = asked


def _imported() -> Codec:
    """Import three modules of pyroute2 without its __init__, which imports all two hundred.

    That is 15 to 25 ms instead of 100 to 150. While they load, a bare module takes the place of the
    package; afterwards it is removed, so another import of pyroute2 in this process gets the whole.
    A version of which the parts do not load so is imported the ordinary way.
    """
    if "pyroute2" in sys.modules:
        return Codec()
    found = importlib.util.find_spec("pyroute2")
    if found is None:
        raise Error(
            "the Python library pyroute2 is not installed",
            hint="install it with the role slipway.engine.host (Debian: python3-pyroute2)",
        )
    bare = importlib.util.module_from_spec(found)
    sys.modules["pyroute2"] = bare
    try:
        return Codec()
    except (ImportError, AttributeError):
        pass
    finally:
        if sys.modules.get("pyroute2") is bare:
            del sys.modules["pyroute2"]
    for name in [name for name in sys.modules if name.startswith("pyroute2.")]:
        del sys.modules[name]
    return Codec()
