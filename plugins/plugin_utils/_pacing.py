# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps each integration key below PagerDuty's rate: so many events in any 60 seconds. Pure."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

# PagerDuty counts over a sliding window of this length.
WINDOW_SECONDS = 60.0
# Ours: one of ten is kept for pages, so that one that is new need not wait for the window to move on.
_RESERVED = 10
_UNLIMITED = 1_000_000


@dataclass(frozen=True)
class Pace:
    """At most so many events within the window; 0 for no limit."""

    limit: int

    @property
    def reserved(self) -> int:
        """How many of them are for pages alone."""
        return self.limit // _RESERVED

    def free(self, sent: Sequence[float], now: float) -> int:
        """Return how many events may be sent now.

        Args:
            sent: when earlier events went out, ascending. An event counts from when its attempt ended, since it may
                have reached PagerDuty as late as that; one that is under way is to be given as sent now.
            now: the present on the same clock.
        """
        if not self.limit:
            return _UNLIMITED
        recent = len(sent) - bisect.bisect_right(sent, now - WINDOW_SECONDS)
        return max(self.limit - recent, 0)

    def expected(self, waiting: int, sent: int, pages_only: bool = True) -> float:
        """Return in how many seconds the last one of so many events is sent, if PagerDuty takes all of them.

        Args:
            waiting: how many events wait.
            sent: how many went out within the window.
            pages_only: whether all that wait are pages, so that they may use all of the limit.
        """
        limit = self.limit if pages_only else self.limit - self.reserved
        beyond = waiting - max(limit - sent, 0)
        return WINDOW_SECONDS * -(-beyond // limit) if limit and beyond > 0 else 0.0

    def explained(self, seconds: float) -> str:
        """Say why events wait for so many seconds."""
        minutes = -(-seconds // WINDOW_SECONDS)
        about = f"{minutes:g} minutes" if minutes > 1 else "a minute"
        return f"PagerDuty's limit of {self.limit} events a minute for each integration key; done in about {about}"
