# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tends an outbox in the foreground, for people and playbooks: look, send now, send again, drop. Shows no key."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._lock import SenderLock
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import Caps, Counts, Entry

_LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Report:
    """What was done, and what is in the outbox now.

    Attributes:
        changed: how many events were sent, let wait again, or dropped.
        waiting: how many wait to be sent.
        set_aside: how many PagerDuty has refused for good.
        dropped: how many were dropped unsent since the outbox was made, by reason.
        events: those that are there, in order.
    """

    changed: int = 0
    waiting: int = 0
    set_aside: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    events: tuple[Entry, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return it as plain JSON types."""
        return {**dataclasses.asdict(self), "events": [entry.as_dict() for entry in self.events]}


def listed(settings: DeliverySettings) -> Report:
    """Say what is in an outbox. One that was never made is empty, and is not made now."""
    return _tend(settings, lambda _outbox: 0)


def retried(settings: DeliverySettings, ids: Sequence[int] | None = None) -> Report:
    """Let events that were set aside, these or all, be sent again."""
    return _tend(settings, lambda outbox: outbox.retry(ids))


def purged(settings: DeliverySettings, ids: Sequence[int] | None = None, waiting: bool = False) -> Report:
    """Drop events, these or all: those set aside, and those waiting too if that is wanted."""
    return _tend(settings, lambda outbox: outbox.purge(ids, waiting))


def drained(settings: DeliverySettings, limit: float, log: Callable[[str], None] = lambda _text: None) -> Report:
    """Send what is in an outbox, at most for so many seconds; returns when nothing waits, or the time is up.

    If a courier is at work there, this waits for what it does. Delays before further attempts are cut short once.
    """
    return _tend(settings, lambda outbox: _drain(outbox, settings, limit, log))


def _tend(settings: DeliverySettings, action: Callable[[Outbox], int]) -> Report:
    if not os.path.exists(settings.outbox_path):
        return Report()
    database = Database(settings.outbox_path)
    try:
        outbox = Outbox(database, Caps(settings.max_events, settings.max_age))
        changed = action(outbox)
        counts: Counts = outbox.counts()
        return Report(changed, counts.waiting, counts.set_aside, counts.dropped, tuple(outbox.entries()))
    finally:
        database.close()


def _drain(outbox: Outbox, settings: DeliverySettings, limit: float, log: Callable[[str], None]) -> int:
    deadline = time.monotonic() + limit
    before = outbox.counts()
    outbox.hurry()
    lock = SenderLock(settings.outbox_path)
    try:
        while not outbox.is_empty() and time.monotonic() < deadline:
            if lock.acquire():
                _send(outbox, settings, lock.is_certain, deadline, log)
            else:
                time.sleep(_LOOK_SECONDS)
    finally:
        lock.release()
    after = outbox.counts()
    gone = sum(after.dropped.values()) - sum(before.dropped.values()) + after.set_aside - before.set_aside
    return max(before.waiting - after.waiting - gone, 0)


def _send(
    outbox: Outbox, settings: DeliverySettings, is_alone: bool, deadline: float, log: Callable[[str], None]
) -> None:
    # Loads the HTTP library.
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._drain import Drain

    if is_alone:
        outbox.release_all()
    drain = Drain(outbox, settings, log, is_alone)
    try:
        while (drain.busy or not outbox.is_empty()) and time.monotonic() < deadline:
            drain.turn(_LOOK_SECONDS)
    finally:
        drain.finish()
