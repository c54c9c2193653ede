# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a container's process runs as: ``USER`` of an image or ``user`` of a task, looked up in the
image.

The image's passwd and group are untrusted input (docs/security.md): they are opened inside the
root, must be regular files, and are read up to a limit. The host's own databases and NSS are never
used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Optional

from ...base.errors import Error, NotFound
from ...base.frozen import dataclass
from ...base.regex import regex
from ...kernel import safefs
from ...spec import user

#: Larger ids overflow somewhere on the way to the kernel and become root (CVE-2024-40635).
MAXIMUM_ID = 2**31 - 1

_FILE_LIMIT = 1 << 20
_LINE_LIMIT = 10_000
_DIGITS = regex(r"\A[0-9]+\Z", re.ASCII)


@dataclass(frozen=True)
class _Account:
    name: str
    uid: int
    gid: int
    home: str


@dataclass(frozen=True)
class _Group:
    name: str
    gid: int
    members: frozenset[str]


def resolve(root: safefs.Root, text: str, groups_add: Sequence[str] = ()) -> user.User:
    """``[USER][:GROUP]``, names or numbers, as Docker understands it; ``USER:`` is ``USER``.

    Digits are an id even where an account has them as its name (CVE-2016-3697). A number need not
    be in the image, a name must. The group is the one asked for, or the account's, or 0.
    Supplementary groups are those the image's group file gives the account, only when no group was
    asked for, and ``groups_add`` in any case. Raises Error.
    """
    who, dummy, group = text.partition(":")
    if any(ord(char) < 0x20 or char == "\x7f" for char in text) or ":" in group:
        raise _refused(text, "use USER, USER:GROUP or :GROUP")
    account = _account(root, text, who)
    groups = list(_groups(root))
    if group:
        gid = _group_id(groups, text, group)
        more: list[int] = []
    else:
        gid = account.gid
        more = [g.gid for g in groups if account.name and account.name in g.members]
    more += [_group_id(groups, name, name) for name in groups_add]
    # The primary group is listed too: without it, setgid programs could shed it (CVE-2022-36109).
    additional = tuple(sorted({gid, *more}))
    return user.User(account.uid, gid, additional, account.home, account.name)


def _account(root: safefs.Root, text: str, who: str) -> _Account:
    wanted = who or "0"
    number = _number(text, wanted)
    for found in _accounts(root):
        if found.uid == number if number is not None else found.name == wanted:
            return found
    if number is None:
        raise _refused(text, f"the image has no user {wanted!r} in /etc/passwd")
    return _Account("", number, 0, "/")


def _group_id(groups: Sequence[_Group], text: str, wanted: str) -> int:
    number = _number(text, wanted)
    if number is not None:
        return number
    for found in groups:
        if found.name == wanted:
            return found.gid
    raise _refused(text, f"the image has no group {wanted!r} in /etc/group")


def _number(text: str, part: str) -> Optional[int]:
    """The id that digits mean, None for a name. Raises Error for one out of range."""
    if not _DIGITS.match(part):
        if part.startswith(("-", "+")):
            raise _refused(text, f"{part!r} is neither a name nor a number")
        return None
    # The length first: int() of a megabyte of digits takes its time.
    if len(part) > 20 or int(part) > MAXIMUM_ID:
        raise _refused(text, f"{part[:20]} is larger than {MAXIMUM_ID}, the largest ID")
    return int(part)


def _accounts(root: safefs.Root) -> Iterator[_Account]:
    """passwd(5): name:password:uid:gid:comment:home:shell. Other lines are passed over."""
    for fields in _records(root, "/etc/passwd"):
        if len(fields) >= 4 and _valid(fields[2]) and _valid(fields[3]):
            home = fields[5] if len(fields) > 5 and fields[5].startswith("/") else "/"
            yield _Account(fields[0], int(fields[2]), int(fields[3]), home)


def _groups(root: safefs.Root) -> Iterator[_Group]:
    """group(5): name:password:gid:member,member."""
    for fields in _records(root, "/etc/group"):
        if len(fields) >= 3 and _valid(fields[2]):
            members = fields[3].split(",") if len(fields) > 3 else []
            yield _Group(fields[0], int(fields[2]), frozenset(filter(None, members)))


def _valid(number: str) -> bool:
    return bool(_DIGITS.match(number)) and len(number) <= 10 and int(number) <= MAXIMUM_ID


def _records(root: safefs.Root, path: str) -> Iterator[list[str]]:
    """The lines of such a file, in fields. No file has no lines. Raises Error for one beyond the
    limits.
    """
    try:
        text = root.read_text(path, _FILE_LIMIT)
    except NotFound:
        return
    lines = text.split("\n")
    if len(lines) > _LINE_LIMIT:
        raise Error(f"{path} of the image has more than {_LINE_LIMIT} lines")
    for line in lines:
        if line and not line.startswith("#"):
            yield line.split(":")


def _refused(text: str, why: str) -> Error:
    return Error(
        f"user {text[:100]!r}: {why}", hint="check /etc/passwd and /etc/group in the image"
    )
