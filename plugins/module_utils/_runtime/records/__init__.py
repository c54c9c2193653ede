# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state on disk. This text is its format; ``base/layout.py`` has the paths as code.

Everything is plain files: JSON that ``cat`` shows, directories, symbolic links. All directories are
0700 and all files 0600, root's, whatever the umask. ``meta.json`` holds the schema version, 1; a
program that meets a higher one refuses to work.

Survives a reboot::

    /var/lib/slipway/
      meta.json                   {"version": 1}, written last when an installation is prepared
      images/                     OCI image layout: oci-layout, index.json, blobs/sha256/HEX
      layers/HEX/                 one unpacked layer by chain id: diff/, layer.json
      containers/ID/              spec.json      what was asked for; written once
                                  image.json     the defaults its image had; written once
                                  record.json    what became of it; at every change of state
                                  upper/ work/   overlayfs: what it changed of its image
                                  log            what it wrote; log.1 ... once rotated
                                  lock watch     files to hold a flock on
      names/NAME                  symbolic link to the ID of the container with that name
      networks/ID/                network.json; leases/ADDRESS, links to a container's ID
      volumes/NAME/               volume.json, lock, _data/ (its mode and owner are the users')
      build/                      what builds keep: steps/, made/ and outputs/ (notes by digest),
                                  mounts/HEX/ (cache mounts), contexts/HEX/ (list, tree, lock)
      creations/ID.json           journal: a container being created or removed
      collect                     journal: an image was given up, its content is to go
      swaps/NAME.json             journal: a container being replaced
      ingest/HEX.part             downloads that can be resumed
      apparmor/                   the profile of containers; cache/, as it was compiled
      program/                    HEX.pyz, the program; current, a link to the one in use; the
                                  collection's Python, compiled
      locks/KIND.NAME             files to hold a flock on
      tmp/ trash/                 half made, half removed: PREFIX-PID-RANDOM
      quarantine/                 reserved

Lost at a reboot, and made again from the above::

    /run/slipway/
      containers/ID/              one run: config.json, rootfs/, mounts/, shm/, hosts, resolv.conf,
                                  conmon's attach, ctl, pid and conmon.pid; exit.GENERATION/;
                                  health.json; frozen; proxied
      events/TIME-PID-TOKEN       what was done to containers and is in no record (notes.py)
      starting/ID                 claims: PID and start time of the process that is starting it
      firewall                    the marker of the table that was applied last
      dns/ names.json             what aardvark-dns serves, and who serves it
      watch.fifo watch.lock       the watcher
      progress/progress-PID-TOKEN how far a task is that was asked to tell; gone at its end
      runtime*.json               which OCI runtime serves this host; runtime-NAME/ is its own state

Belongs to the administrator: ``/etc/slipway/auth.json`` (logins; registry_login changes it in
place) and ``registries.json`` (never written here).

Who writes what. Tasks and the program write containers, networks, volumes, images and logins.
conmon writes the log and exit.GENERATION; the program it calls at an exit writes record.json. The
watcher writes health.json and proxied and rotates logs. Nothing else writes.

How. A file is written beside its place, fsynced and renamed, and its directory is fsynced
(``files.write_atomic``); what only lives until the next boot is not fsynced. A directory is filled
in tmp/ and renamed to its name (``files.publish``), and renamed to trash/ before it is removed
(``files.discard``). So a reader meets the old state or the new one, and what lies in tmp/ or trash/
without its process is garbage, which the next task sweeps away. Uniqueness is a name that can be
made once: a link in names/ or leases/, a directory. Nothing is counted; who uses a layer, a volume
or a network is derived from all records each time.

Locks are flock on files that live as long as what they protect, with a deadline and an error that
names the holder. They are taken in this order, and never held while a container runs:

 1. the declared object, by converge: ``container-name.NAME``, ``image.NAME``, ``volume-name.NAME``,
    ``network.all``, ``registry.DOMAIN`` ...
 2. ``swap.NAME``, a replacement under way
 3. ``containers/ID/lock``
 4. ``network.all``, if not held yet: leases and attachments
 5. ``firewall.table``, then ``firewall.ports``
 6. ``images.lease`` (shared by all who bring something in, exclusive to collect garbage), then
    ``layer.HEX`` or ``blob.HEX``, then ``images.index``; a volume's own lock

A record is changed only under its lock and after it was read again there. Readers take none.

Journals and recovery. A journal names its writer (pid, start time, boot id) and is on disk before
the first effect; whoever finds it without its writer finishes or undoes the work: the program
before any verb, the next task before its plan (resource/leftovers.py), and for swaps and frozen
containers a task that declares them, as the first step of its plan.

``creations/ID.json``
    names the anonymous volumes before they exist. Without its writer, the volumes and a container
    that was never started and has no name are removed. With ``removing`` it names those that go
    with the container, which is then removed as well, unless somebody has started it since.
``collect``
    is there from before an image leaves the index until blobs and layers were collected.
``swaps/NAME.json``
    names the old and the new container. One more write sets ``committed``: before it, recovery
    restores the old container; after it, the new one stays and the rest of the old is removed.
    With ``beside`` both run meanwhile, and ``standby`` in a record.json says that ports and names
    lead to the other; they are turned before ``committed`` is set.
``volume.json``, ``phase``
    says whether the image's content is still being copied in; if so, the copy starts over.
``/run/slipway/containers/ID/frozen``
    names the process for which the container stands still; without it, it is unfrozen. A guard of
    that process does so at once; the file is for when that was killed too.
``record.json``, ``leaving``
    what a running container had on networks that it leaves; the next task completes the change.

After a reboot the boot id in a record tells that its process is gone, whatever pid it names. A
damaged file is an error that names it: what runs is left alone, but what follows from all records
(rules, names, leases) is not changed until it is readable. ``journal`` and the records' modules
read and write this format; ``lifecycle`` acts on it.
"""
