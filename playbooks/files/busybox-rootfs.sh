# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# shellcheck shell=sh
# Write a root filesystem around the static busybox, as a tar archive: busybox-rootfs.sh BUSYBOX TAR
# The same busybox makes the same bytes, so a second run imports the same image.
set -eu
busybox=$1 archive=$2
umask 022
tree=$(mktemp -d)
trap 'rm -rf "$tree" "$archive.new"' EXIT
cd "$tree"
mkdir -p bin dev etc home proc root run srv sys tmp usr/bin var/log var/tmp
chmod 1777 tmp var/tmp
cp "$busybox" bin/busybox
chmod 755 bin/busybox
for applet in $(bin/busybox --list); do
    [ "$applet" = busybox ] || ln -s busybox "bin/$applet"
done
ln -s ../../bin/busybox usr/bin/env
printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534:nobody:/:/bin/false >etc/passwd
printf '%s\n' root:x:0: nogroup:x:65534: >etc/group
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$archive.new" -- *
mv "$archive.new" "$archive"
