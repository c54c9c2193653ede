# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the options about mounts mean: every form, and what is wrong with the others."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.line import run_params
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import mounts
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option.form import (
    mount_forms,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.root import (
    mount_sources,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.show import (
    inspect_mounts,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    MemoryFile,
    Mount,
)

VOLUMES = [
    ("data:/srv", Mount("volume", "data", "/srv")),
    ("data:/srv:rw", Mount("volume", "data", "/srv")),
    ("data:/srv:cached", Mount("volume", "data", "/srv")),
    ("data:/srv:ro,consistent", Mount("volume", "data", "/srv", read_only=True)),
    ("data:/srv:nocopy,ro", Mount("volume", "data", "/srv", read_only=True, copy_up=False)),
    ("data:/srv:ro,rw", Mount("volume", "data", "/srv")),
    ("/etc/x:/y//z/:rslave", Mount("bind", "/etc/x", "/y/z", propagation="rslave")),
    ("/etc/x:/y:Z", Mount("bind", "/etc/x", "/y", relabel="Z")),
    ("/etc/x:/y:z,delegated", Mount("bind", "/etc/x", "/y", relabel="z")),
    ("/a/../b:/y", Mount("bind", "/b", "/y")),
    ("/srv", Mount("anonymous", "", "/srv")),
    ("/srv:rw", Mount("anonymous", "", "/srv")),
    ("/srv:ro", Mount("anonymous", "", "/srv", read_only=True)),
    ("/srv:nocopy,z,delegated", Mount("anonymous", "", "/srv", relabel="z", copy_up=False)),
]

#: Forms of ``mounts``, without their target /t.
MOUNTS: list[tuple[dict[str, Any], Mount]] = [
    ({"source": "data"}, Mount("volume", "data", "/t")),
    ({"type": "volume", "source": "data", "read_only": True}, Mount("volume", "data", "/t", True)),
    ({"source": "data", "no_copy": True}, Mount("volume", "data", "/t", copy_up=False)),
    ({"source": "data", "subpath": "a//b/"}, Mount("volume", "data", "/t", subpath="a/b")),
    ({"source": "data", "subpath": "."}, Mount("volume", "data", "/t")),
    (
        {
            "source": "data",
            "labels": {"b": "1", "a": "2"},
            "volume_driver": "local",
            "volume_options": {"type": "tmpfs", "device": "tmpfs"},
        },
        Mount(
            "volume",
            "data",
            "/t",
            labels={"a": "2", "b": "1"},
            driver_options={"device": "tmpfs", "type": "tmpfs"},
        ),
    ),
    ({}, Mount("anonymous", "", "/t")),
    ({"type": "bind", "source": "/etc/x"}, Mount("bind", "/etc/x", "/t")),
    (
        {"type": "bind", "source": "/x", "propagation": "rshared", "non_recursive": True},
        Mount("bind", "/x", "/t", propagation="rshared", recursive=False),
    ),
    (
        {"type": "bind", "source": "/x", "read_only": True, "read_only_non_recursive": True},
        Mount("bind", "/x", "/t", True, read_only_recursive="no"),
    ),
    (
        {"type": "bind", "source": "/x", "read_only": True, "read_only_force_recursive": True},
        Mount("bind", "/x", "/t", True, read_only_recursive="force"),
    ),
    ({"type": "tmpfs"}, Mount("tmpfs", "", "/t")),
    (
        {"type": "tmpfs", "tmpfs_size": "64M", "tmpfs_mode": "01777", "read_only": True},
        Mount("tmpfs", "", "/t", True, options=("mode=1777", "size=67108864")),
    ),
    ({"type": "tmpfs", "tmpfs_mode": "0o1770"}, Mount("tmpfs", "", "/t", options=("mode=1770",))),
    (
        {"type": "tmpfs", "tmpfs_options": [{"exec": None}, {"nr_inodes": 100}]},
        Mount("tmpfs", "", "/t", options=("exec", "nr_inodes=100")),
    ),
    (
        {"type": "image", "source": "busybox", "subpath": "bin"},
        Mount("image", "docker.io/library/busybox:latest", "/t", True, subpath="bin"),
    ),
]

TMPFS = [
    ("/t", ()),
    ("/t:rw,noexec,nosuid,nodev", ()),
    ("/t:defaults,exec,noexec", ()),
    ("/t:exec,size=64m,mode=0755,uid=1000", ("exec", "mode=755", "size=67108864", "uid=1000")),
    ("/t:size=50%", ("size=50%",)),
    ("/t:size=1.5k,size=2048", ("size=2048",)),
    ("/t:noatime,sync", ("noatime", "sync")),
]

BAD: list[tuple[dict[str, Any], str]] = [
    ({"volumes": ["data:srv"]}, "absolute"),
    ({"volumes": ["data:/"]}, "root"),
    ({"volumes": ["data:/x/../.."]}, "root"),
    ({"volumes": ["data:/proc/sys"]}, "/proc and /sys"),
    ({"volumes": ["data:/x/../sys"]}, "/proc and /sys"),
    ({"volumes": ["a b:/srv"]}, "neither"),
    ({"volumes": ["data:/srv:rslave"]}, "not a mode"),
    ({"volumes": ["/a:/b:nocopy"]}, "not a mode"),
    ({"volumes": ["data:/s\nrv"]}, "absolute"),
    ({"volumes": ["a:b:c:d"]}, "write"),
    ({"volumes": [":/srv"]}, "write"),
    ({"volumes": ["a:/srv", "b:/srv/"]}, 'mount point "/srv" appears twice in the volumes option'),
    ({"volumes": ["a:/srv"], "tmpfs": ["/srv"]}, "appears both in the volumes and tmpfs option"),
    (
        {"volumes": ["a:/srv"], "mounts": [{"target": "/srv/"}]},
        "appears both in the volumes and mounts option",
    ),
    ({"mounts": [{"target": "srv"}]}, "absolute"),
    ({"mounts": [{"target": "/sys/fs"}]}, "/proc and /sys"),
    ({"volumes": ["/sys/fs/cgroup"]}, "/proc and /sys"),
    ({"volumes": ["data:/sys/fs/cgroup"]}, "/proc and /sys"),
    ({"volumes": ["/sys/fs/cgroup/systemd:/sys/fs/cgroup/systemd"]}, "/proc and /sys"),
    ({"tmpfs": ["/sys/fs/cgroup"]}, "/proc and /sys"),
    ({"mounts": [{"target": "/t", "type": "npipe"}]}, "type npipe is not supported for"),
    ({"mounts": [{"target": "/t", "type": "cluster"}]}, "type cluster is not supported for"),
    ({"mounts": [{"target": "/t", "type": "bind"}]}, "type bind needs a source"),
    ({"mounts": [{"target": "/t", "type": "image"}]}, "type image needs a source"),
    ({"mounts": [{"target": "/t", "type": "bind", "source": "data"}]}, "not an absolute path"),
    ({"mounts": [{"target": "/t", "type": "tmpfs", "source": "/x"}]}, "has no source"),
    ({"mounts": [{"target": "/t", "source": "/x"}]}, "'/x' is not a volume name"),
    (
        {"mounts": [{"target": "/t", "source": "d", "volume_driver": "x"}]},
        "unknown volume driver 'x'",
    ),
    ({"mounts": [{"target": "/t", "tmpfs_size": "1m"}]}, "tmpfs_size applies only to type tmpfs"),
    (
        {"mounts": [{"target": "/t", "propagation": "slave"}]},
        "propagation applies only to type bind",
    ),
    (
        {"mounts": [{"target": "/t", "type": "bind", "source": "/x", "subpath": "y"}]},
        "subpath applies only to type volume or image",
    ),
    ({"mounts": [{"target": "/t", "subpath": "x"}]}, "has no subpath"),
    ({"mounts": [{"target": "/t", "source": "d", "subpath": "/x"}]}, "inside the mount"),
    ({"mounts": [{"target": "/t", "source": "d", "subpath": "a/../../x"}]}, "inside the mount"),
    ({"mounts": [{"target": "/t", "source": "d", "subpath": ".."}]}, "inside the mount"),
    ({"mounts": [{"target": "/t", "type": "tmpfs", "tmpfs_size": "much"}]}, "not a size"),
    ({"mounts": [{"target": "/t", "type": "tmpfs", "tmpfs_mode": "rwx"}]}, "not a tmpfs option"),
    ({"mounts": [{"target": "/t", "source": "d", "labels": {"a": True}}]}, "Non-string"),
    (
        {
            "mounts": [
                {
                    "target": "/t",
                    "type": "bind",
                    "source": "/x",
                    "read_only_non_recursive": True,
                }
            ]
        },
        "needs read_only: true",
    ),
    (
        {
            "mounts": [
                {
                    "target": "/t",
                    "type": "bind",
                    "source": "/x",
                    "read_only": True,
                    "read_only_force_recursive": True,
                    "propagation": "rslave",
                }
            ]
        },
        "needs propagation rprivate",
    ),
    ({"mounts": [{"target": "/t\n/proc", "source": "d"}]}, "absolute"),
    ({"tmpfs": ["t"]}, "absolute"),
    ({"tmpfs": ["/t:bind"]}, "'bind' is not a tmpfs option"),
    ({"tmpfs": ["/t:size=1m,mode=9"]}, "mode=9 is not a tmpfs option"),
    ({"tmpfs": ["/t:context=x"]}, "context=x is not a tmpfs option"),
]


def read(**given: Any) -> tuple[Mount, ...]:
    found = mounts.mounts(given)
    assert found is not None
    return found


@pytest.mark.parametrize(("text", "meaning"), VOLUMES, ids=[text for text, dummy in VOLUMES])
def test_forms_of_volumes(text: str, meaning: Mount) -> None:
    assert read(volumes=[text]) == (meaning,)
    assert read(volumes=[mounts.as_volume(meaning)]) == (meaning,)


@pytest.mark.parametrize(("given", "meaning"), MOUNTS)
def test_forms_of_mounts(given: dict[str, Any], meaning: Mount) -> None:
    assert read(mounts=[{"target": "/t", **given}]) == (meaning,)
    assert mounts.show_mount(meaning)


@pytest.mark.parametrize(("text", "options"), TMPFS)
def test_forms_of_tmpfs(text: str, options: tuple[str, ...]) -> None:
    assert read(tmpfs=[text]) == (Mount("tmpfs", "", "/t", options=options),)


@pytest.mark.parametrize(("given", "why"), BAD)
def test_what_is_refused_says_why(given: dict[str, Any], why: str) -> None:
    with pytest.raises(Error) as caught:
        mounts.mounts(given)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            {"volumes": ["data:/t:ro"]},
            {"mounts": [{"target": "/t", "source": "data", "read_only": True}]},
        ),
        ({"volumes": ["/x:/t"]}, {"mounts": [{"target": "/t", "type": "bind", "source": "/x"}]}),
        ({"volumes": ["/t"]}, {"mounts": [{"target": "/t"}]}),
        (
            {"tmpfs": ["/t:size=64m,mode=0700"]},
            {
                "mounts": [
                    {"target": "/t", "type": "tmpfs", "tmpfs_size": "65536K", "tmpfs_mode": "700"}
                ]
            },
        ),
        ({"tmpfs": ["/t:ro"]}, {"mounts": [{"target": "/t", "type": "tmpfs", "read_only": True}]}),
        (
            {"volumes": ["b:/b", "a:/a"]},
            {"volumes": ["a:/a"], "mounts": [{"target": "/b", "source": "b"}]},
        ),
    ],
)
def test_one_thing_in_two_forms_is_one_thing(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert read(**one) == read(**other)


def test_a_missing_source_is_made_for_volumes_only() -> None:
    [made] = read(volumes=["/x:/t"])
    [refused] = read(mounts=[{"target": "/t", "type": "bind", "source": "/x"}])
    [asked] = read(
        mounts=[{"target": "/t", "type": "bind", "source": "/x", "create_mountpoint": True}]
    )
    assert (made.create_source, refused.create_source, asked.create_source) == (True, False, True)


def test_a_missing_socket_is_not_made_a_directory_unless_asked_for() -> None:
    [refused] = read(volumes=["/var/run/docker.sock:/var/run/docker.sock"])
    [asked] = read(
        mounts=[
            {
                "target": "/var/run/docker.sock",
                "type": "bind",
                "source": "/var/run/docker.sock",
                "create_mountpoint": True,
            }
        ]
    )
    [volume] = read(volumes=["docker.sock:/x"])
    assert (refused.create_source, asked.create_source, volume.create_source) == (False, True, True)
    assert refused == asked


def test_nothing_said_is_nothing() -> None:
    assert mounts.mounts({}) is None
    assert mounts.mounts({"volumes": [], "mounts": None}) == ()


def test_volumes_from() -> None:
    of = mount_forms.of_containers
    assert of(["b:ro", "a:rw", "a"]) == ("a", "b:ro")
    for text in ("a b", "a:x", ":ro", "a:ro:rw", ""):
        with pytest.raises(Error, match="volumes_from"):
            of([text])


def test_what_a_tmpfs_is_mounted_with() -> None:
    [plain] = read(tmpfs=["/t"])
    assert mount_sources.tmpfs_words(plain) == ("noexec", "nosuid", "nodev", "rw")
    [own] = read(tmpfs=["/t:exec,ro,size=1m"])
    assert mount_sources.tmpfs_words(own) == ("nosuid", "nodev", "exec", "size=1048576", "ro")


def test_passwords_are_not_shown() -> None:
    options = {"type": "cifs", "device": "//nas/x", "o": "username=u,password=s3cret"}
    [mount] = read(mounts=[{"target": "/t", "source": "d", "volume_options": options}])
    assert "s3cret" not in str(mounts.show_mount(mount))


def test_the_api_has_what_binds_cannot_say() -> None:
    shown = {
        mount.source: inspect_mounts._asked(mount)
        for mount in read(
            mounts=[
                {"target": "/a", "source": "a", "subpath": "x", "no_copy": True},
                {"target": "/b", "type": "bind", "source": "/b", "non_recursive": True},
                {"target": "/c", "type": "image", "source": "c:1"},
            ]
        )
        if inspect_mounts._is_asked(mount)
    }
    assert shown == {
        "a": {
            "Type": "volume",
            "Source": "a",
            "Target": "/a",
            "VolumeOptions": {"NoCopy": True, "Subpath": "x"},
        },
        "/b": {
            "Type": "bind",
            "Source": "/b",
            "Target": "/b",
            "BindOptions": {"NonRecursive": True},
        },
        "docker.io/library/c:1": {
            "Type": "image",
            "Source": "docker.io/library/c:1",
            "Target": "/c",
            "ReadOnly": True,
        },
    }


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("type=bind,src=/x,dst=/t,ro", Mount("bind", "/x", "/t", True)),
        (
            "type=bind,source=/x,target=/t,readonly,bind-recursive=writable",
            Mount("bind", "/x", "/t", True, read_only_recursive="no"),
        ),
        (
            "type=bind,source=/x,target=/t,readonly,bind-recursive=readonly",
            Mount("bind", "/x", "/t", True, read_only_recursive="force"),
        ),
        (
            "type=bind,source=/x,target=/t,bind-recursive=disabled",
            Mount("bind", "/x", "/t", recursive=False),
        ),
        ("source=data,target=/t,volume-subpath=a", Mount("volume", "data", "/t", subpath="a")),
        (
            "type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=700",
            Mount("tmpfs", "", "/t", options=("mode=700", "size=1048576")),
        ),
    ],
)
def test_what_the_command_line_says_of_mounts(text: str, meaning: Mount) -> None:
    assert read(mounts=[run_params.mount(text)]) == (meaning,)


def test_a_depth_that_there_is_not() -> None:
    with pytest.raises(Error, match="bind-recursive"):
        run_params.mount("type=bind,source=/x,target=/t,bind-recursive=half")


def _files(**one: Any) -> dict[str, Any]:
    return {"name": "key", "content": "x", "target": None, "mode": None, **one}


@pytest.mark.parametrize(
    ("option", "one", "meaning"),
    [
        ("secrets", {}, MemoryFile("/run/secrets/key", "x", 0o400)),
        ("secrets", {"target": "a/b"}, MemoryFile("/run/secrets/a/b", "x", 0o400)),
        ("secrets", {"target": "/etc/key"}, MemoryFile("/etc/key", "x", 0o400)),
        ("secrets", {"mode": "0440", "uid": 7}, MemoryFile("/run/secrets/key", "x", 0o440, 7)),
        # As YAML reads 0440 without quotes.
        ("secrets", {"mode": 288, "gid": 8}, MemoryFile("/run/secrets/key", "x", 0o440, 0, 8)),
        ("configs", {}, MemoryFile("/key", "x", 0o444)),
        ("configs", {"target": "etc/a.conf"}, MemoryFile("/etc/a.conf", "x", 0o444)),
        # What is text is one thing, however it is written.
        (
            "configs",
            {"content": "w7w=", "content_is_b64": True},
            MemoryFile("/key", "\u00fc", 0o444),
        ),
        (
            "configs",
            {"content": "AP8=", "content_is_b64": True},
            MemoryFile("/key", "AP8=", 0o444, is_base64=True),
        ),
    ],
)
def test_files_in_memory(option: str, one: dict[str, Any], meaning: MemoryFile) -> None:
    assert mounts.memory_files(option, [_files(**one)]) == (meaning,)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        ({"name": "a/b"}, r"secrets\[0\].name: 'a/b' is not valid: use a name without slashes"),
        ({"mode": "0999"}, r"secrets\[0\].mode: '0999' is not valid: use the permissions in octal"),
        ({"mode": 4755}, r"secrets\[0\].mode"),
        ({"mode": True}, r"secrets\[0\].mode"),
        ({"uid": -1}, r"secrets\[0\].uid"),
        ({"content": "geheim\udcff"}, r"secrets\[0\].content is not text"),
        ({"content": "geheim", "content_is_b64": True}, r"secrets\[0\].content is not base64"),
        ({"content": "geheim" * 100_000}, r"secrets\[0\]: key is larger than 512 KiB"),
    ],
)
def test_files_in_memory_that_cannot_be(one: dict[str, Any], said: str) -> None:
    with pytest.raises(Error, match=said) as caught:
        mounts.memory_files("secrets", [_files(**one)])
    assert "geheim" not in str(caught.value)


def test_two_files_at_one_place() -> None:
    twice = [_files(), _files(name="other", target="/run/secrets/key")]
    with pytest.raises(Error, match='"/run/secrets/key" appears twice in the secrets option'):
        mounts.memory_files("secrets", twice)
