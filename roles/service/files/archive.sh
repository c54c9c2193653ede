#!/bin/sh
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# archive.sh save|load|check-save|check-load DIRECTORY ARCHIVE [running]: keep a directory in an archive, or make
# it equal to one. Says "changed" or "unchanged"; check-save and check-load only say it. With "running", a
# file may change while it is read.
#
# The same files make the same archive, byte for byte.
set -eu

verb=$1 directory=$2 archive=$3 mode=${4:-}
export LC_ALL=C

die() { echo "$*" >&2; exit 1; }

pack() {
    status=0
    tar -C "$directory" --sort=name --numeric-owner --format=posix --acls \
        --pax-option='exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime' \
        --xattrs --xattrs-include='user.*' --xattrs-include='security.capability' \
        --use-compress-program='gzip -n' -cf "$1" . || status=$?
    # 1: a file changed as it was read.
    [ "$status" = 0 ] || { [ "$status" = 1 ] && [ "$mode" = running ]; } ||
        die "tar could not pack $directory: status $status"
}

same() {
    [ -e "$archive" ] && [ -d "$directory" ] && pack - | cmp -s - "$archive"
}

tar --version 2>/dev/null | grep -q GNU || die "archives of volumes need GNU tar: install the package tar"
case $verb in
    check-*)
        if same; then echo unchanged; else echo changed; fi ;;
    save)
        [ -d "$directory" ] || die "there is no directory $directory"
        umask 077
        trap 'rm -f "$archive.part"' EXIT
        pack "$archive.part"
        if cmp -s "$archive.part" "$archive"; then echo unchanged; exit; fi
        sync "$archive.part"
        mv "$archive.part" "$archive"
        echo changed ;;
    load)
        # The whole archive is read before anything is removed.
        tar -tzf "$archive" >/dev/null || die "$archive is damaged, and nothing was changed"
        if same; then echo unchanged; exit; fi
        find "$directory" -xdev -mindepth 1 -delete
        tar -C "$directory" --numeric-owner --same-permissions --acls --xattrs --xattrs-include='user.*' \
            --xattrs-include='security.capability' -xzf "$archive"
        echo changed ;;
    *) die "unknown verb $verb" ;;
esac
