# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compressions of image layers, as streams that never hold more than a piece in memory.

What a layer's first bytes say decides, whatever it is labelled, as in Docker: its diff_id is what
vouches for it. gzip, bzip2 and xz are decompressed in this process. zstd is too where Python has it
(the zstandard package); otherwise by the program of that name, found before anything of the image
is on disk and never below a chroot (CVE-2026-41567).
"""

from __future__ import annotations

import contextlib
import importlib
import tempfile
import threading
import zlib
from types import TracebackType
from typing import IO, Any, Callable, Optional, Protocol

from ...base.errors import Error
from ...base.regex import regex
from ...kernel import process
from ...spec import oci
from .stream import Readable

PLAIN, GZIP, ZSTD, BZIP2, XZ = "plain", "gzip", "zstd", "bzip2", "xz"

#: What a zstd frame or an xz stream may make us keep for back references (RFC 8878 recommends to
#: support 8 MiB; the program's own default, and what --long makes without a number, is 128; xz -9
#: takes 64).
WINDOW_BYTES = 128 << 20

_CHUNK = 1 << 17
_ZSTD_PIECE = 512
#: A frame, or one to skip (RFC 8878, 3.1).
_ZSTD_MAGIC = regex(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")
#: How streams begin: RFC 1952, RFC 8878, bzip2 with its first block, xz-file-format 2.1.1.1.
_MAGIC = {
    GZIP: regex(rb"\x1f\x8b"),
    ZSTD: regex(rb"\x28\xb5\x2f\xfd"),
    BZIP2: regex(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"),
    XZ: regex(rb"\xfd7zXZ\0"),
}
#: Where a tar says that it is one (POSIX ustar), and what one without entries begins with.
_USTAR, _USTAR_AT = b"ustar", 257
_DAMAGED = "the layer is damaged: get the image again from a trusted source"


class Plain(Readable, Protocol):
    """An uncompressed layer. ``read`` returns b"" once everything was found in order."""

    def close(self) -> None:
        """Give back what it holds."""

    def __enter__(self) -> Plain:
        """Itself."""

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        """Close it."""


def kind(media_type: str) -> str:
    """The compression that a layer's media type stands for: PLAIN, GZIP or ZSTD."""
    if media_type in (oci.LAYER_GZIP, oci.DOCKER_LAYER_GZIP):
        return GZIP
    if media_type in (oci.LAYER, oci.DOCKER_LAYER):
        return PLAIN
    # Docker's foreign layers and OCI's non-distributable ones end like the others.
    if media_type.endswith((".tar.gzip", ".tar+gzip")):
        return GZIP
    if media_type.endswith((".tar.zstd", ".tar+zstd")):
        return ZSTD
    if media_type.endswith((".tar", "diff.tar")):
        return PLAIN
    raise Error(
        f"layers of the media type {media_type[:200]!r} are not supported",
        hint="layers are tar archives, plain or compressed with gzip, zstd, bzip2 or xz",
    )


def sniff(head: bytes, labelled: str = PLAIN) -> str:
    """The compression that the first bytes of a stream show; ``labelled`` where they show none.

    262 bytes are enough. A label that may be right is taken: only what cannot be is overruled.
    """
    if labelled != PLAIN and _MAGIC[labelled].match(head):
        return labelled
    if head[_USTAR_AT : _USTAR_AT + len(_USTAR)] == _USTAR:
        return PLAIN
    found = next((name for name, magic in _MAGIC.items() if magic.match(head)), labelled)
    empty = len(head) > _USTAR_AT and not any(head[:_USTAR_AT])
    return PLAIN if empty else found


def plain(stream: Readable, media_type: str) -> Plain:
    """The uncompressed content of a layer. Closing it leaves ``stream`` open."""
    labelled = kind(media_type)
    begun = _Begun(stream)
    compression = sniff(begun.head, labelled)
    if compression == GZIP:
        return _Gunzip(begun)
    if compression == ZSTD:
        return _unzstd(begun)
    if compression in (BZIP2, XZ):
        return _Blocks(begun, compression)
    return _Through(begun)


class _Begun:
    """A stream whose first bytes were looked at."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.head = b""
        while len(self.head) < _USTAR_AT + len(_USTAR):
            data = source.read(_CHUNK)
            if not data:
                break
            self.head += data
        self._left = memoryview(self.head)

    def read(self, size: int, /) -> bytes:
        if not self._left:
            return self._source.read(size)
        data, self._left = bytes(self._left[:size]), self._left[size:]
        return data


class _Through:
    """A layer that is not compressed."""

    def __init__(self, source: Readable) -> None:
        self._source = source

    def read(self, size: int, /) -> bytes:
        return self._source.read(size)

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Plain:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()


class _Gunzip(_Through):
    """Members of gzip one after another (RFC 1952), and nothing behind the last one.

    Not gzip.GzipFile, which passes over zeros behind the last member, so that two blobs of
    different digests would be the same layer.
    """

    def __init__(self, source: Readable) -> None:
        super().__init__(source)
        self._member = zlib.decompressobj(wbits=31)
        self._pending = b""
        #: Within a member. True at first: nothing at all is not a gzip stream either.
        self._within = True

    def read(self, size: int, /) -> bytes:
        while True:
            if not self._pending:
                self._pending = self._source.read(_CHUNK)
            ended = not self._pending
            if not self._within:
                if ended:
                    return b""
                self._member, self._within = zlib.decompressobj(wbits=31), True
            try:
                # Also without input: output may be left over from input taken before.
                data = self._member.decompress(self._pending, size)
            except zlib.error as exc:
                raise Error(f"the layer's gzip stream is damaged: {exc}", hint=_DAMAGED) from exc
            self._pending = self._member.unconsumed_tail
            if self._member.eof:
                self._pending, self._within = self._member.unused_data, False
            elif ended and not data:
                raise Error("the layer's gzip stream is truncated", hint=_DAMAGED)
            if data:
                return data


class _Blocks(_Through):
    """Streams of bzip2 or xz one after another, of which pbzip2 writes many, and nothing behind."""

    def __init__(self, source: Readable, compression: str) -> None:
        super().__init__(source)
        self._name = compression
        # A Python that was built without one of these cannot read such a layer.
        try:
            library: Any = importlib.import_module("bz2" if compression == BZIP2 else "lzma")
        except ImportError as exc:
            raise Error(
                f"the layer is compressed with {compression}, which this host's Python cannot read",
                hint=f"install Python's {exc.name} module, or compress the layer with gzip",
            ) from exc
        if compression == BZIP2:
            self._make: Callable[[], Any] = library.BZ2Decompressor
            self._errors: tuple[type[Exception], ...] = (OSError, ValueError)
        else:
            self._make = lambda: library.LZMADecompressor(library.FORMAT_XZ, memlimit=WINDOW_BYTES)
            self._errors = (library.LZMAError,)
        self._stream = self._make()
        self._pending = b""
        self._within = True

    def read(self, size: int, /) -> bytes:
        while True:
            ended = False
            if not self._pending and (not self._within or self._stream.needs_input):
                self._pending = self._source.read(_CHUNK)
                ended = not self._pending
            if not self._within:
                if ended:
                    return b""
                self._stream, self._within = self._make(), True
            elif ended:
                raise Error(f"the layer's {self._name} stream is truncated", hint=_DAMAGED)
            try:
                data: bytes = self._stream.decompress(self._pending, size)
            except self._errors as exc:
                raise Error(
                    f"the layer's {self._name} stream is damaged: {exc}", hint=_DAMAGED
                ) from exc
            self._pending = b""
            if self._stream.eof:
                self._pending, self._within = self._stream.unused_data, False
            if data:
                return data


def _unzstd(source: Readable) -> Plain:
    try:
        zstandard: Any = importlib.import_module("zstandard")
        # Before its version 0.19 the end of a frame could not be told.
        usable = hasattr(zstandard.ZstdDecompressor().decompressobj(), "unused_data")
    except ImportError:
        usable = False
    if usable:
        return _Zstandard(source, zstandard)
    if process.which("zstd") is None:
        raise Error(
            "the image has zstd-compressed layers, which this host cannot read",
            hint="install the package zstd, or python3-zstandard",
        )
    return _ZstdProgram(source)


class _Zstandard(_Through):
    """zstd by the zstandard package, frame after frame."""

    def __init__(self, source: Readable, zstandard: Any) -> None:
        super().__init__(source)
        self._error = zstandard.ZstdError
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES)
        self._frame = self._decompressor.decompressobj()
        self._output = memoryview(b"")
        self._pending = memoryview(b"")
        self._within = True

    def read(self, size: int, /) -> bytes:
        while not self._output:
            if not self._pending:
                self._pending = memoryview(self._source.read(_CHUNK))
            if not self._pending:
                if self._within:
                    raise Error("the layer's zstd stream is truncated", hint=_DAMAGED)
                return b""
            if not self._within:
                self._frame, self._within = self._decompressor.decompressobj(), True
            # All the output comes at once, and four bytes may stand for 128 KiB: so little goes in.
            piece, self._pending = self._pending[:_ZSTD_PIECE], self._pending[_ZSTD_PIECE:]
            try:
                self._output = memoryview(self._frame.decompress(piece))
            except self._error as exc:
                raise Error(f"the layer's zstd stream is damaged: {exc}", hint=_DAMAGED) from exc
            if self._frame.eof:
                unused = bytes(self._frame.unused_data)
                self._pending, self._within = memoryview(unused + bytes(self._pending)), False
        data, self._output = bytes(self._output[:size]), self._output[size:]
        return data


class _ZstdProgram(_Through):
    """zstd by the program, fed by a thread; its end is waited for, and its complaint becomes the
    error.
    """

    def __init__(self, source: Readable) -> None:
        super().__init__(source)
        self._first = source.read(_CHUNK)
        if not _ZSTD_MAGIC.match(self._first):
            # The program would take gzip and xz as well, and those have other limits.
            raise Error("the layer's zstd stream is damaged: it has no zstd header", hint=_DAMAGED)
        # A file, since nobody reads the complaint before the program ends.
        self._complaint: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115, close()
        self._child = process.spawn(
            ["zstd", "-q", "-d", "-c", f"--memory={WINDOW_BYTES >> 20}MB"],
            stdin=process.PIPE,
            stdout=process.PIPE,
            stderr=self._complaint,
        )
        self._failure: Optional[BaseException] = None
        self._feeder = threading.Thread(target=self._feed, daemon=True)
        self._feeder.start()

    def _feed(self) -> None:
        if self._child.stdin is None:
            raise AssertionError("the child was given pipes")
        try:
            data = self._first
            while data:
                self._child.stdin.write(data)
                data = self._source.read(_CHUNK)
        except BrokenPipeError:
            # The program ended first; its status says why.
            pass
        except (OSError, Error, ValueError) as exc:
            self._failure = exc
        finally:
            with contextlib.suppress(BrokenPipeError):
                self._child.stdin.close()

    def read(self, size: int, /) -> bytes:
        if self._child.stdout is None:
            raise AssertionError("the child was given pipes")
        if self._child.stdout.closed:
            return b""
        data = self._child.stdout.read(size)
        if data:
            return data
        status = self._child.wait()
        self._feeder.join()
        self._complaint.seek(0)
        said = process.complaint(self._complaint.read(4096))
        self.close()
        if self._failure is not None:
            raise self._failure
        if status != 0:
            raise Error(f"the layer's zstd stream is damaged: {said}", hint=_DAMAGED)
        return b""

    def close(self) -> None:
        """End the program if it still runs, and reap it."""
        if self._child.stdout is None:
            raise AssertionError("the child was given pipes")
        self._child.stdout.close()
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        self._feeder.join()
        self._complaint.close()
