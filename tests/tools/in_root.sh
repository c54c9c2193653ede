#!/bin/sh
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# tests/tools/in_root.sh ROOT COMMAND [ARG ...]: run COMMAND with the directory ROOT as its root filesystem,
# in a mount namespace of its own, whose mounts end with it.
#
# Of this machine COMMAND has the kernel's filesystems, the directory of temporary files, the checkout at its own path, how names are
# resolved, and how pip is set up.
set -eu

if [ "$1" != --inside ]; then exec unshare --mount --propagation private "$0" --inside "$@"; fi
root=$2
shift 2
checkout=$(cd "$(dirname "$0")/../.." && pwd)
python=$checkout/.build/check/venv/bin/python

# The same file or directory at the same path.
lend() {
    if [ -d "$1" ]; then
        mkdir -p "$root$1"
    else
        mkdir -p "$(dirname "$root$1")"
        [ -e "$root$1" ] || : >"$root$1"
    fi
    mount --bind "$1" "$root$1"
}

# The files that pip reads, and the files and directories that they or its environment variables name.
pip_paths() {
    "$python" -m pip config debug | sed -n 's/^ *\(.*\), exists: True$/\1/p'
    "$python" -m pip config list | sed 's/\\n/ /g' | tr " '=" '\n' | sed -n 's|^\(file://\)\{0,1\}/|/|p'
}

# The new root is to be a mount of its own: pivot_root and OCI runtimes ask for that.
mount --bind "$root" "$root"
for place in /proc /sys /dev; do mount --rbind "$place" "$root$place"; done
mount -t tmpfs -o mode=755 tmpfs "$root/run"
for place in "${TMPDIR:-/tmp}" "$checkout" /etc/resolv.conf /etc/hosts; do lend "$place"; done
# What tests keep for the Python they ran with is not for that of the root.
mkdir -p "$checkout/.build/prepared"
mount -t tmpfs tmpfs "$root$checkout/.build/prepared"
pip_paths | sort -u | while IFS= read -r path; do
    # The files of an index lie beside its pages.
    path=${path%/simple}
    case $path in "$checkout"/*) ;; *) [ ! -e "$path" ] || lend "$path" ;; esac
done

from=$PWD
cd "$root"
pivot_root . mnt
umount --lazy /mnt
cd "$from"
exec "$@"
