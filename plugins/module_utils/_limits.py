# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps texts, keys and whole bodies within PagerDuty's limits, by shortening. Pure.

A page that is too long is shortened, never refused; what was shortened is reported in words.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

# The limits are those of PagerDuty's documentation of the Events API v2 (v1 has the same).
SUMMARY_CHARACTERS = 1024
KEY_CHARACTERS = 255
CHANGE_LINKS = 50
# "512 KB" in the documentation. Whether that means 1,000 or 1,024 is not said, so the smaller one.
BODY_BYTES = 512_000

# Ours, for a body that is too large even without its details: no real source or component is longer.
_LABEL_CHARACTERS = 1024
# Below this many characters for each string, cutting further leaves nothing to read: the details are dropped instead.
_SHORTEST_DETAIL = 16
_ELLIPSIS = "…"


def encode(body: dict[str, Any]) -> bytes:
    """Return the body as compact JSON in UTF-8."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def cut(text: str, limit: int) -> str:
    """Return the text, cut to a number of characters (not bytes), the last one an ellipsis if anything is missing."""
    return text if len(text) <= limit else text[: limit - 1] + _ELLIPSIS


def fit_key(key: str) -> str:
    """Return a key of at most 255 characters, always the same for the same key.

    A longer key keeps its readable beginning, followed by the SHA-256 of the whole.
    """
    if len(key) <= KEY_CHARACTERS:
        return key
    digest = hashlib.sha256(key.encode("utf-8")).hexdigest()
    return f"{key[: KEY_CHARACTERS - len(digest) - 1]}-{digest}"


def fit_body(body: dict[str, Any], limit: int = BODY_BYTES) -> tuple[bytes, list[str]]:
    """Encode a body, shortening it until it has at most so many bytes.

    The longest strings of the details are cut first, all to the same length, so that short ones stay whole and the
    structure is kept. If that is not enough the details are replaced by a note, then everything optional goes.

    Returns:
        The JSON, and one sentence for each thing that was shortened.
    """
    encoded = encode(body)
    if len(encoded) <= limit:
        return encoded, []
    reports: list[str] = []
    too_large = len(encoded)
    holder, name = _details_of(body)
    if holder is not None:
        longest = _longest_fitting(body, holder, name, limit)
        if longest is not None:
            holder[name] = _cut_strings(holder[name], longest)
            return encode(body), [f"{name}: strings cut to {longest} characters to fit PagerDuty's {limit:,} bytes"]
        holder[name] = {"note": f"Left out: the event had {too_large:,} bytes, PagerDuty takes {limit:,}."}
        reports.append(f"{name}: dropped, since the event had {too_large:,} bytes and PagerDuty takes {limit:,}")
    return _without_extras(body, limit, reports)


def _details_of(body: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """Find the mapping that holds the details, and their name in it, by the form of API v2 or v1."""
    payload = body.get("payload")
    if isinstance(payload, dict) and "custom_details" in payload:
        return payload, "custom_details"
    return (body, "details") if "details" in body else (None, "")


def _longest_fitting(body: dict[str, Any], holder: dict[str, Any], name: str, limit: int) -> int | None:
    """Find the greatest length to which the details' strings can be cut so that the body fits; None if none does."""
    original = holder[name]

    def fits(length: int) -> bool:
        holder[name] = _cut_strings(original, length)
        return len(encode(body)) <= limit

    try:
        if not fits(_SHORTEST_DETAIL):
            return None
        low, high = _SHORTEST_DETAIL, limit
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fits(middle) else (low, middle)
        return low
    finally:
        holder[name] = original


def _cut_strings(value: Any, length: int) -> Any:
    if isinstance(value, str):
        return cut(value, length)
    if isinstance(value, dict):
        return {key: _cut_strings(item, length) for key, item in value.items()}
    if isinstance(value, list):
        return [_cut_strings(item, length) for item in value]
    return value


def _without_extras(body: dict[str, Any], limit: int, reports: list[str]) -> tuple[bytes, list[str]]:
    """Drop what decorates an event, then cut its labels: what is left always fits."""
    for name in ("images", "links", "contexts", "client_url"):
        if len(encode(body)) > limit and body.pop(name, None) is not None:
            reports.append(f"{name}: dropped to fit PagerDuty's {limit:,} bytes")
    if len(encode(body)) <= limit:
        return encode(body), reports
    for holder in (body, body.get("payload", {})):
        for name, value in holder.items():
            if isinstance(value, str) and len(value) > _LABEL_CHARACTERS:
                holder[name] = cut(value, _LABEL_CHARACTERS)
                reports.append(f"{name}: cut to {_LABEL_CHARACTERS} characters to fit PagerDuty's {limit:,} bytes")
    return encode(body), reports
