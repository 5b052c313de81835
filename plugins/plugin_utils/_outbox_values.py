# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into the outbox and what comes out of it, as values."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Prepared
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._route import Route


@dataclass(frozen=True)
class Caps:
    """What the outbox holds at most; 0 for no limit.

    Attributes:
        max_events: how many events. Beyond it go those set aside, then changes, then what follows upon a page, and
            pages last; of each the oldest.
        max_age: seconds that have surely passed since an event was put; it is not sent after that.
    """

    max_events: int = 0
    max_age: float = 0.0


@dataclass(frozen=True)
class Put:
    """What became of an event that was handed in.

    Attributes:
        id: its number, None if it and the unsent trigger before it cancelled each other out.
        dropped: how many events had to go for it, since the outbox was full.
        outdated: how many others were dropped since they had become too old.
    """

    id: int | None
    dropped: int = 0
    outdated: int = 0


@dataclass(frozen=True)
class Lanes:
    """All lanes with the same integration key at the same PagerDuty: what is paced together."""

    fingerprint: str
    base_url: str


@dataclass(frozen=True)
class Claim:
    """An event that nobody else sends until the lease ends.

    Attributes:
        id: the event's number.
        send: the number of this attempt in the record that pacing is based on; None if it could not be recorded.
        event: the event.
        lanes: what it is paced with.
        route: the way to go.
        attempts: how many attempts there have been, this one included.
        maybe_taken: whether an earlier attempt may have reached PagerDuty.
    """

    id: int
    send: int | None
    event: Prepared
    lanes: Lanes
    route: Route
    attempts: int
    maybe_taken: bool


@dataclass(frozen=True)
class Entry:
    """An event in the outbox, as it may be shown: no part of it holds an integration key.

    Attributes:
        id: its number.
        state: C(waiting), C(claimed) or C(set aside).
        action: C(trigger), C(acknowledge), C(resolve) or C(change).
        summary: its summary.
        dedup_key: its dedup key, None for a change event.
        key: the beginning of the integration key's SHA-256, to tell keys apart.
        base_url: which PagerDuty it goes to.
        created: when it was put, ISO 8601.
        attempts: how often it was tried.
        next_attempt: when it will be tried again at the earliest, ISO 8601.
        reason: the last attempt's error, or why it was set aside.
    """

    id: int
    state: str
    action: str
    summary: str
    dedup_key: str | None
    key: str
    base_url: str
    created: str
    attempts: int
    next_attempt: str
    reason: str | None

    def as_dict(self) -> dict[str, object]:
        """Return it as plain JSON types."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class KeyCounts:
    """How many events there are of an integration key.

    Attributes:
        key: the beginning of its SHA-256, to tell keys apart.
        base_url: which PagerDuty they go to.
        waiting: not accepted yet, those under way included.
        set_aside: refused by PagerDuty for good.
    """

    key: str
    base_url: str
    waiting: int
    set_aside: int

    def as_dict(self) -> dict[str, object]:
        """Return it as plain JSON types."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Counts:
    """How many events there are.

    Attributes:
        waiting: not accepted yet, those under way included.
        set_aside: refused by PagerDuty for good.
        dropped: dropped unsent since the outbox was made, by reason.
    """

    waiting: int
    set_aside: int
    dropped: dict[str, int] = field(default_factory=dict)


def action_of(event: Prepared) -> str:
    """Return what an event does: C(trigger), C(acknowledge), C(resolve) or C(change)."""
    return action_in(json.loads(event.body))


def action_in(body: Mapping[str, Any]) -> str:
    """Return what the event with a body does, as `action_of` does."""
    return str(body.get("event_action") or body.get("event_type") or "change")


def fingerprint_of(routing_key: str) -> str:
    """Return what tells an integration key from others without giving it away."""
    return hashlib.sha256(routing_key.encode("utf-8")).hexdigest()
