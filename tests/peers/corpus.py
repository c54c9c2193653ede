# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hostile layers of our tests through umoci, podman and docker, and what became of a canary.

    tests/sandbox python3 tests/peers/corpus.py [--write]

Takes a Python with pytest, and minutes. With --write the tables between the markers in
docs/security.md are made anew; without it they are printed.

Each row of tests/integration/test_unpack_malicious.py becomes the layer of an image, which an
engine unpacks as it does any image: umoci unpack, podman load, docker load.
Everything lies on one small tmpfs in the sandbox's mount namespace, without devices, and every
program has limits of time and file size. Bombs are left out for the others: they are told to fill a
disk, and that they do says little.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Callable, Optional, TypeVar, Union

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))
sys.path.append(str(ROOT / ".build" / "collections"))

from support.inputs import images  # noqa: E402
from support.inputs.hostile_layers import CUT_OFF, ROWS, Row  # noqa: E402
from support.inputs.tars import END, directory, entry, fingerprint  # noqa: E402

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error  # noqa: E402
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.layer.unpack import (  # noqa: E402
    unpack,
)

DOCUMENT = ROOT / "docs" / "security.md"
TMPFS_BYTES, FILE_BYTES, DEADLINE_S = 768 << 20, 64 << 20, 30

#: The first row of each class.
CLASSES = {
    "parent": "names that lead out",
    "link to a directory": "links on the way",
    "link as .": "the top directory replaced",
    "hard link out": "hard links",
    "link with set-uid mode": "metadata through links",
    "device 0:0": "devices and fifos",
    "whiteout of nothing": "whiteouts",
    "overlay redirect": "extended attributes",
    "owner -1": "owners",
    "too much": "bombs",
    "negative size": "broken headers",
}
BOMBS = "bombs"

REFUSED, CONTAINED, ESCAPED, HUNG = "refused", "contained", "escaped", "hung"
#: Beside one of these, for archives: an image is named, and ours refuses.
ACCEPTED = "accepted"

HONEST = Row("honest", "none", lambda c: directory("d") + entry("d/f", data=b"x"))

#: Rows of the design's catalogue, and the tests that replay them.
REPLAYED = (
    ("hostile layers", "integration/test_unpack_malicious.py::test_a_hostile_layer_harms_nobody"),
    ("mutated layers", "integration/test_unpack.py::test_mutated_layers_never_do_harm"),
    ("memory of the unpacker", "integration/test_unpack.py::test_memory_stays_bounded"),
    ("hostile archives", "integration/test_archive_malicious.py::"),
    ("damaged gzip", "unit/test_compression.py::test_damaged_gzip_is_an_error"),
    ("damaged zstd, large windows", "unit/test_compression.py::test_damaged_zstd_is_an_error"),
    ("blobs of other content", "integration/test_registry_faults.py::test_a_lasting_fault_of_a_b"),
    ("layers of other content", "integration/test_image_transfer.py::test_a_config_that_lies"),
    ("manifests that are two things", "integration/test_registry_faults.py::test_a_document_that"),
    ("keys that stand twice", "integration/test_registry_faults.py::test_a_key_that_stands"),
    ("damaged manifests and configs", "unit/test_image_documents.py::test_what_is_no"),
    ("digests in paths and URLs", "integration/test_registry_faults.py::test_a_digest_that_is"),
    ("redirects and whom they show", "unit/test_registry_auth.py::test_where_a_redirect_may_lead"),
    ("token services", "unit/test_registry_auth.py::test_who_may_be_the_token_service"),
    ("uploads sent elsewhere", "integration/test_registry_client.py::test_an_upload_sent"),
    ("logins of another registry", "unit/test_registry_credentials.py::test_"),
    (".netrc", "integration/test_registry_client.py::test_no_netrc_is_looked_into"),
    ("TLS", "integration/test_registry_client.py::test_a_certificate"),
    ("names", "unit/test_reference.py::test_"),
    ("floods, trickles", "integration/test_registry_faults.py::test_a_lasting_fault_of_a_m"),
    ("answers that always end early", "integration/test_pull_interrupted.py::test_a_server_that"),
    ("copies of a hostile container", "integration/test_transfer.py::test_copies_of"),
    ("copies through a racing rename", "integration/test_transfer.py::test_a_container_that"),
    ("archives copied into a container", "integration/test_transfer.py::test_an_archive"),
    ("who runs a command, with what rights", "integration/test_execute.py::test_who_a_command"),
    ("accounts that do not end", "integration/test_execute.py::test_the_accounts"),
    ("descriptors and directories of commands", "integration/test_execute.py::test_what_a_command"),
    ("output that does not end", "integration/test_execute.py::test_output"),
    ("volumes that are swapped", "integration/test_mount_security.py::test_a_volume_that_is"),
    ("links at targets of mounts", "integration/test_mount_security.py::test_links_at_every_kind"),
    ("mounts over /proc and /sys", "integration/test_mount_security.py::test_no_link_leads"),
    ("the top of a volume replaced", "integration/test_mount_security.py::test_the_top_of_a_vol"),
    ("a copy-up that is killed", "integration/test_mount_security.py::test_a_copy_that_was_killed"),
    ("forms of mounts", "unit/test_mount_options.py::test_what_is_refused_says_why"),
    ("users and groups of an image", "integration/test_user.py::"),
    ("what is masked and denied", "integration/test_oci_runtime.py::test_what_is_d"),
    ("capabilities", "integration/test_oci_runtime.py::test_capabilities"),
    ("capabilities of the configuration", "unit/test_bundle.py::test_no_capability_is_ever"),
    ("working directories under /proc", "unit/test_bundle.py::test_a_working_directory_that_leads"),
    ("working directories through links", "integration/test_oci_runtime.py::test_a_working"),
    ("descriptors of the monitor", "integration/test_conmon.py::test_no_descriptor_reaches"),
    ("descriptors of a container", "integration/test_lifecycle.py::test_nothing_but_its_streams"),
    ("secrets in logs, arguments, diffs", "integration/test_secrets.py::test_canaries_are"),
    ("state that others could read", "integration/test_secrets.py::test_nothing_of_the_state"),
    ("hostile strings, for each option", "unit/test_container_forms.py::test_hostile_strings"),
    ("lines forged in hosts files", "unit/test_container_options.py::test_what_would"),
    ("names forged for the name server", "unit/test_network_plans.py::test_names_that_would_forge"),
    ("transit traffic", "integration/test_network_firewall.py::test_transit_traffic"),
    ("ports on 127.0.0.1", "integration/test_network_firewall.py::test_a_port_published_on_loop"),
    ("unpublished ports", "integration/test_network_firewall.py::test_unpublished_ports"),
    ("rules that were flushed", "integration/test_network_firewall.py::test_rules_flushed"),
    ("who may use a port", "integration/test_network_firewall.py::test_a_published_port_is_f"),
    ("rules of the administrator", "integration/test_network_firewall.py::test_a_users_own_rules"),
    ("router advertisements", "integration/test_network_firewall.py::test_a_router_that"),
    ("IPv6 where a network has none", "integration/test_network_firewall.py::test_without_an_ipv6"),
    ("names asked on internal networks", "integration/test_network_names.py::test_nothing_of_an"),
)  # fmt: skip


def run(*argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    limited = ["prlimit", f"--fsize={FILE_BYTES}", "--", *argv]
    done = subprocess.run(
        limited, capture_output=True, text=True, errors="replace", timeout=DEADLINE_S, check=False
    )
    if check and done.returncode:
        raise SystemExit(f"{' '.join(argv)}: {done.stderr[-2000:]}")
    return done


class Ours:
    name = "slipway.engine"

    def __init__(self, place: Path) -> None:
        self.place = place / "ours"

    def unpack(self, row: Row, canary: str, layout: Path) -> bool:
        shutil.rmtree(self.place, ignore_errors=True)
        for name in ("lower", "target"):
            (self.place / name).mkdir(parents=True)
        lowers = []
        try:
            if row.lower is not None:
                unpack(io.BytesIO(row.lower(canary) + END), self.place / "lower", (), row.limits)
                lowers.append(self.place / "lower")
            unpack(io.BytesIO(stream(row, canary)), self.place / "target", lowers, row.limits)
        except Error:
            return False
        return True

    def beside(self) -> Iterator[Path]:
        yield self.place / "canary"

    def close(self) -> None:
        pass


class Umoci:
    name = "umoci"

    def __init__(self, place: Path) -> None:
        self.place = place / "umoci"

    def unpack(self, row: Row, canary: str, layout: Path) -> bool:
        shutil.rmtree(self.place, ignore_errors=True)
        image = f"{layout}:latest"
        return (
            run("umoci", "unpack", "--image", image, str(self.place), check=False).returncode == 0
        )

    def beside(self) -> Iterator[Path]:
        yield self.place / "canary"

    def close(self) -> None:
        pass


class Podman:
    name = "podman"

    def __init__(self, place: Path) -> None:
        self.root = place / "podman"
        #: Where it unpacks archives: in /var/tmp whatever TMPDIR says (podman issue 16104).
        self.tmp = place / "podman-tmp"
        self.tmp.mkdir()
        subprocess.run(["mount", "--bind", str(self.tmp), "/var/tmp"], check=True)
        # It makes an image's name of a layout's path, and a sandbox's has capitals.
        self.argv = ["env", f"--chdir={place}",
                     "podman", f"--root={self.root}", f"--runroot={place}/podman-run",
                     "--cgroup-manager=cgroupfs", "--events-backend=file"]  # fmt: skip
        run(*self.argv, "info")

    def unpack(self, row: Row, canary: str, layout: Path) -> bool:
        return self.load(packed(layout))

    def load(self, archive: Path) -> bool:
        """Forget every image, and load those of an archive."""
        run(*self.argv, "rmi", "-a", "-f", check=False)
        return run(*self.argv, "load", "-q", "-i", archive.name, check=False).returncode == 0

    def names(self) -> set[str]:
        return named(self.argv)

    def beside(self) -> Iterator[Path]:
        yield from self.root.glob("overlay/*/canary")

    def close(self) -> None:
        for mount in (f"{self.root}/overlay", "/var/tmp"):
            subprocess.run(["umount", mount], capture_output=True, check=False)


class Docker:
    name = "docker"

    def __init__(self, place: Path) -> None:
        self.place = place
        self.root = place / "docker"
        #: Where the daemon unpacks archives.
        self.tmp = self.root / "tmp"
        self.socket = f"unix://{place}/docker.sock"
        self.client = "/usr/bin/docker" if os.access("/usr/bin/docker", os.X_OK) else "docker"
        self.argv = [self.client, "-H", self.socket]
        with (place / "dockerd.log").open("wb") as log:
            self.daemon = subprocess.Popen(
                ["dockerd", "-H", self.socket, f"--data-root={self.root}", "--iptables=false",
                 "--bridge=none", f"--exec-root={place}/docker-run",
                 f"--pidfile={place}/docker.pid"],
                stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while run(*self.argv, "info", check=False).returncode:
            if time.monotonic() > deadline or self.daemon.poll() is not None:
                self.close()
                raise SystemExit((place / "dockerd.log").read_text()[-2000:])
            time.sleep(0.2)

    def unpack(self, row: Row, canary: str, layout: Path) -> bool:
        return self.load(packed(layout))

    def load(self, archive: Path) -> bool:
        """Forget every image, and load those of an archive."""
        images = run(*self.argv, "images", "-a", "-q").stdout.split()
        if images:
            run(*self.argv, "rmi", "-f", *sorted(set(images)), check=False)
        return run(*self.argv, "load", "-q", "-i", str(archive), check=False).returncode == 0

    def names(self) -> set[str]:
        return named(self.argv)

    def beside(self) -> Iterator[Path]:
        yield from self.root.glob("overlay2/*/canary")

    def close(self) -> None:
        self.daemon.terminate()
        self.daemon.wait(timeout=30)


Peer = Union[Umoci, Podman, Docker]
Engine = Union[Ours, Peer]


def named(argv: list[str]) -> set[str]:
    """The names an engine's images have."""
    told = run(*argv, "images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    return {name for name in told if "<none>" not in name}


def stream(row: Row, canary: str) -> bytes:
    return row.layer(canary) + (b"" if row.name in CUT_OFF else END)


def packed(layout: Path) -> Path:
    """The image as an archive of docker save; skopeo looks into no layer for that."""
    archive = layout.parent / "packed.tar"
    archive.unlink(missing_ok=True)
    images.skopeo_copy(f"oci:{layout}:latest", f"docker-archive:{archive}:corpus:1")
    return archive


@contextlib.contextmanager
def ground(name: str) -> Iterator[Path]:
    """A small filesystem without devices, seen by this sandbox only."""
    if "SLIPWAY_SANDBOX" not in os.environ:
        raise SystemExit("run it in tests/sandbox: it unpacks what is made to break out")
    place = Path(os.environ["SLIPWAY_SANDBOX"]) / name
    place.mkdir()
    options = f"size={TMPFS_BYTES},nodev,mode=0700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def make_canary(place: Path) -> Path:
    canary = place / "canary"
    shutil.rmtree(canary, ignore_errors=True)
    (canary / "sub").mkdir(parents=True)
    (canary / "secret").write_text("do not touch")
    (canary / "secret").chmod(0o600)
    (canary / "link").symlink_to("secret")
    return canary


def judge(engine: Engine, row: Row, place: Path, layout: Path) -> str:
    """What an engine makes of one row."""
    canary = make_canary(place)
    before = fingerprint(canary)
    try:
        outcome = CONTAINED if engine.unpack(row, str(canary), layout) else REFUSED
    except subprocess.TimeoutExpired:
        outcome = HUNG
    if fingerprint(canary) != before or any(os.path.lexists(path) for path in engine.beside()):
        return ESCAPED
    return outcome


T = TypeVar("T")


def started(place: Path, made: Mapping[str, Callable[[Path], T]]) -> list[T]:
    """The engines that are installed and serve here; ``made`` by their programs."""
    found: list[T] = []
    for program, make in made.items():
        if shutil.which(program) is None:
            print(f"{program} is not installed and is left out", file=sys.stderr)
            continue
        try:
            found.append(make(place))
        except SystemExit as exc:
            print(f"{program} does not serve here: {str(exc)[-400:]}", file=sys.stderr)
    return found


def compare() -> str:
    """The table, in Markdown."""
    found: dict[tuple[str, str], Counter[str]] = {}
    totals: Counter[str] = Counter()
    escapes: list[str] = []
    with ground("corpus") as place:
        made: dict[str, Callable[[Path], Peer]] = {
            "umoci": Umoci,
            "podman": Podman,
            "dockerd": Docker,
        }
        running: list[Engine] = [Ours(place), *started(place, made)]
        try:
            for engine in list(running):
                images.oci_layout(place / "layout", [stream(HONEST, ""), END])
                if judge(engine, HONEST, place, place / "layout") != CONTAINED:
                    # Then what it refuses says nothing.
                    print(f"{engine.name} takes no honest image here", file=sys.stderr)
                    engine.close()
                    running.remove(engine)
            group: Optional[str] = None
            for row in ROWS:
                group = CLASSES.get(row.name, group)
                assert group is not None
                totals[group] += 1
                layout = place / "layout"
                shutil.rmtree(layout, ignore_errors=True)
                canary = str(place / "canary")
                lower = [] if row.lower is None else [row.lower(canary) + END]
                images.oci_layout(layout, [*lower, stream(row, canary)])
                for engine in running:
                    if group == BOMBS and not isinstance(engine, Ours):
                        continue
                    outcome = judge(engine, row, place, layout)
                    found.setdefault((group, engine.name), Counter())[outcome] += 1
                    if outcome in (ESCAPED, HUNG):
                        escapes.append(f"{engine.name}: {row.name} ({row.advisory}): {outcome}")
        finally:
            for engine in running:
                engine.close()
    names = [engine.name for engine in running]
    told = "\n".join(f"* {line}" for line in escapes) or "No canary changed, and nothing hung."
    return f"{versions(*made)}\n\n{table('Layers', totals, found, names)}\n\n{told}"


def table(
    what: str,
    totals: Counter[str],
    found: Mapping[tuple[str, str], Counter[str]],
    names: Sequence[str],
) -> str:
    """``found`` by class and engine."""
    lines = [
        f"{what} | rows | " + " | ".join(names),
        " | ".join(["---"] * (len(names) + 2)),
    ]
    for group in totals:
        cells = [said(found.get((group, name))) for name in names]
        lines.append(" | ".join([group, str(totals[group]), *cells]))
    whole = [sum((c for (g, n), c in found.items() if n == name), Counter()) for name in names]
    lines.append(" | ".join(["**all**", str(totals.total()), *map(said, whole)]))
    return "\n".join(f"| {line} |" for line in lines)


def said(outcomes: Optional[Counter[str]]) -> str:
    if outcomes is None:
        return "not run"
    kinds = (REFUSED, CONTAINED, ESCAPED, HUNG, ACCEPTED)
    return ", ".join(f"{outcomes[kind]} {kind}" for kind in kinds if outcomes[kind])


def versions(*programs: str) -> str:
    told = []
    for program in programs:
        if shutil.which(program):
            first = run(program, "--version").stdout.splitlines()[0]
            match = re.search(r"[0-9]+\.[0-9]+\.[0-9]+", first)
            told.append(f"{program} {match[0] if match else first}")
    return f"Against {', '.join(told)}:"


def replayed() -> str:
    """How many cases the tests of each class have, by pytest's own count."""
    places = {test: _placed(test) for dummy, test in REPLAYED}
    paths = sorted({test.partition("::")[0] for test in places.values()})
    argv = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run([*argv, *paths], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = ["| What | Tests | Cases |", "| --- | --- | --- |"]
    for what, test in REPLAYED:
        matching = [line for line in done.stdout.splitlines() if line.startswith(places[test])]
        if not matching:
            raise SystemExit(f"no test is called {test}...")
        names = sorted({line.partition("::")[2].partition("[")[0] for line in matching})
        shown = f"`{names[0]}`" if len(names) == 1 else f"{len(names)} tests"
        file = places[test].partition("::")[0]
        lines.append(f"| {what} | `{file}`: {shown} | {len(matching)} |")
    return "\n".join(lines)


def _placed(test: str) -> str:
    """A test of ``REPLAYED`` as pytest names it: its file is in one of the rooms."""
    file, colons, name = test.partition("::")
    kind, dummy, base = file.partition("/")
    (path,) = (ROOT / "tests" / kind).rglob(base)
    return f"{path.relative_to(ROOT)}{colons}{name}"


def deliver(parts: Mapping[str, str]) -> None:
    """Print what was made, or with --write put it between its markers in docs/security.md."""
    if "--write" not in sys.argv[1:]:
        print("\n\n".join(parts.values()))
        return
    text = DOCUMENT.read_text()
    for name, part in parts.items():
        begin, end = f"<!-- {name} begins -->", f"<!-- {name} ends -->"
        before, dummy, rest = text.partition(begin)
        dummy, found, after = rest.partition(end)
        if not found:
            raise SystemExit(f"{DOCUMENT} has no markers for {name}")
        text = f"{before}{begin}\n{part}\n{end}{after}"
    DOCUMENT.write_text(text)


if __name__ == "__main__":
    deliver({"corpus": compare(), "replayed": replayed()})
