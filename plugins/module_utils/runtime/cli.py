# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The on-host program ``slipway``: Docker's verbs over the functions the modules use.

conmon runs it at every exit of a container, so it starts lean: a verb imports what it needs when it
is called, and those that only look never reach the network code.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable, Optional

from .errors import Error, NotFound
from .layout import Layout
from .plan import Host
from .terminal import complain as _complain
from .terminal import say as _say

_Verb = Callable[[Host, argparse.Namespace], int]


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run one command line. Returns the exit status: 0, or 1 after one line that says what is
    wrong.
    """
    # Before anything is made: what a container holds is nobody else's business (CVE-2021-41091).
    os.umask(0o077)
    argv = sys.argv[1:] if argv is None else argv
    arguments = _parser(argv).parse_args(argv)
    standard = Layout.default()
    layout = Layout(
        arguments.root or standard.root,
        arguments.run or standard.run,
        arguments.etc or standard.etc,
    )
    host = Host(layout)
    verb: _Verb = arguments.verb
    try:
        status = verb(host, arguments)
        sys.stdout.flush()
    except Error as exc:
        _complain(exc)
        return 1
    except PermissionError as exc:
        _complain(f"{exc.filename}: {exc.strerror}; run it as root")
        return 1
    except BrokenPipeError:
        # Whoever read us has seen enough; Python would complain again when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as exc:
        _complain(exc)
        return 1
    except KeyboardInterrupt:
        return 130
    for warning in host.warnings:
        _complain(f"warning: {warning}")
    return status


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="slipway", description="Containers of this host.")
    for name in ("root", "run", "etc"):
        parser.add_argument(f"--{name}", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    verbs = parser.add_subparsers(metavar="COMMAND", required=True)

    def verb(name: str, run: _Verb, text: str, *names: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=text, description=text)
        for positional in names:
            made.add_argument(
                positional.rstrip("+").lower(),
                metavar=positional.rstrip("+"),
                nargs="+" if positional.endswith("+") else None,
            )
        made.set_defaults(verb=run)
        return made

    made = verb("ps", _ps, "List containers")
    made.add_argument("-a", "--all", action="store_true", help="also those that do not run")
    made.add_argument("-q", "--quiet", action="store_true", help="only their ids")
    made.add_argument("--no-trunc", action="store_true", help="do not shorten what is shown")
    made.add_argument("--format", help="'json', or a line with {{.Names}}, {{.Status}} and such")
    made = verb("logs", _logs, "Show what a container wrote", "CONTAINER")
    made.add_argument("-f", "--follow", action="store_true", help="go on as it writes")
    made.add_argument("-n", "--tail", default="all", metavar="N", help="only the last N lines")
    made.add_argument("-t", "--timestamps", action="store_true", help="with the time of each line")
    made = verb("inspect", _inspect, "Show all that is known of containers and images", "NAME+")
    made.add_argument("-f", "--format", default="", help="such as '{{.Id}}' or '{{json .State}}'")
    verb("start", _start, "Start containers", "CONTAINER+")
    for name, run, text in (("stop", _stop, "Stop"), ("restart", _restart, "Restart")):
        made = verb(name, run, f"{text} containers", "CONTAINER+")
        made.add_argument(
            "-t", "--time", type=float, metavar="SECONDS", help="from the stop signal to SIGKILL"
        )
    made = verb("kill", _kill, "Send a signal to containers", "CONTAINER+")
    made.add_argument("-s", "--signal", default="SIGKILL")
    made = verb("rm", _rm, "Remove containers", "CONTAINER+")
    made.add_argument("-f", "--force", action="store_true", help="kill those that run")
    made.add_argument("-v", "--volumes", action="store_true", help="their anonymous volumes too")
    made = verb("rename", _rename, "Rename a container", "CONTAINER", "NAME")
    _supervision(verbs)
    # Containers' verbs are quick, conmon's hook above all: they know nothing of images.
    if next((word for word in argv if not word.startswith("-")), "") not in verbs.choices:
        from . import cli_archive, cli_image

        cli_archive.add_archive_verbs(verbs)
        cli_archive.add_archive_verbs(cli_image.add(verbs))
    return parser


def _supervision(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """What conmon and the boot unit call; without a help text it stands in no list."""
    events = verbs.add_parser("supervise").add_subparsers(required=True)
    made = events.add_parser("exited")
    made.add_argument("container")
    made.add_argument("generation", type=int)
    made.set_defaults(verb=_exited)
    events.add_parser("boot").set_defaults(verb=_boot)


def _ps(host: Host, arguments: argparse.Namespace) -> int:
    from .container import listing

    for line in listing.lines(
        host.layout,
        everything=arguments.all,
        quiet=arguments.quiet,
        whole=arguments.no_trunc,
        form=arguments.format or "",
    ):
        _say(line)
    return 0


def _logs(host: Host, arguments: argparse.Namespace) -> int:
    from .container import logs, record

    if arguments.tail != "all" and not arguments.tail.isdecimal():
        raise Error(f"--tail {arguments.tail!r} is not a number")
    container_id = record.identify(host.layout, arguments.container)
    last = None if arguments.tail == "all" else int(arguments.tail)
    streams = {"stdout": sys.stdout.buffer, "stderr": sys.stderr.buffer}
    for entry in logs.entries(host.layout, container_id, last=last, follow=arguments.follow):
        stream = streams[entry.stream]
        if arguments.timestamps:
            stream.write(entry.time.encode() + b" ")
        stream.write(entry.data)
        stream.flush()
    return 0


def _inspect(host: Host, arguments: argparse.Namespace) -> int:
    from . import cli_image
    from .container import documents, record

    def read(name: str) -> dict[str, Any]:
        try:
            container_id = record.identify(host.layout, name)
            return documents.container(host, container_id, reveal_env=True)
        except NotFound as exc:
            try:
                return cli_image.document(host, name)
            except NotFound:
                raise exc from None

    return cli_image.inspect(arguments.name, read, arguments.format)


def _each(host: Host, names: Sequence[str], act: Callable[[str], object]) -> int:
    """Do one thing to several containers, naming each that it was done to, as Docker does."""
    from .container import record

    failed = False
    for name in names:
        try:
            act(record.identify(host.layout, name))
            _say(name)
            sys.stdout.flush()
        except Error as exc:
            _complain(exc)
            failed = True
    return int(failed)


def _start(host: Host, arguments: argparse.Namespace) -> int:
    from .container import lifecycle

    return _each(host, arguments.container, lambda found: lifecycle.start(host, found))


def _stop(host: Host, arguments: argparse.Namespace) -> int:
    from .container import lifecycle

    return _each(
        host, arguments.container, lambda found: lifecycle.stop(host, found, arguments.time)
    )


def _restart(host: Host, arguments: argparse.Namespace) -> int:
    from .container import lifecycle

    return _each(
        host, arguments.container, lambda found: lifecycle.restart(host, found, arguments.time)
    )


def _kill(host: Host, arguments: argparse.Namespace) -> int:
    from .container import lifecycle

    return _each(
        host, arguments.container, lambda found: lifecycle.kill(host, found, arguments.signal)
    )


def _rm(host: Host, arguments: argparse.Namespace) -> int:
    from .container import lifecycle

    def remove(found: str) -> None:
        lifecycle.remove(host, found, volumes=arguments.volumes, force=arguments.force)

    return _each(host, arguments.container, remove)


def _rename(host: Host, arguments: argparse.Namespace) -> int:
    from .container import lifecycle, record

    lifecycle.rename(host, record.identify(host.layout, arguments.container), arguments.name)
    return 0


def _exited(host: Host, arguments: argparse.Namespace) -> int:
    from .container import supervise

    supervise.exited(host, arguments.container, arguments.generation)
    return 0


def _boot(host: Host, arguments: argparse.Namespace) -> int:
    from . import files
    from .container import supervise

    files.prepare(host.layout)
    failures = supervise.boot(host)
    for line in failures:
        _complain(line)
    return int(bool(failures))
