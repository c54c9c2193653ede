# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile image archives, each with the advisory it replays: what tests, and other engines, are
given.

More rows, nothing else, make the corpus grow.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.archive import (
    inventory,
    load,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.archive.members import (
    opened,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.layer.stream import (
    Limits,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from support.inputs.tars import END, directory, entry, extension, hardlink, pax_records, symlink

SMALL = Limits(layer_bytes=8 << 20, entries=100, path=1024, reserve_bytes=0)
SECRET = b"the secret of the canary"
#: The canary tree, beside which each archive lies.
CANARY = Path(os.environ.get("SLIPWAY_SANDBOX", "/nowhere")) / "archives" / "canary"
C = str(CANARY)

Files = Mapping[str, Union[bytes, str, None]]


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


LAYER = entry("file", data=b"content") + END
FORGED = entry("file", data=b"forgery") + END
LEAVING = entry("../canary/x") + END
THROUGH = symlink("d", C) + entry("d/secret") + END


def config(*diff_ids: str, **changes: Any) -> bytes:
    rootfs = {"type": "layers", "diff_ids": list(diff_ids or (digest(LAYER),))}
    return dump({"os": "linux", "architecture": "amd64", "rootfs": rootfs, **changes})


CONFIG = config()
GOOD = "docker.io/library/good:1"


def listed(**changes: Any) -> dict[str, Any]:
    return {"Config": "c.json", "RepoTags": ["good:1"], "Layers": ["l/layer.tar"], **changes}


def tar(files: Files, *raw: bytes) -> bytes:
    """Files in order; text is a symbolic link's target, None a directory; ``raw`` is last."""
    data = b""
    for name, content in files.items():
        if content is None:
            data += directory(name)
        elif isinstance(content, str):
            data += symlink(name, content)
        else:
            data += entry(name, data=content)
    return data + b"".join(raw) + END


def docker(files: Optional[Files] = None, *raw: bytes, without: str = "", **changes: Any) -> bytes:
    """What docker save writes, with these files put in the place of its own or beside them."""
    own: dict[str, Union[bytes, str, None]] = {
        "manifest.json": dump([listed(**changes)]),
        "c.json": CONFIG,
        "l/layer.tar": LAYER,
    }
    own.update(files or {})
    return tar({name: content for name, content in own.items() if name != without}, *raw)


def tagged(tag: Any) -> bytes:
    return docker(RepoTags=[tag])


MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"


def blob(data: bytes) -> str:
    return f"blobs/sha256/{digest(data)[7:]}"


def described(data: bytes, media_type: str, **changes: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(data), "size": len(data), **changes}


def manifest(**changes: Any) -> bytes:
    return dump(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": described(CONFIG, CONFIG_TYPE),
            "layers": [described(LAYER, LAYER_TYPE)],
            **changes,
        }
    )


def layout_files(
    document: bytes = b"",
    files: Optional[Files] = None,
    name: str = "good:1",
    entry_changes: Optional[Mapping[str, Any]] = None,
    **index: Any,
) -> dict[str, Union[bytes, str, None]]:
    document = document or manifest()
    notes = {"org.opencontainers.image.ref.name": name}
    top = {**described(document, MANIFEST_TYPE, annotations=notes), **(entry_changes or {})}
    return {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "index.json": dump({"schemaVersion": 2, "manifests": [top], **index}),
        blob(document): document,
        blob(CONFIG): CONFIG,
        blob(LAYER): LAYER,
        **(files or {}),
    }


def oci(*arguments: Any, **options: Any) -> bytes:
    return tar(layout_files(*arguments, **options))


def without(files: Files, *names: str) -> bytes:
    return tar({name: content for name, content in files.items() if name not in names})


def sparse(size: int) -> bytes:
    """A file in PAX format 1.0 that has one byte and seems to have many."""
    records = {"major": b"1", "minor": b"0", "realsize": str(size).encode()}
    content = b"1\n0\n1\n" + bytes(506) + b"x"
    named = {f"GNU.sparse.{key}": value for key, value in records.items()}
    return extension("x", pax_records(named)) + entry("sparse", data=content)


@dataclass(frozen=True)
class Row:
    """``archive`` are the bytes of one, or the files of a layout's directory.

    ``refused`` is a part of the error, None for one that is loaded under the names in ``loaded``.
    """

    name: str
    advisory: str
    archive: Union[bytes, Files]
    refused: Optional[str] = None
    loaded: tuple[str, ...] = ()


LARGE = "larger than 8388608"
OUT = "leads out of the archive"
LINK = "is a link to a file that is not in the archive"
BAD_NAME = "is not an image name"
LACKS = "lacks the layer"
V, W, X = "CVE-2014-9356", "CVE-2014-9358", "CVE-2014-8179"
CONFUSED = "CVE-2021-41190"

ROWS = [
    Row("nothing wrong", "none", docker(), None, (GOOD,)),
    Row("nothing wrong in a layout", "none", oci(), None, (GOOD,)),
    # Names of files
    Row("parent", V, docker({"../canary/x": b"x"}), OUT),
    Row("parent in the middle", V, docker({"a/../../canary/x": b"x"}), OUT),
    Row("parent that stays inside", V, docker({"a/../x": b"x"}), OUT),
    Row("absolute", "CVE-2014-9357", docker({f"{C}/x": b"x"}), OUT),
    Row("absolute twice", "CVE-2014-9357", docker({f"//{C}/x": b"x"}), OUT),
    Row("directory outside", V, docker({"../canary/d": None}), OUT),
    Row("PAX path", V, docker(None, entry("ok", pax={"path": "../canary/x"})), OUT),
    Row("GNU name", V, docker(None, extension("L", b"../canary/x\0") + entry("ok")), OUT),
    Row("null in a PAX path", V, docker(None, entry("ok", pax={"path": "a\0b"})), OUT),
    Row("prefix", V, docker(None, entry("canary/x", prefix="..")), OUT),
    Row("long name", V, docker({"a/" * 600 + "x": b""}), OUT),
    Row("not ASCII", V, docker({"ä": b""}), "a name that is not ASCII"),
    Row("no name", V, docker(None, entry("")), "has no name"),
    # Links, which the files of a layout's directory may be too
    Row(
        "layer is a link to a file",
        W,
        docker({"l/layer.tar": f"{C}/secret"}),
        "leads out of the archive",
    ),
    Row("layer is a relative link", W, docker({"l/layer.tar": "../../canary/secret"}), OUT),
    Row("config is a link", W, docker({"c.json": "../canary/secret"}), OUT),
    Row(
        "manifest.json is a link",
        W,
        docker({"manifest.json": f"{C}/secret"}),
        "leads out of the archive",
    ),
    Row("link to nothing", W, docker({"l/layer.tar": "../none"}), LINK),
    Row("link to itself", W, docker({"l/layer.tar": "layer.tar"}), LINK),
    Row("two links", W, docker({"l/layer.tar": "../m", "m": "n", "n": LAYER}), LINK),
    Row("link to a directory", W, docker({"l/layer.tar": "../d", "d": None}), LINK),
    Row("files below a link", W, docker({"l": C, "l/secret": b"x"}), "leads out of the archive"),
    Row("hard link outside", "CVE-2021-21272", docker(None, hardlink("h", f"{C}/secret")), OUT),
    Row("hard link above", "CVE-2021-21272", docker(None, hardlink("h", "../x")), OUT),
    Row("hard link to nothing", "CVE-2026-50163", docker(None, hardlink("h", "none")), LINK),
    Row("link to a layer", "none", docker({"l/layer.tar": "../m", "m": LAYER}), None, (GOOD,)),
    # What occurs twice, or is no file
    Row("manifest.json twice", CONFUSED, docker(None, entry("manifest.json")), "occurs twice"),
    Row("config twice", CONFUSED, docker(None, entry("./c.json")), "occurs twice"),
    Row("layer and link", CONFUSED, docker(None, symlink("l/layer.tar", "../c.json")), "twice"),
    Row("device", V, docker(None, entry("d", "3", device=(1, 1))), "is not a regular file"),
    Row(
        "fifo for a layer",
        V,
        docker({"l/layer.tar": b""}, entry("f", "6")),
        "is not a regular file",
    ),
    Row("layer is a directory", V, docker({"l/layer.tar": None}), LACKS),
    Row("sparse file", "CVE-2023-25153", docker(None, sparse(1 << 20)), "is a sparse file"),
    # What manifest.json says
    Row("only repositories", W, tar({"repositories": b"{}", "a/layer.tar": LAYER}), "than 1.10"),
    Row("layer outside", W, docker(Layers=["../canary/secret"]), LACKS),
    Row("layer by its path", W, docker(Layers=[f"{C}/secret"]), LACKS),
    Row("config outside", W, docker(Config="../canary/secret"), "lacks the file"),
    Row("config by its path", W, docker(Config=f"{C}/secret"), "lacks the file"),
    Row(
        "config under another id",
        "CVE-2014-8178",
        docker({"0" * 64 + ".json": CONFIG}, Config="0" * 64 + ".json"),
        None,
        (GOOD,),
    ),
    Row("another layer", X, docker({"l/layer.tar": FORGED}), "but the image says"),
    Row(
        "another packed one",
        X,
        docker({"l/layer.tar": gzip.compress(FORGED)}),
        "says",
    ),
    Row("more layers", X, docker(Layers=["l/layer.tar"] * 2), "do not match"),
    Row("fewer layers", X, docker(Layers=[]), "do not match"),
    Row(
        "path for a diff_id",
        "CVE-2024-3727",
        docker({"c.json": config("sha256:../../../canary/secret")}),
        "not a list of digests",
    ),
    Row("config is no config", W, docker({"c.json": b'{"rootfs":[]}'}), "does not describe"),
    Row("layer for a config", W, docker(Config="l/layer.tar"), "is not JSON"),
    Row("number for a config", W, docker(Config=7), "is not the name of a file"),
    Row("object for layers", W, docker(Layers={"a": "b"}), "is not a list of strings"),
    Row("object", W, docker({"manifest.json": dump(listed())}), "is not a JSON array"),
    Row("number for an image", W, docker({"manifest.json": b"[1]"}), "is not an object"),
    Row("no image", W, docker({"manifest.json": b"[]"}), "contains no image"),
    Row(
        "key twice",
        CONFUSED,
        docker({"manifest.json": b'[{"Config":"c.json","Config":"d","Layers":[]}]'}),
        "duplicate key",
    ),
    # Names of images
    Row("upper case", W, tagged("Good:1"), BAD_NAME),
    Row("parent in a name", "CVE-2024-3727", tagged("../../canary:1"), BAD_NAME),
    Row("line feed in a name", W, tagged("good:1\n"), BAD_NAME),
    Row("option for a name", W, tagged("--root=/:1"), BAD_NAME),
    Row("URL for a name", W, tagged("https://example.org/x:1"), BAD_NAME),
    Row("id for a name", "CVE-2014-8178", tagged("a" * 64), "is an image id"),
    Row("empty name", W, tagged(""), "name is empty"),
    Row("number for a name", W, tagged(1), "is not a list of strings"),
    Row(
        "one name, two images",
        CONFUSED,
        docker(
            {
                "manifest.json": dump([listed(), listed(Config="d.json")]),
                "d.json": config(author="somebody else"),
            }
        ),
        "it contains two images named",
    ),
    # Layers that attack
    Row(
        "parent in a layer",
        "CVE-2014-6407",
        docker({"l/layer.tar": LEAVING, "c.json": config(digest(LEAVING))}),
        "leaves the layer",
    ),
    Row(
        "layer that writes through a link",
        "CVE-2025-47290",
        docker({"l/layer.tar": THROUGH, "c.json": config(digest(THROUGH))}),
        None,
        (GOOD,),
    ),
    # Compression
    Row("cut off gzip", "CVE-2021-20291", gzip.compress(docker())[:-20], "truncated"),
    Row("more behind gzip", CONFUSED, gzip.compress(docker()) + b"more", "gzip stream is damaged"),
    Row("damaged gzip", V, b"\x1f\x8b" + b"x" * 600, "gzip stream is damaged"),
    Row("damaged zstd", V, b"\x28\xb5\x2f\xfd" + b"x" * 600, "zstd stream is damaged"),
    Row("cut off xz", "CVE-2021-20291", lzma.compress(docker())[:-20], "truncated"),
    Row("damaged bzip2", V, b"BZh91AY&SY" + b"x" * 600, "bzip2 stream is damaged"),
    # Bombs
    Row(
        "sparse of 4 EiB", "CVE-2023-25153", docker(None, sparse(1 << 62)), "does not fit its size"
    ),
    Row("deep JSON", "CVE-2020-1702", docker({"manifest.json": b"[" * 200_000}), "is not JSON"),
    Row("large document", "CVE-2020-1702", docker({"c.json": bytes(5 << 20)}), "at most 4194304"),
    Row("many images", "CVE-2020-1702", docker({"manifest.json": dump([1] * 2000)}), "2000 images"),
    Row("many layers", "CVE-2020-1702", docker(Layers=["l/layer.tar"] * 500), "500 layers"),
    Row("archive that is a bomb", "CVE-2023-25153", gzip.compress(bytes(16 << 20)), LARGE),
    Row(
        "archive with a large file",
        "CVE-2023-25153",
        gzip.compress(docker({"big": bytes(16 << 20)})),
        LARGE,
    ),
    Row(
        "layer that is a bomb",
        "CVE-2024-29903",
        docker({"l/layer.tar": gzip.compress(bytes(16 << 20))}),
        LARGE,
    ),
    Row("PAX of 2 GB", "CVE-2023-25153", docker(None, extension("x", b"", 1 << 31)), "extension"),
    Row(
        "many entries",
        "CVE-2024-29902",
        docker({f"f{n}": b"" for n in range(200)}),
        "more than 100",
    ),
    # Tar
    Row("cut off in a layer", V, docker()[:-1500], "in the middle of an entry"),
    Row("empty file", V, b"", "neither manifest.json nor index.json"),
    Row("text", V, b"this is no archive " * 100, "a header's checksum"),
    Row("zeros", V, bytes(10240), "neither manifest.json nor index.json"),
    Row("negative size", "CVE-2025-8194", docker(None, entry("n", size=-1)), "is negative"),
    Row("huge size", "CVE-2025-8194", docker(None, entry("n", size=1 << 60)), "in the middle of"),
    # Image layouts
    Row("no oci-layout", V, without(layout_files(), "oci-layout"), "lacks the file 'oci-layout'"),
    Row(
        "layout of tomorrow",
        V,
        oci(files={"oci-layout": b'{"imageLayoutVersion":"2.0"}'}),
        "version '2.0'",
    ),
    Row("index with layers", CONFUSED, oci(layers=[]), "both an image and an index"),
    Row("index with a config", CONFUSED, oci(config={}), "both an image and an index"),
    Row("index of another schema", CONFUSED, oci(schemaVersion=1), "is not the index"),
    Row("manifest with manifests", CONFUSED, oci(manifest(manifests=[])), "both an image and"),
    Row("type that lies", CONFUSED, oci(manifest(mediaType=INDEX_TYPE)), ", but says it is"),
    Row(
        "artifact",
        CONFUSED,
        oci(manifest(config=described(CONFIG, "x/y"))),
        "not a container image",
    ),
    Row(
        "manifest listed as an index",
        CONFUSED,
        oci(entry_changes={"mediaType": INDEX_TYPE}),
        ", but says it is",
    ),
    Row(
        "path for a digest",
        "CVE-2024-3727",
        oci(entry_changes={"digest": "sha256:../../../canary/secret"}),
        "is not a digest",
    ),
    Row(
        "digest of 63",
        "CVE-2024-3727",
        oci(entry_changes={"digest": "sha256:" + "a" * 63}),
        "is not a digest",
    ),
    Row(
        "upper-case digest",
        "CVE-2024-3727",
        oci(entry_changes={"digest": "SHA256:" + "a" * 64}),
        "is not a digest",
    ),
    Row(
        "digest nobody computes here",
        "CVE-2024-3727",
        oci(entry_changes={"digest": "sha512:" + "a" * 128}),
        "only sha256",
    ),
    Row("wrong size", CONFUSED, oci(entry_changes={"size": 1}), "does not match its digest"),
    Row(
        "negative size in JSON", CONFUSED, oci(entry_changes={"size": -1}), "not a number of bytes"
    ),
    Row(
        "forged manifest",
        X,
        oci(files={blob(manifest()): manifest() + b" "}),
        "does not match",
    ),
    Row("forged config", X, oci(files={blob(CONFIG): CONFIG + b" "}), "does not match"),
    Row("forged layer", X, oci(files={blob(LAYER): FORGED}), "but the image says"),
    Row("longer layer", X, oci(files={blob(LAYER): LAYER + b"x"}), "a different size"),
    Row("missing layer", W, without(layout_files(), blob(LAYER)), LACKS),
    Row(
        "layer from elsewhere",
        "CVE-2020-15157",
        without(
            layout_files(
                manifest(layers=[described(LAYER, LAYER_TYPE, urls=["http://169.254.169.254/"])])
            ),
            blob(LAYER),
        ),
        LACKS,
    ),
    Row(
        "urls beside a layer",
        "CVE-2020-15157",
        oci(manifest(layers=[described(LAYER, LAYER_TYPE, urls=["http://169.254.169.254/"])])),
        None,
        (GOOD,),
    ),
    Row("blob is a link", W, oci(files={blob(LAYER): f"{C}/secret"}), "leads out of the archive"),
    Row("parent in an annotation", "CVE-2024-3727", oci(name="../../canary:1"), BAD_NAME),
    Row(
        "number for an annotation",
        W,
        oci(entry_changes={"annotations": {"org.opencontainers.image.ref.name": 1}}),
        "is not a string",
    ),
    Row(
        "labels stay data",
        "CVE-2026-53488",
        docker({"c.json": config(config={"Labels": {"run.oci.hooks.stdout": "/x"}})}),
        None,
        (GOOD,),
    ),
    Row(
        "two different archives",
        CONFUSED,
        oci(
            files={
                "manifest.json": dump([listed()]),
                "c.json": config(author="x"),
                "l/layer.tar": LAYER,
            }
        ),
        "disagree about",
    ),
    Row(
        "two names in one",
        CONFUSED,
        oci(
            files={
                "manifest.json": dump([listed(RepoTags=["other:1"])]),
                "c.json": CONFIG,
                "l/layer.tar": LAYER,
            }
        ),
        "disagree about",
    ),
    # Layouts in a directory
    Row("directory", "none", layout_files(), None, (GOOD,)),
    Row("index.json is a link", W, layout_files(files={"index.json": f"{C}/secret"}), "neither"),
    Row(
        "blob in a directory is a link", W, layout_files(files={blob(LAYER): f"{C}/secret"}), LACKS
    ),
    Row(
        "directory of blobs is a link",
        W,
        {**{n: c for n, c in layout_files().items() if "/" not in n}, "blobs": C},
        "lacks the file",
    ),
    Row("blob is a directory", W, layout_files(files={blob(LAYER): None}), "not a regular file"),
]


def make_canary(top: Path) -> None:
    """A tree that archives beside it might reach, made anew."""
    shutil.rmtree(top, ignore_errors=True)
    (top / "d").mkdir(parents=True)
    (top / "secret").write_bytes(SECRET)


def write(path: Path, content: Union[bytes, Files]) -> None:
    if isinstance(content, bytes):
        path.write_bytes(content)
        return
    for name, data in content.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        if isinstance(data, str):
            (path / name).symlink_to(data)
        elif data is None:
            (path / name).mkdir()
        else:
            (path / name).write_bytes(data)


def bring(layout: Layout, path: Path) -> None:
    """Load an archive, with limits small enough to test them."""
    with store.lease(layout), opened(path, layout.tmp, True, SMALL) as members:
        load.bring(Host(layout), members, inventory.read(members).images, SMALL)
