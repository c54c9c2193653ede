# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the module container about what is mounted."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by the module; its options are in the module's argument_spec."""

    DOCUMENTATION = r"""
options:
  volumes:
    description:
      - Volumes and directories of the host to mount, each C([SOURCE:]TARGET[:MODE]). An anonymous
        volume may have a mode too, as C(/data:ro).
      - A source with a slash is a path on the host, one without is the name of a volume, which is
        made
        when it does not exist. Without a source an anonymous volume is made.
      - The mode is V(ro) or V(rw), V(z) or V(Z), V(nocopy), or a propagation such as V(rslave),
        joined by commas.
      - A path that does not exist on the host becomes a directory. Use O(mounts) to have that as an
        error.
      - V(z) and V(Z) relabel what is mounted where SELinux is enabled, and do nothing elsewhere.
        V(cached), V(consistent) and V(delegated) are accepted and mean nothing on Linux.
      - What O(volumes), O(mounts) and O(tmpfs) say is compared as one, whichever of them says it.
        Use C(volumes) for it in O(comparisons).
    type: list
    elements: str
  mounts:
    description:
      - The same as O(volumes) and O(tmpfs), with more to say of each.
    type: list
    elements: dict
    suboptions:
      target:
        description: Path inside the container.
        type: str
        required: true
      source:
        description:
          - The name of a volume, a path of the host, or the name of an image.
          - Without it, an anonymous volume is made.
        type: str
      type:
        description:
          - V(bind) is a file or directory of the host, V(volume) a volume, V(tmpfs) memory,
            V(image) the content of an image, which is never written to.
          - V(npipe) and V(cluster) are refused.
        type: str
        default: volume
        choices: [bind, cluster, image, npipe, tmpfs, volume]
      read_only:
        description: Whether the container can only read it.
        type: bool
      consistency:
        description: Accepted, and without meaning on Linux.
        type: str
        choices: [cached, consistent, default, delegated]
      propagation:
        description: Whether mounts made later below the source are seen inside, and the other way.
        type: str
        choices: [private, rprivate, shared, rshared, slave, rslave]
      create_mountpoint:
        description: Whether a missing source of a bind mount becomes a directory.
        type: bool
      non_recursive:
        description: Leave out what is mounted below the source.
        type: bool
      read_only_non_recursive:
        description: Let what is mounted below the source be written to, with a read-only source.
        type: bool
      read_only_force_recursive:
        description:
          - Fail where the kernel cannot make what is mounted below the source read-only as well.
          - Without it, that is done where the kernel can, from Linux 5.12.
        type: bool
      no_copy:
        description: Do not copy what the image has at the target into a new volume.
        type: bool
      labels:
        description: Labels of the volume, if it is made.
        type: dict
      volume_driver:
        description: The driver of the volume. There is no other than V(local).
        type: str
      volume_options:
        description: Driver options of the volume, if it is made, as in M(slipway.engine.volume).
        type: dict
      subpath:
        description:
          - The path of a file or directory in a volume or an image, which is mounted in place of
            all of it. It must exist.
        type: str
      tmpfs_size:
        description: The size of a tmpfs at most, such as V(64m). Half of the memory otherwise.
        type: str
      tmpfs_mode:
        description: The permissions of a tmpfs as an octal number in quotes. V("1777") otherwise.
        type: str
      tmpfs_options:
        description:
          - More mount options of a tmpfs, each a dictionary from its name to its value, or to
            nothing where it has none.
        type: list
        elements: dict
  tmpfs:
    description:
      - Memory to mount, each C(TARGET[:OPTION,...]) with options of mount(8) such as C(size=64m),
        C(mode=0750) and C(exec). It has C(noexec), C(nosuid) and C(nodev) unless the options say
        otherwise.
    type: list
    elements: str
  volumes_from:
    description:
      - Containers whose volumes, directories and images are mounted here too, each C(NAME[:ro]).
      - What they mount is looked up when the container is made.
    type: list
    elements: str
  volume_driver:
    description:
      - Driver of the volumes that are made. There is no other than V(local).
    type: str
"""
