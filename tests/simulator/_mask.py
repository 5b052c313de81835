# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes integration keys fit to be seen: nothing that leaves the simulator for a person's eyes shows a whole key."""

from __future__ import annotations

import re
from typing import Iterable

_VISIBLE = 4
_SHORTEST_SHOWN = 16  # below that, four characters would give away too much
_LOOKS_LIKE_A_KEY = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{28}([A-Za-z0-9]{4})(?![A-Za-z0-9])")


def mask(key: object) -> str:
    """The key's last four characters at most, after an ellipsis."""
    if not isinstance(key, str) or not key:
        return "(none)"
    return "…" + key[-_VISIBLE:] if len(key) >= _SHORTEST_SHOWN else "…"


def hide(text: str, keys: Iterable[str | None]) -> str:
    """The text with these keys masked wherever they stand, however they came to be there."""
    for key in set(keys):
        if key and len(key) >= _SHORTEST_SHOWN and key.isalnum():
            text = text.replace(key, mask(key))
    return text


def scrub(text: str) -> str:
    """The text with everything masked that has the shape of an integration key."""
    return _LOOKS_LIKE_A_KEY.sub(r"…\1", text)
