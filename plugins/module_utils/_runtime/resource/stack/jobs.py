# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the processes of a stack do: steps of members, or halves of them.

A job names steps by their places in the plan, which the process has since it was forked, and is
answered for each of them: ``failure``, "" where there is none, ``generation`` of a container that
was prepared, ``outcome``, and ``warnings`` and ``notes`` for the task.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...base.errors import Error
from ...base.frozen import replace
from ...plan.plan import Host, Step

#: What is done with a step: the whole, or the first or second half of starting a container.
EXECUTE, PREPARE, FINISH = "execute", "prepare", "finish"
#: Many steps that stop or remove containers: they wait for processes to end, so side by side.
END = "end"


class Doer:
    """Does the steps of a plan; ``follower`` is the process that makes the host follow them."""

    def __init__(self, host: Host, steps: Sequence[Sequence[Step[Any]]], follower: int) -> None:
        self._host, self._steps, self._follower = host, steps, follower

    def __call__(self, job: dict[str, Any]) -> list[dict[str, Any]]:
        places = [tuple(place) for place in job["places"]]
        if len(places) == 1:
            refused = job.get("refused", "")
            return [self._done(job["do"], places[0], job.get("generation", 0), refused)]
        from concurrent.futures import ThreadPoolExecutor  # Only where things end.

        # Nearly all they do is wait for processes to end.
        with ThreadPoolExecutor(len(places)) as threads:
            return list(threads.map(lambda place: self._done(job["do"], place), places))

    def _done(
        self, do: str, place: tuple[int, ...], generation: int = 0, refused: str = ""
    ) -> dict[str, Any]:
        number, index = place
        step: Any = self._steps[number][index]
        follower = 0 if do == EXECUTE else self._follower
        host = replace(
            self._host,
            follower=follower,
            warnings=[],
            notes=[],
            outcome={},
            progress=None,
            watch=None,
        )
        answer: dict[str, Any] = {"failure": "", "generation": 0}
        try:
            if do == PREPARE:
                answer["generation"] = step.prepare(host).generation
            elif do == FINISH:
                step.finish(host, generation, refused)
            else:
                step.execute(host)
        except Error as exc:
            answer["failure"] = str(exc)
        except OSError as exc:
            answer["failure"] = f"{exc.filename or 'system call'}: {exc.strerror or exc}"
        except Exception as exc:
            import traceback  # A fault of ours, and no reason to leave the others as they are.

            traceback.print_exc()
            answer["failure"] = f"{type(exc).__name__}: {exc}"
        return {
            **answer,
            "warnings": host.warnings,
            "notes": host.notes,
            "outcome": {key: value for key, value in host.outcome.items() if key != "failed"},
        }
