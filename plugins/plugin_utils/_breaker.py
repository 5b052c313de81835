# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides when PagerDuty is plainly down, and how often to ask whether it is back. Pure but for its memory.

Without it, an outage with thousands of waiting events would mean thousands of hopeless attempts a minute; and each
event's own back-off, of a minute at last, would have pages wait for that long after PagerDuty is back.
"""

from __future__ import annotations

from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import LONGEST_SECONDS, RetryPolicy, Wait

# So many attempts in a row without a sensible answer: on 28 August 2025 PagerDuty still took one event of twenty, and
# those should get through. Not all for the same incident: one that PagerDuty stumbles over must not stop the others.
_FAILURES = 20
_LANES = 2
# Ours: the first page goes out within 15 seconds after an outage. An attempt may take 10 seconds to fail, and the next
# one comes a second later, or 10 seconds after the beginning of the one before.
MOST_SECONDS = 10.0
LEAST_SECONDS = 1.0
_PROBES = RetryPolicy(
    max_retries=1_000_000, base_interval=LEAST_SECONDS, max_interval=MOST_SECONDS, deadline=LONGEST_SECONDS
)
_UNLIMITED = 1_000_000
_LONG_AGO = float("-inf")


class Breaker:
    """The circuit to one PagerDuty: closed while it answers, else open but for one probe at a time.

    An answer is anything that PagerDuty has decided, a refusal too. A failure is a network error or a 5xx.
    """

    def __init__(self, lanes_waiting: int = 0) -> None:
        """Begin.

        Args:
            lanes_waiting: how many incidents wait since earlier senders had no answer about them.
        """
        self._under_way = 0
        self._began = _LONG_AGO
        self._start(lanes_waiting)

    def _start(self, lanes_waiting: int) -> None:
        self._failures = 0
        self._lanes: set[object] = set()
        self._failed_probes = 0
        self._failing_since: float | None = _LONG_AGO if lanes_waiting else None
        self._ask_at = _LONG_AGO
        self._is_open = lanes_waiting >= _LANES
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether PagerDuty counts as down."""
        return self._is_open

    @property
    def is_failing(self) -> bool:
        """Whether there has been no answer since the last failure."""
        return self._failing_since is not None

    def room(self, now: float) -> int:
        """Return how many attempts may be begun now."""
        if not self._is_open:
            return _UNLIMITED
        return 1 if now >= self._ask_at and not self._probing else 0

    def asks(self, now: float) -> bool:
        """Whether an event is to be tried now, due or not, to learn whether PagerDuty is back."""
        return self.is_failing and not self._under_way and now >= self._ask_at

    def began(self, attempts: int, now: float) -> None:
        """Take note of attempts that were begun."""
        if attempts:
            self._began = now
            self._under_way += attempts
        self._probing = self._is_open and (self._probing or attempts > 0)

    def answered(self, now: float) -> bool:
        """Take note of an answer: the circuit closes. Returns whether that is the end of an outage.

        It is not if there was an answer just before: then each event's own back-off holds.
        """
        self._ended()
        since = self._failing_since
        is_back = self._is_open or (since is not None and now - since >= MOST_SECONDS)
        self._start(0)
        return is_back

    def learned_nothing(self) -> None:
        """Take note that an attempt never got as far as PagerDuty, for a reason on this side."""
        self._ended()
        self._probing = False

    def failed(self, lane: object, now: float, random: float) -> None:
        """Take note of a failure.

        Args:
            lane: what tells the event's incident from others.
            now: seconds on a clock that only goes forward.
            random: a number from 0 to 1.
        """
        self._ended()
        if self._is_open and not self._probing:
            return  # begun before the circuit opened: says nothing new
        if self._failing_since is None:
            self._failing_since = now
        self._failures += 1
        self._lanes.add(lane)
        self._ask_at = max(self._began + MOST_SECONDS, now + LEAST_SECONDS)
        if self._is_open or (self._failures >= _FAILURES and len(self._lanes) >= _LANES):
            self._is_open = True
            self._probing = False
            self._failed_probes += 1
            step = _PROBES.after(self._failed_probes, 0.0, random)
            wait = step.seconds if isinstance(step, Wait) else MOST_SECONDS
            self._ask_at = max(self._began + wait, now + min(wait, LEAST_SECONDS))

    def _ended(self) -> None:
        self._under_way = max(self._under_way - 1, 0)
