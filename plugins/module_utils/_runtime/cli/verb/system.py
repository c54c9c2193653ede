# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verbs for the host as a whole, with Docker's flags and output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...base.errors import Error
from ...plan.plan import Host
from ..line.verbs import FILTER, STRING, SWITCH, Arguments, Flag, Verb, as_option
from ..terminal.output import agreed, complain, say

# --- what the host is ------------------------------------------------------------------------


def _info(host: Host, arguments: Arguments) -> int:
    from ...system import info

    found = info.document(host)
    if arguments.format:
        _show(found, arguments.format)
        return 0
    for line in _info_lines(found):
        say(line)
    for line in info.problems(host):
        complain(f"warning: {line}")
    return 0


def _show(value: Any, form: str) -> None:
    import json

    from ...text import template

    said = json.dumps(value, ensure_ascii=False) if form == "json" else template.render(form, value)
    say(said)


def _info_lines(found: Mapping[str, Any]) -> Iterator[str]:
    security = [text.partition(",")[0].partition("=")[2] for text in found["SecurityOptions"]]
    plugins = found["Plugins"]
    yield f"Containers: {found['Containers']}"
    for state in ("Running", "Paused", "Stopped"):
        yield f" {state}: {found[f'Containers{state}']}"
    yield f"Images: {found['Images']}"
    yield f"Server Version: {found['ServerVersion']}"
    yield f"Storage Driver: {found['Driver']}"
    for name, value in found["DriverStatus"]:
        yield f" {name}: {value}"
    yield f"Logging Driver: {found['LoggingDriver']}"
    yield f"Cgroup Driver: {found['CgroupDriver']}"
    yield f"Cgroup Version: {found['CgroupVersion']}"
    yield "Plugins:"
    for name in ("Volume", "Network", "Log"):
        yield f" {name}: {' '.join(plugins[name])}"
    yield f"Runtimes: {' '.join(found['Runtimes'])}"
    yield f"Default Runtime: {found['DefaultRuntime']}"
    yield f"Init Binary: {found['InitBinary']}"
    for name, part in found["Runtimes"].items():
        yield f"{name} version: {part['version']}"
    yield "Security Options:"
    yield from (f" {name}" for name in security)
    yield f"Kernel Version: {found['KernelVersion']}"
    yield f"Operating System: {found['OperatingSystem']}"
    yield f"OSType: {found['OSType']}"
    yield f"Architecture: {found['Architecture']}"
    yield f"CPUs: {found['NCPU']}"
    yield f"Total Memory: {_binary(found['MemTotal'])}"
    yield f"Name: {found['Name']}"
    yield f"ID: {found['ID']}"
    yield f"Docker Root Dir: {found['DockerRootDir']}"
    for name, key in (("HTTP Proxy", "HttpProxy"), ("HTTPS Proxy", "HttpsProxy")):
        if found[key]:
            yield f"{name}: {found[key]}"


def _binary(count: float) -> str:
    """Bytes in powers of 1024, four digits, as docker info shows memory."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if count < 1024 or unit == "TiB":
            return f"{count:.4g}{unit}"
        count /= 1024
    raise AssertionError("the last unit takes all")


def _version(host: Host, arguments: Arguments) -> int:
    from ...system import info

    found = info.version()
    if arguments.format:
        _show(found, arguments.format)
        return 0
    client, server = found["Client"], found["Server"]
    say("Client:")
    for name, key in (("Version", "Version"), ("Python version", "PythonVersion")):
        say(f" {name + ':':<18}{client[key]}")
    say(f" {'OS/Arch:':<18}{client['Os']}/{client['Arch']}")
    say("")
    say(f"Server: {server['Platform']['Name']}")
    for part in server["Components"]:
        say(f" {part['Name']}:")
        say(f"  {'Version:':<17}{part['Version']}")
        for name, value in part["Details"].items():
            if value:
                say(f"  {name + ':':<17}{value}")
    return 0


# --- what it takes ---------------------------------------------------------------------------

_DF = {
    "Type": "TYPE",
    "TotalCount": "TOTAL",
    "Active": "ACTIVE",
    "Size": "SIZE",
    "Reclaimable": "RECLAIMABLE",
}


def _df(host: Host, arguments: Arguments) -> int:
    from ...system import usage
    from ...text.table import listing, size

    if arguments.verbose:
        if arguments.format:
            raise Error("--verbose and --format are mutually exclusive")
        for line in _df_whole(usage.document(host)):
            say(line)
        return 0
    rows = [
        {
            **{key: str(value) for key, value in row.items()},
            "Size": size(row["Size"]),
            "Reclaimable": _share(row["Reclaimable"], row["Size"]),
        }
        for row in usage.summary(host)
    ]
    for line in listing(rows, _DF, tuple(_DF), arguments.format):
        say(line)
    return 0


def _share(part: int, whole: int) -> str:
    from ...text.table import size

    return f"{size(part)} ({100 * part // whole}%)" if whole else size(part)


def _df_whole(found: Mapping[str, Any]) -> Iterator[str]:
    import time

    from ...text.table import duration, size, table

    def ago(created: float) -> str:
        return f"{duration(time.time() - created)} ago"

    yield "Images space usage:"
    yield ""
    rows = [("REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE",
             "CONTAINERS")]  # fmt: skip
    for one in found["Images"]:
        names = [name.rpartition(":") for name in one["RepoTags"]] or [("<none>", "", "<none>")]
        for repository, dummy, tag in names:
            rows.append(
                (
                    repository, tag, one["Id"][7:19], ago(one["Created"]), size(one["Size"]),
                    size(one["SharedSize"]), size(one["Size"] - one["SharedSize"]),
                    str(one["Containers"]),
                )
            )  # fmt: skip
    yield from table(rows)
    yield ""
    yield "Containers space usage:"
    yield ""
    containers = [("CONTAINER ID", "IMAGE", "COMMAND", "LOCAL VOLUMES", "SIZE", "CREATED", "STATUS",
                   "NAMES")]  # fmt: skip
    for one in found["Containers"]:
        volumes = sum(mount["Type"] == "volume" for mount in one["Mounts"])
        containers.append(
            (
                one["Id"][:12], one["Image"], _quoted(one["Command"]), str(volumes),
                size(one.get("SizeRw", 0)), ago(one["Created"]), one["Status"],
                one["Names"][0].lstrip("/"),
            )
        )  # fmt: skip
    yield from table(containers)
    yield ""
    yield "Local Volumes space usage:"
    yield ""
    volumes = [("VOLUME NAME", "LINKS", "SIZE")]
    for one in found["Volumes"]:
        about = one["UsageData"]
        volumes.append((one["Name"], str(about["RefCount"]), size(about["Size"])))
    yield from table(volumes)
    yield ""
    yield "Build cache usage: 0B"


def _quoted(command: str) -> str:
    import json

    from ...text.table import shortened

    return json.dumps(shortened(command, 20), ensure_ascii=False)


# --- what nobody needs -----------------------------------------------------------------------


def _prune(host: Host, arguments: Arguments) -> int:
    from ...plan.converge import converge
    from ...resource import prune
    from ...text.table import size

    asked = as_option(arguments.filter)
    if arguments.volumes and "until" in asked:
        raise Error(
            "volumes cannot be filtered by until", hint="omit --volumes or the filter until"
        )
    labels = {name: value for name, value in asked.items() if name.startswith("label")}
    params: dict[str, Any] = {
        "containers": True,
        "containers_filters": asked,
        "networks": True,
        "networks_filters": asked,
        "images": True,
        "images_filters": {**asked, "dangling": not arguments.all},
        "volumes": arguments.volumes,
        "volumes_filters": labels,
        "builder_cache": True,
        "builder_cache_filters": {"until": asked["until"]} if "until" in asked else {},
    }
    declared = prune.declare(params)
    if not arguments.force and not _agreed(arguments):
        return 1
    plan, dummy = converge(host, prune.RESOURCE, declared)
    told = prune.report(host, plan)
    for title in ("Containers", "Networks", "Volumes"):
        _list(f"Deleted {title}:", told[title.lower()])
    _list(
        "Deleted Images:",
        [f"{what.lower()}: {name}" for one in told["images"] for what, name in one.items()],
    )
    _list("Deleted build cache objects:", told["builder_cache_caches_deleted"])
    kinds = ("containers", "images", "volumes", "builder_cache")
    freed = sum(told[f"{kind}_space_reclaimed"] for kind in kinds)
    say(f"Total reclaimed space: {size(freed)}")
    return 0


def _reset(host: Host, arguments: Arguments) -> int:
    from ...plan.converge import converge
    from ...program import uninstall

    what = (
        "WARNING! This will remove everything slipway keeps on this host: all containers, running "
        "ones too,\nnetworks, images, "
        + ("volumes with their data, " if arguments.volumes else "")
        + "and the program itself.\n"
    )
    declared = uninstall.Declared(arguments.volumes, arguments.configuration)
    if not arguments.force and not agreed(what):
        return 1
    plan, dummy = converge(host, uninstall.RESOURCE, declared)
    for line in plan.actions:
        say(line)
    return 0


def _agreed(arguments: Arguments) -> bool:
    say("WARNING! This will remove:")
    say("  - all stopped containers")
    say("  - all networks not used by at least one container")
    if arguments.volumes:
        say("  - all anonymous volumes not used by at least one container")
    say(f"  - all {'unused' if arguments.all else 'dangling'} images")
    say("  - unused build cache")
    return agreed("")


def _list(title: str, names: Sequence[str]) -> None:
    if names:
        say(title)
        for name in names:
            say(name)
        say("")


_FORMAT = Flag(
    "format",
    "f",
    STRING,
    "Format output using a custom template: 'json', or a Go template such as '{{.ServerVersion}}'",
)

VERBS = {
    "info": Verb(_info, "Display system-wide information", flags=(_FORMAT,)),
    "version": Verb(
        _version, "Show the version information of slipway and its components", flags=(_FORMAT,)
    ),
    "system df": Verb(
        _df,
        "Show disk usage",
        flags=(
            Flag(
                "format",
                "",
                STRING,
                "Format output using a custom template: 'json', 'table TEMPLATE' or "
                "a Go template such as '{{.Size}}'",
            ),
            Flag("verbose", "v", SWITCH, "Show detailed information on space usage"),
        ),
    ),
    "system prune": Verb(
        _prune,
        "Remove unused data",
        flags=(
            Flag("all", "a", SWITCH, "Remove all unused images not just dangling ones"),
            Flag("filter", "", FILTER, "Provide filter values (e.g. 'label=<key>=<value>')"),
            Flag("force", "f", SWITCH, "Do not prompt for confirmation"),
            Flag("volumes", "", SWITCH, "Prune anonymous volumes"),
        ),
    ),
    "system reset": Verb(
        _reset,
        "Remove everything slipway keeps on this host",
        flags=(
            Flag("configuration", "", SWITCH, "Remove /etc/slipway with logins and keys, too"),
            Flag("force", "f", SWITCH, "Do not prompt for confirmation"),
            Flag("volumes", "", SWITCH, "Remove named volumes with their data"),
        ),
    ),
}
