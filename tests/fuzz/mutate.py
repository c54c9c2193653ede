# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes, texts and JSON documents that somebody might send, made of those of a corpus.

Everything random comes from the Random that is given, so hypothesis can be it, and shrink.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from random import Random
from typing import Any, Callable

#: No input is larger; a few repetitions would be otherwise.
LARGEST = 1 << 16

_NUMBERS = (
    "0", "1", "-1", "7", "8", "255", "256", "65535", "65536", "2147483647", "2147483648",
    "4294967295", "4294967296", "9223372036854775807", "9223372036854775808", "1e999", "-0", "0.5",
    "99999999999999999999999999", "00", "0x10", "٣", "²", "NaN", "9" * 400,
)  # fmt: skip
_PIECES: tuple[bytes, ...] = (
    b"", b"\0", b"\n", b"\r", b"\r\n", b"\t", b" ", b"\x0b", b"\x1c", b"\x7f", b"\x85", b"\xff",
    b"\xed\xa0\x80", "\u2028".encode(), "\u0130".encode(), "é".encode(), "\U0001f600".encode(),
    b"\xef\xbb\xbf", b"\xc0\x80", b"'", b'"', b"\\", b"/", b"..", b"../", b"/..", b":", b"@", b"=",
    b"$", b"${", b"}", b"{", b"[", b"]", b"(", b")", b"*", b"%", b"#", b"-", b"+", b"?", b"~", b"`",
    b",",
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 2**31, 2**63, 2**64, 10**400, 0.5, -0.0, float("inf"),
    float("nan"), "", " ", "0", "\0", "\n", "a", "\ud800", "..", "/", "x" * 300, [], {}, [[]],
    [None], [0], [""], [{}], {"": None}, {"a": []}, {"\ud800": "\ud800"},
)  # fmt: skip


def raw(random: Random, corpus: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """An item of the corpus after some changes to its bytes."""
    data = bytearray(random.choice(corpus)) if corpus else bytearray()
    for dummy in range(random.choice((0, 1, 1, 1, 2, 2, 3, 5, 8))):
        random.choice(_CHANGES)(random, data, corpus, words)
    return bytes(data[:LARGEST])


def _span(random: Random, data: bytearray) -> tuple[int, int]:
    start = random.randint(0, len(data))
    return start, min(len(data), start + random.choice((0, 1, 1, 2, 4, 8, 16, 64, 512)))


def _flip(random: Random, data: bytearray, corpus: Sequence[bytes], words: Sequence[bytes]) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _set(random: Random, data: bytearray, corpus: Sequence[bytes], words: Sequence[bytes]) -> None:
    if data:
        data[random.randrange(len(data))] = random.randrange(256)


def _cut(random: Random, data: bytearray, corpus: Sequence[bytes], words: Sequence[bytes]) -> None:
    start, end = _span(random, data)
    del data[start:end]


def _end(random: Random, data: bytearray, corpus: Sequence[bytes], words: Sequence[bytes]) -> None:
    del data[random.randint(0, len(data)) :]


def _word(random: Random, data: bytearray, corpus: Sequence[bytes], words: Sequence[bytes]) -> None:
    start, end = _span(random, data)
    added = random.choice(words) if words and random.randrange(3) else random.choice(_PIECES)
    data[start : end if random.randrange(2) else start] = added


def _copy(random: Random, data: bytearray, corpus: Sequence[bytes], words: Sequence[bytes]) -> None:
    start, end = _span(random, data)
    place = random.randint(0, len(data))
    data[place:place] = data[start:end]


def _many(random: Random, data: bytearray, corpus: Sequence[bytes], words: Sequence[bytes]) -> None:
    start, end = _span(random, data)
    times = random.choice((2, 3, 10, 100, 1000))
    data[start:end] = (data[start:end] * times)[:LARGEST]
    del data[LARGEST:]


def _join(random: Random, data: bytearray, corpus: Sequence[bytes], words: Sequence[bytes]) -> None:
    other = random.choice(corpus) if corpus else b""
    start = random.randint(0, len(other))
    data[random.randint(0, len(data)) :] = other[start:]


def _number(
    random: Random, data: bytearray, corpus: Sequence[bytes], words: Sequence[bytes]
) -> None:
    found = list(re.finditer(rb"[0-9]+", data[:4096]))
    if found:
        one = random.choice(found)
        data[one.start() : one.end()] = random.choice(_NUMBERS).encode()


def _line(random: Random, data: bytearray, corpus: Sequence[bytes], words: Sequence[bytes]) -> None:
    lines = data.split(b"\n")
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    if random.randrange(2):
        lines.insert(one, lines[other])
    data[:] = b"\n".join(lines)[:LARGEST]


_Change = Callable[[Random, bytearray, Sequence[bytes], Sequence[bytes]], None]
_CHANGES: tuple[_Change, ...] = (
    _flip, _set, _cut, _end, _word, _word, _word, _copy, _many, _join, _number, _line,
)  # fmt: skip


def document(random: Random, corpus: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """A JSON document of the corpus after some changes to what is in it, or to its bytes."""
    if not random.randrange(4):
        return raw(random, corpus, words)
    try:
        value = json.loads(random.choice(corpus))
    except (ValueError, RecursionError):
        return raw(random, corpus, words)
    for dummy in range(random.choice((0, 1, 1, 1, 2, 3, 5))):
        value = _changed(random, value, words)
    data = json.dumps(value, ensure_ascii=bool(random.randrange(2))).encode(
        "utf-8", "surrogatepass"
    )
    choice = random.randrange(40)
    if choice == 0:
        # A key that stands twice.
        data = re.sub(rb'("[a-zA-Z]+": )', rb"\1null, \1", data, count=1)
    elif choice == 1:
        data = b"[" * random.choice((100, 5000)) + data
    elif choice == 2:
        data = data.decode("utf-8", "replace").encode(
            random.choice(("utf-16", "utf-32", "utf-8-sig"))
        )
    elif choice == 3:
        return raw(random, [data], words)
    return data[:LARGEST]


def value(random: Random, words: Sequence[bytes]) -> Any:
    """A value that is unlikely to be expected."""
    if words and random.randrange(2):
        return random.choice(words).decode("utf-8", "replace")
    return random.choice(_VALUES)


def _changed(random: Random, whole: Any, words: Sequence[bytes]) -> Any:
    """A document with one change at a random place of it."""
    if isinstance(whole, dict) and whole and random.randrange(8):
        key = random.choice(list(whole))
        choice = random.randrange(8)
        if choice == 0:
            return {k: v for k, v in whole.items() if k != key}
        if choice == 1:
            other = value(random, words)
            return {**whole, other if isinstance(other, str) else str(other)[:20]: whole[key]}
        if choice == 2:
            return {**whole, key: whole[random.choice(list(whole))]}
        return {**whole, key: _changed(random, whole[key], words)}
    if isinstance(whole, list) and whole and random.randrange(8):
        place = random.randrange(len(whole))
        choice = random.randrange(8)
        if choice == 0:
            return whole[:place] + whole[place + 1 :]
        if choice == 1:
            return whole * random.choice((2, 3, 50))
        return [*whole[:place], _changed(random, whole[place], words), *whole[place + 1 :]]
    if isinstance(whole, str) and random.randrange(2):
        changed = raw(random, [whole.encode("utf-8", "surrogatepass")], words)
        return changed.decode("utf-8", "replace")
    if isinstance(whole, int) and random.randrange(2):
        return random.choice((whole + 1, -whole, whole * 2**32, whole * 10**20 + 1, 0.5))
    return value(random, words)
