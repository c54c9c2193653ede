# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container in the shape of ``docker inspect`` (Docker Engine API v1.41, ContainerInspect). Pure.

Playbooks and templates written for community.docker read these keys. Keys without an equivalent are
omitted rather than guessed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Optional

from ...base.layout import Layout
from ...records import effective
from ...records.container_record import LIVE, UP, Record
from ...spec.container import (
    DEFAULT_NETWORK,
    ContainerSpec,
    Endpoint,
    ImageDefaults,
    Port,
    argv,
    command,
    endpoints,
    entrypoint,
)
from ...spec.network import Attachment, Publication
from ...spec.secrets import HIDDEN
from . import host_config, inspect_mounts

#: What Docker writes for a time that has not come.
NEVER = "0001-01-01T00:00:00Z"


def document(
    layout: Layout,
    spec: ContainerSpec,
    record: Record,
    image: ImageDefaults,
    platform: str = "linux",
) -> dict[str, Any]:
    """The inspect document. ``record`` is the truth (``lifecycle.current``), not merely what was
    written.
    """
    home = layout.container(record.id)
    process = argv(spec, image)
    attached = record.phase in LIVE
    return {
        "Id": record.id,
        "Created": record.created,
        "Path": process[0] if process else "",
        "Args": list(process[1:]),
        "State": _state(record),
        "Image": spec.image_id,
        "ResolvConfPath": str(home / "resolv.conf"),
        "HostnamePath": str(home / "hostname"),
        "HostsPath": str(home / "hosts"),
        "LogPath": str(home / "log") if spec.log_driver in ("", "local") else "",
        "Name": f"/{record.name}",
        "RestartCount": record.restart_count,
        "Driver": "overlay2",
        "Platform": platform,
        "HostConfig": _host_config(spec, record),
        "GraphDriver": _graph_driver(layout, record),
        "Mounts": [
            inspect_mounts.found(layout, mount) for mount in effective.mounts(spec, record, image)
        ],
        "Config": _config(spec, record, image),
        "NetworkSettings": _network_settings(spec, record, image, attached),
    }


def _state(record: Record) -> dict[str, Any]:
    restarting = record.phase == "restarting"
    return {
        "Status": record.phase,
        "Running": record.phase in UP,
        "Paused": record.phase == "paused",
        "Restarting": restarting,
        "OOMKilled": record.oom_killed,
        "Dead": False,
        "Pid": record.pid if record.phase in LIVE else 0,
        "ExitCode": record.exit_code,
        "Error": record.error,
        "StartedAt": record.started_at or NEVER,
        "FinishedAt": record.finished_at or NEVER,
    }


def _host_config(spec: ContainerSpec, record: Record) -> dict[str, Any]:
    return {
        **inspect_mounts.asked(spec.mounts),
        "VolumesFrom": list(spec.volumes_from) or None,
        "VolumeDriver": spec.volume_driver,
        "NetworkMode": spec.network_mode
        or (spec.networks[0].network if spec.networks else "default"),
        "PortBindings": _port_bindings(spec),
        "PublishAllPorts": spec.publish_all,
        "Dns": list(spec.dns_servers),
        "DnsSearch": list(spec.dns_search),
        "DnsOptions": list(spec.dns_options),
        "ExtraHosts": [f"{name}:{address}" for name, address in spec.extra_hosts.items()] or None,
        "Links": [_link(spec, link) for link in spec.links] or None,
        "RestartPolicy": {
            "Name": spec.restart_policy.name,
            "MaximumRetryCount": spec.restart_policy.maximum_retry_count,
        },
        "AutoRemove": spec.auto_remove,
        **host_config.security(spec),
        **host_config.resources(spec),
        **({"Systemd": spec.systemd} if spec.systemd else {}),
        "LogConfig": {"Type": spec.log_driver or "json-file", "Config": dict(spec.log_options)},
        "Runtime": record.runtime or spec.runtime,
    }


def _link(spec: ContainerSpec, link: str) -> str:
    """Docker shows a link as the paths of its two ends."""
    container, dummy, alias = link.partition(":")
    return f"/{container}:/{spec.name}/{alias}"


def _port_bindings(spec: ContainerSpec) -> dict[str, Any]:
    bindings: dict[str, Any] = {}
    for port in spec.ports:
        bindings.setdefault(f"{port.container_port}/{port.protocol}", []).append(
            {"HostIp": port.host_ip, "HostPort": _host_port(port)}
        )
    return bindings


def _host_port(port: Port) -> str:
    last = f"-{port.host_port_last}" if port.host_port_last else ""
    return f"{port.host_port}{last}" if port.host_port else ""


def _graph_driver(layout: Layout, record: Record) -> dict[str, Any]:
    home = layout.container(record.id)
    lowers = (str(layout.layer(chain_id) / "diff") for chain_id in reversed(record.layers))
    return {
        "Name": "overlay2",
        "Data": {
            "LowerDir": ":".join(lowers),
            "MergedDir": str(layout.run_container(record.id) / "rootfs"),
            "UpperDir": str(home / "upper"),
            "WorkDir": str(home / "work"),
        },
    }


def _healthcheck(spec: ContainerSpec, image: ImageDefaults) -> dict[str, Any]:
    """What the container or else its image says of it; Docker's defaults are not filled in."""
    layers = [check for check in (spec.healthcheck, image.healthcheck) if check is not None]
    if not layers:
        return {}
    names = {
        "Interval": "interval_s",
        "Timeout": "timeout_s",
        "StartPeriod": "start_period_s",
        "StartInterval": "start_interval_s",
    }
    shown: dict[str, Any] = {"Test": list(next((one.test for one in layers if one.test), ()))}
    for key, name in names.items():
        seconds = next((value for one in layers if (value := getattr(one, name))), 0.0)
        if seconds:
            shown[key] = round(seconds * 1e9)
    retries = next((one.retries for one in layers if one.retries), 0)
    return {"Healthcheck": {**shown, **({"Retries": retries} if retries else {})}}


def _environment(spec: ContainerSpec, image: ImageDefaults) -> dict[str, str]:
    """The declared variables; a secret one shows that it is there."""
    return {**image.env, **spec.env, **dict.fromkeys(spec.secret_env, HIDDEN)}


def _config(spec: ContainerSpec, record: Record, image: ImageDefaults) -> dict[str, Any]:
    return {
        "Hostname": spec.hostname or record.id[:12],
        "User": image.user if spec.user is None else spec.user,
        "Domainname": spec.domainname,
        **({"MacAddress": spec.mac_address} if spec.mac_address else {}),
        "Tty": spec.tty,
        "OpenStdin": spec.interactive,
        "StdinOnce": spec.stdin_once,
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
        "Env": [f"{name}={value}" for name, value in _environment(spec, image).items()],
        "Cmd": list(command(spec, image)) or None,
        "Image": spec.image,
        "Volumes": {path: {} for path in effective.anonymous_targets(spec, image, record.inherited)}
        or None,
        "WorkingDir": image.working_dir if spec.working_dir is None else spec.working_dir,
        "Entrypoint": list(entrypoint(spec, image)) or None,
        "Labels": {**image.labels, **spec.labels},
        "ExposedPorts": {port: {} for port in effective.exposed(spec, image)} or None,
        "StopSignal": effective.stop_signal(spec, record, image),
        # Podman's word.
        **({"SystemdMode": True} if record.systemd else {}),
        "StopTimeout": spec.stop_timeout_s,
        **_healthcheck(spec, image),
    }


def _network_settings(
    spec: ContainerSpec, record: Record, image: ImageDefaults, attached: bool
) -> dict[str, Any]:
    found = {attachment.network: attachment for attachment in record.attachments if attached}
    networks = {}
    for endpoint in endpoints(spec):
        attachment = next((a for a in found.values() if _named(a, endpoint.network)), None)
        name = endpoint.network if attachment is None else attachment.network
        networks[name] = {**_asked(record, endpoint), **_endpoint(record.id, attachment)}
    if spec.network_mode in ("host", "none") and not spec.unplugged:
        empty = _asked(record, Endpoint(spec.network_mode))
        networks = {spec.network_mode: {**empty, **_endpoint("", None)}}
    first = found.get(next(iter(found), ""))
    top = _endpoint(record.id, first)
    ports = published(record.publications, effective.exposed(spec, image)) if attached else {}
    # Docker repeats the addresses of the first network here; older templates read them.
    repeated = ("Gateway", "IPAddress", "IPPrefixLen", "IPv6Gateway", "MacAddress")
    return {
        "Ports": ports,
        **{key: top[key] for key in repeated},
        "GlobalIPv6Address": top["GlobalIPv6Address"],
        "GlobalIPv6PrefixLen": top["GlobalIPv6PrefixLen"],
        "Networks": networks,
    }


def _named(attachment: Attachment, network: str) -> bool:
    """Whether a container calls the network of an attachment so, by its name or its id."""
    return attachment.network == network or (
        len(network) > 3 and attachment.network_id.startswith(network)
    )


def _asked(record: Record, endpoint: Endpoint) -> dict[str, Any]:
    """What was asked of one network, and the names it gives the container there."""
    names = (record.name, *endpoint.aliases, record.id[:12])
    named = endpoint.network not in (DEFAULT_NETWORK, "host", "none")
    return {
        "IPAMConfig": _ipam(endpoint.ipv4_address, endpoint.ipv6_address),
        "Links": list(endpoint.links) or None,
        "Aliases": list(endpoint.aliases) or None,
        "DriverOpts": dict(endpoint.driver_opts) or None,
        "GwPriority": endpoint.gw_priority,
        "DNSNames": list(dict.fromkeys(names)) if named else None,
    }


def published(publications: Iterable[Publication], exposed: Iterable[str] = ()) -> dict[str, Any]:
    """Docker's Ports: a list of bindings for what is published, None for what is only exposed."""
    ports: dict[str, Any] = dict.fromkeys(exposed)
    for publication in publications:
        key = f"{publication.container_port}/{publication.protocol}"
        anywhere = "::" if ":" in publication.container_ip else "0.0.0.0"
        binding = {
            "HostIp": publication.host_ip or anywhere,
            "HostPort": str(publication.host_port),
        }
        ports[key] = [*(ports.get(key) or ()), binding]
    return ports


def _ipam(ipv4: str, ipv6: str) -> Optional[Mapping[str, str]]:
    asked = {"IPv4Address": ipv4, "IPv6Address": ipv6}
    return {key: value for key, value in asked.items() if value} or None


def _endpoint(container_id: str, attachment: Optional[Attachment]) -> dict[str, Any]:
    if attachment is None:
        return {
            "NetworkID": "",
            "EndpointID": "",
            "Gateway": "",
            "IPAddress": "",
            "IPPrefixLen": 0,
            "IPv6Gateway": "",
            "GlobalIPv6Address": "",
            "GlobalIPv6PrefixLen": 0,
            "MacAddress": "",
        }
    ipv4, dummy, prefix4 = attachment.ipv4_address.partition("/")
    ipv6, dummy, prefix6 = attachment.ipv6_address.partition("/")
    endpoint = hashlib.sha256(f"{container_id} {attachment.network_id}".encode())
    return {
        "NetworkID": attachment.network_id,
        "EndpointID": endpoint.hexdigest(),
        "Gateway": attachment.ipv4_gateway,
        "IPAddress": ipv4,
        "IPPrefixLen": int(prefix4 or 0),
        "IPv6Gateway": attachment.ipv6_gateway,
        "GlobalIPv6Address": ipv6,
        "GlobalIPv6PrefixLen": int(prefix6 or 0),
        "MacAddress": attachment.mac_address,
    }
