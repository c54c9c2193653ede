# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flags of docker run and podman run that nothing here stands for: understood, left out, named."""

from __future__ import annotations

from ...line.verbs import INT, LIST, STRING, SWITCH, Flag

#: Flags that mean nothing to a declaration, and why they are not missed.
WITHOUT_MEANING = {
    "attach": "nobody is attached to a container that a play starts",
    "cidfile": "a container is known by its name",
    "disable-content-trust": "signatures are asked for by the option require_signature",
    "quiet": "a play shows no progress",
    "sig-proxy": "nobody is attached to a container that a play starts",
    "detach-keys": "nobody is attached to a container that a play starts",
    # podman's
    "replace": "a task replaces a container that differs",
    "conmon-pidfile": "a container is known by its name",
    "pidfile": "a container is known by its name",
    "pod-id-file": "a container is known by its name",
    "noheading": "a play shows no progress",
    "image-volume": "volumes of the image are made",
    "http-proxy": "no variables of a proxy are passed on here",
    "sdnotify": "containers are not units of systemd here",
    "tls-verify": "it is set for each registry in registries.conf",
    "authfile": "the module registry_login logs in",
    "creds": "the module registry_login logs in",
    "cert-dir": "it is set for each registry in /etc/containers/certs.d",
}

#: podman's words for when an image is pulled, and ours.
PULL = {"newer": "always", "true": "always", "false": "missing"}

#: Flags of podman run that docker run has not, or not with these values.
PODMANS = (
    Flag("pull", "", STRING, default="missing", choices=("always", "missing", "never", *PULL)),
    *(Flag(name, "", SWITCH) for name in (
        "env-host", "http-proxy", "no-hostname", "no-hosts", "noheading", "passwd",
        "read-only-tmpfs", "replace", "rmi", "rootfs", "tls-verify", "unsetenv-all",
    )),
    *(Flag(name, "", STRING) for name in (
        "arch", "authfile", "cert-dir", "cgroup-conf", "cgroups", "chrootdirs", "conmon-pidfile",
        "creds", "decryption-key", "group-entry", "health-log-destination", "health-on-failure",
        "health-startup-cmd", "health-startup-interval", "health-startup-retries",
        "health-startup-success", "health-startup-timeout", "hosts-file", "hostuser",
        "image-volume", "init-ctr", "init-path", "os", "passwd-entry", "personality", "pidfile",
        "pod", "pod-id-file", "preserve-fds", "rdt-class", "retry-delay", "sdnotify",
        "seccomp-policy", "shm-size-systemd", "subgidname", "subuidname", "timezone", "tz",
        "umask", "variant",
    )),
    *(Flag(name, "", LIST) for name in (
        "env-merge", "gidmap", "requires", "secret", "uidmap", "unsetenv",
    )),
    *(Flag(name, "", INT) for name in (
        "health-max-log-count", "health-max-log-size", "retry", "timeout",
    )),
)  # fmt: skip
