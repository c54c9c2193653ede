# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell's part of completion: a file for bash that asks the program what may follow."""

from __future__ import annotations

import contextlib
from pathlib import Path

from ..base import files

#: Where bash-completion looks for those of programs in /usr/local/bin.
PLACE = Path("/usr/local/share/bash-completion/completions/slipway")

#: The first line of a file of ours; another one of that name is left alone.
_MARK = "# bash completion for slipway, written by slipway.engine"

SCRIPT = f"""{_MARK}
_slipway() {{
    local line word
    COMPREPLY=()
    word=${{COMP_WORDS[COMP_CWORD]}}
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <("${{COMP_WORDS[0]}}" complete -- "${{COMP_LINE:0:COMP_POINT}}" "$word" 2>/dev/null)
    # What goes on behind its end gets no blank: a container's path, a filter's value.
    [[ ${{#COMPREPLY[@]}} -eq 1 && ${{COMPREPLY[0]}} == *[:=,] ]] && compopt -o nospace
    return 0
}}
complete -o default -F _slipway slipway
"""


def ours(place: Path = PLACE) -> bool:
    """Whether the file there is one of ours, of whatever version."""
    try:
        return place.read_text("utf-8", "replace").startswith(_MARK)
    except OSError:
        return False


def install(place: Path = PLACE) -> None:
    """Put the file there, unless there is one of somebody else's. Without rights there, none."""
    with contextlib.suppress(OSError):
        if not place.exists() or (ours(place) and place.read_text("utf-8", "replace") != SCRIPT):
            for directory in reversed(place.parents):
                if not directory.exists():
                    directory.mkdir()
                    # Others' completions go there too, whatever our umask.
                    directory.chmod(0o755)
            files.write_atomic(place, SCRIPT.encode(), mode=0o644)
