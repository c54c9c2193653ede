# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON of others, as RFC 8259 has it: UTF-8, finite numbers, texts that are Unicode.

Python's own reader takes more, and each of it is an error somewhere later: NaN is neither larger
nor smaller than a limit, infinity is not an integer, half of a surrogate pair cannot be written to
a file again, and UTF-16 is something that other readers of the same document refuse.
"""

from __future__ import annotations

import json
from typing import Any, Callable, NoReturn, Optional, Union

Pairs = Callable[["list[tuple[str, Any]]"], Any]


def loads(data: Union[bytes, str], pairs: Optional[Pairs] = None, surrogates: bool = False) -> Any:
    """The value of a JSON text. ``pairs`` makes an object of its names and values. ``surrogates``
    takes halves of surrogate pairs, as which os.fsdecode() has bytes that are no UTF-8.

    Raises ValueError, and nothing else, for what is not JSON or is nested deeper than Python reads.
    """
    if isinstance(data, str):
        data.encode("utf-8")
    text = data if isinstance(data, str) else data.decode("utf-8")
    decoder = _DECODER if pairs is None else _decoder(pairs)
    try:
        value = decoder.decode(text)
        if not surrogates and ("\\ud" in text or "\\uD" in text):
            # Those that belong together are one character by now.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError as exc:
        raise ValueError("it is nested too deeply") from exc
    return value


def _number(text: str) -> float:
    value = float(text)
    if value - value != 0:
        raise ValueError(f"{text[:40]} is too large")
    return value


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number of JSON")


def _decoder(pairs: Optional[Pairs]) -> json.JSONDecoder:
    return json.JSONDecoder(object_pairs_hook=pairs, parse_float=_number, parse_constant=_constant)


_DECODER = _decoder(None)
