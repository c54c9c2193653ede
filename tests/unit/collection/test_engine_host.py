# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the connection to containers writes for a host's shell, and how it becomes another user."""

from __future__ import annotations

import subprocess

import pytest
from ansible.plugins.become import BecomeBase
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.slipway.engine.plugins.plugin_utils._engine_host import (
    _without_mark,
    quote,
)
from ansible_collections.slipway.engine.plugins.plugin_utils._exec_become import (
    ExecBecome,
)

WORDS = ["", "plain", "a b", "it's", '"$HOME" `id` \\ *', "two\nlines\n", "\n", "'\n'", "ü\t\r"]


@pytest.mark.parametrize("word", WORDS)
def test_a_quoted_word_is_one_line_and_itself(word: str) -> None:
    check(word)


@given(st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",))))
def test_any_word_is(word: str) -> None:
    check(word)


def check(word: str) -> None:
    assert "\n" not in quote(word)
    script = "n=$(printf '\\nx'); n=${n%x}; IFS= read -r l; eval \"$l\""
    line = f"printf %s {quote(word)}\n".encode()
    done = subprocess.run(["sh", "-c", script], input=line, stdout=subprocess.PIPE, check=True)
    assert done.stdout == word.encode()


@pytest.mark.parametrize(
    ("out", "left"),
    [
        (b"BECOME-SUCCESS-a\nx\n", b"x\n"),
        (b"\r\nBECOME-SUCCESS-a\r\nx", b"x"),
        (b"x\nBECOME-SUCCESS-a\n", b"x\nBECOME-SUCCESS-a\n"),
        (b"", b""),
    ],
)
def test_the_mark_of_become_is_taken_off(out: bytes, left: bytes) -> None:
    assert _without_mark(out, "BECOME-SUCCESS-a") == left


class Sudo(BecomeBase):  # type: ignore[misc]  # Ansible has no types.
    """Stands for a plugin of Ansible's."""

    name = "sudo"
    pipelining = False
    prompt = "password?"

    def get_option(self, option: str, hostvars: object = None, playcontext: object = None) -> str:
        return {"become_user": "app", "become_pass": "x"}[option]

    def build_become_command(self, cmd: str, shell: object) -> str:
        return f"sudo {cmd}"


def test_become_is_left_to_the_connection() -> None:
    inside = False
    become = ExecBecome(Sudo(), lambda: inside)
    made = become.build_become_command("id -un", None)
    assert become.marks(f"/bin/sh -c '{made}'") and not become.marks("id -un")
    assert not ExecBecome(Sudo(), lambda: False).marks(made)
    assert (become.user(), become.name) == ("app", "sudo")
    assert become.pipelining and not become.require_tty and not become.expect_prompt()
    script = made.replace("id -un", "echo $0 in")
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"sh in\n", b"")
    inside = True
    assert become.build_become_command("id", None) == "sudo id"
    assert not become.pipelining
