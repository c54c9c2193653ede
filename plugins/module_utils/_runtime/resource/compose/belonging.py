# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What on the host is of a project, and is not declared: by the labels that Compose gives. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Callable

from ...compose.reading.project import ONE_OFF, PROJECT, SERVICE
from ..stack.member import CONTAINER, EXCESS, FOREIGN, ORPHAN


def of_project(
    name: str,
    state: str,
    services: Collection[str],
    others: Collection[str],
    partial: bool,
) -> Callable[[str, Mapping[str, str]], str]:
    """The judgement of Stack.belongs: ``services`` are those that a task is about, ``others`` those
    that are declared besides. ``partial`` is that it is about these services alone.

    A container of one of them that is not declared is one more than it is to have. Networks and
    volumes go with the whole project only, as with Compose.
    """

    def belongs(kind: str, labels: Mapping[str, str]) -> str:
        if labels.get(PROJECT) != name:
            return FOREIGN
        ends = state == "absent"
        if kind != CONTAINER:
            return EXCESS if ends and not partial else FOREIGN
        service = labels.get(SERVICE, "")
        if labels.get(ONE_OFF, "False").lower() == "true" and not ends:
            return FOREIGN
        if service in services:
            return EXCESS
        if partial or service in others:
            return EXCESS if ends and not partial else FOREIGN
        return ORPHAN

    return belongs
