# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The on-host program ``slipway``: Docker's verbs over the functions the modules use.

conmon runs it at every exit of a container, so it starts lean: only the file of the verb that is
asked for is imported, and a verb imports what it needs when it is called.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Optional

from ..base.errors import Error, refusal
from ..base.layout import Layout
from ..kernel import trace
from ..plan.plan import Host
from .directory import find
from .line.verbs import Arguments, Help, Usage, Verb, read
from .terminal.output import begin, complain

if TYPE_CHECKING:
    # directory.load imports these by name; whoever packs the program sees them here.
    from . import complete, help
    from .compose import acting, config, converging, following, images, passing, running, showing
    from .declare import verb as declare
    from .verb import (
        attach,
        container,
        events,
        exec,
        inside,
        network,
        report,
        run,
        show,
        supervise,
        system,
        volume,
    )
    from .verb.images import build, files, image, registry, trust

    _SENT_ALONG = (
        acting, attach, build, complete, config, container, converging, declare, events, exec,
        following, help, image, images, passing,
        files, inside, network, registry, report, run, running, show, showing, supervise,
        system, trust, volume,
    )  # fmt: skip


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run one command line. Returns the exit status: 0, 1 after one line that says what is wrong,
    125 when a flag is not understood, or what the verb says.
    """
    # Before anything is made: what a container holds is nobody else's business (CVE-2021-41091).
    os.umask(0o077)
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        host = Host(_places(words))
        name, verb, words = find(words)
        try:
            arguments = read(verb, name, words)
        except Help:
            name, verb, words = find(["help", *name.split()])
            arguments = read(verb, name, words)
    except Usage as exc:
        sys.stderr.write(f"{exc}\n")
        return exc.status
    begin(name)
    with host.held:
        return _run(verb, host, arguments)


def _run(verb: Verb, host: Host, arguments: Arguments) -> int:
    try:
        if not verb.hidden:
            _recover(host)
        status = verb.run(host, arguments)
        sys.stdout.flush()
    except Usage as exc:
        sys.stderr.write(f"{exc}\n")
        return exc.status
    except Error as exc:
        complain(exc)
        return verb.failure
    except PermissionError as exc:
        complain(f"{exc.filename}: {exc.strerror}; run it as root")
        return verb.failure
    except BrokenPipeError:
        # Whoever read us has seen enough; Python would complain again when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return verb.failure
    except (OSError, RuntimeError, MemoryError) as exc:
        refused = refusal(exc)
        if refused is None:
            raise
        complain(exc if isinstance(exc, OSError) else refused)
        return verb.failure
    except KeyboardInterrupt:
        return 130
    for warning in host.warnings:
        complain(f"warning: {warning}")
    return status


def _recover(host: Host) -> None:
    """Finish what a killed task or command left halfway; two directories are looked at."""
    from ..container.status import liveness
    from ..container.supervision import watcher
    from ..records import journal

    if journal.pending(host.layout) or liveness.unsettled(host.layout):
        from ..container.lifecycle import replacement

        replacement.recover_all(host)
    if watcher.lost(host.layout):
        from ..container.lifecycle import incarnation

        incarnation.look_after(host)


def _places(words: list[str]) -> Layout:
    """The installation that is meant: ``--root``, ``--run`` and ``--etc`` before the verb, which
    are taken out of ``words``. Tests use them; a host has one.
    """
    standard = Layout.default()
    found = {name: getattr(standard, name) for name in ("root", "run", "etc")}
    while words and words[0].startswith("-"):
        if words[0] in ("--debug", "-D"):
            trace.enable()
            words.pop(0)
            continue
        if words[0].partition("=")[0][2:] not in found or not words[0].startswith("--"):
            break
        name, equals, value = words.pop(0)[2:].partition("=")
        if not equals and not words:
            raise Usage(f"flag needs an argument: --{name}", 125)
        found[name] = Path(value if equals else words.pop(0))
    return Layout(**found)
