# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsers of what the kernel, the name server, OCI runtimes, conmon and containers write.

Of the kernel's tables only names are anybody's: an item of their corpus has ``@`` where one is, and
there any bytes come, escaped as the kernel escapes them there. A parser of these takes them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Callable

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.files import (
    mounted_in,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    conmon,
    conmon_files,
    oci_runtime,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.root import user
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.status import (
    journald,
    logs,
    usage,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import (
    cgroups,
    linux,
    safefs,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network import lease
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.link import (
    netlink,
    probe,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.names import dns_query
from ansible_collections.slipway.engine.plugins.module_utils._runtime.system import (
    running_in,
)

from . import mutate
from .parser import Mutator, Parser

_ID = "0123456789abcdef" * 4
_CRUN = oci_runtime.Runtime("crun", "/usr/bin/crun", "/run/x")
_RUNC = oci_runtime.Runtime("runc", "/usr/sbin/runc", "/run/x")


def installation(place: Path) -> Layout:
    """An installation in a directory, of which nothing is there yet."""
    return Layout(place / "lib", place / "run", place / "etc")


def table(escaped: bytes, forbidden: bytes = b"") -> Mutator:
    """What makes tables with names that strangers chose: the kernel writes bytes of ``escaped`` in
    octal, and takes no name with one of ``forbidden``.
    """

    def named(random: Random, words: Sequence[bytes]) -> bytes:
        name = mutate.raw(random, [b"name", b"/a/b", *words], words)[: random.choice((15, 200))]
        name = bytes(byte for byte in name if byte and byte not in forbidden) or b"x"
        return b"".join(b"\\%03o" % byte if byte in escaped else bytes((byte,)) for byte in name)

    def made(random: Random, corpus: Sequence[bytes], words: Sequence[bytes]) -> bytes:
        first, *parts = random.choice(corpus).split(b"@")
        return first + b"".join(named(random, words) + part for part in parts)

    return made


def _mounts(data: bytes, place: Path) -> None:
    assert len(linux.mounts_in(data)) == data.count(b"\n")
    list(mounted_in(data, Path("/var/lib/slipway")))
    running_in.detect(data.decode("utf-8", "surrogateescape"), "")


def _groups(data: bytes, place: Path) -> None:
    assert len(cgroups.groups_in(data)) == data.count(b"\n")
    running_in.detect("", data.decode("utf-8", "surrogateescape"))


def _status(data: bytes, place: Path) -> None:
    assert linux.start_time_in(data) == 4711


def _interfaces(data: bytes, place: Path) -> None:
    assert len(probe.interfaces_in(data)) <= data.count(b"\n")
    usage.counted_in(data)


def _routes(data: bytes, place: Path) -> None:
    list(lease.routes4_in(data) if data.startswith(b"Iface") else lease.routes6_in(data))


def _accounts(data: bytes, place: Path) -> None:
    """The files of an image, asked for users one after the other."""
    passwd, dummy, group = data.partition(b"%%\n")
    (place / "etc").mkdir(exist_ok=True)
    (place / "etc" / "passwd").write_bytes(passwd)
    (place / "etc" / "group").write_bytes(group)
    with safefs.Root(place) as root:
        for who in ("root", "app", "1000", "app:staff", ":staff", "", "4294967296", "0:0"):
            try:
                found = user.resolve(root, who, ("staff",))
            except Error:
                continue
            for number in (found.uid, found.gid, *found.additional_gids):
                assert 0 <= number <= user.MAXIMUM_ID, number


def _who(data: bytes, place: Path) -> None:
    """The user of an image or a task, looked up in honest files."""
    (place / "etc").mkdir(exist_ok=True)
    (place / "etc" / "passwd").write_text("root:x:0:0::/root:/bin/sh\napp:x:10:11::/app:/bin/sh\n")
    (place / "etc" / "group").write_text("root:x:0:\nstaff:x:50:app\n")
    with safefs.Root(place) as root:
        found = user.resolve(root, data.decode("utf-8", "surrogateescape"))
    assert 0 <= found.uid <= user.MAXIMUM_ID and 0 <= found.gid <= user.MAXIMUM_ID


def _log(data: bytes, place: Path) -> None:
    path = place / "log"
    path.write_bytes(data)
    with path.open("rb") as file:
        count = sum(1 for dummy in conmon_files.parse_log(file))
    with path.open("rb") as file:
        for last in (0, 1, 3):
            assert 0 <= logs._start_of_last(file, last)[0] <= len(data)
    list(logs.selected(conmon_files.parse_log(data.splitlines(True)), since=1.0))
    assert count <= data.count(b"\n") + 2


def _exit(data: bytes, place: Path) -> None:
    layout = installation(place)
    directory = conmon_files.exit_directory(layout, _ID, 1)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "exit").write_bytes(data)
    found = conmon_files.read_exit(layout, _ID, 1)
    assert found is None or 0 <= found.code <= 255
    for name, asked in (
        ("conmon.pid", conmon_files.alive),
        ("attended", conmon_files.someone_attends),
    ):
        (layout.run_container(_ID) / name).write_bytes(data)
        asked(layout, _ID)
    conmon_files.lives(layout, _ID)


def _journal(data: bytes, place: Path) -> None:
    for record in journald._records(data):
        journald._entry(record)


def _netlink(data: bytes, place: Path) -> None:
    netlink._acknowledgements(data)
    for value in netlink.attributes(data).values():
        netlink.attributes(value)


_NAMES = (
    b"a\rb", b"a\x85b", b"a\x1cb", b"a\xffb", b"a) S 1 (", b" - ", b"\\040", b"shared:1", b"@",
    b"/", b"\xe2\x80\xa8", b"/var/lib/slipway/x", b":", b"hostname",
)  # fmt: skip


def _complaint(data: bytes, place: Path) -> None:
    """What a runtime says when it cannot start a program."""
    reason = data.decode("utf-8", "replace")
    for runtime in (_CRUN, _RUNC):
        assert isinstance(
            oci_runtime.failure(runtime, "web", reason, ["/bin/x", "y"], "/wd"), Error
        )


def _of(state: Callable[[bytes, str], object]) -> Callable[[bytes, Path], object]:
    return lambda data, place: state(data, "web")


_LOGGED = (b"stdout", b"stderr", b" F ", b" P ", b"2026-01-01T00:00:00Z ")
_COMPLAINTS = (b'level=error msg="', b'\\"', b"chdir `/wd`", b"exec: ", b"not found", b"/bin/x")
_FIELDS = (b"MESSAGE", b"PRIORITY", b"__REALTIME_TIMESTAMP")

PARSERS = (
    # seq_path() and mangle() of fs/proc_namespace.c.
    Parser("mountinfo", table(b" \t\n\\"), _mounts, _NAMES),
    # cgroup_mkdir() of kernel/cgroup/cgroup.c refuses a newline.
    Parser("cgroup", table(b"", b"\n"), _groups, _NAMES),
    # do_task_stat() of fs/proc/array.c escapes newlines and backslashes of the command's name.
    Parser("stat", table(b"\n\\"), _status, _NAMES),
    # dev_valid_name() of net/core/dev.c: isspace() there has U+00A0 in Latin-1 too.
    Parser("interfaces", table(b"", b"/: \t\n\v\f\r\xa0"), _interfaces, _NAMES),
    Parser("routes", table(b"", b"/: \t\n\v\f\r\xa0"), _routes, _NAMES),
    Parser("passwd", mutate.raw, _accounts, (b"root", b"app", b":", b"%%\n", b"staff", b"x:0:0:")),
    Parser("user", mutate.raw, _who, (b"root", b"app", b":", b"staff", b"0", b"-1")),
    Parser("log", mutate.raw, _log, _LOGGED),
    Parser("journal", mutate.document, _journal, _FIELDS),
    Parser("exit", mutate.raw, _exit),
    Parser("conmon", mutate.document, _of(conmon.answered), (b"pid", b"message")),
    Parser("oci-complaint", mutate.raw, _complaint, _COMPLAINTS),
    Parser("oci-state", mutate.document, _of(oci_runtime.state_in), (b"running", b"paused")),
    Parser("netlink", mutate.raw, _netlink),
    Parser("dns", mutate.raw, lambda data, place: dns_query._is_answer(data, b"\x01\x02")),
)
