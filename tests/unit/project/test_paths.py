# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths of this tree that documents, docstrings and comments name: each exists."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
RUNTIME = ROOT / "plugins" / "module_utils" / "_runtime"

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SOURCES = sorted((ROOT / "plugins").rglob("*.py"))

#: In a document: what stands in backticks and has a slash, or the target of a link.
_CODE = re.compile(r"`([\w./*-]+/[\w./*-]*)`")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
#: In a docstring or comment: a Python file or a document of ours.
_FILE = re.compile(r"(?<![\w/.-])((?:[\w-]+/)*[\w-]+\.py|docs/[\w-]+\.md)\b")
_FOLDERS = ("plugins/", "tests/", "docs/", "roles/", "playbooks/", "changelogs/", "meta/")
_ROOMS = tuple(f"{room.name}/" for room in RUNTIME.iterdir() if room.is_dir())


def _there(path: str, *starts: Path) -> bool:
    return any(list(start.glob(path.rstrip("/"))) for start in starts)


def _said(source: Path) -> Iterator[str]:
    """The docstrings and comments of a file."""
    text = source.read_text()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            yield ast.get_docstring(node) or ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_what_there_is(document: Path) -> None:
    text = document.read_text()
    named = {path for path in _CODE.findall(text) if path.startswith((*_FOLDERS, *_ROOMS))}
    missing = {path for path in named if not _there(path, ROOT, RUNTIME, ROOT / "plugins")}
    missing |= {path for path in _LINK.findall(text) if not (document.parent / path).exists()}
    assert not missing


def test_documents_say_nothing_of_the_old_tree() -> None:
    for document in DOCUMENTS:
        assert not re.search(r"(?<![_\w])runtime/\w+", document.read_text()), document.name


def test_docstrings_and_comments_name_what_there_is() -> None:
    # What lies in .build is of others, and elsewhere tomorrow.
    tops = [path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")]
    files = [path.relative_to(ROOT).as_posix() for top in tops for path in top.rglob("*.py")]
    files += [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]
    # Packages in a zip, and a document of runc.
    known = {"__init__.py", "__main__.py", "docs/terminals.md"}
    # Each file by its name, and by its name with those of the folders it is in.
    for path in files:
        parts = path.split("/")
        known |= {"/".join(parts[start:]) for start in range(len(parts))}
    missing = {
        f"{source.relative_to(ROOT)}: {name}"
        for source in SOURCES
        for said in _said(source)
        for name in _FILE.findall(said)
        if name not in known
    }
    assert not missing


def test_the_pages_of_the_tree_show_every_layer() -> None:
    for page in ("architecture.md", "contributing.md"):
        text = (ROOT / "docs" / page).read_text()
        missing = [room for room in _ROOMS if room not in text and not room.startswith("_")]
        assert not missing, page
