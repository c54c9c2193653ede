# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container was asked to be: the canonical, total ContainerSpec, and the values it is made
of.

Option forms of a playbook (``"127.0.0.1:8080:80/udp"``, ``"data:/srv:ro"``) are parsed into these
values once, at the edge; records, plans and comparisons know only the canonical form. What the
image contributes (its WORKDIR, its ENV) is a layer of its own, ImageDefaults, joined only when a
bundle is made, so an image's default never looks like drift.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Optional, Union

from ..base.errors import Error
from ..base.frozen import dataclass, field, replace


@dataclass(frozen=True)
class Port:
    """One published port. ``host_ip`` "" is every address of the host; ``host_port`` 0 lets us
    choose one, and with ``host_port_last`` one from ``host_port`` to that.
    """

    container_port: int
    protocol: str = "tcp"
    host_ip: str = ""
    host_port: int = 0
    host_port_last: int = 0


@dataclass(frozen=True)
class Mount:
    """One mount at ``target``, whichever option it was written in.

    ``kind`` and ``source``: ``bind`` a path of the host, ``volume`` a volume's name, ``anonymous``
    "", ``tmpfs`` "", ``image`` a normalised reference or an id.
    """

    kind: str
    source: str
    target: str
    read_only: bool = False
    propagation: str = "rprivate"
    #: SELinux relabelling asked for by :z or :Z; "" leaves labels alone.
    relabel: str = ""
    copy_up: bool = True
    #: Whether a missing source of a bind mount becomes a directory. How it is written (volumes do
    #: so but for the names of sockets, mounts do not) is not a difference between two running
    #: containers.
    create_source: bool = field(default=True, compare=False)
    #: Whether mounts below a bind's source are included.
    recursive: bool = True
    #: How far read_only reaches below a bind's target: "" as far as the kernel can, "no", "force".
    read_only_recursive: str = ""
    #: The part of a volume or image that is mounted, relative; "" is all of it.
    subpath: str = ""
    #: What a tmpfs is mounted with beside or against noexec, nosuid, nodev: size=BYTES, mode=OCTAL.
    options: tuple[str, ...] = ()
    #: What a volume is made with when it does not exist.
    driver_options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MemoryFile:
    """A file at ``target`` that a container alone has, in memory and read-only: a secret or a
    configuration. ``content`` is text, or base64 of what is not; ``mode`` are its permissions, and
    its owner is given by number.
    """

    target: str
    content: str = field(default="", repr=False)
    mode: int = 0o400
    uid: int = 0
    gid: int = 0
    is_base64: bool = False


#: Where a container's own control groups are. A mount of the host's there is a word of older
#: playbooks for systemd; it mounts nothing, and without read_only lets the container write its own.
CGROUPS = "/sys/fs/cgroup"


def is_socket(source: str) -> bool:
    """Whether a path is by its name that of a socket, such as /var/run/docker.sock."""
    return source.startswith("/") and source.endswith(".sock")


@dataclass(frozen=True)
class Endpoint:
    """A declared attachment to a network: what the playbook fixes, not what was allocated.

    ``links`` are ``CONTAINER:ALIAS``. The network with the highest ``gw_priority`` gives the
    default route.
    """

    network: str
    ipv4_address: str = ""
    ipv6_address: str = ""
    mac_address: str = ""
    aliases: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    gw_priority: int = 0
    driver_opts: Mapping[str, str] = field(default_factory=dict)
    #: Whether another than the container's own task asked for it: a network's ``connected``, or a
    #: command.
    connected: bool = False


@dataclass(frozen=True)
class RestartPolicy:
    """``no``, ``on-failure``, ``always`` or ``unless-stopped``; retries 0 is without limit."""

    name: str = "no"
    maximum_retry_count: int = 0


@dataclass(frozen=True)
class Ulimit:
    """One limit of setrlimit(2), named without RLIMIT_ and in lower case; -1 is without limit."""

    name: str
    soft: int
    hard: int


@dataclass(frozen=True)
class DeviceMapping:
    """A device of the host to be had inside; a directory stands for all devices in it."""

    source: str
    target: str
    #: Of the letters r, w and m (mknod).
    access: str = "rwm"


@dataclass(frozen=True)
class DeviceRate:
    """What may be read from or written to a block device in a second: bytes or operations."""

    path: str
    rate: int


@dataclass(frozen=True)
class Healthcheck:
    """A health check as it was asked for: what is empty or 0 is the image's, then Docker's default.

    ``test`` begins with CMD (arguments), CMD-SHELL (one line for /bin/sh -c) or is only NONE, which
    turns the image's check off.
    """

    test: tuple[str, ...] = ()
    interval_s: float = 0.0
    timeout_s: float = 0.0
    start_period_s: float = 0.0
    start_interval_s: float = 0.0
    retries: int = 0


_NO_RESTART = RestartPolicy()
#: Of /dev/shm, as with Docker: 64 MiB.
SHM_SIZE_BYTES = 1 << 26


def option(default: Any, *, live: Union[bool, frozenset[str]] = False, kind: str = "value") -> Any:
    """A field of ContainerSpec with what plans need to know of it.

    ``live``: a difference is applied to the container as it is; otherwise it needs a new one. A set
    has the values between which it is so.
    ``kind``: how ``allow_more_present`` compares it: ``value``, ``list`` (ordered), ``set`` or
    ``map``.
    """
    # It is called in the body of a dataclass, which pylint does not see from here.
    # pylint: disable-next=invalid-field-call
    return field(default=default, metadata={"live": live, "kind": kind})


@dataclass(frozen=True)
class ContainerSpec:
    """Everything that was asked for, total and canonical: no field is None unless None is its
    meaning.

    None in ``command``, ``entrypoint``, ``user``, ``working_dir``, ``stop_signal`` means "the
    image's". A new field gets the old behaviour as its default, so a newer library never sees drift
    in an older record.
    """

    name: str
    #: The normalised reference that was asked for, such as docker.io/library/busybox:1, or an image
    #: id.
    image: str
    #: The id (config digest) that reference meant when the container was made.
    image_id: str
    # --- the main process
    command: Optional[tuple[str, ...]] = option(None, kind="list")
    entrypoint: Optional[tuple[str, ...]] = option(None, kind="list")
    env: Mapping[str, str] = field(default_factory=dict, metadata={"live": False, "kind": "map"})
    #: More of them, whose values nobody is shown.
    secret_env: Mapping[str, str] = field(
        default_factory=dict, metadata={"live": False, "kind": "map"}, repr=False
    )
    labels: Mapping[str, str] = field(default_factory=dict, metadata={"live": False, "kind": "map"})
    hostname: str = option("")
    user: Optional[str] = option(None)
    working_dir: Optional[str] = option(None)
    stop_signal: Optional[str] = option(None, live=True)
    #: Seconds between the stop signal and SIGKILL.
    stop_timeout_s: int = option(10, live=True)
    tty: bool = option(False)
    #: Supplementary groups beside those the image gives the user, by name or number.
    groups: tuple[str, ...] = option((), kind="set")
    #: Whether a small init is process 1, which reaps and forwards signals.
    init: bool = option(False)
    #: Whether it gets what systemd needs: ``always``, ``false``, or "" when its command is systemd.
    systemd: str = option("")
    #: Whether standard input stays open for whoever attaches.
    interactive: bool = option(False)
    #: Whether that is over when the first of them leaves, as after ``slipway run -i``; no option of
    #: the module speaks of it.
    stdin_once: bool = option(False)
    domainname: str = option("")
    #: The OCI runtime by name or path; "" is the host's first that serves.
    runtime: str = option("")
    # --- ports
    ports: tuple[Port, ...] = option((), kind="set")
    #: Publish every exposed port that is not published by name, each on a free port of the host.
    publish_all: bool = option(False)
    #: ``80/tcp``: what the container listens on beside the image's own EXPOSE.
    exposed_ports: tuple[str, ...] = option((), kind="set")
    #: Who may use the published ports: () is everybody, else ``local``, ``lan`` or networks.
    publish_scope: tuple[str, ...] = option(())
    # --- mounts
    mounts: tuple[Mount, ...] = option((), kind="set")
    #: Files with what nobody else is to know, and files that say how its program is to work.
    secrets: tuple[MemoryFile, ...] = option((), kind="set")
    configs: tuple[MemoryFile, ...] = option((), kind="set")
    #: What makes the volumes that are made with it; "" is this engine, which alone can.
    volume_driver: str = option("")
    #: Containers whose mounts this one has too, each NAME or NAME:ro.
    volumes_from: tuple[str, ...] = option((), kind="set")
    # --- networks and names
    #: "" is a network mode of declared networks; otherwise host, none or container:NAME.
    network_mode: str = option("", live=frozenset(["", "none"]))
    networks: tuple[Endpoint, ...] = option((), live=True, kind="set")
    #: Whether it has the mode none because its networks were taken away; what is shown of it is no
    #: network then, as with Docker. No option of the module speaks of it.
    unplugged: bool = option(False)
    #: Of the first network, where that has none of its own.
    mac_address: str = option("", live=True)
    #: ``CONTAINER:ALIAS``, on the first network.
    links: tuple[str, ...] = option((), live=True, kind="set")
    #: Name servers, search domains and options for resolv.conf, in place of the host's.
    dns_servers: tuple[str, ...] = option((), kind="list")
    dns_search: tuple[str, ...] = option((), kind="list")
    dns_options: tuple[str, ...] = option((), kind="set")
    #: More names for the hosts file, with their addresses or ``host-gateway``.
    extra_hosts: Mapping[str, str] = field(
        default_factory=dict, metadata={"live": False, "kind": "map"}
    )
    # --- what it may do
    read_only: bool = option(False)
    privileged: bool = option(False)
    cap_add: tuple[str, ...] = option((), kind="set")
    cap_drop: tuple[str, ...] = option((), kind="set")
    security_opts: tuple[str, ...] = option((), kind="set")
    sysctls: Mapping[str, str] = field(
        default_factory=dict, metadata={"live": False, "kind": "map"}
    )
    # --- namespaces: "" is one of its own, as the engine makes them
    pid_mode: str = option("")
    ipc_mode: str = option("")
    uts_mode: str = option("")
    userns_mode: str = option("")
    cgroupns_mode: str = option("")
    # --- resources: 0 is without limit, unless something else is said
    memory_bytes: int = option(0, live=True)
    memory_reservation_bytes: int = option(0, live=True)
    #: Memory and swap together; 0 is twice the memory, -1 without limit.
    memory_swap_bytes: int = option(0, live=True)
    #: 0 to 100; -1 is the kernel's own.
    memory_swappiness: int = option(-1)
    nano_cpus: int = option(0, live=True)
    cpu_shares: int = option(0, live=True)
    cpu_period_us: int = option(0, live=True)
    cpu_quota_us: int = option(0, live=True)
    #: Canonical lists such as 0-2,5; "" is all of them.
    cpuset_cpus: str = option("", live=True)
    cpuset_mems: str = option("", live=True)
    pids_limit: int = option(0, live=True)
    blkio_weight: int = option(0, live=True)
    device_read_bps: tuple[DeviceRate, ...] = option((), kind="set")
    device_write_bps: tuple[DeviceRate, ...] = option((), kind="set")
    device_read_iops: tuple[DeviceRate, ...] = option((), kind="set")
    device_write_iops: tuple[DeviceRate, ...] = option((), kind="set")
    oom_kill_disable: bool = option(False)
    oom_score_adj: int = option(0)
    ulimits: tuple[Ulimit, ...] = option((), kind="set")
    shm_size_bytes: int = option(SHM_SIZE_BYTES)
    #: The cgroup below which the container's own is made; "" is the engine's.
    cgroup_parent: str = option("")
    devices: tuple[DeviceMapping, ...] = option((), kind="set")
    device_cgroup_rules: tuple[str, ...] = option((), kind="list")
    # --- when it is started again
    restart_policy: RestartPolicy = field(
        default=_NO_RESTART, metadata={"live": True, "kind": "value"}
    )
    #: json-file, local, journald or none; "" is json-file.
    log_driver: str = option("")
    log_options: Mapping[str, str] = field(
        default_factory=dict, metadata={"live": False, "kind": "map"}
    )
    #: Whether it is removed, with its anonymous volumes, when it has ended.
    auto_remove: bool = option(False, live=True)
    #: Paths of the host whose content is compared with what it was when the container started.
    restart_on_change: tuple[str, ...] = option((), live=True, kind="set")
    #: None is the image's.
    healthcheck: Optional[Healthcheck] = option(None, live=True)


#: The network of containers that declare none.
DEFAULT_NETWORK = "bridge"


def endpoints(spec: ContainerSpec) -> tuple[Endpoint, ...]:
    """What a container is to have on which network, the default one included; nothing in the
    network modes host, none and container:NAME.
    """
    if spec.network_mode:
        return ()
    first, *others = spec.networks or (Endpoint(DEFAULT_NETWORK),)
    first = replace(
        first,
        mac_address=first.mac_address or spec.mac_address,
        links=tuple(sorted({*first.links, *spec.links})),
    )
    return (first, *others)


def with_endpoint(spec: ContainerSpec, endpoint: Endpoint) -> ContainerSpec:
    """A spec with one more network, asked for by another than the container's own task. Raises
    Error where a container has no networks of its own.
    """
    endpoint = replace(endpoint, connected=True)
    if spec.network_mode not in ("", "none"):
        raise Error(
            f"container {spec.name} has the network mode {spec.network_mode}, so it cannot be "
            f"connected to the network {endpoint.network}",
            hint="only a container with its own network namespace can join networks",
        )
    if spec.network_mode:
        return replace(spec, network_mode="", networks=(endpoint,), unplugged=False)
    there = spec.networks or (Endpoint(DEFAULT_NETWORK),)
    return replace(spec, networks=(*there, endpoint))


def without_networks(spec: ContainerSpec, names: Collection[str]) -> ContainerSpec:
    """A spec without these networks; without any network it has the mode none."""
    if spec.network_mode:
        return spec
    there = spec.networks or (Endpoint(DEFAULT_NETWORK),)
    left = tuple(endpoint for endpoint in there if endpoint.network not in names)
    if left[:1] != there[:1]:
        # They were about the network that was the first one.
        spec = replace(spec, mac_address="", links=())
    mode = "" if left else "none"
    return replace(spec, networks=left, network_mode=mode, unplugged=not left)


@dataclass(frozen=True)
class ImageDefaults:
    """What an image's config says of the containers made from it (image-spec, config.md)."""

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    working_dir: str = ""
    stop_signal: str = ""
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    healthcheck: Optional[Healthcheck] = None


def argv(spec: ContainerSpec, image: ImageDefaults) -> tuple[str, ...]:
    """The process of the container."""
    return (*entrypoint(spec, image), *command(spec, image))


def entrypoint(spec: ContainerSpec, image: ImageDefaults) -> tuple[str, ...]:
    """The entrypoint of the container. One empty word stands for none, as in Docker's API."""
    if spec.entrypoint is None:
        return image.entrypoint
    return () if spec.entrypoint == ("",) else spec.entrypoint


def command(spec: ContainerSpec, image: ImageDefaults) -> tuple[str, ...]:
    """The command of the container. Docker's rule: an entrypoint of its own, one empty word too,
    drops the image's CMD; an empty list drops the image's entrypoint alone.
    """
    if spec.command is not None:
        return spec.command
    return () if spec.entrypoint else image.cmd
