# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes values fit into a number of bytes: what is big gives way, what is small stays whole. Pure.

Values are plain JSON types. All sizes are those of compact JSON in UTF-8.
"""

from __future__ import annotations

import json
from typing import Any, Iterable

_ELLIPSIS = "…"
# Stands for a value of which nothing fits.
_NOTHING: Any = object()
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))

# Ours. Below this many characters for each string there is little left to read: the first ones whole say more.
_SHORTEST_STRING = 200
# Below this many bytes for each entry, the first ones whole say more than the beginnings of all.
_SMALLEST_SHARE = 1_000
# No name of an entry that anybody gives is longer.
_LONGEST_NAME = 1_000
# Room for the sentence that says how many entries are missing, with its quotes, commas and colon.
_NOTE_BYTES = 60


def encode(value: Any) -> bytes:
    """Return a value as compact JSON in UTF-8."""
    return _JSON.encode(value).encode("utf-8")


def cut(text: str, limit: int) -> str:
    """Return the text, cut to a number of characters (not bytes), the last one an ellipsis if anything is missing."""
    return text if len(text) <= limit else text[: limit - 1] + _ELLIPSIS


def shrink_entries(entries: dict[str, Any], budget: int) -> tuple[dict[str, Any], list[str]]:
    """Return a mapping of at most so many bytes, and a sentence for each entry that was shortened for it.

    The biggest entries give way, each to the same size; all others stay as they are.
    """
    shrunk = _shrink(entries, budget, 0)
    reports = [
        f"{cut(name, _SHORTEST_STRING)!r} shortened from {len(encode(value)):,} to {len(encode(shrunk[name])):,} bytes"
        for name, value in entries.items()
        if name in shrunk and shrunk[name] != value
    ]
    missing = sum(name not in shrunk for name in entries)
    if missing:
        reports.append(f"{missing:,} of {len(entries):,} entries left out")
    return shrunk, reports


def _shrink(value: Any, budget: int, depth: int) -> Any:
    """Return a value of at most so many bytes; _NOTHING if none of it fits."""
    if len(encode(value)) <= budget:
        return value
    if isinstance(value, str):
        return _shorter_text(value, budget)
    if not isinstance(value, (dict, list)):
        return _NOTHING
    if depth:
        # Inside an entry, so many of whose strings may be long, all strings are cut alike and the structure stays.
        with_short_strings = _with_strings_cut(value, budget)
        if with_short_strings is not _NOTHING:
            return with_short_strings
    return _shrink_container(value, budget, depth)


def _shorter_text(text: str, budget: int) -> Any:
    """Return the longest beginning that fits; _NOTHING if not even a character does."""
    if budget < len(encode(_ELLIPSIS)):
        return _NOTHING
    low, high = 1, min(len(text), budget) + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if len(encode(cut(text, middle))) <= budget else (low, middle)
    return cut(text, low)


def _with_strings_cut(value: Any, budget: int) -> Any:
    """Return a value with all strings cut to the greatest length with which it fits; _NOTHING if that is too short."""

    def fits(length: int) -> bool:
        return len(encode(_cut_strings(value, length))) <= budget

    if not fits(_SHORTEST_STRING):
        return _NOTHING
    low, high = _SHORTEST_STRING, max(budget, _SHORTEST_STRING + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return _cut_strings(value, low)


def _cut_strings(value: Any, length: int) -> Any:
    if isinstance(value, str):
        return cut(value, length)
    if isinstance(value, dict):
        return {key: _cut_strings(item, length) for key, item in value.items()}
    if isinstance(value, list):
        return [_cut_strings(item, length) for item in value]
    return value


def _shrink_container(value: Any, budget: int, depth: int) -> Any:
    """Shorten the biggest entries, or, of very many small ones, keep the first."""
    is_mapping = isinstance(value, dict)
    # Each entry's name, colon and comma; the brackets.
    names = [len(encode(name)) + 2 if is_mapping else 1 for name in value]
    items = list(value.values()) if is_mapping else value
    sizes = [len(encode(item)) for item in items]
    most = _share(sizes, budget - 1 - sum(names))
    are_names_short = all(size <= _LONGEST_NAME for size in names)
    if most >= _SMALLEST_SHARE and are_names_short:
        shrunk = [item if size <= most else _shrink(item, most, depth + 1) for item, size in zip(items, sizes)]
        kept = [True] * len(shrunk)
    else:
        shrunk, kept = _first_ones(items, sizes, names, budget - 2 - _NOTE_BYTES, depth)
    kept = [is_kept and item is not _NOTHING for is_kept, item in zip(kept, shrunk)]
    missing = len(kept) - sum(kept)
    note = f"{missing:,} more left out"
    if is_mapping:
        mapping = {name: item for name, item, is_kept in zip(value, shrunk, kept) if is_kept}
        return {**mapping, _ELLIPSIS: note} if missing else mapping
    return [*(item for item, is_kept in zip(shrunk, kept) if is_kept), *([f"{_ELLIPSIS} {note}"] if missing else [])]


def _first_ones(
    items: Iterable[Any], sizes: list[int], names: list[int], budget: int, depth: int
) -> tuple[list[Any], list[bool]]:
    """Shorten each entry to the smallest share and say which of them are kept: as many as fit, the first ones first."""
    shrunk: list[Any] = []
    kept: list[bool] = []
    for item, size, name in zip(items, sizes, names):
        is_candidate = budget > 0 and name <= _LONGEST_NAME
        if is_candidate and size > _SMALLEST_SHARE:
            item = _shrink(item, _SMALLEST_SHARE, depth + 1)
            size = 0 if item is _NOTHING else len(encode(item))
        is_kept = is_candidate and item is not _NOTHING and size + name <= budget
        if is_kept:
            budget -= size + name
        elif is_candidate and item is not _NOTHING:
            budget = 0  # no gaps: whatever follows is left out too
        shrunk.append(item)
        kept.append(is_kept)
    return shrunk, kept


def _share(sizes: list[int], budget: int) -> int:
    """Return the greatest size so that entries which are cut to it fit together; negative if there is no room."""
    left = budget
    for index, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - index)
        if size > share:
            return share
        left -= size
    return max(sizes, default=0)
