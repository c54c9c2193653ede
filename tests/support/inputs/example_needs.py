# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the examples of the documentation find on a host, and what their variables are.

An example that is not named here runs on a host that has nothing but the registries.
"""

from __future__ import annotations

from typing import Any

WEB = "slipway run -d --name web --volume site:/srv registry.example.com/web:1.4"
DB = "slipway run -d --name db registry.example.com/app:2 serve-database"
SHOP = """
slipway pull registry.example.com/web:1.4
slipway tag registry.example.com/web:1.4 shop/web:7
slipway tag registry.example.com/web:1.4 registry.example.org:5000/shop/web:7
slipway tag registry.example.com/web:1.4 registry.example.org:5000/shop/db:3
"""
PUSHED = f"{SHOP}\nslipway push registry.example.org:5000/shop/web:7"
KEYS = "cd project; COSIGN_PASSWORD=horse slipway trust key generate {}"
SIGNED = """
cd project
export COSIGN_PASSWORD=horse
slipway trust key generate {0}
slipway trust sign --key {0}.key registry.example.org:5000/shop/web:7
slipway rmi registry.example.org:5000/shop/web:7
"""
CONTEXT = """
mkdir -p /srv/shop
cat >/srv/shop/Dockerfile <<'DOCKERFILE'
FROM registry.example.com/web:1.4 AS assets
ARG VERSION
RUN echo "$VERSION" >/srv/version
FROM registry.example.com/web:1.4 AS tests
RUN --mount=type=secret,id=netrc cat /run/secrets/netrc >/dev/null
FROM registry.example.com/web:1.4
COPY --from=assets /srv/version /srv/version
DOCKERFILE
"""
ROOTFS = "mkdir -p /srv/images; slipway export -o /srv/images/rootfs.tar web"
#: Its init is not systemd, and so is nobody's machine; but it runs.
MACHINE = """
mkdir machine
cat >machine/Dockerfile <<'DOCKERFILE'
FROM registry.example.com/web:1.4
RUN mkdir -p /sbin && printf '#!/bin/sh\\nexec sleep 1000\\n' >/sbin/init && chmod 755 /sbin/init
DOCKERFILE
slipway build -t debian-systemd:bookworm machine
"""
SITE = "mkdir -p project/site; echo hello >project/site/index.html"
NETWORK = "slipway network create {}"

COMPOSED = """
mkdir -p /srv/shop
cat >/srv/shop/compose.yaml <<'COMPOSE'
services:
  db:
    image: registry.example.com/app:2
    command: serve-database
    volumes: [data:/srv]
  web:
    image: registry.example.com/app:2
    command: serve-app
    depends_on: [db]
volumes:
  data:
COMPOSE
"""

COMPOSED_UP = f"{COMPOSED}\ncd /srv/shop; slipway compose up -d"

DATA = "slipway run -d --name db --volume data:/srv registry.example.com/app:2 serve-database"

#: Lines of a shell, run in an empty directory. ``project`` there is the playbook's, and what
#: is written to /etc and /srv is gone after the example.
NEEDS = {
    "commit": WEB,
    "compose": COMPOSED,
    "compose-1": COMPOSED,
    "compose-3": COMPOSED_UP,
    "compose-sh-1": COMPOSED,
    "compose_exec": COMPOSED_UP,
    "compose_pull": COMPOSED,
    "compose_run": COMPOSED,
    "container": f"{NETWORK.format('backend')}; mkdir /etc/proxy",
    "container_copy_from": f"{WEB}; {DB}; mkdir -p /srv/web /srv/backups",
    "container_copy_into": f"{WEB}; {SITE}",
    "container_exec": f"{WEB}; {DB}",
    "container_export": f"{WEB}; mkdir /srv/backup",
    "container_info": f"{WEB}; slipway run -d --name one --label app=shop"
    " registry.example.com/app:2 serve-app",
    "container_logs_info": WEB,
    "image": f"{WEB}; {ROOTFS}; {CONTEXT}",
    "image_build": f"{CONTEXT}\nmkdir -p /srv/www project; cp -r /srv/shop project/",
    "image_export": f"{SHOP}\nslipway push registry.example.org:5000/shop/web:7; slipway push"
    " registry.example.org:5000/shop/db:3; mkdir /srv/images",
    "image_import": f"{WEB}; {ROOTFS}; gzip --keep /srv/images/rootfs.tar;"
    " mkdir -p /srv/images/tools/bin; cp /bin/busybox /srv/images/tools/bin/tool",
    "image_info": "slipway pull debian:12",
    "image_load": f"""
{PUSHED}
mkdir -p /srv/images project/images
slipway save -o /srv/images/shop.tar shop/web:7
zstd -q /srv/images/shop.tar -o project/images/shop.tar.zst
skopeo copy -q docker://registry.example.org:5000/shop/web:7 oci:/srv/images/layout
slipway rmi shop/web:7
""",
    "image_pull": f"{PUSHED}; slipway rmi registry.example.org:5000/shop/web:7",
    "image_push": f"{SHOP}\n{KEYS.format('cosign')}",
    "image_remove": "slipway pull debian:12",
    "image_search_info": PUSHED,
    "image_sign": f"{PUSHED}; {KEYS.format('cosign')}",
    "image_tag": SHOP,
    "image_verify": f"{PUSHED}; {SIGNED.format('cosign')}",
    "library": WEB,
    "network": f"{DB}; slipway run -d --name app registry.example.com/app:2 serve-app;"
    " ip link add eth1 type veth peer name eth1-peer",
    "network_info": NETWORK.format("backend"),
    "prune": f"{WEB}; slipway run --volume /cache registry.example.com/app:2 migrate-database",
    "volume_info": "slipway volume create data",
    "building-1": CONTEXT,
    "building-2": f"{CONTEXT}\nmkdir -p project; cp -r /srv/shop project/",
    "building-3": CONTEXT,
    "containers-1": DB,
    "containers-2": f"{WEB}; {SITE}; mkdir -p /srv/logs",
    "contributing-1": WEB,
    "host-1": WEB,
    "host-2": DB,
    "networking-1": NETWORK.format("backend"),
    "networking-2": f"{NETWORK.format('--ipv6 wide')}; ip address add 2001:db8::1/128 dev lo",
    "networks-3": f"{NETWORK.format('backend')}; {NETWORK.format('--subnet 10.89.0.0/24 front')}",
    "networks-4": f"{NETWORK.format('backend')}; {DB}; slipway run -d --name app"
    " registry.example.com/app:2 serve-app",
    "networks-5": "ip link add eth1 type veth peer name eth1-peer",
    "options-2": WEB,
    "options-3": 'mkdir -p /etc/containers; echo \'{"defaultAction": "SCMP_ACT_ALLOW"}\''
    " >/etc/containers/proxy.json",
    "options-4": WEB,
    "options-5": MACHINE,
    "backups-1": f"{DB}; mkdir -p /srv/backups",
    "backups-2": f"{DATA}; mkdir -p /srv/backups",
    "backups-3": "mkdir -p /srv/backups; echo saved >index.html;"
    " tar --create --zstd --file /srv/backups/data.tar.zst index.html",
    "backups-sh-1": f"{DATA}; mkdir -p /srv/backups",
    "firewalls-sh-1": WEB,
    "offline-2": "slipway pull registry.example.com/web:1.4; mkdir -p project/images; slipway save"
    " registry.example.com/web:1.4 | zstd -q -o project/images/web.tar.zst;"
    " slipway rmi registry.example.com/web:1.4",
    "offline-3": "slipway pull registry.example.com/web:1.4",
    "registries-1": "mkdir -p /etc/slipway",
    "small-server-sh-2": WEB,
    "troubleshooting-console-5": WEB,
    "service-4": "mkdir -p project; slipway volume create data; printf '%s\\n' 'service_name: shop'"
    " 'service_volumes: [{name: data}]' >project/shop.yml",
    "updating-sh-1": WEB,
    "signatures-1": f"{SHOP}\n{KEYS.format('release')}",
    "signatures-2": f"{PUSHED}; {SIGNED.format('release')}",
}

#: Variables that playbooks have from elsewhere.
VARIABLES: dict[str, Any] = {
    "password": "secret",
    "app_password": "secret",
    "index_login": "machine index login me password secret",
    "signing_passphrase": "horse",
    "vault_db_password": "whale",
    "vault_docker_password": "whale",
    "vault_grafana_password": "whale",
    "vault_registry_password": "whale",
    # The host role would need a mirror of the distribution; what is missing is an error then.
    "host_install": False,
    # The registry of the examples has the port that the role's example names.
    "registry_listen": "127.0.0.1:5001",
    "registry_supervisor": "none",
}

#: That of a file on a server nobody has; what the test serves has another.
CHECKSUM = "sha256:9d7d0c5e3d1f6f6f0d7a1a2f7d8a0bb1e3c1a8a4d6a2d1c4b5e6f708192a3b4c"

#: Blocks of a shell that something else runs, or nothing can here, each with what it is.
ELSEWHERE = {
    "contributing-sh-1": "./check runs this very test",
    "contributing-sh-2": "./check fuzz runs these very inputs",
    "contributing-sh-3": "./check mutations does it for every row",
    "contributing-sh-4": "./check versions makes a root for it",
    "contributing-sh-5": "./check molecule makes its images",
    "from-compose-sh-1": "it is typed where the other engine is",
    "from-docker-sh-1": "it is typed where the other engine is",
    "from-docker-sh-2": "it is typed where the other engine is",
    "from-docker-sh-3": "it is typed where the other engine is",
    "from-podman-sh-1": "it is typed where the other engine is",
    "from-podman-sh-2": "it is typed where the other engine is",
    "networking-sh-1": "tests/integration/network/test_network_firewall.py loads such tables",
    "networking-sh-2": "tests/peers writes the table of that page",
    "performance-sh-1": "it measures for minutes",
    "small-server-sh-1": "it installs packages and the collection from the internet",
    "tour-sh-1": "tests/e2e runs the tour",
    "tour-sh-2": "tests/e2e runs the tour",
}

#: Tasks that cannot run here, by example and name, each with the reason.
EXCUSED = {
    ("migration_info", "Read what Docker runs"): "no Docker runs beside the examples",
    ("migration_info", "Show what a play cannot say"): "it is about the task before it",
    ("image_search_info", "Search for popular web servers"): "only Docker Hub answers it",
    ("several-servers-1", "Drain this host"): "nothing shares load here",
    ("updating-3", "Start the timer"): "the sandbox has no systemd",
}

#: Tasks that run, and do more than check mode can say, by example and name, with the reason.
UNFORESEEN = {
    ("image", "Remove an image"): "the digests of an image that is yet to be pulled are not told",
    ("registry_login", "Log out of Docker Hub"): "a login that is yet to be stored is not told",
}
