# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The syntax of systemd's units: lines, drop-ins, specifiers, words."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ....base.errors import Error

#: Section, and in it key and value in the order of the file.
Unit = dict[str, list[tuple[str, str]]]


def read(path: Path) -> Unit:
    """A file of systemd's syntax, with the drop-ins beside it, specifiers expanded."""
    found: Unit = {}
    extra = path.with_name(f"{path.name}.d")
    drop_ins = sorted(extra.glob("*.conf")) if extra.is_dir() else []
    for file in (path, *drop_ins):
        _parse(file, path, found)
    return found


def _parse(file: Path, unit: Path, found: Unit) -> None:
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise Error(f"{file}: it cannot be read: {exc}") from exc
    section = ""
    # A line that ends with a backslash goes on; comments in between do not end it.
    text = re.sub(r"\\\n(?:[ \t]*[#;].*\n)*", " ", text)
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("["):
            section = line.strip("[]")
            continue
        key, equals, value = line.partition("=")
        if not equals or not section:
            raise Error(f"{file}: line {number} is not in the format KEY=VALUE")
        pairs = found.setdefault(section, [])
        key, value = key.strip(), _expanded(value.strip(), unit, file)
        if not value:
            # Empty, it takes back what was said so far.
            found[section] = [one for one in pairs if one[0] != key]
        else:
            pairs.append((key, value))


def _specifiers(path: Path) -> Mapping[str, Callable[[], str]]:
    """Those of systemd.unit(5) for a unit of the system's manager on this host."""
    prefix, at, instance = path.stem.partition("@")
    host = os.uname()

    def release(key: str) -> str:
        with open("/etc/os-release", encoding="utf-8") as file:
            lines = (line.strip().partition("=") for line in file)
            return next((value.strip("\"'") for name, dummy, value in lines if name == key), "")

    def content(name: str) -> str:
        return Path(name).read_text("ascii").strip()

    def unescaped(text: str) -> str:
        text = text.replace("-", "/")
        return re.sub(r"\\x([0-9a-f]{2})", lambda one: chr(int(one[1], 16)), text)

    return {
        "%": lambda: "%",
        "n": lambda: f"{path.stem}.service",
        "N": lambda: path.stem,
        "p": lambda: prefix,
        "P": lambda: unescaped(prefix),
        "i": lambda: instance,
        "I": lambda: unescaped(instance),
        "j": lambda: prefix.rpartition("-")[2],
        "J": lambda: unescaped(prefix.rpartition("-")[2]),
        "f": lambda: "/" + unescaped(instance if at else prefix).lstrip("/"),
        "y": lambda: str(path.absolute()),
        "Y": lambda: str(path.absolute().parent),
        "H": lambda: host.nodename,
        "l": lambda: host.nodename.partition(".")[0],
        "q": lambda: host.nodename,
        "v": lambda: host.release,
        "a": lambda: host.machine.replace("_", "-").replace("aarch64", "arm64"),
        "m": lambda: content("/etc/machine-id"),
        "b": lambda: content("/proc/sys/kernel/random/boot_id").replace("-", ""),
        "o": lambda: release("ID"),
        "w": lambda: release("VERSION_ID"),
        "A": lambda: release("IMAGE_VERSION"),
        "M": lambda: release("IMAGE_ID"),
        "B": lambda: release("BUILD_ID"),
        "W": lambda: release("VARIANT_ID"),
        "h": lambda: "/root",
        "u": lambda: "root",
        "U": lambda: "0",
        "g": lambda: "root",
        "G": lambda: "0",
        "s": lambda: "/bin/sh",
        "t": lambda: "/run",
        "S": lambda: "/var/lib",
        "C": lambda: "/var/cache",
        "L": lambda: "/var/log",
        "E": lambda: "/etc",
        "T": lambda: "/tmp",
        "V": lambda: "/var/tmp",
    }


def _expanded(text: str, unit: Path, file: Path) -> str:
    known = _specifiers(unit)

    def value(found: re.Match[str]) -> str:
        letter = found[1]
        if letter not in known:
            raise Error(f"{file}: the specifier %{letter} is not known", hint="write %% for a %")
        try:
            return known[letter]()
        except OSError as exc:
            raise Error(f"{file}: %{letter}: {exc.filename}: {exc.strerror}") from exc

    return re.sub(r"%(.?)", value, text)


def split(text: str, file: Path) -> list[str]:
    """Words as systemd splits them: quotes around whole words, and C's escapes."""
    found, word, quote, begun = [], "", "", False
    letters = iter(text)
    for letter in letters:
        if letter == "\\" and quote != "'":
            word, begun = word + _escaped(next(letters, ""), letters), True
        elif quote:
            quote, word = ("", word) if letter == quote else (quote, word + letter)
        elif letter in "\"'":
            quote, begun = letter, True
        elif letter.isspace():
            if begun:
                found.append(word)
            word, begun = "", False
        else:
            word, begun = word + letter, True
    if quote:
        raise Error(f"{file}: a quote is not closed in {text[:80]!r}")
    return [*found, word] if begun else found


_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}


def _escaped(letter: str, rest: Iterator[str]) -> str:
    if letter == "x":
        return chr(int(next(rest, "0") + next(rest, "0"), 16))
    return _ESCAPES.get(letter, letter)
