# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of options about processes, rights and resources, as tables: what they mean, and what
is refused and why. Then every option of the module against strings nobody means well with.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import document
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    config as bundle,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    place as bundle_place,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    seccomp,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    acting,
    catalogue,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option.form import (
    option as table,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option.form import (
    text,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    decide,
    declare,
    host_files,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
    DeviceMapping,
    ImageDefaults,
    Ulimit,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.user import User

MEANINGS: list[tuple[str, Any, Any]] = [
    ("memory", "512M", 512 << 20),
    ("memory", "512m", 512 << 20),
    ("memory", "1.5g", 3 << 29),
    ("memory", "64MB", 64 << 20),
    ("memory", "1GiB", 1 << 30),
    ("memory", "2 K", 2048),
    ("memory", "100b", 100),
    ("memory", "1048576", 1 << 20),
    ("memory_swap", "-1", -1),
    ("memory_swap", "unlimited", -1),
    ("shm_size", "0", 64 << 20),
    ("cpus", 0.5, 500_000_000),
    ("cpus", 0, 0),
    ("cpuset_cpus", "3,1,2,0,7", "0-3,7"),
    ("pids_limit", -1, 0),
    ("cpu_quota", -1, 0),
    ("ulimits", ["nofile:1:2", "CORE=-1"], (Ulimit("core", -1, -1), Ulimit("nofile", 1, 2))),
    ("devices", ["/dev/a"], (DeviceMapping("/dev/a", "/dev/a"),)),
    ("devices", ["/dev/a:mr"], (DeviceMapping("/dev/a", "/dev/a", "rm"),)),
    ("devices", ["/dev//a:/x:w"], (DeviceMapping("/dev/a", "/x", "w"),)),
    ("device_cgroup_rules", ["c 1:* mw", "c 1:* wm"], ("c 1:* wm",)),
    ("stop_signal", "term", "SIGTERM"),
    ("stop_signal", "15", "15"),
    ("stop_signal", "SIGRTMIN+3", "SIGRTMIN+3"),
    ("working_dir", "/a/../b//", "/b"),
    ("user", ":7", ":7"),
    ("user", "1000:", "1000:"),
    ("groups", ["b", 7, "b"], ("7", "b")),
    ("pid_mode", "private", ""),
    ("ipc_mode", "container:db", "container:db"),
    ("security_opts", ["no-new-privileges:true"], ("no-new-privileges=true",)),
    ("security_opts", ["no-new-privileges=false", "seccomp=builtin"], ()),
    ("security_opts", ["label:type:my_t"], ("label=type:my_t",)),
    ("security_opts", ["seccomp=unconfined"], ("seccomp=unconfined",)),
    (
        "security_opts",
        ['seccomp={"defaultAction": "SCMP_ACT_LOG"}'],
        ('seccomp={"defaultAction":"SCMP_ACT_LOG"}',),
    ),
    ("sysctls", {"net.core.somaxconn": 1, "kernel/sem": "1 2"},
     {"kernel/sem": "1 2", "net.core.somaxconn": "1"}),
    ("runtime", "io.containerd.runc.v2", "io.containerd.runc.v2"),
]  # fmt: skip


@pytest.mark.parametrize(("option", "value", "meaning"), MEANINGS)
def test_forms(option: str, value: Any, meaning: Any) -> None:
    known = catalogue.BY_NAME[option]
    assert known.value({option: value}) == meaning
    # What diffs show means the same again, but for a profile, which is told by its digest.
    if "seccomp={" not in str(meaning):
        again = known.value({option: known.shown(meaning)})
        assert again == (table.DEFAULT if meaning == "" else meaning)


REFUSALS: list[tuple[str, Any, str]] = [
    ("memory", "-1", "a unit"),
    ("memory", "12X", "a unit"),
    ("memory", "1e3", "a unit"),
    ("memory", "٣M", "a unit"),
    ("memory", "9999999P", "larger than"),
    ("memory_swappiness", 101, "from -1 to 100"),
    ("cpus", -1, "0.01 or more"),
    ("cpus", 0.001, "0.01 or more"),
    ("cpus", float("nan"), "0.01 or more"),
    ("cpus", float("inf"), "0.01 or more"),
    ("cpu_shares", 1, "from 2"),
    ("cpu_period", 999, "from 1000"),
    ("cpu_quota", 999, "1000 microseconds"),
    ("cpuset_cpus", "3-1", "ascend"),
    ("cpuset_cpus", "0-99999", "8192"),
    ("cpuset_cpus", "a", "numbers and ranges"),
    ("pids_limit", -2, "from -1"),
    ("blkio_weight", 9, "from 10"),
    ("oom_score_adj", 1001, "from -1000 to 1000"),
    ("ulimits", ["nope:1"], "known limits:"),
    ("ulimits", ["nofile"], "NAME:SOFT"),
    ("ulimits", ["nofile:2:1"], "exceed the hard limit"),
    ("ulimits", ["nofile:-1:1"], "exceed the hard limit"),
    ("ulimits", ["core:1", "core:2"], "given twice"),
    ("devices", ["dev/a"], "absolute"),
    ("devices", ["/dev/a:/b:x"], "letters"),
    ("devices", ["/dev/a:/b:rr"], "letters"),
    ("devices", ["/dev/a:/x", "/dev/b:/x"], "given twice"),
    ("devices", ["nvidia.com/gpu=all"], "CDI"),
    ("device_cgroup_rules", ["c 1 rwm"], "TYPE MAJOR:MINOR"),
    ("device_read_bps", [{"path": "/dev/a", "rate": "0"}], "positive"),
    ("device_read_iops", [{"path": "a", "rate": 1}], "absolute"),
    ("cgroup_parent", "/a/../b", "path of a cgroup"),
    ("stop_signal", "SIGNOPE", "SIGTERM"),
    ("stop_signal", "65", "SIGTERM"),
    ("stop_timeout", -1, "from 0"),
    ("working_dir", "a", "absolute"),
    ("working_dir", "/proc/self/fd/8", "/proc"),
    ("user", "a:b:c", "USER:GROUP"),
    ("user", ":", "USER:GROUP"),
    ("user", "a b:", "USER:GROUP"),
    ("user", "4294967296", "largest ID"),
    ("user", "-1", "neither"),
    ("groups", ["2147483648"], "largest ID"),
    ("groups", ["a b"], "neither"),
    ("pid_mode", "container:", "use private"),
    ("pid_mode", "container:a/b", "use private"),
    ("ipc_mode", "shared", "use private"),
    ("uts", "container:a", "use private"),
    ("userns_mode", "keep-id", "not supported"),
    ("security_opts", ["seccomp=/x", "seccomp=unconfined"], "not valid JSON"),
    ("security_opts", ["seccomp=relative.json"], "not valid JSON"),
    ("security_opts", ["seccomp={}"], "defaultAction"),
    ("security_opts", ["mask=/proc"], "use seccomp="),
    ("security_opts", ["label=user:a", "label=user:b"], "given twice"),
    ("sysctls", {"kernel.core_pattern": "|/x"}, "are namespaced"),
    ("sysctls", {"vm.swappiness": "1"}, "are namespaced"),
    ("sysctls", {"net.a": True}, "Non-string value found"),
    ("sysctls", {"net.a": "1\n2"}, "control character"),
    ("sysctls", {"net/../vm": "1"}, "kernel parameter name"),
    ("runtime", "../runc", "OCI runtime"),
    ("domainname", "a b", "host names"),
]


@pytest.mark.parametrize(("option", "value", "why"), REFUSALS)
def test_what_is_not_understood_is_said(option: str, value: Any, why: str) -> None:
    with pytest.raises(Error, match=option) as caught:
        catalogue.BY_NAME[option].value({option: value})
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("text_", "seconds"), [("30s", 30), ("1m30s", 90), ("1h", 3600), ("500ms", 0.5), ("7us", 7e-6)]
)
def test_durations(text_: str, seconds: float) -> None:
    assert text.duration_s("x", text_) == pytest.approx(seconds)


@pytest.mark.parametrize("text_", ["", "30", "s", "1m 30s", "-1s", "1d"])
def test_what_is_no_duration(text_: str) -> None:
    with pytest.raises(Error, match="1m30s"):
        text.duration_s("x", text_)


def test_lists_of_a_command_as_it_was_handled_once() -> None:
    params = {"command": ["echo", "a b"], "command_handling": "compatibility"}
    assert catalogue.BY_NAME["command"].value(params) == ("echo", "a", "b")
    assert catalogue.BY_NAME["command"].value({**params, "command_handling": "correct"}) == (
        "echo",
        "a b",
    )
    nothing: tuple[Any, ...] = ("", [])
    for empty in nothing:
        assert catalogue.BY_NAME["command"].value({**params, "command": empty}) is None
        assert catalogue.BY_NAME["command"].value({"command": empty}) is table.DEFAULT


def test_a_file_of_variables_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "variables"
    path.write_text("\ufeff# comment\n\n  A=1\nB='x' # y\nC==\nD=a=b \n")
    read = host_files.read({"env_file": str(path), "env": {"A": "2"}})
    found = {"A": "2", "B": "'x' # y", "C": "=", "D": "a=b "}
    assert catalogue.BY_NAME["env"].value(read) == found
    assert host_files.read({"env_file": "/no/such"})[host_files.MISSING] == (
        "env_file: the file /no/such does not exist on the host",
    )
    for line in ("secret\n", "=x\n", "A B=x\n"):
        path.write_text(f"A=1\n{line}")
        with pytest.raises(Error, match="line 2") as caught:
            catalogue.BY_NAME["env"].value(host_files.read({"env_file": str(path)}))
        assert "secret" not in str(caught.value)
    for bad in (b"\xff\xff=1", b"A" * (2 << 20)):
        path.write_bytes(bad)
        with pytest.raises(Error, match="env_file"):
            host_files.read({"env_file": str(path)})
    with pytest.raises(Error, match="is not a file"):
        host_files.read({"env_file": str(tmp_path)})


PROFILE = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "defaultErrnoRet": 1,
    "archMap": [
        {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
        {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]},
    ],
    "syscalls": [
        {"name": "read", "action": "SCMP_ACT_ALLOW", "args": None, "comment": "x"},
        {"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_BPF"]}},
        {"names": ["one"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64", "x32"]}},
        {"names": ["two"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["s390x"]}},
        {"names": ["new"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "5.10"}},
        {"names": ["no"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38,
         "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390"]}},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("capabilities", "machine", "kernel", "names"),
    [
        ([], "x86_64", "6.1.0-18-amd64", ["read", "one", "new", "no"]),
        (["CAP_BPF"], "x86_64", "5.9.0", ["read", "bpf", "one", "no"]),
        (["CAP_SYS_ADMIN"], "s390x", "5.10.1", ["read", "two", "new"]),
    ],
)
def test_a_profile_in_dockers_form(
    capabilities: list[str], machine: str, kernel: str, names: list[str]
) -> None:
    found = seccomp.seccomp_of(PROFILE, capabilities, machine, kernel)
    assert [rule["names"][0] for rule in found["syscalls"]] == names
    assert found["syscalls"][0] == {"names": ["read"], "action": "SCMP_ACT_ALLOW"}
    if machine == "x86_64":
        assert found["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
        assert found["syscalls"][-1]["errnoRet"] == 38


def test_a_profile_of_the_runtimes_stays_as_it_is() -> None:
    own = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64"],
        "flags": ["SECCOMP_FILTER_FLAG_LOG"],
        "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0}]}],
    }
    assert seccomp.seccomp_of(own, [], "x86_64") == own
    with pytest.raises(Error, match="an invalid rule"):
        seccomp.seccomp_of({"defaultAction": "x", "syscalls": [{"action": "y"}]}, [], "x86_64")


HOSTILE = [
    "", " ", "\n", "a\nb", "a\r\nb", "a\0b", "\x1b[2J", "\x7f", "a\tb",
    "..", "../..", "/../../etc/passwd", "/proc/self/fd/8", "//proc//self", "/sys/kernel/x", "~root",
    "-x", "--privileged", "-", "--", "a b", "a;reboot", "$(reboot)", "`reboot`", "${HOME}", "%n%s",
    "a'b", 'a"b', "a\\", "{{ 7*7 }}", "a,b=c", "a:b:c:d", ":", "=", "=a", "a=b",
    "1.2.3.4.5", "[::1", "4294967296", "-1", "1e999", "0x10", "٣", "\uff41", "\u202eabc", "\udc80",
    "x" * 5000, "null", "~",
]  # fmt: skip

#: What a process is given as it is; nobody but the process reads it.
_VERBATIM = frozenset({"command", "entrypoint", "env", "secret_env", "labels", "healthcheck"})
_CONTROL = frozenset(map(chr, [*range(0x20), 0x7F]))


def _shapes(spec: dict[str, Any], hostile: str) -> Iterator[Any]:
    """A value of an option's type with the string in each place that takes one."""
    if spec.get("options"):
        valid = {"path": "/dev/sda", "rate": 1, "name": "one", "target": "/x", "source": "y"}
        for name, sub in spec["options"].items():
            if sub["type"] in ("str", "path", "raw") and "choices" not in sub:
                value = {**dict.fromkeys(spec["options"]), "type": "volume"}
                value |= {key: item for key, item in valid.items() if key in value}
                value = {key: value[key] for key in spec["options"]} | {name: hostile}
                yield [value] if spec["type"] == "list" else value
    elif spec["type"] in ("str", "path", "raw") and "choices" not in spec:
        yield hostile
    elif spec["type"] == "list" and spec["elements"] in ("str", "raw"):
        yield [hostile]
    elif spec["type"] == "dict":
        yield {hostile: "x"}
        yield {"net.x" if "sysctls" in str(spec) else "x": hostile}


def _texts(value: Any) -> Iterator[str]:
    """All texts but what files hold: that is handed on byte by byte."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item if key != "content" else "")
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


_SPEC = catalogue.argument_spec()
_ACTING = {argument.name for argument in acting.OPTIONS}
#: Whatever takes a text somewhere.
_TAKING_TEXT = sorted(
    option
    for option, known in _SPEC.items()
    if option not in _ACTING and any(True for dummy in _shapes(known, "x"))
)


@pytest.mark.parametrize("option", _TAKING_TEXT)
def test_hostile_strings_are_refused_or_stay_one_value(option: str) -> None:
    """Nothing but an Error with a sentence in it, or a value that is one whole, escaped string."""
    defaults: dict[str, Any] = {
        **catalogue.defaults(),
        "name": "web",
        "image": "busybox:1",
        "command": ["true"],
    }
    for hostile in HOSTILE:
        for value in _shapes(_SPEC[option], hostile):
            try:
                declared = decide.declare({**defaults, option: value})
                made = declare.resolve(declared, "docker.io/library/busybox:1", "sha256:0", None)
                place = bundle_place.Place(
                    "x", "/r", "h", User(), (), "/x", machine="x86_64",
                    numbers={rate.path: (8, 0) for rate in made.device_read_bps
                             + made.device_write_bps + made.device_read_iops
                             + made.device_write_iops},
                )  # fmt: skip
                config = bundle.config(made, ImageDefaults(), place)
            except Error as exc:
                assert exc.message and not _CONTROL & set(str(exc)), (option, value)
                continue
            stored = json.loads(json.dumps(document.to_json(made)))
            assert document.from_json(ContainerSpec, stored) == made
            json.dumps(declare.shown(made))
            assert "\0" not in "".join(_texts(stored)), (option, value)
            if option not in _VERBATIM:
                assert not _CONTROL & set("".join(_texts(stored))), (option, value)
                assert not _CONTROL & set("".join(_texts(config))), (option, value)
