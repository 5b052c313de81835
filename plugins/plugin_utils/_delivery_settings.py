# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two sides of background delivery, ansible-playbook and its courier, have to agree on."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import LONGEST_SECONDS, RetryPolicy


@dataclass(frozen=True)
class DeliverySettings:
    """How events are kept and sent. Zero means "no limit" wherever a limit is set.

    Attributes:
        outbox_path: the outbox's file; it is made at the first event.
        max_events: how many events the outbox keeps; beyond that the oldest are dropped, and counted.
        max_age: seconds after which an event is no longer worth sending: it is dropped, and counted.
        prune_superseded: whether an unsent trigger and a later resolve for the same incident cancel each other.
        max_events_per_minute: the pace for each integration key, over all processes that share the outbox.
        retry_base_interval: seconds before the first retry; doubled for each further one.
        retry_max_interval: the longest wait in seconds between two attempts of the same event.
        jitter: False for the plain delays.
        courier_linger: how many seconds the courier may go on after the last run has ended, if anything waits.
    """

    outbox_path: str
    max_events: int = 10_000
    max_age: float = 7 * 24 * 3600
    prune_superseded: bool = False
    max_events_per_minute: int = 120
    retry_base_interval: float = 1.0
    retry_max_interval: float = 60.0
    jitter: bool = True
    courier_linger: float = 6 * 3600.0

    def retries(self) -> RetryPolicy:
        """Return when an event is tried again: always, since its age alone ends that."""
        return RetryPolicy(
            max_retries=1_000_000,
            base_interval=self.retry_base_interval,
            max_interval=self.retry_max_interval,
            jitter=self.jitter,
            deadline=LONGEST_SECONDS,
        )

    def encoded(self) -> str:
        """Return the settings as text."""
        return json.dumps(dataclasses.asdict(self))


def decode(text: str) -> DeliverySettings:
    """Return the settings that were handed over as text."""
    return DeliverySettings(**json.loads(text))
