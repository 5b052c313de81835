# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PagerDuty's rate limit: so many events for each integration key within a sliding minute. Pure but for its memory."""

from __future__ import annotations

from collections import deque

WINDOW = 60.0  # seconds


class RateLimit:
    """Counts the events that were let through; those refused do not count against the key."""

    def __init__(self, events_per_window: int) -> None:
        """Zero means no limit."""
        self._limit = events_per_window
        self._passed: dict[str, deque[float]] = {}

    def admits(self, key: str, now: float) -> bool:
        """Whether one more event for the key may pass at this time; if so it is counted."""
        if not self._limit:
            return True
        passed = self._passed.setdefault(key, deque())
        while passed and passed[0] <= now - WINDOW:
            passed.popleft()
        if len(passed) >= self._limit:
            return False
        passed.append(now)
        return True
