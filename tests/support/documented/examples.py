# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation shows: the examples of the modules, the blocks of its pages, and the
command lines in both.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import yaml

from support import CHECKOUT

_EXAMPLES = re.compile(r'^EXAMPLES = r?"""\n(.*?)"""', re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"\n\n((?: {4}.*\n|\n)+)")
_INLINE = re.compile(r"`(slipway [^`]+)`|C\((slipway [^)]+)\)")
_SUBSTITUTED = re.compile(r"\$\(([^()]*)\)")
#: A line of a page, perhaps behind a prompt.
_LINE = re.compile(r"^ *(?:# )?(slipway .*)$", re.MULTILINE)


#: The pages whose prompts show all that is printed.
SESSIONS = ("troubleshooting",)


@dataclass(frozen=True)
class Example:
    """One block. ``name`` is that of the module, or the page and the block's number in it."""

    name: str
    text: str

    def inventory(self) -> Optional[dict[str, Any]]:
        """The configuration of an inventory plugin, if the block is one."""
        content = yaml.safe_load(self.text)
        return content if isinstance(content, dict) and "plugin" in content else None

    def plays(self) -> list[dict[str, Any]]:
        """The block as plays on this machine, whatever hosts it names."""
        content = yaml.safe_load(self.text)
        if isinstance(content, Mapping):
            return [_play([_container(content)])]
        if "hosts" in content[0]:
            return [{**play, **_HERE} for play in content]
        return [_play(content)]


_HERE = {"hosts": "localhost", "connection": "local", "gather_facts": False}


def _play(tasks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {**_HERE, "tasks": list(tasks)}


def _container(options: Mapping[str, Any]) -> dict[str, Any]:
    common = {"name": "web", "image": "registry.example.com/web:1.4"}
    task = {**common, "networks": [{"name": "wide"}], **options}
    return {"name": "A container with these options", "slipway.engine.container": task}


def pages() -> list[Path]:
    return [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]


def modules() -> list[Path]:
    return sorted((CHECKOUT / "plugins" / "modules").glob("*.py"))


def examples() -> list[Example]:
    """All that a playbook can run, of modules and pages."""
    return of_modules() + of_pages()


def of_modules() -> list[Example]:
    """The examples of the modules."""
    found = []
    for path in modules():
        block = _EXAMPLES.search(path.read_text())
        assert block is not None, f"{path.name} has no EXAMPLES"
        found.append(Example(path.stem, block.group(1)))
    return found


def of_pages() -> list[Example]:
    """The plays and tasks of README and docs."""
    return [example for example in _blocks("yaml", "") if example.inventory() is None]


def inventories() -> list[Example]:
    """The configurations of inventory plugins, of the plugins and of pages."""
    found = []
    for path in sorted((CHECKOUT / "plugins" / "inventory").glob("*.py")):
        block = _EXAMPLES.search(path.read_text())
        assert block is not None, f"{path.name} has no EXAMPLES"
        texts = block.group(1).split("\n---\n")
        found += [Example(f"{path.stem}-{n}", text) for n, text in enumerate(texts, 1)]
    found += _blocks("yaml", "")
    return [example for example in found if example.inventory() is not None]


def shells() -> list[Example]:
    """The blocks of shell lines, by page and number."""
    return _blocks("sh", "sh-")


def sessions() -> list[Example]:
    """What was typed at a prompt and what was printed, by page and number."""
    return [
        one
        for one in _blocks("console", "console-")
        if one.name.rpartition("-console-")[0] in SESSIONS
    ]


def _blocks(wanted: str, named: str) -> list[Example]:
    """The blocks of one language; ``named`` stands in their names before the number."""
    found = []
    for path in pages():
        texts = [text for kind, text in _BLOCK.findall(path.read_text()) if kind == wanted]
        found += [Example(f"{path.stem}-{named}{n}", text) for n, text in enumerate(texts, 1)]
    return found


def documents() -> dict[str, str]:
    """The blocks of JSON, by page and number."""
    found: dict[str, str] = {}
    for path in pages():
        texts = [text for kind, text in _BLOCK.findall(path.read_text()) if kind == "json"]
        found |= {f"{path.stem}-{n}": text for n, text in enumerate(texts, 1)}
    return found


def unmarked() -> Iterator[tuple[str, str]]:
    """Blocks that look like tasks and would not be run: page and first line."""
    for path in pages():
        text = path.read_text()
        for block in _INDENTED.findall(_BLOCK.sub("", text)):
            if re.match(r" *- (name:|hosts:|slipway\.engine\.)", block):
                yield path.name, block.splitlines()[0].strip()
        for kind, dummy in _BLOCK.findall(text):
            if kind not in ("yaml", "json", "sh", "console", "python", "text"):
                yield path.name, f"```{kind}"


def commands() -> list[tuple[str, str]]:
    """Every command line of slipway: the file it is in, and the line without what surrounds it."""
    found = []
    fragments = (CHECKOUT / "plugins" / "doc_fragments").glob("*.py")
    for path in (*pages(), *modules(), *sorted(fragments)):
        text = path.read_text()
        lines = [first or second for first, second in _INLINE.findall(text)]
        if path.suffix == ".md":
            shown = [block for dummy, block in _BLOCK.findall(text)]
            shown += _INDENTED.findall(_BLOCK.sub("", text))
            lines += _LINE.findall("\n".join(shown))
        lines += [inner for line in lines for inner in _SUBSTITUTED.findall(line)]
        found += [(path.name, " ".join(line.split())) for line in lines]
    return found


def words(line: str) -> list[str]:
    """The words of a command line, up to a pipe, another command or a comment."""
    lexer = shlex.shlex(_SUBSTITUTED.sub("WORD", line), posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    found: list[str] = []
    for word in lexer:
        if word[0] in "|&;<>":
            break
        found.append(word)
    return found
