# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulator remembers of a request: who asked for what, what came of it, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping


@dataclass(frozen=True)
class Received:
    """One request to an API (or to a path that is none), in the order PagerDuty processed them.

    taken: PagerDuty processed the event, even if the client never saw the answer
    status: the status that was answered; None if the answer never came
    fault: the kind of fault that struck, or None
    reason: why the event was refused or its answer broken, for people; empty if all was well
    api: v1, v2, change, rest, or None for an unknown path
    dedup_key: the event's, or the one that PagerDuty made for it
    """

    number: int
    time: float
    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    json: object = field(repr=False)
    key: str | None = field(repr=False)
    status: int | None
    fault: str | None
    taken: bool
    reason: str = ""
    api: str | None = None
    action: str | None = None
    dedup_key: str | None = None
    summary: str | None = None
