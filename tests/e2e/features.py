# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Docker's users do with it on one machine, and the steps of the tour that show it."""

from __future__ import annotations

from collections.abc import Mapping

#: Each feature, and the commands of docs/tour.md that show it, as a regular expression. The tasks
#: beside these commands show it too.
ROWS: Mapping[str, str] = {
    "pull by name and tag": r"slipway (image )?pull (python|docker|mysql|centos)",
    "pull by digest": r"slipway pull \S+@",
    "pull from other registries": r"slipway (image )?pull (gcr\.io|\$REGISTRY)",
    "pull all tags": r"slipway image pull -a",
    "list images": r"slipway (images|image ls)\b",
    "inspect images": r"slipway image inspect",
    "tag": r"slipway (image )?tag ",
    "search": r"slipway search",
    "remove images": r"slipway (rmi|image rm) ",
    "prune images": r"slipway image prune",
    "log in and out": r"slipway log(in|out) ",
    "push": r"slipway (image )?push ",
    "build": r"slipway (image )?build ",
    "save and load": r"slipway image (save|load)",
    "import": r"slipway image import",
    "history": r"slipway history",
    "content trust": r"slipway trust",
    "create": r"slipway (container )?create",
    "start": r"slipway (container )?start",
    "run": r"slipway (container )?run",
    "stop": r"slipway (container )?stop",
    "kill": r"slipway (container )?kill",
    "restart": r"slipway (container )?restart",
    "pause": r"slipway (container )?(un)?pause",
    "remove containers": r"slipway (container )?rm",
    "rename": r"slipway container rename",
    "prune containers": r"slipway container prune",
    "states": r"slipway ps .*status=",
    "publish ports": r" (-p|-P|--expose) |slipway container port|^wget",
    "volumes and directories of the host": r" -v \S+:",
    "environment, user, directory": r" (-e|--env-file=\S+|-w|-u|-h|--entrypoint|--read-only) ",
    "limits": r" -m \d|slipway container update",
    "restart policies": r"--restart=",
    "networks of containers": r"--net=",
    "names in containers": r"--(add-host|dns)=",
    "list containers": r"slipway (container )?(ps|ls)\b",
    "exec": r"slipway exec",
    "attach": r"slipway container attach",
    "logs": r"slipway logs",
    "top, stats, port, diff": r"slipway container (top|stats|port|diff)",
    "copy files": r"slipway container cp",
    "commit": r"slipway (container )?commit",
    "export": r"slipway container export|^tar ",
    "list networks": r"slipway network ls",
    "create networks": r"slipway network create",
    "containers reach one another by name": r"wget -q -O - http://(webapp|app)/",
    "connect and disconnect": r"slipway network (dis)?connect",
    "inspect and remove networks": r"slipway network (inspect|rm)",
    "volumes": r"slipway volume",
    "the host": r"slipway (info|system)",
}

#: The options that these commands have in the tour, by the end of the command's words.
OPTIONS: Mapping[str, str] = {
    "pull": "-a",
    "image ls": "-a --digests --no-trunc -q",
    "image inspect": "--format -f",
    "search": "--limit --filter --no-trunc",
    "image rm": "-f --no-prune",
    "image prune": "-a -f",
    "login": "-u -p --password-stdin",
    "build": "-t --tag --progress",
    "image save": "-o",
    "image load": "-i",
    "create": "-p -t -i -v -w -e --name",
    "start": "-a -i",
    "run": "-d -i -t -it --name --rm --cidfile -a -p -P --expose -v -e --env-file -w -u -h"
    " --entrypoint --read-only -m -c --restart --net --add-host --dns",
    "update": "-m --memory-swap",
    "stop": "-t",
    "restart": "-t",
    "container rm": "-f -v",
    "ps": "-a --filter -q",
    "container ls": "-a -f -n -l --no-trunc -q -s",
    "exec": "-d -i -it -w -e",
    "logs": "-f",
    "stats": "--no-stream",
    "commit": "-a -m -c -p",
    "network ls": "-f -q --no-trunc",
    "network create": "-d --subnet --ip-range --gateway --ipv6",
    "network connect": "--ip --ip6 --alias --link",
    "volume prune": "-a -f",
    "system prune": "-a -f",
    "trust sign": "--key",
}

#: Features that do not exist yet, and a command of theirs: it must be unknown, so that this
#: table cannot go stale.
MISSING: Mapping[str, str] = {"Compose files": "compose up"}
