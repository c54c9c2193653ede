# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway events``: what happens on the host, as it happens."""

from __future__ import annotations

import datetime
import json
import sys
import time
from typing import TYPE_CHECKING

from ...plan.plan import Host
from ..line.verbs import FILTER, STRING, Arguments, Flag, Verb
from ..terminal.output import say

if TYPE_CHECKING:
    from ...system.events import Event


def _events(host: Host, arguments: Arguments) -> int:
    from ...system import events, looking
    from ...text import filters

    meant = events.chosen(arguments.filter)
    kinds = arguments.filter.get("type", events.ACTIONS)
    now = time.time()
    since = filters.moment(arguments.since, now) if arguments.since else None
    until = filters.moment(arguments.until, now) if arguments.until else None
    for event in looking.told(host.layout, since, until, kinds):
        if meant(event):
            say(_shown(event, arguments.format))
            sys.stdout.flush()
    return 0


def _shown(event: Event, form: str) -> str:
    from ...text import template

    if form == "json":
        return json.dumps(event.document(), ensure_ascii=False, separators=(",", ":"))
    if form:
        return template.render(form, event.fields())
    whole, fraction = divmod(event.nanoseconds, 1_000_000_000)
    moment = datetime.datetime.fromtimestamp(whole).astimezone()
    zone = f"{moment:%z}"
    zone = "Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}"
    about = ", ".join(f"{name}={value}" for name, value in sorted(event.attributes.items()))
    said = f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction:09d}{zone} {event.kind} {event.action}"
    return f"{said} {event.id} ({about})"


VERBS = {
    "events": Verb(
        _events,
        "Get real time events of this host",
        flags=(
            Flag("filter", "f", FILTER, "Filter output based on conditions provided"),
            Flag(
                "format",
                "",
                STRING,
                "Format output using a custom template: 'json', or a Go template such as"
                " '{{.Action}}'",
            ),
            Flag("since", "", STRING, "Show all events created since timestamp"),
            Flag("until", "", STRING, "Stream events until this timestamp"),
        ),
    ),
}
