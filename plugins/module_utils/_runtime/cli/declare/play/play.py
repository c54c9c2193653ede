# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A play: tasks in an order that works, what was left out, and what belongs into a vault. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ....base.errors import Error
from ....base.regex import regex
from .yaml_text import Expression, lines

#: Names of variables whose values are secrets, as programs name them; one with _FILE names a file.
_SECRET = regex(
    r"(^|_|DB|SQL|ROOT|ADMIN|USER)PASS(\d*$|_)|PASSW(OR)?D|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|PRIVATE_?KEY"
    r"|API_?KEY|ACCESS_?KEY|ENCRYPTION_?KEY|SIGNING_?KEY|(^|_)(KEY|PW|PWD|DSN|SALT|AUTH)$",
    re.IGNORECASE,
)
_OF_FILE = regex(r"_(FILE|PATH|DIR)$", re.IGNORECASE)
#: Values that say something about a secret instead of being one.
_NO_SECRET = frozenset(("", "true", "false", "yes", "no", "on", "off", "0", "1", "none", "null"))
#: A password in an address, as in postgres://user:password@host/.
_ADDRESS = regex(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE)
_FLAG = regex(r"\A--?([\w-]+)=(.+)\Z", re.DOTALL)


class Task:
    """One task. ``needs`` are the names of containers that come first."""

    __slots__ = ("module", "name", "needs", "options")

    def __init__(
        self, module: str, name: str, options: Mapping[str, Any], needs: Iterable[str] = ()
    ) -> None:
        self.module, self.name, self.options = module, name, dict(options)
        self.needs = frozenset(needs)


class Play:
    """What was found so far. ``notes`` are about what the tasks do not say, and why; ``moved`` has
    the volumes whose data is in a directory of this host, and ``containers`` what an engine has:
    name, image and whether it is running.
    """

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self.notes: list[str] = []
        self.secrets: dict[str, str] = {}
        self.moved: list[dict[str, Any]] = []
        self.containers: list[dict[str, Any]] = []

    def note(self, where: str, what: str) -> None:
        text = f"{where}: {what}"
        if text not in self.notes:
            self.notes.append(text)

    def add(self, task: Task) -> None:
        """Add a task. Raises Error when something of that kind and name is there already."""
        for other in self.tasks:
            if (other.module, other.name) == (task.module, task.name):
                if other.options == task.options:
                    return
                raise Error(f"the {task.module} {task.name} is declared twice, with differences")
        self.tasks.append(task)

    def hide(self, owner: str, name: str, value: str) -> Expression:
        """Keep a secret among the variables of the play. Returns what stands in its place."""
        base = re.sub(r"[^a-z0-9]+", "_", f"{owner}_{name}".lower()).strip("_")
        base = base if base[:1].isalpha() else f"secret_{base}"
        variable, count = base, 1
        while self.secrets.get(variable, value) != value:
            count += 1
            variable = f"{base}_{count}"
        self.secrets[variable] = value
        return Expression("{{ " + variable + " }}")

    def text(self, hosts: str, source: str, tasks_only: bool = False) -> str:
        """The play, or only its tasks, as a file of YAML. Raises Error when containers wait for
        one another in a circle.
        """
        return "\n".join(self._lines(hosts, source, tasks_only)) + "\n"

    def _lines(self, hosts: str, source: str, tasks_only: bool) -> Iterator[str]:
        yield "---"
        yield f"# Made by slipway declare from {source}."
        if self.notes:
            yield "#"
            yield "# What is not declared here, or otherwise:"
            yield from (f"#   {' '.join(note.split())}" for note in self.notes)
        tasks = [_document(task) for task in _ordered(self.tasks)]
        if tasks_only:
            if self.secrets:
                yield "#"
                yield "# Set these variables; they hold secrets: " + ", ".join(self.secrets)
            yield from _spaced(tasks, 0)
            return
        yield "- name: Declare containers"
        yield f"  hosts: {' '.join(lines([hosts]))[2:]}"
        yield "  become: true"
        yield "  gather_facts: false"
        if self.secrets:
            yield "  vars:"
            yield "    # Secrets: move these into a file that ansible-vault encrypts."
            yield from lines(self.secrets, 4)
        yield "  tasks:" if tasks else "  tasks: []"
        yield from _spaced(tasks, 4)


def _document(task: Task) -> dict[str, Any]:
    return {"name": f"{task.module.capitalize()} {task.name}",
            f"slipway.engine.{task.module}": task.options}  # fmt: skip


def _spaced(tasks: Sequence[Mapping[str, Any]], indent: int) -> Iterator[str]:
    for number, task in enumerate(tasks):
        if number:
            yield ""
        yield from lines([task], indent)


def _ordered(tasks: Sequence[Task]) -> list[Task]:
    """Networks and volumes first, and a container after those it needs."""
    found = [task for kind in ("network", "volume") for task in tasks if task.module == kind]
    waiting = {task.name: task for task in tasks if task.module == "container"}
    while waiting:
        ready = [task for task in waiting.values() if not task.needs & (set(waiting) - {task.name})]
        if not ready:
            names = ", ".join(sorted(waiting))
            raise Error(f"the containers {names} need one another in a circle")
        # One at a time: the order of the source is kept where nothing speaks against it.
        found.append(waiting.pop(ready[0].name))
    return found


def is_secret(name: str, value: str) -> bool:
    """Whether the value of an environment variable should not be read by everybody."""
    if value.strip().lower() in _NO_SECRET:
        return False
    return bool((_SECRET.search(name) and not _OF_FILE.search(name)) or _ADDRESS.search(value))


def without_secrets(play: Play, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """A container's options, with the secrets of its environment and its command line hidden."""
    found = dict(options)
    for option in ("command", "entrypoint"):
        if found.get(option):
            words = found[option]
            found[option] = [_word(play, name, option, str(word)) for word in words]
    env = dict(found.get("env") or {})
    secret = {key: value for key, value in env.items() if is_secret(key, str(value))}
    if secret:
        hidden = {key: play.hide(name, key, str(value)) for key, value in secret.items()}
        kept = {key: value for key, value in env.items() if key not in secret}
        position = list(found).index("env")
        pairs = list(found.items())
        pairs[position : position + 1] = [
            *([("env", kept)] if kept else []),
            ("secret_env", hidden),
        ]
        found = dict(pairs)
    return found


def _word(play: Play, owner: str, option: str, word: str) -> str:
    flag = _FLAG.match(word)
    if flag and is_secret(flag[1].replace("-", "_"), flag[2]):
        return play.hide(owner, flag[1], word)
    return play.hide(owner, option, word) if _ADDRESS.search(word) else word


def volume_options(play: Play, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """A volume's driver options; those of a network filesystem may hold a password."""
    from ....spec.secrets import without_passwords

    texts = {key: str(value) for key, value in options.items()}
    shown = without_passwords(texts)
    return {
        key: value if shown[key] == value else play.hide(name, f"option_{key}", value)
        for key, value in texts.items()
    }
