# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps count of the events that a run has handed over, to say of which incidents PagerDuty has accepted none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import action_of, fingerprint_of

if TYPE_CHECKING:
    from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Prepared

# What tells an incident's events from others: the fingerprint of the integration key, and the dedup key.
Lane = tuple[str, str]


def lane_of(routing_key: str, dedup_key: str) -> Lane:
    """Return the lane of an incident's events."""
    return fingerprint_of(routing_key), dedup_key


class _Place(Protocol):
    """What keeps a run's events."""

    def left_of(self, run: str) -> dict[Lane, int]:
        """Return how many of a run's events are not accepted, for each incident."""

    def has_opened(self, fingerprint: str, dedup_key: str) -> bool:
        """Tell whether an accepted trigger may have opened an incident."""


class Tally:
    """The incidents of one playbook's run."""

    def __init__(self) -> None:
        self._handed_over: dict[Lane, int] = {}
        self._resolves: set[Lane] = set()

    def note(self, event: Prepared) -> None:
        """Count an event that was handed over."""
        if event.dedup_key is not None:
            lane = lane_of(event.routing_key, event.dedup_key)
            self._handed_over[lane] = self._handed_over.get(lane, 0) + 1
            if action_of(event) == "resolve":
                self._resolves.add(lane)

    def take_back(self, event: Prepared) -> None:
        """Do not count an event that was handed over in vain."""
        if event.dedup_key is not None:
            lane = lane_of(event.routing_key, event.dedup_key)
            self._handed_over[lane] -= 1
            if not self._handed_over[lane]:
                del self._handed_over[lane]

    def unheard(self, run: str, places: Sequence[_Place], some_dropped: bool) -> frozenset[Lane]:
        """Return the lanes of which no event was accepted.

        Args:
            run: the run's name there.
            places: all that may have its events, and can be trusted.
            some_dropped: whether events of the run were dropped.

        Raises:
            DatabaseError: if one of them cannot be read.
        """
        left: dict[Lane, int] = {}
        for place in places:
            for lane, number in place.left_of(run).items():
                left[lane] = left.get(lane, 0) + number
        unheard = {lane for lane, number in self._handed_over.items() if left.get(lane, 0) >= number}
        if some_dropped:
            # A trigger that is gone may be one that was dropped.
            gone = self._handed_over.keys() - unheard - self._resolves
            unheard |= {lane for lane in gone if not any(place.has_opened(*lane) for place in places)}
        return frozenset(unheard)
