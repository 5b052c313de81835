# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides when PagerDuty is plainly down, and how often to ask whether it is back. Pure but for its memory.

Without it, an outage with thousands of waiting events would mean thousands of hopeless attempts a minute.
"""

from __future__ import annotations

from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import LONGEST_SECONDS, RetryPolicy, Wait

# So many attempts in a row without a sensible answer: on 28 August 2025 PagerDuty still took one event of twenty, and
# those should get through. Not all for the same incident: one that PagerDuty stumbles over must not stop the others.
_FAILURES = 20
_LANES = 2
# Ours: a probe at least every 15 seconds, so that the first page goes out within that after an outage.
_PROBES = RetryPolicy(max_retries=1_000_000, base_interval=1.0, max_interval=15.0, deadline=LONGEST_SECONDS)
_UNLIMITED = 1_000_000


class Breaker:
    """The circuit to one PagerDuty: closed while it answers, else open but for one probe at a time.

    An answer is anything that PagerDuty has decided, a refusal too. A failure is a network error or a 5xx.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._lanes: set[object] = set()
        self._failed_probes = 0
        self._probe_at: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether PagerDuty counts as down."""
        return self._probe_at is not None

    def room(self, now: float) -> int:
        """Return how many attempts may be begun now."""
        if self._probe_at is None:
            return _UNLIMITED
        return 1 if now >= self._probe_at and not self._probing else 0

    def began(self, attempts: int) -> None:
        """Take note of attempts that were begun."""
        self._probing = self.is_open and (self._probing or attempts > 0)

    def answered(self) -> None:
        """Take note of an answer: the circuit closes."""
        self.__init__()  # type: ignore[misc]  # nothing is remembered

    def learned_nothing(self) -> None:
        """Take note that an attempt never got as far as PagerDuty, for a reason on this side."""
        self._probing = False

    def failed(self, lane: object, now: float, random: float) -> None:
        """Take note of a failure.

        Args:
            lane: what tells the event's incident from others.
            now: seconds on a clock that only goes forward.
            random: a number from 0 to 1.
        """
        if self.is_open and not self._probing:
            return  # begun before the circuit opened: says nothing new
        self._failures += 1
        self._lanes.add(lane)
        if self.is_open or (self._failures >= _FAILURES and len(self._lanes) >= _LANES):
            self._probing = False
            self._failed_probes += 1
            step = _PROBES.after(self._failed_probes, 0.0, random)
            self._probe_at = now + (step.seconds if isinstance(step, Wait) else _PROBES.max_interval)
