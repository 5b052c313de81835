# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides how long an integration key rests after PagerDuty has said "too many". Pure but for its memory.

That is about the key, not about the event that happened to be told: how often the event was tried does not matter.
"""

from __future__ import annotations

# Ours: half a second, one, and then two, so that a page is tried within two seconds of PagerDuty's return. That is one
# event every two seconds for each key, a quarter of what PagerDuty takes.
_FIRST_SECONDS = 0.5
LONGEST_SECONDS = 2.0
_UNLIMITED = 1_000_000
# How long after a rest its question can be expected to have begun, unless its event is gone.
_SOON_SECONDS = 1.0


class Throttle:
    """What is known of one integration key: nothing while events are taken, else for how long it rests."""

    def __init__(self, longest_wish: float) -> None:
        """Begin without a rest.

        Args:
            longest_wish: the most seconds that PagerDuty may ask for.
        """
        self._longest_wish = longest_wish
        self._streak = 0
        self._until = float("-inf")
        self._asking = False
        self._takes = False

    def room(self, now: float) -> int:
        """Return how many attempts may be begun now: after a rest one, which asks for all others."""
        if not self._streak:
            return _UNLIMITED
        return 1 if now >= self._until and not self._asking else 0

    def asks_soon(self, now: float) -> bool:
        """Whether it rests for a moment only, so that what makes the attempts is needed again at once."""
        return bool(self._streak) and -_SOON_SECONDS < self._until - now <= LONGEST_SECONDS

    def began(self, attempts: int) -> None:
        """Take note of attempts that were begun."""
        self._asking = bool(self._streak) and (self._asking or attempts > 0)

    def throttled(self, now: float, random: float, wish: float | None = None) -> float:
        """Take note that there were too many events; returns the seconds to rest.

        Args:
            now: seconds on a clock that only goes forward.
            random: a number from 0 to 1.
            wish: seconds that PagerDuty asks to wait.
        """
        self._takes = False
        # Of several that were under way together, the first one says it all, unless another one names a time.
        if self._asking or now >= self._until:
            self._streak += 1
            rest = min(_FIRST_SECONDS * 2.0 ** min(self._streak - 1, 10), LONGEST_SECONDS) * (1 + random) / 2
            self._until = now + min(rest, self._longest_wish)
        if wish is not None:
            self._until = max(self._until, now + min(wish, self._longest_wish))
        self._asking = False
        return max(self._until - now, 0.0)

    def taken(self) -> bool:
        """Take note that an event was decided upon: nothing is to be waited for. Returns whether that is news."""
        is_news, self._takes = not self._takes, True
        self._streak, self._until, self._asking = 0, float("-inf"), False
        return is_news

    def learned_nothing(self) -> None:
        """Take note that an attempt has ended without a word about how many there may be."""
        self._asking = False
