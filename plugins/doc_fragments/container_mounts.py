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
        created if it does not exist. Without a source an anonymous volume is created.
      - The mode is V(ro) or V(rw), V(z) or V(Z), V(nocopy), or a propagation such as V(rslave),
        joined by commas.
      - A path that does not exist on the host becomes a directory. With O(mounts) that is an error,
        and so is a missing path whose name ends in C(.sock), since a directory of that name would
        keep the service from making its socket. O(mounts[].create_mountpoint) makes one even so.
      - V(z) and V(Z) relabel the source if SELinux is enabled, and have no effect otherwise.
        V(cached), V(consistent) and V(delegated) are accepted, but have no effect on Linux.
      - O(volumes), O(mounts) and O(tmpfs) are compared together, whichever of them is used. Use
        C(volumes) in O(comparisons).
    type: list
    elements: str
  mounts:
    description:
      - The same as O(volumes) and O(tmpfs), with more settings for each.
    type: list
    elements: dict
    suboptions:
      target:
        description: Path inside the container.
        type: str
        required: true
      source:
        description:
          - The name of a volume, a path on the host, or the name of an image.
          - Without it, an anonymous volume is created.
        type: str
      type:
        description:
          - V(bind) is a file or directory on the host, V(volume) a volume, V(tmpfs) memory,
            V(image) the content of an image, which is never written to.
          - V(npipe) and V(cluster) are not supported.
        type: str
        default: volume
        choices: [bind, cluster, image, npipe, tmpfs, volume]
      read_only:
        description: Whether the container can only read it.
        type: bool
      consistency:
        description: Accepted, but has no effect on Linux.
        type: str
        choices: [cached, consistent, default, delegated]
      propagation:
        description: Mount propagation between the source and the container.
        type: str
        choices: [private, rprivate, shared, rshared, slave, rslave]
      create_mountpoint:
        description: Create a missing source of a bind mount as a directory.
        type: bool
      non_recursive:
        description: Exclude mounts below the source.
        type: bool
      read_only_non_recursive:
        description: Keep mounts below a read-only source writable.
        type: bool
      read_only_force_recursive:
        description:
          - Fail if the kernel cannot make mounts below the source read-only too.
          - Without it, that is done if the kernel supports it, from Linux 5.12 on.
        type: bool
      no_copy:
        description: Do not copy the image's content at the target into a new volume.
        type: bool
      labels:
        description: Labels of the volume, if it is created.
        type: dict
      volume_driver:
        description: The driver of the volume. The only one is V(local).
        type: str
      volume_options:
        description: Driver options of the volume, if it is created, as in M(slipway.engine.volume).
        type: dict
      subpath:
        description:
          - The path of a file or directory in a volume or an image to mount instead of all of it.
            It must exist.
        type: str
      tmpfs_size:
        description: The maximum size of a tmpfs, such as V(64m). The default is half of the memory.
        type: str
      tmpfs_mode:
        description: The permissions of a tmpfs as an octal number in quotes. The default is
          V("1777").
        type: str
      tmpfs_options:
        description:
          - More mount options of a tmpfs, each a dictionary of its name and value, or of its name
            and nothing if it has no value.
        type: list
        elements: dict
  tmpfs:
    description:
      - Tmpfs mounts, each C(TARGET[:OPTION,...]) with options of mount(8) such as C(size=64m),
        C(mode=0750) and C(exec). The defaults are C(noexec), C(nosuid) and C(nodev).
    type: list
    elements: str
  secrets:
    description:
      - Files that only this container has, in memory and read-only, with what nobody else is to
        know.
      - The values are never shown, neither by the task nor in diffs and results, and are not in an
        image that is committed from the container. A changed value recreates the container.
      - The host keeps them in the record of the container, which only root may read, so that the
        container starts again after a reboot.
    type: list
    elements: dict
    version_added: 0.3.0
    suboptions:
      name:
        description: The name of the file.
        type: str
        required: true
      content:
        description: What is in it.
        type: str
        required: true
      content_is_b64:
        description: Whether O(secrets[].content) is base64, for what is not text.
        type: bool
      target:
        description:
          - Where it is, a path below C(/run/secrets) or an absolute one. The name by default.
        type: str
      mode:
        description: Its permissions in octal, V('0400') by default.
        type: raw
      uid:
        description: The number of the user who owns it, V(0) by default.
        type: int
      gid:
        description: The number of the group that owns it, V(0) by default.
        type: int
  configs:
    description:
      - Files that only this container has, in memory and read-only, such as its configuration. A
        changed file recreates the container, and one that is rolled back has its former file.
    type: list
    elements: dict
    version_added: 0.3.0
    suboptions:
      name:
        description: The name of the file.
        type: str
        required: true
      content:
        description: What is in it. Diffs show it.
        type: str
        required: true
      content_is_b64:
        description: Whether O(configs[].content) is base64, for what is not text.
        type: bool
      target:
        description:
          - Where it is, an absolute path or one below C(/). The name by default.
        type: str
      mode:
        description: Its permissions in octal, V('0444') by default.
        type: raw
      uid:
        description: The number of the user who owns it, V(0) by default.
        type: int
      gid:
        description: The number of the group that owns it, V(0) by default.
        type: int
  volumes_from:
    description:
      - Containers whose mounts are used here too, each C(NAME[:ro]).
      - Their mounts are resolved when the container is created.
    type: list
    elements: str
  volume_driver:
    description:
      - Driver of volumes that are created with the container. The only one is V(local); another
        one is an error if the container has volumes.
    type: str
"""
