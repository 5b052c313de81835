# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps texts, keys and whole bodies within PagerDuty's limits, by shortening. Pure.

A page that is too long is shortened, never refused; what was shortened is reported in words.
"""

from __future__ import annotations

import hashlib
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.module_utils._shrink import cut, encode, shrink_entries

__all__ = ["BODY_BYTES", "CHANGE_LINKS", "KEY_CHARACTERS", "SUMMARY_CHARACTERS", "cut", "encode", "fit_body", "fit_key"]

# The limits are those of PagerDuty's documentation of the Events API v2 (v1 has the same).
SUMMARY_CHARACTERS = 1024
KEY_CHARACTERS = 255
CHANGE_LINKS = 50
# "512 KB" in the documentation. Whether that means 1,000 or 1,024 is not said, so the smaller one.
BODY_BYTES = 512_000

# Ours, for a body that is too large even without its details: no real source or component is longer.
_LABEL_CHARACTERS = 1024
# Ours: of this part of a body nothing is taken from the details for what decorates an event beside them.
_DETAILS_PART = 0.5


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

    What is big gives way. Of the details, the biggest entries are shortened, and the others stay whole. Links, images
    and labels are, the biggest first, if they leave too little room for details that are not too large themselves.

    Returns:
        The JSON, and one sentence for each thing that was shortened.
    """
    encoded = encode(body)
    if len(encoded) <= limit:
        return encoded, []
    holder, name = _details_of(body)
    if holder is None:
        return _with_less_around(body, limit, limit)
    details = holder[name]
    holder[name] = {}
    room = min(len(encode(details)), int(limit * _DETAILS_PART))
    encoded, reports = _with_less_around(body, limit - room, limit)
    shrunk, shortened = shrink_entries(details, limit - len(encoded) + len(encode({})))
    holder[name] = shrunk
    return encode(body), [*reports, *(f"{name}: {each} to fit PagerDuty's {limit:,} bytes" for each in shortened)]


def _details_of(body: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """Find the mapping that holds the details, and their name in it, by the form of API v2 or v1."""
    payload = body.get("payload")
    if isinstance(payload, dict) and "custom_details" in payload:
        return payload, "custom_details"
    return (body, "details") if "details" in body else (None, "")


def _with_less_around(body: dict[str, Any], size: int, limit: int) -> tuple[bytes, list[str]]:
    """Shorten what is beside the details, the biggest first, until the body has this size: that always succeeds."""
    reports: list[str] = []
    parts = [
        (len(encode(value)), holder, name)
        for holder in (body, body.get("payload", {}))
        for name, value in holder.items()
        if name not in ("payload", "custom_details", "details")
    ]
    for _size, holder, name in sorted(parts, key=lambda part: part[0], reverse=True):
        excess = len(encode(body)) - size
        if excess <= 0:
            break
        what = _shorten(holder, name, excess)
        if what:
            reports.append(f"{name}: {what} to fit PagerDuty's {limit:,} bytes")
    return encode(body), reports


def _shorten(holder: dict[str, Any], name: str, excess: int) -> str:
    """Take so many bytes, if they are there, from one part of a body. Returns what was done, empty if nothing was."""
    value = holder[name]
    if isinstance(value, list):
        dropped = _biggest(value, excess)
        holder[name] = [entry for index, entry in enumerate(value) if index not in dropped]
        if not holder[name]:
            del holder[name]
        return f"{len(dropped)} of {len(value)} left out"
    if name == "client_url":
        del holder[name]
        return "left out"
    if isinstance(value, str) and len(value) > _LABEL_CHARACTERS:
        holder[name] = cut(value, _LABEL_CHARACTERS)
        return f"cut to {_LABEL_CHARACTERS} characters"
    return ""


def _biggest(entries: list[Any], excess: int) -> set[int]:
    """Return the indices of the biggest entries, the last of equal ones first, that make up so many bytes."""
    sizes = sorted(((len(encode(entry)) + 1, index) for index, entry in enumerate(entries)), reverse=True)
    chosen: set[int] = set()
    for size, index in sizes:
        if excess <= 0:
            break
        chosen.add(index)
        excess -= size
    return chosen
