# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What will keep a container from starting, as far as it can be seen before anything is touched.

A start finds the same by itself; but a container that is replaced or restarted does not run by
then. Only reads. The start remains the judge: what changes meanwhile, it meets.
"""

from __future__ import annotations

import contextlib
import os
import resource
import stat
from collections.abc import Iterator, Sequence
from typing import Callable, Optional

from ...base.errors import Error, NotFound
from ...base.layout import Layout
from ...image.store import layers, store
from ...kernel import safefs
from ...network import lease, port, synchronise
from ...plan.plan import Host
from ...records import container_record, effective, foreseen, network_record, running
from ...spec.container import ContainerSpec, Endpoint, ImageDefaults, Mount, argv, endpoints
from ...spec.network import Attachment, Network
from ...volume import store as volumes
from ..bundle import process, resources
from ..engine import cgroup_layout, oci_runtime
from ..files import private_mount
from ..option import logging
from ..option.mounts import check_made
from ..root import host_support, mount_sources, user

#: Addresses that stand for those a container will be given.
_SOME = {4: ("0.0.0.1/0", "0.0.0.2"), 6: ("::1/0", "::2")}
#: The content of these is not the image's.
_OWN = ("/dev", "/proc", "/sys")


def obstacles(
    host: Host, spec: ContainerSpec, image: Optional[store.Image], own_id: str = ""
) -> list[str]:
    """The reasons why a container would not start, each once; none if nothing is in the way.

    ``own_id`` is the container that it replaces, or is: what that one holds is free for it. With
    ``image``, its root will be that of the image, and what is in there is looked at too.
    """
    layout = host.layout
    checks: tuple[Callable[[], object], ...] = (
        lambda: oci_runtime.choose(layout, spec.runtime),
        lambda: logging.served(spec),
        lambda: host_support.init_program(spec),
        lambda: host_support.devices(spec),
        lambda: host_support.numbers(spec),
        lambda: _check_limits(spec),
        lambda: _check_sharing(host, spec, own_id),
        lambda: _check_addresses(layout, spec, own_id),
        lambda: _check_ports(host, spec, image, own_id),
        *((lambda mount=mount: _check_mount(host, spec, mount)) for mount in spec.mounts),
        lambda: _check_volumes(spec, image),
        lambda: _check_root(host, spec, image),
    )
    found = []
    for check in checks:
        try:
            check()
        except Error as exc:
            said = str(exc)
            found.append(said if spec.name in said else f"container {spec.name}: {said}")
    return list(dict.fromkeys(found))


def refuse(host: Host, spec: ContainerSpec, image: store.Image, own_id: str) -> None:
    """Raise Error for the obstacles of a container that is to take another one's place."""
    found = obstacles(host, spec, image, own_id)
    if found:
        raise Error("; ".join(found))


def unshared(
    host: Host,
    spec: ContainerSpec,
    image: Optional[store.Image],
    old_id: str,
    keep_volumes: bool,
    shares: bool,
) -> list[str]:
    """Why a container cannot run beside the one it replaces: one sentence in a list, or none.

    ``keep_volumes`` is whether it takes over anonymous volumes, ``shares`` whether both may write
    to what both mount.
    """
    from ..option import beside  # Few replacements are made in this way.

    layout = host.layout
    old = container_record.find_record(layout, old_id) if old_id else None
    if old is None:
        # An earlier task of a check-mode run would have made it.
        return []
    before = container_record.read_spec(layout, old_id)
    defaults = ImageDefaults() if image is None else store.defaults(image)
    carried: list[str] = []
    if keep_volumes:
        known = effective.anonymous_targets(before, container_record.read_image(layout, old_id))
        wanted = {os.path.normpath(path) for path in effective.anonymous_targets(spec, defaults)}
        carried = [path for path in known if os.path.normpath(path) in wanted]
    found = beside.clashes(spec, before, old.attachments, carried, shares)
    ports = effective.ports(spec, defaults)
    given = [_attachment(endpoint, network) for endpoint, network in _networks(layout, spec)]
    if ports and given:
        with contextlib.suppress(Error):  # Told by obstacles().
            found += [
                f"port {made.host_port}/{made.protocol} on {made.host_ip} is served by a process,"
                " which cannot be handed over"
                for made in synchronise.resolve(layout, old_id, ports, given)
                if made.proxied
            ]
    found += [
        f"container {name} runs in its network" for name in _in_its_network(layout, spec.name)
    ]
    if not found:
        return []
    writes = any("both would write" in text for text in found)
    hint = ""
    if writes:
        hint = (
            "set share_volumes: true (in a Compose file, order: start-first) if both may write at"
            " once, or "
        )
    return [
        f"container {spec.name}: update: start_first is not possible: {'; '.join(found)};"
        f" {hint}use update: stop_first"
    ]


def _in_its_network(layout: Layout, name: str) -> Iterator[str]:
    """The containers that run in the network namespace of another one: they stay in that."""
    for one in running.records(layout):
        if one.phase in container_record.LIVE:
            with contextlib.suppress(NotFound):
                if container_record.read_spec(layout, one.id).network_mode == f"container:{name}":
                    yield one.name


def _check_limits(spec: ContainerSpec) -> None:
    resources.resources(spec, host_support.lacking(spec, cgroup_layout.is_v2()))
    if "CAP_SYS_RESOURCE" in host_support.capabilities():
        return
    for limit in spec.ulimits:
        known = getattr(resource, f"RLIMIT_{limit.name.upper()}", None)
        most = resource.RLIM_INFINITY if known is None else resource.getrlimit(known)[1]
        if most != resource.RLIM_INFINITY and (limit.hard < 0 or limit.hard > most):
            raise Error(
                f"container {spec.name}: the limit {limit.name} is beyond the {most} that this host"
                " has and does not let anybody raise",
                hint="ask for less in the option ulimits",
            )


def _check_sharing(host: Host, spec: ContainerSpec, own_id: str) -> None:
    told = foreseen.told_containers(host)
    for mode in (spec.network_mode, spec.pid_mode, spec.ipc_mode):
        word, dummy, name = mode.partition(":")
        if word != "container":
            continue
        if told.get(name) is not None:
            return
        if own_id and container_record.identify(host.layout, name) == own_id:
            raise Error(f"container {spec.name}: it is to share the namespaces of itself")
    host_support.shared(host.layout, "", spec, cgroup_layout.is_v2())


def _networks(layout: Layout, spec: ContainerSpec) -> Iterator[tuple[Endpoint, Network]]:
    """The networks it is to join that are there; that one is missing is told elsewhere."""
    if spec.network_mode:
        return
    for endpoint in endpoints(spec) or (Endpoint(network_record.DEFAULT),):
        network = network_record.find(layout, endpoint.network)
        if network is not None:
            yield endpoint, network


def _check_addresses(layout: Layout, spec: ContainerSpec, own_id: str) -> None:
    for endpoint, network in _networks(layout, spec):
        held = lease.holders(layout, network.id)
        for address in filter(None, (endpoint.ipv4_address, endpoint.ipv6_address)):
            why = lease.misfit(address, network.spec.pools)
            holder = held.get(address, "")
            if not why and holder not in ("", own_id):
                name = holder[:12]
                with contextlib.suppress(NotFound):
                    name = container_record.read_record(layout, holder).name
                why = f"is taken by container {name}"
            if why:
                raise Error(f"the address {address} of the network {network.spec.name} {why}")


def _check_ports(
    host: Host, spec: ContainerSpec, image: Optional[store.Image], own_id: str
) -> None:
    defaults = ImageDefaults() if image is None else store.defaults(image)
    ports = effective.ports(spec, defaults)
    given = [_attachment(endpoint, network) for endpoint, network in _networks(host.layout, spec)]
    if ports and given:
        # What an earlier task of a check-mode run would have stopped holds nothing by then.
        exempt = {
            container_record.by_name(host.layout, name)
            for name, one in foreseen.told_containers(host).items()
            if (one is None or not one.running) and _is_there(host.layout, name)
        }
        for made in synchronise.resolve(
            host.layout, own_id, ports, given, exempt=exempt, scope=spec.publish_scope
        ):
            if port.awaits_link(made) and not port.has_link(made):
                host.warn(
                    f"container {spec.name}: port {made.host_port}/{made.protocol} is served on "
                    f"{made.host_ip} as soon as this host has that address"
                )


def _is_there(layout: Layout, name: str) -> bool:
    with contextlib.suppress(NotFound):
        return bool(container_record.by_name(layout, name))
    return False


def _attachment(endpoint: Endpoint, network: Network) -> Attachment:
    """What a container will be given on a network, as far as its ports ask."""
    spec = network.spec
    families = {6 if ":" in pool.subnet else 4 for pool in spec.pools} or {4}
    four, six = (_SOME[f] if f in families else ("", "") for f in (4, 6))
    return Attachment(
        network.id,
        spec.name,
        network.bridge,
        "",
        "",
        "",
        four[0],
        "" if spec.internal else four[1],
        six[0],
        "" if spec.internal else six[1],
        driver=spec.driver,
        host_ip=spec.driver_options.get(network_record.HOST_IP_OPTION, ""),
        gw_priority=endpoint.gw_priority,
    )


def _check_mount(host: Host, spec: ContainerSpec, mount: Mount) -> None:
    if mount.kind == "bind":
        if mount.create_source and not os.path.lexists(mount.source):
            above = os.path.dirname(mount.source)
            while not os.path.lexists(above):
                above = os.path.dirname(above)
            if not os.path.isdir(above):
                raise Error(
                    f"container {spec.name}: {mount.source} cannot be mounted at {mount.target}:"
                    f" {above} is not a directory"
                )
            return
        path = mount_sources.host_path(spec, mount)
        if mount.propagation in ("shared", "rshared"):
            mount_sources.check_shared(spec, mount, path)
    elif mount.kind == "volume" and mount.subpath:
        known = volumes.find(host.layout, mount.source)
        if known is not None and known.driver_options:
            return  # It holds what it holds once it is mounted.
        data = volumes.data(host.layout, mount.source)
        there = False
        if data.is_dir():
            with safefs.Root(data) as top:
                there = top.exists(mount.subpath)
        if not there:
            raise mount_sources.lacks_part(spec, mount)


def _check_volumes(spec: ContainerSpec, image: Optional[store.Image]) -> None:
    if image is not None and not spec.volumes_from:
        check_made(spec, effective.anonymous_targets(spec, store.defaults(image)))


def _check_root(host: Host, spec: ContainerSpec, image: Optional[store.Image]) -> None:
    """The user and the command, by the image's files, where nothing else will lie over them."""
    if image is None or not all(layers.is_unpacked(host.layout, c) for c in image.chain_ids):
        return
    defaults = store.defaults(image)
    covered = [m.target for m in spec.mounts] + list(defaults.volumes) + list(_OWN)
    if spec.volumes_from:
        return  # Nobody knows yet what lies over them.
    asked = defaults.user if spec.user is None else spec.user

    def look() -> None:
        with private_mount.of_image(host, image, spec.name) as root:
            if not any(_covers(path, "/etc/passwd", "/etc/group") for path in covered):
                user.resolve(root, asked or "", spec.groups)
            _check_command(root, spec, defaults, covered)

    # Of many containers that are alike, one is looked at; what is wrong is said of each.
    cwd = process.working_directory(spec, defaults)
    command = (argv(spec, defaults), spec.env.get("PATH"), cwd)
    host.once(("root", image.id, asked, spec.groups, command, tuple(covered)), look)


def _covers(path: str, *places: str) -> bool:
    top = os.path.normpath(path)
    return any(place == top or place.startswith(top.rstrip("/") + "/") for place in places)


def _check_command(
    root: safefs.Root, spec: ContainerSpec, image: ImageDefaults, covered: Sequence[str]
) -> None:
    words = argv(spec, image)
    if not words or not words[0]:
        return
    name = words[0]
    cwd = process.working_directory(spec, image)
    if "/" in name:
        tried = [os.path.normpath(os.path.join(cwd, name))]
    else:
        search = spec.env.get("PATH", image.env.get("PATH", process.PATH))
        tried = [os.path.normpath(os.path.join(cwd, place, name)) for place in search.split(":")]
    refused = ""
    for path in tried:
        if any(_covers(top, path) for top in covered):
            return
        with contextlib.suppress(NotFound):
            found = root.stat(path)
            if stat.S_ISREG(found.st_mode) and found.st_mode & 0o111:
                return
            refused = "may not be executed"
        # A link may lead to what is mounted later, and so may a directory above it.
        if root.exists(path, follow=False) and not refused:
            return
        if any(_covers(top, _ends(root, path)) for top in covered):
            return
    what = f'container {spec.name}: the command "{name}"'
    if refused:
        raise Error(f"{what} {refused}", hint="its file has no execute permission")
    raise Error(f"{what} is not in the image", hint="name a program that is")


def _ends(root: safefs.Root, path: str) -> str:
    """Where a path's directory really is within the root, as far as it is there."""
    head, tail = os.path.split(path)
    while True:
        try:
            fd = root.open(head, os.O_PATH)
        except NotFound:
            head, more = os.path.split(head)
            tail = os.path.join(more, tail)
            continue
        except Error:
            return path
        try:
            top, found = (os.readlink(f"/proc/self/fd/{number}") for number in (root.fd, fd))
        finally:
            os.close(fd)
        return os.path.normpath(f"/{os.path.relpath(found, top)}/{tail}")
