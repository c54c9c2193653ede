# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same questions about networks put to this library, to Docker and to Podman, side by side.

    python3 tests/peers/network.py [--write]

Takes about two minutes, as root. Each engine gets a host of its own (tests/sandbox) between a
neighbour, who routes through it, and somebody far away with a name server. With --write the table
between the markers in docs/networking.md is made anew; without it it is printed. Engines that are
not installed are left out.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, Optional

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent), str(ROOT / ".build" / "collections")]

from support.inputs import images  # noqa: E402
from support.servers.laboratory import ADVERTISE, Space, ask, serve, wire  # noqa: E402

LAN_HOST, LAN_PEER = "192.0.2.1", "192.0.2.2"
LAN_HOST6, LAN_PEER6 = "2001:db8::1", "2001:db8::2"
FAR_HOST, FAR_PEER = "198.51.100.1", "198.51.100.2"
PATIENCE_S = 1.0
BEGIN, END = "<!-- peers: begin -->", "<!-- peers: end -->"

Answers = dict[str, str]


def run(*argv: str, check: bool = True, stdin: str = "") -> str:
    done = subprocess.run(
        argv, input=stdin, capture_output=True, text=True, check=False, timeout=120
    )
    if check and done.returncode:
        raise SystemExit(f"{' '.join(argv)}: {done.stderr.strip()[-2000:]}")
    return done.stdout.strip()


class Running(Space):
    """A container as these questions see it: its process, whose network namespace is entered."""

    def __init__(self, name: str, pid: int, address: str, address6: str = "") -> None:
        # Its process is the engine's: none is started for it, and none is ended.
        self.name, self._pid, self.address, self.address6 = name, pid, address, address6

    @property
    def pid(self) -> int:
        return self._pid

    def run(self, *argv: str) -> str:
        return run("nsenter", "--target", str(self.pid), "--net", *argv, check=False)

    def server(self) -> str:
        """The first name server in its resolv.conf."""
        text = Path(f"/proc/{self.pid}/root/etc/resolv.conf").read_text()
        found = re.findall(r"^nameserver (\S+)", text, re.M)
        return str(found[0]) if found else ""

    def dig(self, *words: str) -> str:
        server = self.server()
        if not server:
            return ""
        return self.run("dig", f"@{server}", "+short", "+time=1", "+tries=1", *words)


class Slipway:
    def __init__(self, directory: Path, tarball: Path) -> None:
        from support.containers import World

        from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
        from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import (
            Layout,
        )

        layout = Layout.default()
        files.prepare(layout)
        self.world = World(layout, directory, tarball)

    def network(self, name: str, subnet: str, subnet6: str = "", internal: bool = False) -> None:
        from support.servers.segment import add_network

        add_network(self.world.layout, name, subnet, subnet6, internal=internal)

    def start(self, name: str, network: str, *ports: str, alias: str = "") -> Running:
        from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (  # noqa: E501
            ports as forms,
        )
        from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (  # noqa: E501
            Endpoint,
        )

        made = self.world.run(
            name,
            network_mode="",
            networks=(Endpoint(network, aliases=(alias,) if alias else ()),),
            ports=forms.ports(ports),
        )
        here = made.attachments[0]
        four, six = (a.partition("/")[0] for a in (here.ipv4_address, here.ipv6_address))
        return Running(name, made.pid, four, six)

    def remove(self, name: str) -> None:
        from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (  # noqa: E501
            actions,
        )

        actions.remove(self.world.host, actions.identify(self.world.host, name), force=True)

    def close(self) -> None:
        self.world.clear()


class Command:
    """An engine with Docker's command line."""

    argv: list[str]

    def network(self, name: str, subnet: str, subnet6: str = "", internal: bool = False) -> None:
        words = ["--subnet", subnet, *(["--ipv6", "--subnet", subnet6] if subnet6 else [])]
        run(*self.argv, "network", "create", *words, *(["--internal"] if internal else []), name)

    def start(self, name: str, network: str, *ports: str, alias: str = "") -> Running:
        words = [word for port in ports for word in ("-p", port)]
        words += ["--network-alias", alias] if alias else []
        words += ["--ulimit=nofile=1024", "--ulimit=nproc=1024", "--network", network]
        run(*self.argv, "run", "-d", "--name", name, *words, "busybox:1", "sleep", "600")
        found = json.loads(run(*self.argv, "inspect", name))[0]
        here = found["NetworkSettings"]["Networks"][network]
        return Running(
            name, found["State"]["Pid"], here["IPAddress"], here.get("GlobalIPv6Address", "")
        )

    def remove(self, name: str) -> None:
        run(*self.argv, "rm", "-f", name)

    def close(self) -> None:
        run(*self.argv, "rm", "-f", "-a", check=False)


class Podman(Command):
    def __init__(self, directory: Path, tarball: Path) -> None:
        self.root = f"{directory}/podman"
        self.argv = [
            "podman", f"--root={self.root}", f"--runroot={directory}/podman-run",
            "--cgroup-manager=cgroupfs", "--runtime=runc", "--events-backend=none",
            f"--network-config-dir={directory}/networks", "--storage-driver=vfs",
        ]  # fmt: skip
        run(*self.argv, "import", str(tarball), "docker.io/library/busybox:1")

    def remove(self, name: str) -> None:
        run(*self.argv, "rm", "-f", "-t", "0", name)

    def close(self) -> None:
        run(*self.argv, "rm", "-f", "-a", "-t", "0", check=False)


class Docker(Command):
    def __init__(self, directory: Path, tarball: Path) -> None:
        socket = f"unix://{directory}/socket"
        client = "/usr/bin/docker" if os.access("/usr/bin/docker", os.X_OK) else "docker"
        daemon = "/usr/sbin/dockerd" if os.access("/usr/sbin/dockerd", os.X_OK) else "dockerd"
        self.argv = [client, "-H", socket]
        with (directory / "log").open("wb") as log:
            self.daemon = subprocess.Popen(
                [daemon, "-H", socket, f"--data-root={directory}/docker", "--storage-driver=vfs",
                 f"--exec-root={directory}/docker-run", f"--pidfile={directory}/pid",
                 "--experimental", "--ip6tables"],
                stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + 40
        while run(*self.argv, "info", "-f", "{{.ServerVersion}}", check=False) == "":
            if time.monotonic() > deadline or self.daemon.poll() is not None:
                raise SystemExit((directory / "log").read_text()[-2000:])
            time.sleep(0.2)
        run(*self.argv, "import", str(tarball), "busybox:1")

    def close(self) -> None:
        names = run(*self.argv, "ps", "-aq", check=False).split()
        run(*self.argv, "rm", "-f", *names, check=False)
        self.daemon.terminate()
        self.daemon.wait(timeout=30)


ENGINES: dict[str, tuple[str, Callable[[Path, Path], Any]]] = {
    "slipway.engine": ("nft", Slipway),
    "docker": ("dockerd", Docker),
    "podman": ("podman", Podman),
}


def yes(found: object) -> str:
    return "yes" if found else "no"


def source(found: Optional[tuple[str, str]], words: dict[str, str]) -> str:
    """Whether somebody answered, and from which address it had been asked."""
    if found is None:
        return "no"
    return f"yes, from {words.get(found[1], 'the bridge')}"


@contextlib.contextmanager
def serving(engine: Any, name: str, network: str, *ports: str, **more: str) -> Iterator[Running]:
    """A container that says its name on TCP 80 and 81 and on UDP 80."""
    made = engine.start(name, network, *ports, **more)
    server = serve(made, name, "tcp:80", "tcp:81", "udp:80")
    try:
        yield made
    finally:
        server.kill()
        server.wait()
        engine.remove(name)


def questions(engine: Any, lan: Space, far: Space, queries: Path) -> Answers:
    engine.network("blue", "10.123.1.0/24", "fd00:123::/64")
    engine.network("red", "10.123.2.0/24")
    engine.network("inside", "10.123.3.0/24", internal=True)
    far.serve("far", "tcp:80", "tcp:8080")
    who = {LAN_PEER: "the neighbour", LAN_PEER6: "the neighbour", LAN_HOST: "the host"}
    who |= {"127.0.0.1": "the host", "::1": "the host", FAR_HOST: "the host"}
    said: Answers = {}

    def asked(space: Any, address: str, port: int, protocol: str = "tcp") -> Any:
        return ask(space, address, port, protocol, patience_s=PATIENCE_S)

    said["the host forwards for its neighbours before"] = yes(asked(lan, FAR_PEER, 80))
    with contextlib.ExitStack() as held:
        web = held.enter_context(
            serving(engine, "web", "blue", "8080:80", "8080:80/udp", "127.0.0.1:9090:80",
                    alias="www")
        )  # fmt: skip
        client = held.enter_context(serving(engine, "client", "blue"))
        stranger = held.enter_context(serving(engine, "stranger", "red", "8081:80"))
        hidden = held.enter_context(serving(engine, "hidden", "inside"))
        said["the host forwards for its neighbours beside running containers"] = yes(
            asked(lan, FAR_PEER, 80)
        )
        said["**Published ports** from a neighbour, seen by the container"] = source(
            asked(lan, LAN_HOST, 8080), who
        )
        said["the same by IPv6"] = source(asked(lan, LAN_HOST6, 8080), who)
        said["the same by UDP"] = source(asked(lan, LAN_HOST, 8080, "udp"), who)
        said["by IPv6, to a container without IPv6"] = yes(asked(lan, LAN_HOST6, 8081))
        said["from the host, by its address"] = yes(asked(None, LAN_HOST, 8080))
        said["from the host, by 127.0.0.1"] = yes(asked(None, "127.0.0.1", 8080))
        said["from the host, by ::1"] = yes(asked(None, "::1", 8080))
        said["from a container beside it, by the host's address"] = yes(
            asked(client, LAN_HOST, 8080)
        )
        said["from itself, by the host's address"] = yes(asked(web, LAN_HOST, 8080))
        said["from a container of another network, by the host's address"] = yes(
            asked(stranger, LAN_HOST, 8080)
        )
        said["a neighbour's traffic to the same port of somebody else arrives there"] = yes(
            asked(lan, FAR_PEER, 8080) == ("far", LAN_PEER)
        )
        said["**Isolation**: an unpublished port, from another network"] = yes(
            asked(stranger, web.address, 81)
        )
        said["an unpublished port, from a neighbour with a route"] = yes(
            asked(lan, web.address, 81)
        )
        said["the same by IPv6" + " "] = yes(web.address6 and asked(lan, web.address6, 81))
        said["a port published on 127.0.0.1, from a neighbour with a route"] = yes(
            _asks_loopback(lan)
        )
        said["from an internal network to the world, with a route"] = yes(
            _leaves(hidden, "10.123.3.1")
        )
        said["**Names**: by name, alias, short id"] = ", ".join(
            yes(web.address in client.dig(name)) for name in ("web", "www", _short_id(web))
        )
        said["by address (PTR)"] = yes("web" in client.dig("-x", web.address))
        said["over TCP"] = yes(web.address in client.dig("+tcp", "web"))
        said["of another network"] = yes(web.address in stranger.dig("web"))
        said["of the world, forwarded"] = yes("203.0.113.7" in client.dig("example.test"))
        hidden.dig("leak.example.test")
        said["asked on an internal network, leaves the host"] = yes(
            "leak.example.test" in queries.read_text()
        )
        said["of containers, told to a neighbour who asks the bridge"] = yes(
            web.address in lan.run("sh", "-c", "dig @10.123.1.1 +short +time=1 +tries=1 web || :")
        )
        said["**Router advertisements** of a container change the host or others"] = yes(
            _believed(client, web)
        )
    said["**A UDP client** that goes on asking finds the next container"] = yes(
        _goes_on(engine, lan)
    )
    with serving(engine, "one", "blue", "8080:80"):
        run("nft", "flush", "ruleset")
        for program in ("iptables-legacy", "ip6tables-legacy"):
            for table in ("filter", "nat", "raw"):
                run(program, "-t", table, "-F", check=False)
        question = "**After `nft flush ruleset`** and the next container, the first is reached"
        try:
            with serving(engine, "two", "blue", "8081:80"):
                said[question] = yes(asked(lan, LAN_HOST, 8080))
        except SystemExit:
            said[question] = "no, and the next does not start"
    return said


def _short_id(container: Running) -> str:
    """As its host name says."""
    return run("nsenter", "--target", str(container.pid), "--uts", "hostname")


def _asks_loopback(lan: Space) -> bool:
    lan.run("sysctl", "-q", "-w", "net.ipv4.conf.all.route_localnet=1")
    lan.run("ip", "route", "flush", "table", "local", "dev", "lo")
    lan.run("ip", "route", "add", "127.0.0.1", "via", LAN_HOST, "dev", "eth0", "src", LAN_PEER)
    found = ask(lan, "127.0.0.1", 9090, patience_s=PATIENCE_S)
    lan.run("ip", "route", "del", "127.0.0.1")
    return found is not None


def _leaves(hidden: Running, gateway: str) -> bool:
    hidden.run("ip", "route", "add", "default", "via", gateway)
    return ask(hidden, FAR_PEER, 80, patience_s=PATIENCE_S) is not None


def _believed(rogue: Running, peer: Running) -> bool:
    rogue.run(sys.executable, "-c", ADVERTISE)
    time.sleep(0.5)
    routes = run("ip", "-6", "route") + peer.run("ip", "-6", "route")
    return "2001:db8:bad::" in routes


_GOES_ON = f"""
import json, socket, time
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.bind(("", 5000))
asking.settimeout(0.05)
deadline = time.monotonic() + 60
while time.monotonic() < deadline:
    try:
        asking.sendto(b"?", ("{LAN_HOST}", 8085))
        print(json.loads(asking.recv(100))[0], flush=True)
    except OSError:
        continue
"""


def _goes_on(engine: Any, lan: Space) -> bool:
    with tempfile.TemporaryFile("w+") as heard:
        enter = ["nsenter", "--target", str(lan.pid), "--net", sys.executable, "-c", _GOES_ON]
        with subprocess.Popen(enter, stdout=heard) as asking:
            try:
                time.sleep(0.3)
                with serving(engine, "first", "blue", "8085:80/udp"):
                    time.sleep(1)
                    with serving(engine, "beside", "blue"):
                        engine.remove("first")
                        with serving(engine, "next", "blue", "8085:80/udp"):
                            time.sleep(1.5)
                    engine.start("first", "blue")
            finally:
                asking.kill()
        heard.seek(0)
        return "next" in heard.read()


@contextlib.contextmanager
def segment(directory: Path) -> Iterator[tuple[Space, Space, Path]]:
    """The host's neighbour, somebody far away, and what his name server was asked."""
    with Space() as lan, Space() as far:
        wire(None, lan, ("lan0", "eth0"), (f"{LAN_HOST}/24", f"{LAN_PEER}/24"))
        wire(None, far, ("far0", "eth0"), (f"{FAR_HOST}/24", f"{FAR_PEER}/24"))
        run("ip", "addr", "add", f"{LAN_HOST6}/64", "dev", "lan0", "nodad")
        lan.run("ip", "addr", "add", f"{LAN_PEER6}/64", "dev", "eth0", "nodad")
        lan.run("ip", "route", "add", "default", "via", LAN_HOST)
        lan.run("ip", "-6", "route", "add", "default", "via", LAN_HOST6)
        far.run("ip", "route", "add", "default", "via", FAR_HOST)
        run("ip", "route", "add", "default", "via", FAR_PEER)
        # A host that forwards, whoever runs containers on it.
        for sysctl in ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"):
            run("sysctl", "-q", "-w", sysctl)
        (directory / "resolv.conf").write_text(f"nameserver {FAR_PEER}\n")
        run("mount", "--bind", str(directory / "resolv.conf"), "/etc/resolv.conf")
        queries = directory / "queries"
        argv = ["dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--log-queries"]
        argv += [f"--log-facility={queries}", f"--listen-address={FAR_PEER}", "--bind-interfaces"]
        argv += ["--address=/example.test/203.0.113.7", "--address=/#/", "--user=root"]
        enter = ["nsenter", "--target", str(far.pid), "--net"]
        server = subprocess.Popen([*enter, *argv], stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.5)
            yield lan, far, queries
        finally:
            server.kill()
            server.wait()


def answer(name: str) -> None:
    """Put the questions to one engine, on a host of its own; print what it answers as JSON."""
    if "SLIPWAY_SANDBOX" not in os.environ:
        raise SystemExit("this part runs in tests/sandbox")
    directory = Path(os.environ["SLIPWAY_SANDBOX"]) / "peer"
    directory.mkdir()
    tarball = images.busybox_tar(directory / "busybox.tar")
    with segment(directory) as (lan, far, queries):
        engine = ENGINES[name][1](directory, tarball)
        try:
            said = questions(engine, lan, far, queries)
        finally:
            engine.close()
    print(json.dumps(said))


def compare() -> str:
    """The table, in Markdown."""
    answers: dict[str, Answers] = {}
    for name, (program, dummy) in ENGINES.items():
        if shutil.which(program) is None:
            print(f"{program} is not installed and is left out", file=sys.stderr)
            continue
        argv = [str(ROOT / "tests" / "sandbox"), "/usr/bin/python3", __file__, "ask", name]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            print(f"{name} does not serve here: {done.stderr[-3000:]}", file=sys.stderr)
            continue
        answers[name] = json.loads(done.stdout.splitlines()[-1])
    lines = [f"| Question | {' | '.join(map(_titled, answers))} |"]
    lines.append(f"| --- |{' --- |' * len(answers)}")
    for question in next(iter(answers.values())):
        cells = [said.get(question, "") for said in answers.values()]
        lines.append(f"| {question.strip()} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _titled(name: str) -> str:
    """With the version of the engine."""
    program = {"docker": "/usr/sbin/dockerd", "podman": "podman"}.get(name)
    if program is None:
        return name
    found = re.search(r"[0-9]+\.[0-9]+\.[0-9]+", run(program, "--version"))
    return f"{name} {found[0] if found else ''}"


def main() -> None:
    if sys.argv[1:2] == ["ask"]:
        answer(sys.argv[2])
        return
    made = compare()
    if "--write" not in sys.argv:
        print(made)
        return
    page = ROOT / "docs" / "networking.md"
    before, dummy, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}")


if __name__ == "__main__":
    main()
