# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a parser of foreign bytes is to the fuzzer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Callable

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error

CORPUS = Path(__file__).parent / "corpus"

#: Makes an input of the items of a corpus and words that mean something to the parser.
Mutator = Callable[[Random, Sequence[bytes], Sequence[bytes]], bytes]


class Escaped(AssertionError):
    """An input changed something outside of its place."""


@dataclass(frozen=True)
class Parser:
    """One that ``feed`` gives bytes to; the directory is for it alone and stays for the next input.

    ``feed`` raises our Error, or nothing. ``also`` are items of the corpus that are made by code.
    """

    name: str
    mutate: Mutator
    feed: Callable[[bytes, Path], object]
    words: tuple[bytes, ...] = ()
    also: Callable[[Path], Sequence[bytes]] = field(default=lambda place: ())

    def corpus(self, place: Path) -> list[bytes]:
        """Its items, in the order of their names."""
        files = sorted((CORPUS / self.name).iterdir()) if (CORPUS / self.name).is_dir() else []
        return [*map(_item, files), *self.also(place)]

    def made(self, number: int, corpus: Sequence[bytes]) -> bytes:
        """The input of a number."""
        return self.mutate(Random(f"{self.name} {number}"), corpus, self.words)

    def take(self, data: bytes, place: Path) -> bool:
        """Feed it. Whether it was taken, not refused; everything but our Error is raised."""
        try:
            self.feed(data, place)
        except Error:
            return False
        return True


def _item(file: Path) -> bytes:
    """What is in a file. What is not plain text is there in Python's escapes."""
    data = file.read_bytes()
    if file.suffix == ".escaped":
        return data.rstrip(b"\n").decode("unicode_escape").encode("latin-1")
    return data


def reading(parse: Callable[[Path], object], name: str = "file") -> Callable[[bytes, Path], object]:
    """What feeds a parser that reads a file."""

    def feed(data: bytes, place: Path) -> object:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return parse(path)

    return feed


def text(parse: Callable[[str], object]) -> Callable[[bytes, Path], object]:
    """What feeds a parser of texts: of bytes that are not UTF-8 it gets what Python makes of them
    in arguments and names of files.
    """
    return lambda data, place: parse(data.decode("utf-8", "surrogateescape"))


def whole(parse: Callable[[bytes], Iterator[object]]) -> Callable[[bytes, Path], object]:
    """What feeds a generator, to its end."""

    def feed(data: bytes, place: Path) -> None:
        for dummy in parse(data):
            pass

    return feed
