# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of a unit's [Container], podman-systemd.unit(5), and the flags of run that they are."""

from __future__ import annotations

from collections.abc import Mapping

#: Key -> flag, and whether its value is several words.
FLAGS: Mapping[str, tuple[str, bool]] = {
    "AddCapability": ("cap-add", True),
    "AddDevice": ("device", False),
    "AddHost": ("add-host", False),
    "Annotation": ("annotation", True),
    "CgroupsMode": ("cgroups", False),
    "DNS": ("dns", False),
    "DNSOption": ("dns-option", False),
    "DNSSearch": ("dns-search", False),
    "DropCapability": ("cap-drop", True),
    "Environment": ("env", True),
    "EnvironmentFile": ("env-file", False),
    "ExposeHostPort": ("expose", False),
    "GroupAdd": ("group-add", False),
    "HealthCmd": ("health-cmd", False),
    "HealthInterval": ("health-interval", False),
    "HealthOnFailure": ("health-on-failure", False),
    "HealthRetries": ("health-retries", False),
    "HealthStartPeriod": ("health-start-period", False),
    "HealthStartupCmd": ("health-startup-cmd", False),
    "HealthStartupInterval": ("health-startup-interval", False),
    "HealthStartupRetries": ("health-startup-retries", False),
    "HealthStartupSuccess": ("health-startup-success", False),
    "HealthStartupTimeout": ("health-startup-timeout", False),
    "HealthTimeout": ("health-timeout", False),
    "HostName": ("hostname", False),
    "IP": ("ip", False),
    "IP6": ("ip6", False),
    "Label": ("label", True),
    "LogDriver": ("log-driver", False),
    "LogOpt": ("log-opt", False),
    "Memory": ("memory", False),
    "Mount": ("mount", False),
    "Network": ("network", False),
    "NetworkAlias": ("network-alias", False),
    "PidsLimit": ("pids-limit", False),
    "Pod": ("pod", False),
    "PublishPort": ("publish", False),
    "Pull": ("pull", False),
    "SeccompProfile": ("security-opt", False),
    "Secret": ("secret", False),
    "SecurityLabelFileType": ("security-opt", False),
    "SecurityLabelLevel": ("security-opt", False),
    "SecurityLabelType": ("security-opt", False),
    "ShmSize": ("shm-size", False),
    "StopSignal": ("stop-signal", False),
    "StopTimeout": ("stop-timeout", False),
    "Sysctl": ("sysctl", True),
    "Timezone": ("tz", False),
    "Tmpfs": ("tmpfs", False),
    "Ulimit": ("ulimit", False),
    "UserNS": ("userns", False),
    "Volume": ("volume", False),
    "WorkingDir": ("workdir", False),
}

#: Keys that are true or false.
SWITCHES: Mapping[str, str] = {
    "EnvironmentHost": "env-host",
    "HttpProxy": "http-proxy",
    "NoNewPrivileges": "security-opt",
    "ReadOnly": "read-only",
    "ReadOnlyTmpfs": "read-only-tmpfs",
    "RunInit": "init",
    "SecurityLabelDisable": "security-opt",
}

#: What SELinux's keys are among the values of --security-opt.
LABELS: Mapping[str, str] = {
    "SecurityLabelFileType": "filetype",
    "SecurityLabelLevel": "level",
    "SecurityLabelType": "type",
}

#: podman's names for a network's options.
NETWORK_OPTIONS: Mapping[str, str] = {
    "mtu": "com.docker.network.driver.mtu",
    "mode": "macvlan_mode",
}

_WHY: Mapping[str, str] = {
    "AutoUpdate": "a play updates, see the option pull",
    "Notify": "containers are not units of systemd here",
    "ServiceName": "containers are not units of systemd here",
    "DefaultDependencies": "containers are not units of systemd here",
    "StartWithPod": "there are no pods here",
    "GlobalArgs": "they are about podman itself",
    "ContainersConfModule": "it is about podman itself",
    "Rootfs": "a container is of an image: import the tree by image_import",
    "SubUIDMap": "ids are not mapped here",
    "SubGIDMap": "ids are not mapped here",
    "UIDMap": "ids are not mapped here",
    "GIDMap": "ids are not mapped here",
    "RemapUsers": "ids are not mapped here",
    "RemapUid": "ids are not mapped here",
    "RemapGid": "ids are not mapped here",
}


def why(key: str) -> str:
    """Why a key is left out."""
    return _WHY.get(key, "nothing here stands for it")
