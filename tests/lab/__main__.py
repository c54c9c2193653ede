# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests by hand: python tests/lab ACT NAME [WORD ...].

NAME is what ``./check lab=NAME`` takes, and its guest: bookworm, trixie+openrc, bookworm+v1.
"""

from __future__ import annotations

import os
import shutil
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab.guest import Guest
from lab.making import Kind, make


def _destroy(guest: Guest) -> None:
    guest.off()
    shutil.rmtree(guest.directory)


_ACTS = {
    "make": "make it, where it is missing",
    "boot": "switch it on, or go on from the snapshot WORD",
    "save": "keep memory and disk as the snapshot WORD",
    "ssh": "run the command WORD ..., or a shell",
    "forward": "have a port of 127.0.0.1 here reach its port WORD, until power off",
    "inventory": "print it as a host for Ansible; its port is another after every boot",
    "reboot": "restart it from inside",
    "off": "cut the power",
    "destroy": "cut the power and remove it",
}


def main() -> None:
    told = "\n".join(f"  {name:10} {text}" for name, text in _ACTS.items())
    parser = ArgumentParser(
        prog="python tests/lab",
        description=f"{__doc__}\n{told}",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("act", choices=_ACTS)
    parser.add_argument("name")
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    guest, words = Guest(options.name), options.words
    if options.act == "ssh":
        os.execvp("ssh", guest.ssh(*words))
    acts: dict[str, Callable[[], object]] = {
        "make": lambda: make(guest, Kind.named(options.name)),
        "boot": lambda: guest.boot(*words),
        "save": lambda: guest.save(*words),
        "forward": lambda: guest.forward(int(words[0])),
        "inventory": guest.inventory,
        "reboot": guest.reboot,
        "off": guest.off,
        "destroy": lambda: _destroy(guest),
    }
    said = acts[options.act]()
    if said is not None:
        print(said)


if __name__ == "__main__":
    main()
