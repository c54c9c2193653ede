# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Feed inputs to all parsers, or to some, and say what became of them.

    tests/sandbox python tests/fuzz --count 10000
    tests/sandbox python tests/fuzz --only reference manifest --count 1000000
    tests/sandbox python tests/fuzz --only manifest --at 4711        # print one input, and feed it

Layers are unpacked as root, so it runs in tests/sandbox. Faults are written to .build/check/fuzz.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Optional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# It makes the collection importable.
import conftest  # noqa: F401 pylint: disable=unused-import

from fuzz import catalogue, watched
from fuzz.parser import Parser

FAULTS = Path(__file__).resolve().parents[2] / ".build" / "check" / "fuzz"


def _asked() -> Namespace:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="inputs for each parser")
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    parser.add_argument("--seconds", type=float, help="stop each parser after this time")
    parser.add_argument("--only", nargs="+", metavar="PARSER", choices=list(catalogue.PARSERS))
    parser.add_argument("--at", type=int, help="one input: print it, and feed it")
    return parser.parse_args()


def _one(parser: Parser, number: int) -> None:
    here = watched.place()
    try:
        data = parser.made(number, parser.corpus(here))
        print(data if len(data) < 4096 else f"{data[:4096]!r} and so on")
        print("taken" if parser.take(data, here) else "refused")
    finally:
        shutil.rmtree(here)


def _run(first: int, count: int, seconds: Optional[float], name: str) -> watched.Outcome:
    until = time.monotonic() + seconds if seconds else None
    return watched.feed_all(catalogue.PARSERS[name], first, count, until)


def _told(parser: Parser, found: watched.Outcome) -> bool:
    print(
        f"{parser.name:14} {found.tried:>8} inputs, {found.taken:>8} taken, "
        f"{found.memory_bytes >> 20:>4} MB, {found.took_s:7.1f} s, {len(found.faults)} faults",
        flush=True,
    )
    for at, words in found.faults.values():
        print(f"  --at {at}\n    " + words.replace("\n", "\n    "), flush=True)
        FAULTS.mkdir(parents=True, exist_ok=True)
        here = watched.place()
        (FAULTS / f"{parser.name}-{at}").write_bytes(parser.made(at, parser.corpus(here)))
        shutil.rmtree(here)
    return not found.faults


def main() -> int:
    asked = _asked()
    chosen = [catalogue.PARSERS[name] for name in asked.only or catalogue.PARSERS]
    if asked.at is not None:
        for parser in chosen:
            _one(parser, asked.at)
        return 0

    good, tried = 0, 0
    run = partial(_run, asked.first, asked.count, asked.seconds)
    with ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        for parser, found in zip(chosen, pool.map(run, [parser.name for parser in chosen])):
            good += _told(parser, found)
            tried += found.tried
    print(f"R4   {good} of {len(chosen)} parsers without a fault, {tried} inputs")
    return 0 if good == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
