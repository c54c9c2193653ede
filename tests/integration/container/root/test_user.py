# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users and groups, looked up in an image that may be hostile."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.root import user
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import safefs
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.user import User

PASSWD = """root:x:0:0:root:/root:/bin/sh
# a comment: with colons: and more
daemon:x:1:1:daemon:/usr/sbin:/bin/false
app:x:1000:1000:App:/home/app:/bin/sh
0:x:77:77:a name made of digits:/:/bin/sh
nohome:x:5:6
relative:x:8:8::home/x:/bin/sh
broken:x:notanumber:1:::
huge:x:4294967296:0:::
negative:x:-1:0:::

app:x:2000:2000:the second of that name:/other:/bin/sh
12:x:3000:3000:whose name is an id:/other:/bin/sh
"""
GROUP = """root:x:0:
daemon:x:1:
adm:x:4:daemon,app
app:x:1000:
audio:x:29:app,root,
video:x:44:nobody,app
bad:x:1x:app
huge:x:4294967295:app
"""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(PASSWD)
    (tmp_path / "etc/group").write_text(GROUP)
    return tmp_path


def _resolve(image: Path, text: str, *groups: str) -> User:
    with safefs.Root(image) as root:
        return user.resolve(root, text, groups)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", User(0, 0, (0, 29), "/root", "root")),
        ("root", User(0, 0, (0, 29), "/root", "root")),
        ("0", User(0, 0, (0, 29), "/root", "root")),
        ("app", User(1000, 1000, (4, 29, 44, 1000), "/home/app", "app")),
        ("1000", User(1000, 1000, (4, 29, 44, 1000), "/home/app", "app")),
        ("app:daemon", User(1000, 1, (1,), "/home/app", "app")),
        ("app:44", User(1000, 44, (44,), "/home/app", "app")),
        ("app:", User(1000, 1000, (4, 29, 44, 1000), "/home/app", "app")),
        ("4711:", User(4711, 0, (0,), "/", "")),
        ("app:0", User(1000, 0, (0,), "/home/app", "app")),
        (":adm", User(0, 4, (4,), "/root", "root")),
        ("4711", User(4711, 0, (0,), "/", "")),
        ("4711:4712", User(4711, 4712, (4712,), "/", "")),
        ("2147483647", User(2147483647, 0, (0,), "/", "")),
        ("nohome", User(5, 6, (6,), "/", "nohome")),
        ("relative", User(8, 8, (8,), "/", "relative")),
        ("000", User(0, 0, (0, 29), "/root", "root")),
        ("12", User(12, 0, (0,), "/", "")),
    ],
)
def test_users(image: Path, text: str, expected: User) -> None:
    assert _resolve(image, text) == expected


def test_groups_on_top(image: Path) -> None:
    assert _resolve(image, "app", "daemon", "4712").additional_gids == (1, 4, 29, 44, 1000, 4712)
    assert _resolve(image, "app:0", "video").additional_gids == (0, 44)


@pytest.mark.parametrize(
    "text",
    [
        "nobody",
        "-1",
        "+1",
        "app:nogroup",
        ":nogroup",
        "app:a:b",
        "4294967296",
        "2147483648",
        "4294967295",
        "18446744073709551616",
        "9" * 5000,
        "app:4294967296",
        "app:-1",
        "broken",
        "huge",
        "negative",
        "app\nroot:x:0",
        "app\0",
        "root\n",
        "٣",
        "0x0",
        " 0",
        ":bad",
        ":huge",
    ],
)
def test_refused(image: Path, text: str) -> None:
    """CVE-2024-40635, CVE-2016-3697, CVE-2022-4318: nothing of this may become root."""
    with pytest.raises(Error, match=r"^user "):
        _resolve(image, text)
    with pytest.raises(Error):
        _resolve(image, "app", text or "x")


def test_an_image_without_accounts(tmp_path: Path) -> None:
    assert _resolve(tmp_path, "") == User(0, 0, (0,), "/", "")
    assert _resolve(tmp_path, "5:6") == User(5, 6, (6,), "/", "")
    with pytest.raises(Error, match="no user 'root' in /etc/passwd"):
        _resolve(tmp_path, "root")


@pytest.mark.parametrize("name", ["passwd", "group"])
@pytest.mark.parametrize(
    "content",
    [
        "device",
        "fifo",
        "directory",
        "loop",
        "large",
        "lines",
        "sparse",
    ],
)
def test_a_file_that_is_a_trap(image: Path, name: str, content: str) -> None:
    """CVE-2024-9676, CVE-2026-47262: nothing may hang and nothing may fill our memory."""
    path = image / "etc" / name
    path.unlink()
    if content == "device":
        os.mknod(path, 0o644 | 0o020000, os.makedev(1, 5))
    elif content == "fifo":
        os.mkfifo(path)
    elif content == "directory":
        path.mkdir()
    elif content == "loop":
        path.symlink_to(name)
    elif content == "large":
        path.write_bytes(b"x" * (1 << 20) + b"y")
    elif content == "lines":
        path.write_text("a:x:5:5:::\n" * 10_001)
    else:
        with open(path, "wb") as file:
            file.truncate(1 << 40)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Error):
        _resolve(image, "app")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32_000


@pytest.mark.parametrize("target", ["/dev/zero", "/etc/passwd", "../../../../../../etc/passwd"])
def test_a_link_stays_inside(image: Path, target: str) -> None:
    """The host's accounts are not the container's: a link is followed within the image only."""
    path = image / "etc/passwd"
    path.unlink()
    path.symlink_to(target)
    with pytest.raises(Error):
        _resolve(image, "root")
    (image / "etc/real").write_text(PASSWD)
    path.unlink()
    path.symlink_to("/etc/real")
    assert _resolve(image, "app").uid == 1000
