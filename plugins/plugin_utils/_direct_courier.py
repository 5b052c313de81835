# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that sends where nothing can be stored: has its events by a pipe, and keeps them in its memory.

It keeps the order within each incident and the pace of each key, as a courier does. It ends when it has sent all and
its parent is gone, or a bounded time after that.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import random
import select
import signal
import time
from collections import defaultdict
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Api, Prepared
from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import Wait
from ansible_collections.oncall.pagerduty.plugins.module_utils._sender import Outcome
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _route
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import Claim, Lanes, fingerprint_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._pacing import WINDOW_SECONDS, Pace
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._workers import Attempt, Workers

_LOOK_SECONDS = 0.05
_WORKERS = 4
_CHUNK = 64 * 1024
_STATES = {Outcome.ACCEPTED: "accepted", Outcome.REFUSED: "refused", Outcome.UNDELIVERED: "waiting"}


@dataclasses.dataclass
class _Waiting:
    """An event that has not been accepted yet."""

    claim: Claim
    due: float = 0.0
    under_way: bool = False


class DirectCourier:
    """Sends what comes by a pipe."""

    def __init__(self, settings: DeliverySettings, parent: int, source: int, sink: int) -> None:
        """Prepare.

        Args:
            settings: how to send.
            parent: process id of who started it.
            source: descriptor that events are read from.
            sink: descriptor that is told what became of them.
        """
        self._settings = settings
        self._parent = parent
        self._source: int | None = source
        self._sink = sink
        self._unread = b""
        self._lanes: dict[tuple[str, object], list[_Waiting]] = {}
        self._sends: dict[str, list[float]] = defaultdict(list)
        self._pace = Pace(settings.max_events_per_minute)
        self._workers = Workers(_WORKERS)
        self._retries = settings.retries()
        self._orphaned: float | None = None
        self._stopped = False

    def stop(self) -> None:
        """Begin no further attempt. Called by a signal's handler."""
        self._stopped = True

    def work(self) -> None:
        """Send until there is nothing more to do, or no more time."""
        while not self._is_over():
            now = time.monotonic()
            for lane in list(self._lanes.values()):
                self._begin(lane[0], now)
            for claim, attempt in self._workers.ended(_LOOK_SECONDS):
                self._ended(claim, attempt)

    def _is_over(self) -> bool:
        if self._stopped:
            return True
        is_orphan = os.getppid() != self._parent
        self._read()  # after that look: all that the parent has written is in the pipe by then
        if self._orphaned is None and (self._source is None or is_orphan):
            self._orphaned = time.monotonic()
        if self._orphaned is None:
            return False
        return not self._lanes or time.monotonic() - self._orphaned > self._settings.courier_linger

    def _read(self) -> None:
        while self._source is not None and select.select([self._source], [], [], 0)[0]:
            chunk = os.read(self._source, _CHUNK)
            if not chunk:
                self._source = None
            *lines, self._unread = (self._unread + chunk).split(b"\n")
            for line in lines:
                self._take(json.loads(line))

    def _take(self, fields: dict[str, Any]) -> None:
        event = Prepared(Api[fields["api"]], fields["key"], base64.b64decode(fields["body"]), fields["dedup_key"])
        fingerprint = fingerprint_of(event.routing_key)
        route = _route.decode(fields["route"])
        lanes = Lanes(fingerprint, route.connection.base_url)
        claim = Claim(fields["number"], None, event, lanes, route, 0, fields["maybe_taken"])
        # Change events have no order.
        lane = (fingerprint, event.dedup_key if event.dedup_key is not None else fields["number"])
        self._lanes.setdefault(lane, []).append(_Waiting(claim))

    def _begin(self, waiting: _Waiting, now: float) -> None:
        if waiting.under_way or waiting.due > now or not self._workers.free:
            return
        sends = [at for at in self._sends[waiting.claim.lanes.fingerprint] if at > now - WINDOW_SECONDS]
        self._sends[waiting.claim.lanes.fingerprint] = sends
        if not self._pace.free(sends, now):
            return
        sends.append(now)
        waiting.under_way = True
        waiting.claim = dataclasses.replace(waiting.claim, attempts=waiting.claim.attempts + 1)
        self._workers.begin(waiting.claim)

    def _ended(self, claim: Claim, attempt: Attempt) -> None:
        lane, queue = next((lane, queue) for lane, queue in self._lanes.items() if queue[0].claim.id == claim.id)
        if attempt.outcome is Outcome.UNDELIVERED:
            step = self._retries.after(claim.attempts, 0.0, random.random(), attempt.retry_after)  # noqa: S311  # jitter
            delay = step.seconds if isinstance(step, Wait) else self._retries.max_interval
            queue[0].due = time.monotonic() + delay
            queue[0].under_way = False
        else:
            queue.pop(0)
            if not queue:
                del self._lanes[lane]
        told = {"number": claim.id, "state": _STATES[attempt.outcome], "error": attempt.error or None}
        with contextlib.suppress(OSError):  # nobody listens any more, or nobody reads
            os.write(self._sink, json.dumps(told).encode("ascii") + b"\n")


def main(settings: DeliverySettings, parent: int) -> int:
    """Send what comes by standard input, in a process made for it; returns the exit code."""
    os.set_blocking(1, False)
    courier = DirectCourier(settings, parent, 0, 1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_details: courier.stop())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    courier.work()
    return 0
