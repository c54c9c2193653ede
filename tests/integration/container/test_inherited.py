# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container's processes inherit of whoever started them: the same whoever that was."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.containers import World, until

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
    execute,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    Healthcheck,
    RestartPolicy,
)

#: Each line is a property and its value; the first words of a process to say what it is like.
SAY = (
    "echo umask $(umask);"
    " grep -E '^(SigIgn|SigBlk|Cpus_allowed_list)' /proc/$$/status;"
    " echo oom $(cat /proc/$$/oom_score_adj);"
    " echo nice $(cut -d' ' -f19 /proc/$$/stat) policy $(cut -d' ' -f41 /proc/$$/stat);"
    " echo io $(ionice);"
    " grep -E 'open files|core file|locked|address space' /proc/$$/limits;"
    " echo fds $(ls /proc/$$/fd | grep -cE '^[3-9]$');"
    " env | grep -c CANARY"
)


def _hostile() -> None:
    """As a task may run below nohup, nice, taskset, a low limit and a shell with a secret."""
    os.setsid()
    os.umask(0o077)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2, signal.SIGCHLD, signal.SIGWINCH})
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    os.setpriority(os.PRIO_PROCESS, 0, 7)
    subprocess.run(["ionice", "-c", "best-effort", "-n", "7", "-p", str(os.getpid())], check=True)
    os.sched_setaffinity(0, {0})
    Path("/proc/self/oom_score_adj").write_text("300")
    for kind, soft in (
        (resource.RLIMIT_NOFILE, 333),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 65536),
    ):
        resource.setrlimit(kind, (soft, resource.getrlimit(kind)[1]))
    os.set_inheritable(os.open("/etc/passwd", os.O_RDONLY), True)
    os.environ["CANARY"] = "1"


def _by(prepare: Callable[[], None], act: Callable[[], Any]) -> None:
    """Do something in a process of its own."""
    pid = os.fork()
    if not pid:
        status = 1
        try:
            prepare()
            act()
            status = 0
        except BaseException:  # pylint: disable=broad-exception-caught
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0


def _whole(name: str) -> str:
    """Whoever is ended while it writes, as a check is with its container, leaves no half of it."""
    return f"({SAY}) > /{name}.new; mv /{name}.new /{name}"


def _say(world: World, runtime: str, who: str, prepare: Callable[[], None]) -> dict[str, str]:
    """What the processes of a container say that ``who`` started, by what they are."""
    check = Healthcheck(test=("CMD-SHELL", _whole("check")), interval_s=0.3)
    made = world.create(
        who,
        f"({SAY}) > /start$(ls /start* 2>/dev/null | wc -l); sleep 1; exit 1",
        runtime=runtime,
        restart_policy=RestartPolicy("on-failure", 1),
        healthcheck=check,
    )

    def act() -> None:
        actions.start(world.host, made.id)
        for name, run in (("exec", execute.run), ("detached", execute.start)):
            request = execute.Request(argv=("sh", "-c", _whole(name)))
            run(world.host, made.id, request)

    _by(prepare, act)
    upper = world.layout.container(made.id) / "upper"
    names = ("start0", "start1", "exec", "detached", "check")
    until(lambda: all((upper / name).exists() for name in names))
    until(lambda: world.current(made.id).phase == "exited")
    return {name: (upper / name).read_text() for name in names}


@pytest.mark.parametrize("runtime", ["crun", "runc"])
def test_who_started_it_does_not_show(world: World, runtime: str) -> None:
    """For start, restart by its policy, exec, detached exec and health check."""
    plain = _say(world, runtime, "plain", lambda: None)
    hostile = _say(world, runtime, "hostile", _hostile)
    for name, text in plain.items():
        assert hostile[name] == text, name
        # The shell itself ignores SIGQUIT.
        for part in ("umask 0022", "SigIgn:\t0000000000000004", "SigBlk:\t0000000000000000"):
            assert part in text, (name, text)
        for part in ("oom 0", "nice 0 policy 0", "io none: prio "):
            assert part in text, (name, text)
        assert text.endswith("\n0\n"), (name, text)
