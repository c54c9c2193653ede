# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers, networks and volumes, as tasks of a play, once the module takes them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Optional

from ....base.errors import Error
from .checked import checked
from .play import Play, Task, volume_options, without_secrets


def add_container(
    play: Play,
    name: str,
    options: Mapping[str, Any],
    needs: Optional[Iterable[str]] = None,
    owner: str = "",
) -> None:
    """Declare a container with those of the options that are taken here; the rest is noted.
    Secrets are called after ``owner``, by default the container.
    """
    given = {key: value for key, value in options.items() if value not in (None, [], {}, ())}
    taken = checked(name, given, lambda what: play.note(name, what))
    if "networks" in taken:
        taken["networks"] = [{"name": one["name"], **one} for one in taken["networks"]]
    hidden = without_secrets(play, owner or name, taken)
    first = {"name": name, "image": hidden.pop("image", None)}
    found = {**{key: value for key, value in first.items() if value}, **hidden}
    play.add(Task("container", name, found, {*(needs or ()), *_named(taken)}))


def _named(options: Mapping[str, Any]) -> Iterator[str]:
    """The containers that the options of one name."""
    for option in ("network_mode", "pid_mode", "ipc_mode"):
        kind, dummy, name = str(options.get(option, "")).partition(":")
        if kind == "container":
            yield name
    for text in (*options.get("volumes_from", ()), *options.get("links", ())):
        yield str(text).partition(":")[0]
    for network in options.get("networks", ()):
        yield from (str(link).partition(":")[0] for link in network.get("links", ()))


def add_network(play: Play, name: str, options: Mapping[str, Any]) -> None:
    """Declare a network, once the module's parser has taken it."""
    from ....resource.network.declare import declare as parse

    found = {"name": name, **options}
    try:
        parse({"state": "present", **found})
    except Error as exc:
        raise Error(f"network {name}: {exc.message}", hint=exc.hint) from exc
    play.add(Task("network", name, found))


def add_volume(play: Play, name: str, driver: str, given: Mapping[str, Any], labels: Any) -> None:
    """Declare a volume; what another driver keeps is not to be had here."""
    if driver not in ("", "local"):
        play.note(f"volume {name}", f"its driver {driver} is not available; this one is local")
        given = {}
    found: dict[str, Any] = {"name": name}
    if given:
        found["driver_options"] = volume_options(play, name, given)
    if labels:
        found["labels"] = dict(labels)
    play.add(Task("volume", name, found))


def absolute(text: str, base: str) -> str:
    """A path, or a volume that begins with one."""
    path, colon, rest = text.partition(":")
    if path == "~" or path.startswith("~/"):
        path = os.path.expanduser(path)
    elif path.startswith((".", "..")) and (
        path in (".", "..") or path.split("/")[0] in (".", "..")
    ):
        path = os.path.normpath(os.path.join(base, path))
    return f"{path}{colon}{rest}"
