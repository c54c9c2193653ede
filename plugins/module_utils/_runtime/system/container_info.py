# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of container_info: one container or many, with what is asked for besides."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from ..base.errors import Error, NotFound
from ..container.show import documents
from ..plan.plan import Host
from ..records import container_record, foreseen, running


def gather(host: Host, params: Mapping[str, Any]) -> dict[str, Any]:
    """``exists`` and ``container`` of the one that is named, ``containers`` of all in any case."""
    if params["name"] is None:
        found = _chosen(host, params)
        return {"containers": [one for one in found if _enriched(host, one, params)]}
    try:
        one = documents.find(host, params["name"])
    except NotFound:
        return {"exists": False, "container": None, "containers": []}
    if not _enriched(host, one, params):
        return {"exists": False, "container": None, "containers": []}
    return {"exists": True, "container": one, "containers": [one]}


def _chosen(host: Host, params: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    found = documents.containers(host)
    if params["all"] and not params["filters"]:
        return sorted(found, key=lambda one: str(one["Created"]), reverse=True)
    from ..container.show import ps_filters

    def descends(document: Mapping[str, Any], image: str) -> bool:
        from . import lists

        return lists.descends(host, document, image)

    given = params["filters"] or {}
    chosen = ps_filters.choose(found, given, time.time(), params["all"], descends)
    return [dict(one) for one in chosen]


def _enriched(host: Host, one: dict[str, Any], params: Mapping[str, Any]) -> bool:
    """Add what is asked for; False for a container that was removed in the meantime.

    What costs time to import is imported only for who asks for it.
    """
    try:
        _enrich(host, one, params)
    except NotFound:
        return False
    return True


def _enrich(host: Host, one: dict[str, Any], params: Mapping[str, Any]) -> None:
    layout, container_id = host.layout, str(one["Id"])
    if _is_to_come(host, one):
        _enrich_empty(one, params)
        return
    runs = bool(one["State"]["Pid"])
    if params["size"] or params["changes"]:
        from ..container.status import changed

        if params["size"]:
            one["SizeRw"] = changed.written_bytes(layout, container_id)
            one["SizeRootFs"] = changed.root_bytes(layout, container_id)
        if params["changes"]:
            one["Changes"] = [
                {"Path": change.path, "Kind": changed.KINDS[change.kind]}
                for change in changed.changes(layout, container_id)
            ]
    if params["stats"]:
        from ..container.status import usage

        one["Stats"] = usage.sample(layout, container_id)
    if params["top"]:
        one["Top"] = _top(host, container_id, params["top_options"]) if runs else None
    if params["ports"]:
        one["Ports"] = {
            port: bindings
            for port, bindings in (one["NetworkSettings"]["Ports"] or {}).items()
            if bindings
        }


def _is_to_come(host: Host, one: Mapping[str, Any]) -> bool:
    """Whether a container is one that an earlier task of a check-mode run would make."""
    name = str(one["Name"])[1:]
    return name in foreseen.told_containers(host) and foreseen.recorded(host, name) is None


def _enrich_empty(one: dict[str, Any], params: Mapping[str, Any]) -> None:
    if params["size"]:
        one |= {"SizeRw": 0, "SizeRootFs": 0}
    for option, key in (("changes", "Changes"), ("stats", "Stats"), ("top", "Top")):
        if params[option]:
            one[key] = [] if option == "changes" else None
    if params["ports"]:
        one["Ports"] = {}


def _top(host: Host, container_id: str, options: Any) -> Any:
    from ..container.status import top

    try:
        return top.processes(host.layout, container_id, options)
    except NotFound:
        raise
    except Error:
        found = container_record.read_record(host.layout, container_id)
        if running.truth(found).phase == "running":
            raise
        # It ended since it was looked at.
        return None
