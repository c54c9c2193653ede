# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers in gzip and zstd: whole, or an error that says what is wrong."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import subprocess
import tarfile
import zlib
from collections.abc import Callable

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.layer import compression
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import oci

DATA = random.Random(1).randbytes(300_000) + bytes(500_000) + b"end"


def zstd(data: bytes, *options: str) -> bytes:
    command = ["zstd", "-q", "-c", *options]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        entry = tarfile.TarInfo("file")
        entry.size = len(DATA)
        made.addfile(entry, io.BytesIO(DATA))
    return out.getvalue()


TAR = _tar()
PACKED = {
    "plain": TAR,
    "gzip": gzip.compress(TAR),
    "zstd": zstd(TAR),
    "bzip2": bz2.compress(TAR),
    "bzip2 in two": bz2.compress(TAR[:1000]) + bz2.compress(TAR[1000:]),
    "xz": lzma.compress(TAR),
    "xz in two": lzma.compress(TAR[:1000]) + lzma.compress(TAR[1000:]),
}


def read(data: bytes, media_type: str, size: int = 1 << 18) -> bytes:
    parts: list[bytes] = []
    with compression.plain(io.BytesIO(data), media_type) as stream:
        while True:
            part = stream.read(size)
            assert len(part) <= size
            if not part:
                return b"".join(parts)
            parts.append(part)


@pytest.mark.parametrize("size", [7_000, 1 << 16, 1 << 20])
@pytest.mark.parametrize(
    ("media_type", "packed"),
    [
        (oci.LAYER, DATA),
        (oci.DOCKER_LAYER, DATA),
        (oci.LAYER_GZIP, gzip.compress(DATA)),
        (oci.DOCKER_LAYER_GZIP, gzip.compress(DATA)),
        (oci.LAYER_GZIP, gzip.compress(DATA[:1000]) + gzip.compress(DATA[1000:])),
        (oci.LAYER_ZSTD, zstd(DATA)),
        (oci.LAYER_ZSTD, zstd(DATA[:1000]) + zstd(DATA[1000:])),
    ],
)
def test_a_layer_comes_out_whole(media_type: str, packed: bytes, size: int) -> None:
    assert read(packed, media_type, size) == DATA


@pytest.mark.parametrize("size", range(1, 40))
def test_output_left_over_in_zlib_is_not_lost(size: int) -> None:
    data = b"a" * 1000 + b"bc" * 300
    assert read(gzip.compress(data), oci.LAYER_GZIP, size) == data


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        gzip.compress(DATA)[:-1],
        gzip.compress(DATA)[:1000],
        gzip.compress(DATA) + b"\0",
        gzip.compress(DATA) + b"garbage",
        gzip.compress(DATA) + gzip.compress(DATA)[:50],
        gzip.compress(DATA)[:-8] + bytes(8),
        zlib.compress(DATA),
        DATA,
    ],
    ids=[
        "empty",
        "cut by one",
        "cut",
        "null behind",
        "garbage behind",
        "half a member behind",
        "wrong sum",
        "zlib",
        "plain",
    ],
)
def test_damaged_gzip_is_an_error(packed: bytes) -> None:
    with pytest.raises(Error, match="gzip stream"):
        read(packed, oci.LAYER_GZIP)


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        zstd(DATA)[:-3],
        zstd(DATA)[:100],
        zstd(DATA) + b"garbage!",
        zstd(DATA, "--check")[:-4],
        zstd(DATA, "--check")[:-4] + b"abcd",
        b"\x28\xb5\x2f\xfd" + gzip.compress(DATA),
    ],
    ids=["empty", "cut by three", "cut", "garbage behind", "no sum", "wrong sum", "gzip behind"],
)
def test_damaged_zstd_is_an_error(packed: bytes) -> None:
    with pytest.raises(Error, match="zstd stream"):
        read(packed, oci.LAYER_ZSTD)


@pytest.mark.parametrize("size", [7_000, 1 << 20])
@pytest.mark.parametrize("labelled", [oci.LAYER, oci.LAYER_GZIP, oci.LAYER_ZSTD])
@pytest.mark.parametrize("packed", PACKED, ids=PACKED.keys())
def test_what_a_layer_is_goes_before_what_it_is_labelled(
    packed: str, labelled: str, size: int
) -> None:
    assert read(PACKED[packed], labelled, size) == TAR


def test_a_layer_without_entries_is_a_tar_whatever_its_label() -> None:
    for labelled in (oci.LAYER, oci.LAYER_GZIP, oci.LAYER_ZSTD):
        assert read(bytes(1024), labelled) == bytes(1024)


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
@pytest.mark.parametrize("damage", ["cut by one", "cut", "null behind", "half a stream", "wrong"])
def test_damaged_bzip2_and_xz_are_errors(pack: Callable[[bytes], bytes], damage: str) -> None:
    whole = pack(DATA)
    packed = {
        "cut by one": whole[:-1],
        "cut": whole[:1000],
        "null behind": whole + b"\0",
        "half a stream": whole + whole[:500],
        "wrong": whole[:-40] + bytes(20) + whole[-20:],
    }[damage]
    with pytest.raises(Error, match=r"stream is (damaged|truncated)"):
        read(packed, oci.LAYER)


def test_an_xz_dictionary_beyond_128_mib_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 256 << 20}]
    with pytest.raises(Error, match="xz stream is damaged"):
        read(lzma.compress(b"x", lzma.FORMAT_XZ, filters=filters), oci.LAYER)
    filters[0]["dict_size"] = 64 << 20
    assert read(lzma.compress(b"x", lzma.FORMAT_XZ, filters=filters), oci.LAYER) == b"x"


def test_a_zstd_window_beyond_128_mib_is_refused() -> None:
    # Frame header: magic, no content size, window descriptor 2^(10+18) = 256 MiB, an empty last
    # block.
    frame = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([18 << 3]) + b"\x01\x00\x00"
    with pytest.raises(Error, match="zstd stream"):
        read(frame, oci.LAYER_ZSTD)
    assert read(frame[:5] + bytes([17 << 3]) + frame[6:], oci.LAYER_ZSTD) == b""


def test_a_reader_that_is_given_up_leaves_no_process() -> None:
    stream = compression.plain(io.BytesIO(zstd(bytes(50_000_000))), oci.LAYER_ZSTD)
    stream.read(10)
    stream.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.parametrize(
    "media_type", ["text/plain", "", "application/vnd.oci.image.config.v1+json"]
)
def test_another_media_type_is_an_error(media_type: str) -> None:
    with pytest.raises(Error, match="not supported"):
        compression.plain(io.BytesIO(b""), media_type)
