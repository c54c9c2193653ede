# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# shellcheck shell=sh
# debian-rootfs.sh ARCHIVE [RELEASE [PACKAGES [MIRROR [COMPONENTS [VARIANT]]]]]: write a root filesystem
# of Debian, or a distribution like it, to a tar archive. PACKAGES and COMPONENTS are lists with commas.
#
# The same packages make the same archive, byte for byte: what differs from one run to the next is
# removed or made equal, and nothing is newer than SOURCE_DATE_EPOCH, which is the date of the
# distribution's Release file unless it is set.
set -eu

archive=$1 release=${2:-bookworm} packages=${3:-} mirror=${4:-http://deb.debian.org/debian}
components=${5:-main} variant=${6:-minbase}
export LC_ALL=C.UTF-8 TZ=UTC

command -v debootstrap >/dev/null || { echo "$0: debootstrap is not installed" >&2; exit 1; }
work=$(mktemp -d "${TMPDIR:-/var/tmp}/debian-rootfs.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM
root=$work/root

# What is mounted in the root meanwhile is seen by nobody else, and ends with debootstrap.
unshare --mount --propagation private \
    debootstrap --variant="$variant" ${packages:+--include="$packages"} --components="$components" \
    "$release" "$root" "$mirror" >"$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    [ ! -e "$root/debootstrap/debootstrap.log" ] || tail -n 20 "$root/debootstrap/debootstrap.log" >&2
    exit 1
}

if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    dated=$(sed -n 's/^Date: //p' "$root"/var/lib/apt/lists/*Release | head -n 1)
    SOURCE_DATE_EPOCH=$(date -d "$dated" +%s)
fi

# What a running system makes anew.
rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* \
    "$root"/var/cache/ldconfig/aux-cache "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old \
    "$root"/var/log/bootstrap.log "$root"/var/log/dpkg.log "$root"/var/log/alternatives.log \
    "$root"/var/log/apt/* "$root"/var/lib/systemd/random-seed "$root"/var/lib/systemd/catalog/database \
    "$root"/etc/ssh/ssh_host_* "$root"/etc/*- "$root"/etc/.pwd.lock "$root"/tmp/*
find "$root/run" -mindepth 1 ! -path "$root/run/lock" -delete
find "$root/usr" -name __pycache__ -prune -exec rm -rf {} +
# Each container gets its own: systemd makes one where the file is empty.
rm -f "$root/var/lib/dbus/machine-id"
[ ! -e "$root/etc/machine-id" ] || : >"$root/etc/machine-id"
# These are those of the machine it was made on.
rm -f "$root/etc/hostname"
: >"$root/etc/resolv.conf"
# The day on which each password was last changed.
[ ! -e "$root/etc/shadow" ] ||
    sed -i -E "s/^([^:]*:[^:]*:)[0-9]*/\1$((SOURCE_DATE_EPOCH / 86400))/" "$root/etc/shadow"

mkdir -p "$(dirname "$archive")"
tar -C "$root" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --clamp-mtime --numeric-owner --format=posix \
    --pax-option='exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime' \
    --xattrs --xattrs-include='*' --one-file-system -cf "$archive.part" .
mv "$archive.part" "$archive"
