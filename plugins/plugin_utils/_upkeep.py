# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tends an outbox in the foreground, for people and playbooks: look, send now, send again, drop. Shows no key."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database, DatabaseError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._drops import DRAIN, Untold
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._lock import SenderLock
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import Caps, Entry, KeyCounts
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._substitute import existing_substitutes

_LOOK_SECONDS = 0.05
# Events in a report that was asked for something else: a play that fails after an outage stays readable.
_MOST_SHOWN = 20


@dataclass(frozen=True)
class Page:
    """Which events a report shows.

    Attributes:
        most: at most so many.
        offset: without so many at the beginning.
    """

    most: int = _MOST_SHOWN
    offset: int = 0


_EVERYTHING = Page(sys.maxsize)


@dataclass(frozen=True)
class Report:
    """What was done, and what is in the outbox now.

    Attributes:
        changed: how many events were sent, let wait again, or dropped because that was wanted; or would be.
        untold: what was dropped because of the outbox's caps, now or earlier, and had been told to no drain yet.
        refused: how many PagerDuty refused for good meanwhile.
        waiting: how many wait to be sent.
        set_aside: how many PagerDuty has refused for good.
        dropped: how many were dropped unsent since the outbox was made, by reason.
        by_key: waiting and set_aside for each integration key by itself; those kept in memory by themselves.
        problem: why an event waits still.
        refusal: why one was refused for good.
        events: those that were asked for, in order. Those kept in memory have negative numbers.
    """

    changed: int = 0
    untold: tuple[Untold, ...] = ()
    refused: int = 0
    waiting: int = 0
    set_aside: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    by_key: tuple[KeyCounts, ...] = ()
    problem: str | None = None
    refusal: str | None = None
    events: tuple[Entry, ...] = ()

    def and_also(self, other: Report) -> Report:
        """Return the sum of both."""
        reasons = sorted({*self.dropped, *other.dropped})
        return Report(
            self.changed + other.changed,
            self.untold + other.untold,
            self.refused + other.refused,
            self.waiting + other.waiting,
            self.set_aside + other.set_aside,
            {reason: self.dropped.get(reason, 0) + other.dropped.get(reason, 0) for reason in reasons},
            self.by_key + other.by_key,
            self.problem or other.problem,
            self.refusal or other.refusal,
            self.events + other.events,
        )


@dataclass(frozen=True)
class _Done:
    changed: int = 0
    untold: tuple[Untold, ...] = ()
    refused: int = 0


# What is done with an outbox, given the settings for it and the ids in it that are meant, None for all.
_Action = Callable[[Outbox, DeliverySettings, "Sequence[int] | None"], _Done]


def listed(settings: DeliverySettings, page: Page | None = None) -> Report:
    """Say what is in an outbox, with all events unless a page is given. One that was never made is not made now."""
    return _tend(settings, lambda _outbox, _settings, _ids: _Done(), page=page or _EVERYTHING)


def drainable(settings: DeliverySettings) -> Report:
    """Say what `drained` would try to send."""
    return _tend(settings, lambda outbox, _settings, _ids: _Done(outbox.counts().waiting))


def retriable(settings: DeliverySettings, ids: Sequence[int] | None = None) -> Report:
    """Say what `retried` would let be sent again."""
    return _tend(settings, lambda outbox, _settings, own: _Done(outbox.count_retry(own)), ids)


def purgeable(settings: DeliverySettings, ids: Sequence[int] | None = None, waiting: bool = False) -> Report:
    """Say what `purged` would drop."""
    return _tend(settings, lambda outbox, _settings, own: _Done(outbox.count_purge(own, waiting)), ids)


def retried(settings: DeliverySettings, ids: Sequence[int] | None = None) -> Report:
    """Let events that were set aside, these or all, be sent again."""
    return _tend(settings, lambda outbox, _settings, own: _Done(outbox.retry(own)), ids)


def purged(settings: DeliverySettings, ids: Sequence[int] | None = None, waiting: bool = False) -> Report:
    """Drop events, these or all: those set aside, and those waiting too if that is wanted."""
    return _tend(settings, lambda outbox, _settings, own: _Done(outbox.purge(own, waiting)), ids)


def drained(settings: DeliverySettings, limit: float, log: Callable[[str], None] = lambda _text: None) -> Report:
    """Send what is in an outbox, at most for so many seconds; returns when nothing waits, or the time is up.

    If a courier is at work there, this waits for what it does. Delays before further attempts are cut short once.
    Whatever was dropped for a cap and was told to no drain yet counts as told by this one.

    Raises:
        MissingLibraryError: if this Python cannot send anything.
    """
    deadline = time.monotonic() + limit
    return _tend(settings, lambda outbox, own, _ids: _drain(outbox, own, deadline, log))


def _tend(
    settings: DeliverySettings, action: _Action, ids: Sequence[int] | None = None, page: Page | None = None
) -> Report:
    """Do something with the outbox, and with what stood in for it while it could not be used."""
    problem: DatabaseError | None = None
    report = Report()
    page = page or Page()
    substitutes = [(path, -1) for path in existing_substitutes(settings.outbox_path)]
    for path, sign in ((settings.outbox_path, 1), *substitutes):
        try:
            if _exists(path):
                own = None if ids is None else [sign * number for number in ids if sign * number > 0]
                rest = Page(page.most - len(report.events), max(page.offset - report.waiting - report.set_aside, 0))
                there = dataclasses.replace(settings, outbox_path=path)
                report = report.and_also(_tend_one(there, action, own, sign, rest))
        except OSError as error:
            problem = problem or DatabaseError(f"{path} cannot be used: {error.strerror or error}")
        except DatabaseError as error:
            problem = problem or error
    if problem is not None:
        raise problem
    return report


def _exists(path: str) -> bool:
    """Tell whether a file is there. One that may be there, but cannot be reached, is an error."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    return True


def _tend_one(settings: DeliverySettings, action: _Action, ids: Sequence[int] | None, sign: int, page: Page) -> Report:
    database = Database(settings.outbox_path)
    try:
        outbox = Outbox(database, Caps(settings.max_events, settings.max_age))
        done = action(outbox, settings, ids)
        outbox.unmark_if_empty()
        counts = outbox.counts()
        return Report(
            done.changed,
            done.untold,
            done.refused,
            counts.waiting,
            counts.set_aside,
            counts.dropped,
            tuple(outbox.counts_by_key()),
            *outbox.first_problems(),
            tuple(dataclasses.replace(entry, id=sign * entry.id) for entry in outbox.entries(page.most, page.offset)),
        )
    finally:
        database.close()


def _drain(outbox: Outbox, settings: DeliverySettings, deadline: float, log: Callable[[str], None]) -> _Done:
    before = outbox.counts()
    outbox.drop_outdated()
    if before.waiting:
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
    dropped = sum(after.dropped.values()) - sum(before.dropped.values())
    refused = max(after.set_aside - before.set_aside, 0)
    sent = max(before.waiting - after.waiting - dropped - refused, 0)
    return _Done(sent, tuple(outbox.take_untold(DRAIN)), refused)


def _send(
    outbox: Outbox, settings: DeliverySettings, is_alone: bool, deadline: float, log: Callable[[str], None]
) -> None:
    # Loads the HTTP library.
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._drain import Drain

    if is_alone:
        outbox.release_all()
    # Whoever drains by hand has put something right here: a proxy, say.
    drain = Drain(outbox, settings, log, is_alone, own_surroundings=True)
    try:
        while (drain.busy or not outbox.is_empty()) and time.monotonic() < deadline:
            drain.turn(_LOOK_SECONDS)
    finally:
        drain.finish()
