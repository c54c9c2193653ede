# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsers of what an image is made of: layers, archives, manifests, configs, Dockerfiles."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from pathlib import Path
from random import Random
from typing import Callable

from support.inputs import hostile_archives
from support.inputs.tars import END, entry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import document
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build import git
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.shared import form
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.source import git_url
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.archive import (
    inventory,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.archive.members import (
    opened,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.dockerfile import (
    ignore,
    parse,
    words,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.layer import compression
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import (
    manifest,
    platform,
    store,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import oci
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.oci import Descriptor

from . import mutate, tars
from .parser import Parser, text

#: What is read of a compressed stream before the reader has had enough, as layers have a limit.
_ENOUGH = 32 << 20
_PLAIN = entry("file", data=Random(1).randbytes(3000) + bytes(5000)) + END

_MEDIA_TYPES = tuple(
    one.encode() for one in sorted({*oci.INDEX_TYPES, *oci.MANIFEST_TYPES, *manifest.LAYER_TYPES})
)
_DIGESTS = (
    b"sha256:" + b"a" * 64, b"sha512:" + b"b" * 128, b"sha256:../x", b"sha256:" + b"A" * 64,
    b"sha256:" + b"a" * 63, b"sha256:" + b"a" * 64 + b"\n",
)  # fmt: skip


def _decompressed(labelled: str) -> Callable[[bytes, Path], None]:
    def feed(data: bytes, place: Path) -> None:
        with compression.plain(io.BytesIO(data), labelled) as plain:
            left = _ENOUGH
            while left > 0:
                part = plain.read(1 << 16)
                if not part:
                    break
                left -= len(part)

    return feed


def _archive(data: bytes, place: Path) -> None:
    path = place / "archive.tar"
    path.write_bytes(data)
    with opened(path, place, whole=False, limits=hostile_archives.SMALL) as members:
        inventory.head(members)
        inventory.read(members)


def _archives(place: Path) -> list[bytes]:
    rows = [row.archive for row in hostile_archives.ROWS]
    made = [one for one in rows if isinstance(one, bytes)]
    return [one for one in made if len(one) <= mutate.LARGEST]


def _config(data: bytes, place: Path) -> None:
    """As an image in the store is read: its config, what it is for, what it says of containers."""
    found = manifest.parse_config(data, 1, "config")
    platform.check_serves(found, "it")
    described = Descriptor(oci.CONFIG, oci.digest_of(data), len(data))
    image = store.Image(described.digest, described, found, (), (), (), (), 0, described)
    document.canonical(store.defaults(image))


def _manifest(data: bytes, place: Path) -> None:
    media_type = oci.DOCKER_MANIFEST if b"docker" in data[:120] else oci.MANIFEST
    described = Descriptor(media_type, oci.digest_of(data), len(data))
    manifest.parse_manifest(data, described, "manifest")


def _index(data: bytes, place: Path) -> None:
    found = manifest.parse_index(data, oci.INDEX, "index")
    platform.choose(found, platform.host_platform(), "index")


def _cache(data: bytes, place: Path) -> None:
    """As a shared cache of builds is read: the manifest, or a config with one layer."""
    if b"steps" in data:
        layer = Descriptor(oci.LAYER_GZIP, "sha256:" + "a" * 64, 1)
        document.canonical(form.read_config(data, {layer.digest: layer}, "cache"))
    else:
        form.read_manifest(data, "cache")


def _repository(given: str) -> None:
    """A source of a build that may be a repository: what git gets is no option."""
    if git_url.is_repository(given):
        found = git_url.repository(given)
        assert not found.url.startswith("-") and not found.ref.startswith("-"), given
        str(found)


def _references(data: bytes, place: Path) -> None:
    git.listed(data, git_url.Repository("git@example.com:a", "main"))


def _dockerfile(data: bytes, place: Path) -> None:
    for stage in parse.parse(data, "Dockerfile").stages:
        for made in stage.instructions:
            str(made)


def _ignored(given: str) -> None:
    patterns = ignore.read(given)
    for path in ("a", "a/b", "a/b/c.txt", ".git/config", "node_modules/x/y", "ab" * 100):
        patterns.matches(path)


def _expanded(given: str) -> None:
    try:
        words.expand_words(given, {"a": "x*y", "b": "", "PATH": "/bin:/usr/bin"})
    except words.Malformed:
        # Whoever calls it says in which line.
        return


def _gzipped(place: Path) -> list[bytes]:
    return [gzip.compress(_PLAIN, mtime=0)]


def _others(place: Path) -> list[bytes]:
    return [bz2.compress(_PLAIN), lzma.compress(_PLAIN)]


_TYPES = _MEDIA_TYPES + _DIGESTS
_SHELL = b"${a:-x} ${b:+y} ${a#x*} ${a%%*y} ${a/x/y} ${a:?z} $a '$a' \\ \" ' ${ }".split()
_INSTRUCTIONS = (
    b"FROM RUN COPY ADD ARG ENV --from= --mount=type=cache --chmod= <<EOF AS HEALTHCHECK"
    b' --interval= ONBUILD SHELL ["a","b"] EXPOSE VOLUME # \\ $A ${B:-c}'
).split()
_SOURCES = b"https:// ssh:// git@ .git # : ?ref= &subdir= checksum= .. - @ [::1] / %00".split()
_PATTERNS = b"** * ? [a-z] [^a] ! \\ / .. . # a/**/b [ ] [] [!a] [a--b]".split()

PARSERS = (
    Parser("tar", tars.archive, tars.unpacked, also=tars.corpus),
    Parser("gzip", mutate.raw, _decompressed(oci.LAYER_GZIP), also=_gzipped),
    Parser("zstd", mutate.raw, _decompressed(oci.LAYER_ZSTD)),
    Parser("bzip2-xz", mutate.raw, _decompressed(oci.LAYER), also=_others),
    Parser("archive", tars.archive, _archive, also=_archives),
    Parser("manifest", mutate.document, _manifest, _TYPES),
    Parser("index", mutate.document, _index, _TYPES),
    Parser("cache", mutate.document, _cache, (*_TYPES, form.CONFIG.encode())),
    Parser("repository", mutate.raw, text(_repository), tuple(_SOURCES)),
    Parser("references", mutate.raw, _references, (b"refs/heads/main", b"\t", b"^{}", b"a" * 40)),
    Parser("config", mutate.document, _config, _DIGESTS),
    Parser("dockerfile", mutate.raw, _dockerfile, tuple(_INSTRUCTIONS)),
    Parser("dockerignore", mutate.raw, text(_ignored), tuple(_PATTERNS)),
    Parser("shell-words", mutate.raw, text(_expanded), tuple(_SHELL)),
)
