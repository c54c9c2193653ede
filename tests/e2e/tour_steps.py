# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that docs/tour.md shows, and what each command has to say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from support import CHECKOUT

#: What stands in place of a task where there is none.
NONE = "\N{EN DASH}"
_PAGE = CHECKOUT / "docs" / "tour.md"


@dataclass(frozen=True)
class Step:
    """A row of a table: a command at the prompt, and the module and name of the task beside it, if
    there is one.
    """

    command: str
    module: str
    task: str


@dataclass(frozen=True)
class Shows:
    """What a command has to print, as a regular expression over both streams, and exit with. One
    that ``waits`` is given again until it does.
    """

    pattern: str = ""
    status: int = 0
    waits: bool = False


def documented() -> list[Step]:
    """The rows of the page's tables, in order."""
    steps = []
    for line in _PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("| ") or len(cells) != 3 or cells[0] == "Docker":
            continue
        module, dummy, task = cells[2].partition("`: ")
        assert task or cells[2] == NONE, line
        assert re.fullmatch(r"`[^`]+`", cells[1]), line
        steps.append(Step(cells[1].strip("`"), module.strip("`") if task else "", task))
    return steps


#: What somebody at a terminal types, and what has to be on the screen before the next.
SCREENS: Mapping[str, Sequence[tuple[bytes, bytes]]] = {
    "slipway run --name test -it debian": [(b"echo wor''ks; exit\r", b"works")],
    "slipway exec -it test /bin/bash": [(b"echo wor''ks; exit\r", b"works")],
    "slipway exec -it web bash": [
        (b"ls /usr/local/apache2/htdocs; echo wor''ks; exit\r", b"works"),
    ],
    "slipway run -t -i --name once --rm debian": [(b"echo wor''ks; exit\r", b"works")],
    "slipway start -i test": [(b"echo wor''ks; exit\r", b"works")],
    "slipway run -dit --name attached debian && slipway container attach attached": [
        (b"echo wor''ks\r", b"works"),
        (b"\x10\x11", b"read escape sequence"),
    ],
    "slipway run -dit --name interrupted debian sh -c"
    " 'trap \"echo caught; exit 0\" INT; while sleep 0.1; do echo beat; done'"
    " && slipway container attach interrupted": [(b"", b"beat"), (b"\x03", b"caught")],
}

#: Commands that are not here have to exit with 0. Of a command that did nothing no pattern is true.
SHOWN: Mapping[str, Shows] = {
    "slipway run --rm python:3.8 python --version": Shows(r"Python 3\.8\.13"),
    "slipway create --name hello docker/getting-started": Shows(
        r"Downloaded newer image.*\n[0-9a-f]{64}\n$"
    ),
    "slipway ps -a": Shows(r"CONTAINER ID +IMAGE.*\n[0-9a-f]{12} +docker/getting-.* Created "),
    "slipway exec -w /tmp test pwd": Shows(r"^/tmp\n$"),
    "slipway exec -e GREETING=hi test env": Shows(r"(?m)^GREETING=hi$"),
    "echo typed > typed && slipway exec -i test cat < typed": Shows(r"^typed\n$"),
    "slipway ps -a --filter status=created": Shows(r"options"),
    "slipway ps --filter status=running": Shows(r" Up .*background"),
    "slipway ps -a --filter status=restarting": Shows(r"Restarting .* failing", waits=True),
    "slipway run --rm --restart=always debian true": Shows(
        r"--rm cannot be combined with --restart always", 125
    ),
    "slipway ps -a --filter status=paused": Shows(r"\(Paused\) +always"),
    "slipway ps -a --filter status=exited": Shows(r"Exited \(137\).* always"),
    "slipway ps -a --filter status=dead": Shows(r"^CONTAINER ID.*\n$"),
    "slipway commit test test": Shows(r"^sha256:[0-9a-f]{64}\n$"),
    "slipway images": Shows(r"REPOSITORY +TAG +IMAGE ID +CREATED +SIZE\n(.*\n)*test +latest +"),
    "slipway history test-repo:ver1": Shows(r"A first version"),
    "echo $PASSWORD > word && slipway login -u you --password-stdin $REGISTRY < word": Shows(
        r"^Login Succeeded"
    ),
    "slipway push $REGISTRY/you/test-repo:ver1": Shows(r"ver1: digest: sha256:[0-9a-f]{64} size: "),
    "ssh second slipway pull $REGISTRY/you/test-repo:ver1": Shows(r"Downloaded newer image"),
    "slipway container run --name whale docker/whalesay:latest cowsay boo": Shows(r"< boo >"),
    "slipway container ps -a": Shows(r"docker/whalesay.*Exited \(0\)"),
    "slipway container run --name whale --rm docker/whalesay cowsay boo": Shows(r"< boo >"),
    "slipway image rm docker/whalesay": Shows(r"Untagged: docker/whalesay:latest"),
    "wget -q -O - http://127.0.0.1:818/": Shows(r"A game"),
    "wget -q -O - http://127.0.0.1:900/": Shows(r"A game"),
    "wget -q -O - http://127.0.0.1:901/": Shows(r"A game"),
    "cd server && slipway build --progress plain -t you/express-server:0.0.1 .": Shows(r"CACHED"),
    "slipway image ls": Shows(r"you/express-server +0\.0\.1"),
    "wget -q -O - http://127.0.0.1:9000/": Shows(r"hello world"),
    "slipway container ls": Shows(r"0\.0\.0\.0:9000->3000/tcp.* express"),
    "slipway search --limit 5 mysql": Shows(r"STARS +OFFICIAL\n.*mysql .*9375 +\[OK\]\n"),
    "slipway run --name greeting hello-world": Shows(r"Hello from a container!"),
    "echo typed > typed && slipway run --rm -i debian cat < typed": Shows(r"^typed\n$"),
    "slipway ps": Shows(r" express\n"),
    "slipway logs greeting": Shows(r"^Hello from a container!\n$"),
    "slipway logs -f greeting": Shows(r"^Hello from a container!\n$"),
    "slipway login -u you -p $PASSWORD $REGISTRY": Shows(r"Login Succeeded"),
    "slipway tag you/shell:1 $REGISTRY/you/shell:1 && slipway push $REGISTRY/you/shell:1": Shows(
        r"Mounted from you/test-repo"
    ),
    "slipway logout $REGISTRY": Shows(r"Removing login credentials"),
    "slipway rmi $(slipway images -q hello-world)": Shows(r"Untagged: hello-world:latest"),
    "slipway image ls --digests centos": Shows(r"centos +6 +sha256:[0-9a-f]{64} (.*\n)*centos +7 "),
    "slipway image ls --no-trunc": Shows(r"sha256:[0-9a-f]{64} "),
    "slipway image ls -q": Shows(r"^([0-9a-f]{12}\n)+$"),
    "slipway image inspect centos:7": Shows(r'"Architecture": "(.*\n)*.*"Os": "linux"'),
    'slipway image inspect --format="{{ .Os }}" centos:7': Shows(r"^linux\n$"),
    "slipway image inspect -f '{{.RepoTags}}' centos:7": Shows(r"centos:7.*you/centos:7"),
    "slipway search --no-trunc mysql": Shows(r"narrow table has to cut off"),
    "slipway search --filter=stars=1000 mysql": Shows(r"^NAME.*\n.*mysql.*\n$"),
    "slipway trust sign --key release.key $REGISTRY/you/test-repo:ver1": Shows(
        r"Successfully signed"
    ),
    "slipway trust inspect --key-file release.pub $REGISTRY/you/test-repo:ver1": Shows(r"ver1"),
    "slipway container run -a stdout --cidfile cid --name calendar debian cal 1 2026": Shows(
        r"January 2026"
    ),
    "slipway container run --rm -u www-data debian id -un": Shows(r"^www-data\n$"),
    "slipway container run --rm --add-host=db:10.0.0.9 debian cat /etc/hosts": Shows(
        r"10\.0\.0\.9\s+db"
    ),
    "slipway container run --rm --dns=192.0.2.53 --net=bridge debian cat /etc/resolv.conf": Shows(
        r"nameserver 192\.0\.2\.53"
    ),
    "slipway container run --rm -h lighthouse debian hostname": Shows(r"^lighthouse\n$"),
    "slipway container run --rm --net=none debian ip -o addr": Shows(r"^(.* lo .*\n)+$"),
    "slipway container run --rm --net=host debian ip -o link": Shows(r": docker0|: [a-z0-9-]+"),
    "slipway container run --rm --net=container:web debian wget -q -O - http://127.0.0.1/": Shows(
        r"A game"
    ),
    "slipway container run --rm -e PLACE=bridge debian env": Shows(r"(?m)^PLACE=bridge$"),
    "slipway container run --rm --env-file=settings.env debian env": Shows(r"(?m)^PLACE=harbour$"),
    "slipway container run --rm --read-only debian touch /file": Shows(r"Read-only file system", 1),
    "slipway container run --rm -w /tmp debian pwd": Shows(r"^/tmp\n$"),
    "slipway container run --rm --entrypoint echo debian done": Shows(r"^done\n$"),
    "slipway container ls -a -f name=web": Shows(r" my_web3\n(.*\n)* *.* web\n"),
    "slipway container ls -n 3": Shows(r"^CONTAINER ID.*\n(.*\n){3}$"),
    "slipway container ls -l": Shows(r"^CONTAINER ID.*\n.* pages\n$"),
    "slipway container ls --no-trunc": Shows(r"\n[0-9a-f]{64} "),
    "slipway container ls -q": Shows(r"^([0-9a-f]{12}\n)+$"),
    "slipway container ls -s": Shows(r"SIZE\n.*\(virtual "),
    "slipway container stats --no-stream web": Shows(r"web .* / 128MiB"),
    "slipway container top web": Shows(r"PID.*\n.*httpd -f -p 80"),
    "slipway container port web": Shows(r"80/tcp -> 0\.0\.0\.0:818"),
    "slipway container port anywhere 80": Shows(r"0\.0\.0\.0:[0-9]+"),
    "slipway container diff web": Shows(r"(?m)^A /usr/local/apache2/htdocs/game\.js$"),
    "slipway container start -a calendar": Shows(r"January 2026"),
    "slipway network ls": Shows(r"bridge +bridge.*\n.*host +host.*\n.*none +null"),
    "slipway network ls --no-trunc": Shows(r"\n[0-9a-f]{64} "),
    "slipway network ls -q -f driver=bridge": Shows(r"^[0-9a-f]{12}\n$"),
    "slipway network ls -f driver=bridge": Shows(r" web-network "),
    "slipway run --rm --net=web-network debian wget -q -O - http://webapp/": Shows(r"^Pages"),
    "slipway run --rm --net=wide debian wget -q -O - http://app/": Shows(r"^Pages"),
    "slipway network inspect wide": Shows(r'"IPv4Address": "10\.89\.50\.9/24"'),
    "slipway network rm wide": Shows(r"webapp|in use|active endpoints", 1),
    "slipway network rm $(slipway network ls -q -f name=wide)": Shows(r"^[0-9a-f]{12}\n$"),
    "slipway volume ls": Shows(r"local +data2"),
    "slipway volume inspect data2": Shows(r'"Name": "data2"'),
    "slipway volume prune -a -f": Shows(r"data"),
    "slipway container commit -a you -m 'With settings' -c 'EXPOSE 80' -p webserver you/game:3": (
        Shows(r"^sha256:")
    ),
    "cd shop && slipway compose up -d": Shows(r"Container shop-client-1 +Started"),
    "cd shop && slipway compose ps": Shows(r"shop-client-1 .* Up (.*\n)*shop-web-1 .* Up "),
    "slipway report -o host.html && grep -c shop-web-1 host.html": Shows(r"^[1-9]"),
    "cd shop && slipway compose logs client": Shows(r"(?m)^client-1 +\| ", waits=True),
    "cd shop && slipway compose pull": Shows(r"(?m)^ web Pulled$"),
    "cd shop && slipway compose run --rm -T client echo once": Shows(r"(?m)^once$"),
    "cd shop && slipway compose down": Shows(r"Network shop_default +Removed"),
    "tar -tf webserver_latest.tar": Shows(r"(?m)^(\./)?usr/local/apache2/htdocs/game\.js$"),
    "slipway image import webserver_latest.tar you/imported:1": Shows(r"^sha256:"),
    "slipway image import - you/imported:2 < webserver_latest.tar": Shows(r"^sha256:"),
    "slipway image import https://example.org/rootfs.tar you/imported:3": Shows(r"^sha256:"),
    "slipway image rm gcr.io/tensorflow/tensorflow && slipway image load -i tensorflow.tar": Shows(
        r"Loaded image: gcr\.io/tensorflow/tensorflow:latest"
    ),
    "slipway info && slipway version": Shows(r"Containers: [1-9]"),
    "slipway system df": Shows(r"Images +[1-9]"),
    "slipway image prune -a -f": Shows(r"Deleted Images:\n(.*\n)*Total reclaimed space: "),
    "slipway system prune -f": Shows(r"Deleted|Total reclaimed"),
    "slipway stop -t 1 $(slipway ps -q) && slipway system prune -a -f": Shows(r"Deleted Images"),
}
