# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns whatever a playbook can hold into plain JSON types that encode without an error."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping, Set
from typing import Any

_SURROGATES = re.compile("[\ud800-\udfff]")

MAX_DEPTH = 64
"""Deeper structures are cut here. Chosen well above what a person reads."""


def plain_text(value: Any) -> str:
    """Return any value as a plain string that UTF-8 can encode.

    Bytes are decoded; halves of surrogate pairs, which Ansible uses for undecodable bytes, become U+FFFD.
    """
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    text = str(value)
    if text.isascii():
        return text
    return _SURROGATES.sub("\ufffd", text)


def optional_text(value: Any) -> str | None:
    """Return a string, or None where nothing was said: for None and for blank text."""
    if value is None:
        return None
    text = plain_text(value)
    return text if text.strip() else None


def plain(value: Any, within: tuple[int, ...] = ()) -> Any:
    """Return a value made of dict, list, str, int, float and bool only, or None.

    None never stays inside a structure, since no C(null) may reach PagerDuty: a mapping loses the entry, and a list
    keeps its order by an empty string in that place. Numbers that JSON does not know (NaN, the infinities) become text.

    Args:
        value: anything.
        within: the identities of the containers around it, outermost first.
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (Mapping, list, tuple, Set)):
        return _container(value, within)
    return plain_text(value)


def _container(value: Any, within: tuple[int, ...]) -> Any:
    if id(value) in within:
        # Followed to MAX_DEPTH, one that holds itself twice would become 2 ** MAX_DEPTH values.
        return "(a structure inside itself)"
    if len(within) >= MAX_DEPTH:
        return "(nested too deeply)"
    within = (*within, id(value))
    if isinstance(value, Mapping):
        items = ((plain_text(key), plain(item, within)) for key, item in value.items())
        return {key: item for key, item in items if item is not None}
    entries = (plain(item, within) for item in value)
    return ["" if item is None else item for item in entries]
