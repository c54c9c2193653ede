# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway compose`` push, scale, volumes, commit and export, which are verbs of the program on
what a project has; and the verbs that are refused, each with why.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Callable

from ...base.errors import Error
from ...plan.plan import Host
from ..line.verbs import INT, LIST, STRING, SWITCH, Arguments, Flag, Verb, read
from ..terminal.output import complain, say
from . import chosen
from .flags import REFUSED_WATCH, Refused, own


def _push(host: Host, arguments: Arguments) -> int:
    from ...compose.service import build
    from ...resource.stack.order import with_needed
    from ..verb.images import registry

    whole = chosen.read(arguments, arguments.operands)
    names = set(arguments.operands or whole.services)
    if arguments.include_deps:
        needs = {name: set(given.get("depends_on") or ()) for name, given in whole.services.items()}
        names = with_needed(needs, names)
    failed = False
    done = set()
    for name, given in whole.services.items():
        image = build.image_of(whole, name, given)
        if name not in names or given.get("build") is None or image in done:
            continue
        if not given.get("image"):
            sys.stderr.write(f" {name} Skipped - its image has no name to be pushed by\n")
            continue
        done.add(image)
        verb = registry.VERBS["push"]
        try:
            verb.run(host, read(verb, "push", ["--quiet", image]))
        except Error as exc:
            failed = True
            complain(f"service {name}: {exc}")
            continue
        if not arguments.quiet:
            sys.stderr.write(f" {name} Pushed\n")
    return int(failed and not arguments.ignore_push_failures)


def _scale(host: Host, arguments: Arguments) -> int:
    from . import converging

    scale = chosen.numbers(arguments.operands)
    options = {
        "services": list(scale),
        "scale": scale,
        "dependencies": not arguments.no_deps,
        # What is there already is left alone, as with Compose.
        "recreate": "never",
    }
    converging.converge(host, arguments, options)
    return 0


def _volumes(host: Host, arguments: Arguments) -> int:
    from ...compose.reading.project import PROJECT
    from ...text.table import listing
    from ...volume import store

    name, whole = chosen.named(arguments)
    used = None
    if arguments.operands and whole is not None:
        from ...compose.service import mounts

        chosen.containers(host, arguments, arguments.operands)
        given = (whole.services[one] for one in arguments.operands if one in whole.services)
        used = {whole.volume(each) for one in given for each in mounts.volumes_of(one)}
    rows = [
        {"Driver": "local", "Name": one.name}
        for one in store.volumes(host.layout)
        if one.labels.get(PROJECT) == name and (used is None or one.name in used)
    ]
    if arguments.quiet:
        for row in rows:
            say(row["Name"])
        return 0
    headings = {"Driver": "DRIVER", "Name": "VOLUME NAME"}
    for line in listing(rows, headings, tuple(headings), arguments.format):
        say(line)
    return 0


def _commit(host: Host, arguments: Arguments) -> int:
    from ..verb import inside

    service, *name = arguments.operands
    mine = chosen.one(host, arguments, service, arguments.index, running=False)
    values = {
        "author": arguments.author,
        "change": arguments.change,
        "message": arguments.message,
        "pause": arguments.pause,
        "no-pause": False,
    }
    words = [mine.record.id, *name]
    return inside.VERBS["commit"].run(host, Arguments(values, words, set(arguments.given)))


def _export(host: Host, arguments: Arguments) -> int:
    from ..verb import inside

    [service] = arguments.operands
    mine = chosen.one(host, arguments, service, arguments.index, running=False)
    values = {"output": arguments.output}
    words = [mine.record.id]
    return inside.VERBS["export"].run(host, Arguments(values, words, set(arguments.given)))


# --- what is not to be had -------------------------------------------------------------------


def _refused(why: str) -> Callable[[Host, Arguments], int]:
    def run(host: Host, arguments: Arguments) -> int:
        raise Error(why)

    return run


#: Verbs of Compose that do not exist here, each with why and what to do.
REFUSED: Mapping[str, str] = {
    "bridge": "a project is not turned into files for Kubernetes; slipway declare makes a play of"
    " it",
    "publish": "Compose files are not pushed to registries; keep them with the play, or in a"
    " repository of their own",
    "watch": REFUSED_WATCH,
}

#: Their flags, so that the reason is what they say.
_THEIR_FLAGS = {
    "publish": ("app", "oci-version", "resolve-image-digests", "with-env", "yes"),
    "watch": ("no-up", "prune", "quiet"),
}

_SERVICES = "[SERVICE...]"
_INDEX = Flag("index", "", INT, "Index of the container if service has multiple replicas")

VERBS = {
    "compose push": Verb(
        _push,
        "Push service images",
        _SERVICES,
        own(
            Flag("ignore-push-failures", "", SWITCH, "Push what it can and ignore failures"),
            Flag("include-deps", "", SWITCH, "Also push images of dependencies"),
            Flag("quiet", "q", SWITCH, "Push without printing progress information"),
        ),
    ),
    "compose scale": Verb(
        _scale,
        "Scale services",
        "SERVICE=REPLICAS [SERVICE=REPLICAS...]",
        own(Flag("no-deps", "", SWITCH, "Don't start linked services")),
    ),
    "compose volumes": Verb(
        _volumes,
        "List volumes",
        _SERVICES,
        own(
            Flag("format", "", STRING, "Format output: 'table', 'json' or a Go template"),
            Flag("quiet", "q", SWITCH, "Only display volume names"),
        ),
    ),
    "compose commit": Verb(
        _commit,
        "Create a new image from a service container's changes",
        "SERVICE [REPOSITORY[:TAG]]",
        own(
            Flag("author", "a", STRING, "Author (e.g., 'Jane Doe <jane@example.org>')"),
            Flag("change", "c", LIST, "Apply Dockerfile instruction to the created image"),
            _INDEX,
            Flag("message", "m", STRING, "Commit message"),
            Flag("pause", "p", SWITCH, "Pause container during commit", default=True),
        ),
    ),
    "compose export": Verb(
        _export,
        "Export a service container's filesystem as a tar archive",
        "SERVICE",
        own(_INDEX, Flag("output", "o", STRING, "Write to a file, instead of STDOUT")),
    ),
    **{
        f"compose {name}": Verb(
            _refused(why),
            why,
            "[WORDS...]",
            own(*(Refused(flag, why) for flag in _THEIR_FLAGS.get(name, ()))),
            stops=True,
            hidden=True,
        )
        for name, why in REFUSED.items()
    },
}
