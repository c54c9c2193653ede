# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making a guest: a release of Debian on a disk, with its own kernel, as an installer leaves it.

Everything comes through the apt this machine is set up with. The initrd is ours, 2.5 MB: the one
the kernel's package makes takes longest of all to boot.
"""

from __future__ import annotations

import lzma
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.guest import USER, Guest, do

PACKAGES = (
    "openssh-server python3 sudo iproute2 kmod udev e2fsprogs apparmor ca-certificates curl procps"
    " netbase busybox-static"
)
#: What makes an init, by its name. Without systemd something else makes users of packages.
INITS = {
    "systemd": "systemd-sysv systemd dbus libpam-systemd",
    "sysvinit": "sysvinit-core ifupdown cron systemd-standalone-sysusers",
    "openrc": "openrc sysvinit-core ifupdown systemd-standalone-sysusers",
}
_NETWORKD = """\
[Match]
Name=eth0
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
"""
_IFUPDOWN = """\
auto lo eth0
iface lo inet loopback
iface eth0 inet static
 address 10.0.2.15/24
 gateway 10.0.2.2
"""
#: What would wake up in the middle of a test.
_MASKED = (
    "apt-daily.timer apt-daily-upgrade.timer e2scrub_reap.service e2scrub_all.timer fstrim.timer"
)
#: Debian's policy, and what loads it and labels files by it.
_SELINUX = "selinux-policy-default selinux-utils policycoreutils"
_MODULES = "virtio_pci virtio_blk virtio_net virtio_rng ext4"
_INIT = b"""#!/bin/busybox sh
busybox mount -t devtmpfs dev /dev
while read -r module; do busybox insmod "/$module"; done </order
until [ -b /dev/vda ]; do busybox usleep 10000; done
busybox mount -t ext4 /dev/vda /root
busybox mount -o move /dev /root/dev
exec busybox switch_root /root /sbin/init
"""


@dataclass(frozen=True)
class Kind:
    """What a guest is made of; ``append`` is added to its kernel's command line, ``packages`` to
    the bare installation.
    """

    release: str = "bookworm"
    init: str = "systemd"
    append: str = ""
    packages: str = ""
    kernel: str = "linux-image-cloud-amd64"
    size: str = "4G"

    @classmethod
    def named(cls, text: str) -> Kind:
        """The kind a user names: ``RELEASE[+openrc|+sysvinit][+v1][+selinux]``."""
        release, *traits = text.split("+")
        init, append, packages = "systemd", "", ""
        for trait in traits:
            if trait in INITS:
                init = trait
            elif trait == "v1":
                append = "systemd.unified_cgroup_hierarchy=0"
            elif trait == "selinux":
                append, packages = "security=selinux enforcing=1", _SELINUX
            else:
                raise ValueError(f"{trait!r} is none of {', '.join(INITS)}, v1, selinux")
        return cls(release, init, append, packages)


def make(guest: Guest, kind: Kind) -> None:
    """Bootstrap it; a make that was interrupted begins again."""
    if (guest.directory / "disk.qcow2").exists():
        return
    shutil.rmtree(guest.directory, ignore_errors=True)
    root = guest.directory / "root"
    guest.directory.mkdir(parents=True)
    argv = ["nice", "-n", "5", "debootstrap", "--variant=minbase"]
    do([*argv, "--include=ca-certificates", kind.release, root, _mirror()])
    do(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", guest.directory / "key"])
    # debootstrap knows neither alternatives, such as what may make users in systemd's place, nor
    # conflicts, such as that of openrc and sysv-rc.
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    install = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "--yes"]
    install += ["--no-install-recommends", "install"]
    _within(root, *install, *f"{PACKAGES} {INITS[kind.init]} {kind.packages}".split())
    policy.unlink()
    _kernel(guest.directory, root, kind.kernel)
    _settle(root, kind.init, (guest.directory / "key.pub").read_text())
    if _SELINUX in kind.packages:
        _label(root)
    do(["mke2fs", "-q", "-t", "ext4", "-d", root, guest.directory / "base.raw", kind.size])
    shutil.rmtree(root)
    (guest.directory / "append").write_text(kind.append)
    image = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "base.raw"]
    do([*image, guest.directory / "disk.qcow2"])


def _mirror() -> str:
    """Where apt has Debian's packages from here."""
    known = do(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"])
    return next(uri for uri in known.split() if uri.rstrip("/").endswith("/debian"))


def _within(root: Path, *argv: str) -> str:
    return do(["chroot", root, *argv])


def _settle(root: Path, init: str, key: str) -> None:
    """What an installer would have asked for: a name, a user who may use sudo, the network."""
    texts = {
        "hostname": "lab\n",
        "hosts": "127.0.0.1 localhost lab\n::1 localhost\n",
        "fstab": "/dev/vda / ext4 errors=remount-ro 0 1\n",
        "resolv.conf": "nameserver 10.0.2.3\n",
        f"sudoers.d/{USER}": f"{USER} ALL=(ALL) NOPASSWD: ALL\n",
    }
    if init == "sysvinit":
        # Nothing else mounts them there, as the role's complaint says.
        texts["fstab"] += "cgroup2 /sys/fs/cgroup cgroup2 nsdelegate 0 0\n"
    if init == "systemd":
        texts["systemd/network/eth0.network"] = _NETWORKD
    else:
        texts["network/interfaces"] = _IFUPDOWN
    for name, text in texts.items():
        place = root / "etc" / name
        # It may be a link to somewhere on this machine.
        place.unlink(missing_ok=True)
        place.write_text(text)
    _within(root, "useradd", "--create-home", "--shell", "/bin/bash", USER)
    home = root / "home" / USER / ".ssh"
    home.mkdir(mode=0o700)
    (home / "authorized_keys").write_text(key)
    _within(root, "chown", "-R", f"{USER}:", f"/home/{USER}/.ssh")
    if init == "systemd":
        _within(root, "systemctl", "--quiet", "enable", "systemd-networkd", "ssh")
        _within(root, "systemctl", "--quiet", "mask", *_MASKED.split())


def _label(root: Path) -> None:
    """Give all files the labels that the policy has for them, and have it enforced at the boot."""
    config = root / "etc/selinux/config"
    config.write_text("SELINUX=enforcing\nSELINUXTYPE=default\n")
    contexts = "/etc/selinux/default/contexts/files/file_contexts"
    _within(root, "setfiles", "-F", contexts, "/")


def _kernel(directory: Path, root: Path, package: str) -> None:
    """Install the release's own kernel, and keep it and an initrd beside the disk."""
    depends = _within(root, "apt-cache", "depends", package)
    real = re.findall(r"^ *Depends: (\S+)", depends, re.MULTILINE)[0]
    _within(root, "sh", "-ec", 'cd /tmp && exec apt-get -q download "$0"', real)
    (archive,) = (root / "tmp").glob("*.deb")
    # Not dpkg --extract, which would put a directory in the place of the link /lib.
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as files:
        argv = ["tar", "-x", "--keep-directory-symlink", "-C", str(root)]
        subprocess.run(argv, check=True, stdin=files.stdout)
    archive.unlink()
    _within(root, "apt-get", "clean")
    version = next((root / "lib/modules").iterdir()).name
    _within(root, "depmod", version)
    shutil.copy(root / f"boot/vmlinuz-{version}", directory / "vmlinuz")
    listed = _within(root, "modprobe", "-S", version, "-D", "-a", *_MODULES.split())
    modules = {}
    for line in listed.splitlines():
        if line.startswith("insmod "):
            path = root / line.split()[1].lstrip("/")
            data = path.read_bytes()
            modules[path.name] = lzma.decompress(data) if path.suffix == ".xz" else data
    entries = {
        **dict.fromkeys(("bin", "dev", "root"), b""),
        "bin/busybox": (root / "bin/busybox").read_bytes(),
        "init": _INIT,
        "order": "".join(f"{name}\n" for name in modules).encode(),
        **modules,
    }
    (directory / "initrd").write_bytes(cpio(entries))


def cpio(entries: dict[str, bytes]) -> bytes:
    """An archive (Documentation/driver-api/early-userspace/buffer-format.rst); what is empty is a
    directory. Pure.
    """
    made = bytearray()
    for number, (name, data) in enumerate([*entries.items(), ("TRAILER!!!", b"")], 1):
        mode = 0o100755 if data else 0o040755
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        made += b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        made += bytes(-len(made) % 4) + data + bytes(-len(data) % 4)
    return bytes(made)
