# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found to be wrong in Compose files, each with its place in them. Pure."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable, Iterator, Mapping

from ...base.errors import Error


class Findings:
    """``mistakes`` make the files wrong, ``left_out`` is what this engine lacks, ``warnings`` is
    what a reader should know; all of them are lines that begin with a place, as
    ``services.web.ports[0]: why``.
    """

    def __init__(self) -> None:
        self.mistakes: list[str] = []
        self.left_out: list[str] = []
        self.warnings: list[str] = []

    def wrong(self, where: str, why: str) -> None:
        self._add(self.mistakes, where, why)

    def lacks(self, where: str, why: str) -> None:
        """Something of the specification that this engine does not have, and what to do."""
        self._add(self.left_out, where, why)

    def warn(self, where: str, why: str) -> None:
        self._add(self.warnings, where, why)

    @contextlib.contextmanager
    def reading(self, where: str) -> Iterator[None]:
        """Whatever is wrong with a value that is read here is a mistake at ``where``."""
        try:
            yield
        except Error as exc:
            self.wrong(where, str(exc))
        except KeyError as exc:
            self.wrong(where, f"{str(exc.args[0])[:60]} is required")
        except (TypeError, ValueError, AttributeError, OverflowError) as exc:
            self.wrong(where, f"its form is not understood: {exc}")

    @staticmethod
    def _add(lines: list[str], where: str, why: str) -> None:
        line = f"{where}: {why}" if where else why
        if line not in lines:
            lines.append(line)

    def unknown(self, where: str, given: Mapping[str, object], known: Iterable[str]) -> None:
        """Say which keys are none of the specification's; ``x-`` is anybody's."""
        names = set(known)
        for key in given:
            if key not in names and not str(key).startswith("x-"):
                near = difflib.get_close_matches(str(key), names, 1)
                meant = f"; did you mean {near[0]}?" if near else ""
                self.wrong(f"{where}.{key}" if where else str(key), f"unknown key{meant}")

    def refuse(self, project: str, lacking: bool = True) -> None:
        """Raise one Error with all mistakes, and with ``lacking`` all that is not to be had."""
        lines = [*self.mistakes, *(self.left_out if lacking else ())]
        if lines:
            raise Error(f"project {project}: " + "\n".join(lines))
