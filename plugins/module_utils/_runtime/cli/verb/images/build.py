# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verbs for building images: build, and builder prune."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....base import files
from ....base.errors import Error
from ....plan.plan import Host
from ....text.table import size
from ...line.verbs import FILTER, INT, LIST, STRING, SWITCH, Arguments, Flag, Verb, as_option
from ...terminal.output import agreed, say

if TYPE_CHECKING:
    from ....build.asked.request import Request
    from ....build.builder import Built

#: Images and archives; a context at a URL is not larger.
_CONTEXT_LIMIT = 8 << 30


def _build(host: Host, arguments: Arguments) -> int:
    from ....program import zipapp
    from ....resource.image import image_build
    from ...terminal.progress import Progress

    [where] = arguments.operands
    outputs = [_output(text) for text in arguments.output]
    files.prepare(host.layout)
    if not zipapp.program(host.layout).exists():
        zipapp.install(host.layout)
    with contextlib.ExitStack() as stack:
        request = _request(host, arguments, where, stack)
        shown = Progress(sys.stderr, "quiet" if arguments.quiet else arguments.progress)
        stack.callback(shown.close)
        host.progress, host.watch = shown.line, shown.note
        built = image_build.carry_out(host, request)
        host.progress = host.watch = None
    _finish(host, arguments, request, built, outputs)
    return 0


def _finish(
    host: Host,
    arguments: Arguments,
    request: Request,
    built: Built,
    outputs: list[dict[str, str]],
) -> None:
    """Write what was asked for besides, and say what there is now."""
    if arguments.iidfile:
        Path(arguments.iidfile).write_text(built.id, "ascii")
    for output in outputs:
        _write(host, built.id, output)
    if arguments.push or any(output["type"] == "registry" for output in outputs):
        _push(host, request, arguments.quiet)
    if arguments.quiet:
        say(built.id)
        return
    sys.stderr.write(f"writing image {built.id}\n")
    for name in request.names:
        sys.stderr.write(f"naming to {name.canonical}\n")


def _push(host: Host, request: Request, quiet: bool) -> None:
    from ....plan.converge import converge
    from ....resource.image.remote import image_push
    from ...terminal.progress import shown

    if not request.names:
        raise Error("--push requires a name", hint="set one with -t")
    for name in request.names:
        with shown(host, quiet):
            converge(host, image_push.RESOURCE, image_push.declare({"name": name.canonical}))


def _request(host: Host, arguments: Arguments, where: str, stack: contextlib.ExitStack) -> Request:
    """The build that the command line asks for."""
    from ....base.frozen import replace
    from ....build.asked.request import Secret
    from ....resource.image import build_options
    from ....resource.image.build_options import is_repository
    from ....resource.image.names import named_image

    context, inline = _context(host, where, arguments, stack)
    dockerfile = str(arguments.file or "")
    if dockerfile == "-":
        inline, dockerfile = sys.stdin.buffer.read(), ""
    elif dockerfile and where == context and not is_repository(where):
        # Relative to where the command is given, as with Docker.
        dockerfile = os.path.abspath(dockerfile)
    params: dict[str, Any] = {
        "path": context or "/",
        "dockerfile": dockerfile,
        "args": _pairs("build-arg", arguments.build_arg, os.environ),
        "labels": _pairs("label", arguments.label, {}),
        "etc_hosts": _hosts(arguments.add_host),
        "target": arguments.target,
        "platform": arguments.platform or None,
        "pull": arguments.pull,
        "nocache": arguments.no_cache,
        "network": arguments.network,
        "shm_size": arguments.shm_size or None,
        "ulimits": arguments.ulimit,
        "cgroup_parent": arguments.cgroup_parent,
        "contexts": _pairs("build-context", arguments.build_context, {}),
        "container_limits": {
            "memory": arguments.memory or None,
            "memswap": arguments.memory_swap or None,
            "cpushares": arguments.cpu_shares,
            "cpuperiod": arguments.cpu_period,
            "cpuquota": arguments.cpu_quota,
            "cpusetcpus": arguments.cpuset_cpus,
            "cpusetmems": arguments.cpuset_mems,
        },
        "source_date_epoch": _epoch(arguments),
        "ssh": arguments.ssh,
        "cache_from": arguments.cache_from,
        "cache_to": arguments.cache_to,
    }
    names = tuple(named_image.reference_of({"name": name}) for name in arguments.tag)
    request = build_options.request_of(params, names)
    secrets = tuple(Secret(**one) for one in map(_secret, arguments.secret))
    return replace(
        request, context=request.context if context else "", inline=inline, secrets=secrets
    )


def _epoch(arguments: Arguments) -> Any:
    """SOURCE_DATE_EPOCH of the environment, or as a build argument."""
    given = _pairs("build-arg", arguments.build_arg, os.environ).get("SOURCE_DATE_EPOCH")
    text = given or os.environ.get("SOURCE_DATE_EPOCH", "")
    if text and not text.isdecimal():
        raise Error(f"SOURCE_DATE_EPOCH is {text[:40]!a}, expected seconds since 1970")
    return int(text) if text else None


def _context(
    host: Host, where: str, arguments: Arguments, stack: contextlib.ExitStack
) -> tuple[str, Any]:
    """The directory or repository of the context, and a Dockerfile that came in its place."""
    from ....resource.image.build_options import is_repository

    if os.path.isdir(where) or is_repository(where):
        return where, None
    if where.startswith(("http://", "https://")):
        from ....registry.url_fetch import Fetch
        from ....registry.url_source import source_of

        directory = stack.enter_context(files.scratch(host.layout, "context"))
        with Fetch(source_of(where)) as fetch:
            fetch.download(directory / "content")
        return _archive(directory, where)
    if where == "-":
        directory = stack.enter_context(files.scratch(host.layout, "context"))
        _spool(directory / "content")
        return _archive(directory, "standard input")
    if os.path.isfile(where):
        directory = stack.enter_context(files.scratch(host.layout, "context"))
        os.symlink(os.path.abspath(where), directory / "content")
        found = _archive(directory, where)
        if found[1] is not None:
            raise Error(f"{where} is neither a directory nor a tar", hint="use -f for a Dockerfile")
        return found
    return where, None


def _spool(path: Path) -> None:
    total = 0
    with open(path, "xb") as out:
        while data := sys.stdin.buffer.read(1 << 20):
            total += len(data)
            if total > _CONTEXT_LIMIT:
                raise Error(f"the context is larger than {size(_CONTEXT_LIMIT)}")
            out.write(data)


def _archive(directory: Path, title: str) -> tuple[str, Any]:
    """What was sent: a tar is unpacked, anything else is a Dockerfile."""
    from ....build import copying
    from ....image.dockerfile.lines import LIMIT

    with open(directory / "content", "rb") as file:
        if copying.unpack_archive(file, directory / "context", title):
            return str(directory / "context"), None
        file.seek(0)
        return "", file.read(LIMIT + 1)


def _pairs(flag: str, texts: list[str], known: Any) -> dict[str, str]:
    """NAME=VALUE; a name alone has its value from the environment, or none."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or (not equals and flag not in ("build-arg", "label")):
            raise Error(f"--{flag}: {text[:60]!a} is not NAME=VALUE")
        if equals or flag == "label":
            found[name] = value
        elif name in known:
            found[name] = known[name]
    return found


def _hosts(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, colon, address = text.partition("=" if "=" in text else ":")
        if not name or not colon or not address:
            raise Error(f"--add-host: {text[:60]!a} is not HOST:ADDRESS")
        found[name] = address.strip("[]")
    return found


def _fields(flag: str, text: str) -> dict[str, str]:
    found = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not equals:
            raise Error(f"--{flag}: {part[:60]!a} is not NAME=VALUE")
        found[name.strip().lower()] = value
    return found


def _secret(text: str) -> dict[str, Any]:
    given = _fields("secret", text)
    identity = given.get("id", "")
    path, variable = given.get("src", given.get("source", "")), given.get("env", "")
    if not identity:
        raise Error("--secret requires id=NAME")
    if variable or given.get("type") == "env" or (not path and identity in os.environ):
        value = os.environ.get(variable or identity)
        if value is None:
            raise Error(f"--secret: the variable {variable or identity} is not set")
        return {"id": identity, "value": value.encode()}
    return {"id": identity, "path": os.path.abspath(path or identity)}


def _output(text: str) -> dict[str, str]:
    if text == "-":
        return {"type": "tar", "dest": "-"}
    if "=" not in text:
        return {"type": "local", "dest": text}
    given = _fields("output", text)
    kind = given.get("type", "")
    if kind not in ("local", "tar", "docker", "oci", "image", "registry"):
        raise Error(f"--output: unknown type {kind[:40]!a}", hint="use local, tar, docker or oci")
    dest = given.get("dest", "-" if kind in ("tar", "oci") else "")
    if kind == "local" and not dest:
        raise Error("--output: type=local requires dest")
    if dest == "-" and sys.stdout.isatty():
        raise Error("refusing to write an archive to a terminal", hint="use dest=FILE or redirect")
    pushed = given.get("push") == "true"
    return {"type": "registry" if pushed else kind, "dest": dest}


def _write(host: Host, image_id: str, output: dict[str, str]) -> None:
    """One output: the image's files, or an archive of the image."""
    from ....image.layer import difference
    from ....image.store import store
    from ....resource.image import build_output

    kind, dest = output["type"], output["dest"]
    image = store.find(host.layout, image_id)
    if image is None or not dest:
        return
    if kind in ("local", "tar"):
        with build_output.opened(host, image) as root:
            if dest == "-":
                difference.write_tree(root.fd, sys.stdout.buffer)
            else:
                build_output.write(root, kind, Path(os.path.abspath(dest)))
        return
    with _destination(host, dest) as path:
        from ....plan.converge import converge
        from ....resource.image.files import image_export

        params = {"names": [image_id], "path": path, "force": True}
        if kind == "oci":
            params["format"] = "oci"
        converge(host, image_export.RESOURCE, image_export.declare(params))


@contextlib.contextmanager
def _destination(host: Host, dest: str) -> Iterator[Path]:
    """A file to write to; for standard output one that is copied there."""
    if dest != "-":
        yield Path(os.path.abspath(dest))
        return
    import shutil

    with files.scratch(host.layout, "build") as directory:
        yield directory / "archive"
        with open(directory / "archive", "rb") as archive:
            shutil.copyfileobj(archive, sys.stdout.buffer)


def _prune(host: Host, arguments: Arguments) -> int:
    import time

    from ....build import pruning
    from ....container.option.form.text import size as as_bytes
    from ....resource.image.names import image_remove
    from ....text import filters

    files.prepare(host.layout)
    asked = filters.listed(as_option(arguments.filter), ("until", "unused-for"))
    texts = [text for texts in asked.values() for text in texts]
    now = time.time()
    before = min((filters.moment(text, now) for text in texts), default=None)
    if not arguments.force and not agreed("WARNING! This will remove all build cache. "):
        return 1
    spare = as_bytes("--keep-storage", arguments.keep_storage or 0)
    gone = pruning.remove(host.layout, pruning.found(host.layout, before, spare))
    image_remove.collect(host.layout)
    if gone:
        say("ID\t\tSIZE")
    for one in gone:
        say(f"{one.name[:12]}\t{size(one.size)}")
    say(f"Total:\t{size(sum(one.size for one in gone))}")
    return 0


_FLAGS = (
    Flag("add-host", "", LIST, "Add a custom host-to-IP mapping (host:ip)"),
    Flag("build-arg", "", LIST, "Set build-time variables"),
    Flag("build-context", "", LIST, "Additional build contexts (e.g., name=path)"),
    Flag("cache-from", "", LIST, "External cache sources (e.g., user/app:cache)"),
    Flag("cache-to", "", LIST, "Cache export destinations (e.g., user/app:cache)"),
    Flag("cgroup-parent", "", STRING, "Set the parent cgroup for the RUN instructions"),
    Flag("cpu-period", "", INT, "Limit the CPU CFS (Completely Fair Scheduler) period"),
    Flag("cpu-quota", "", INT, "Limit the CPU CFS (Completely Fair Scheduler) quota"),
    Flag("cpu-shares", "c", INT, "CPU shares (relative weight)"),
    Flag("cpuset-cpus", "", STRING, "CPUs in which to allow execution (0-3, 0,1)"),
    Flag("cpuset-mems", "", STRING, "MEMs in which to allow execution (0-3, 0,1)"),
    Flag("file", "f", STRING, "Name of the Dockerfile (default: PATH/Dockerfile)"),
    Flag("force-rm", "", SWITCH, "Always remove intermediate containers", hidden=True),
    Flag("iidfile", "", STRING, "Write the image ID to a file"),
    Flag("label", "", LIST, "Set metadata for an image"),
    Flag("load", "", SWITCH, "Ignored: the image is always in the store", hidden=True),
    Flag("memory", "m", STRING, "Memory limit"),
    Flag("memory-swap", "", STRING, "Memory plus swap limit: -1 to enable unlimited swap"),
    Flag("network", "", STRING, "Set the networking mode for the RUN instructions"),
    Flag("no-cache", "", SWITCH, "Do not use cache when building the image"),
    Flag("output", "o", LIST, "Output destination (format: type=local,dest=path)"),
    Flag("platform", "", STRING, "Set the target platform for the build"),
    Flag(
        "progress",
        "",
        STRING,
        "Set type of progress output (auto, plain, quiet, tty)",
        "auto",
        choices=("auto", "plain", "quiet", "tty"),
    ),
    Flag("pull", "", SWITCH, "Always attempt to pull newer versions of the images"),
    Flag("push", "", SWITCH, "Push the image under its names"),
    Flag("quiet", "q", SWITCH, "Suppress the build output and print image ID on success"),
    Flag("rm", "", SWITCH, "Remove intermediate containers", True, hidden=True),
    Flag("secret", "", LIST, "Secret to expose to the build (id=mysecret[,src=/local/secret])"),
    Flag("shm-size", "", STRING, "Size of /dev/shm"),
    Flag(
        "ssh",
        "",
        LIST,
        "SSH agent socket or keys to expose to the build (format: default|id=socket|id=key,key)",
    ),
    Flag("tag", "t", LIST, "Name and optionally a tag (format: name:tag)"),
    Flag("target", "", STRING, "Set the target build stage to build"),
    Flag("ulimit", "", LIST, "Ulimit options"),
)


VERBS = {
    "build": Verb(_build, "Build an image from a Dockerfile", "PATH|URL|-", _FLAGS),
    "builder prune": Verb(
        _prune,
        "Remove build cache",
        "",
        (
            Flag("all", "a", SWITCH, "Remove all build cache, not just dangling ones"),
            Flag("filter", "", FILTER, "Provide filter values (e.g. 'until=24h')"),
            Flag("force", "f", SWITCH, "Do not prompt for confirmation"),
            Flag("keep-storage", "", STRING, "Amount of disk space to keep for cache"),
        ),
    ),
}
