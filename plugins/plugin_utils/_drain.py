# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drains an outbox: claims what is due, has it sent, and writes down what came of it.

Everything that decides what is sent when comes together here: pace, back-off, circuit breakers. The outbox is touched
by the caller's thread only; what waits for the network are the workers.
"""

from __future__ import annotations

import collections
import os
import random
import socket
import time
from collections.abc import Callable

from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import Wait
from ansible_collections.oncall.pagerduty.plugins.module_utils._sender import Outcome
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._breaker import Breaker
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import DatabaseError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import Claim, Lanes
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._pacing import Pace
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._throttle import Throttle
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._workers import Attempt, Workers, require_library

# PagerDuty answers in some tenths of a second, so these send more than any pace allows to one key.
_WORKERS = 8
# How often to look whether a delay has passed. What is new in the outbox is seen at once.
_LOOK_SECONDS = 0.25
# How long to leave an outbox alone that cannot be written.
_REST_SECONDS = 1.0
# How much longer than its time-out an attempt may take until its outcome is on disk.
_GRACE_SECONDS = 1.0


class Drain:
    """Sends what is in an outbox, for as long as somebody calls `turn`."""

    def __init__(
        self,
        outbox: Outbox,
        settings: DeliverySettings,
        log: Callable[[str], None],
        is_alone: bool = False,
        clock: Callable[[], float] = time.monotonic,
        random_number: Callable[[], float] = random.random,
        own_surroundings: bool = False,
        workers: Workers | None = None,
    ) -> None:
        """Take the parts.

        Args:
            outbox: what to drain.
            settings: how to send.
            log: takes a line.
            is_alone: whether nobody else can be sending from this outbox.
            clock: seconds that only go forward.
            random_number: a number from 0 to 1.
            own_surroundings: whether this process's environment tells the way, not that of who made the event.
            workers: who makes the attempts.

        Raises:
            MissingLibraryError: if nothing can be sent by this Python.
        """
        if workers is None:
            require_library()
        self._outbox = outbox
        self._is_alone = is_alone
        self._log = log
        self._clock = clock
        self._random_number = random_number
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
        self._pace = Pace(settings.max_events_per_minute)
        self._retries = settings.retries()
        self._workers = workers or Workers(_WORKERS, own_surroundings)
        self._unwritten: list[tuple[Claim, Attempt]] = []
        self._in_hand: set[int] = set()
        self._breakers: dict[str, Breaker] = {}
        self._back: set[str] = set()
        self._taking: set[Lanes] = set()
        self._throttles: dict[Lanes, Throttle] = collections.defaultdict(lambda: Throttle(settings.retry_max_interval))
        self._version = -1
        self._looked = float("-inf")
        self._lanes: list[Lanes] = []
        self._freed = False
        self._resting_until = float("-inf")
        self._first = 0
        self._longest_attempt = 0.0
        self.accepted = 0

    @property
    def busy(self) -> bool:
        """Whether attempts are under way, or their outcome is not written down yet."""
        return bool(self._workers.busy or self._unwritten)

    @property
    def is_failing(self) -> bool:
        """Whether any PagerDuty has given no answer since its last failure."""
        return any(breaker.is_failing for breaker in self._breakers.values())

    @property
    def asks_soon(self) -> bool:
        """Whether any integration key rests for a moment only."""
        now = self._clock()
        return any(throttle.asks_soon(now) for throttle in self._throttles.values())

    def turn(self, wait: float) -> None:
        """Do what can be done now; waits so many seconds at most for an attempt to end."""
        ended = self._workers.ended(wait)
        self._unwritten += ended
        self._freed |= bool(ended)
        if self._clock() < self._resting_until:
            return
        for step in (self._write_down, self._begin_what_is_new):
            try:
                step()
            except DatabaseError as error:  # nothing is lost, but it cannot go on
                self._log(str(error))
                self._resting_until = self._clock() + _REST_SECONDS

    def finish(self) -> None:
        """Begin no further attempt; wait for those under way, for as long as they may take, and write them down."""
        deadline = self._clock() + self._longest_attempt + _GRACE_SECONDS
        while self.busy and self._clock() < deadline:
            self._unwritten += self._workers.ended(_LOOK_SECONDS)
            try:
                self._write_down()
            except DatabaseError as error:
                self._log(str(error))
        self._workers.close()

    def _begin_what_is_new(self) -> None:
        version = self._outbox.version()
        if version != self._version or self._clock() - self._looked >= _LOOK_SECONDS:
            self._version = version
            self._looked = self._clock()
            self._lanes = self._outbox.lanes()
            self._mind_outages()
        elif not self._freed:
            return
        self._freed = False
        # No key may always be the first to get a free worker.
        self._first += 1
        lanes = self._lanes
        for index in range(len(lanes)):
            if self._workers.free:
                self._begin_some(lanes[(index + self._first) % len(lanes)], -(-self._workers.free // len(lanes)))

    def _mind_outages(self) -> None:
        """Ask whether a PagerDuty is back, and have all sent that has waited for that once it is."""
        try:
            for base_url in sorted(self._back):
                self._outbox.outages.over(base_url)
                self._back.remove(base_url)
            for lanes in sorted(self._taking, key=str):
                self._outbox.outages.throttle_over(lanes.fingerprint, lanes.base_url)
                self._taking.remove(lanes)
            for base_url in sorted({lanes.base_url for lanes in self._lanes}):
                if self._breaker(base_url).asks(self._clock()):
                    self._outbox.outages.ask(base_url)
        except DatabaseError as error:  # what is due can be sent all the same
            self._log(str(error))

    def _breaker(self, base_url: str) -> Breaker:
        if base_url not in self._breakers:
            self._breakers[base_url] = Breaker(self._outbox.outages.lanes(base_url))
        return self._breakers[base_url]

    def _begin_some(self, lanes: Lanes, share: int) -> None:
        breaker = self._breaker(lanes.base_url)
        throttle = self._throttles[lanes]
        now = self._clock()
        most = min(share, self._workers.free, breaker.room(now), throttle.room(now))
        if most <= 0:
            return
        claims = self._claim(lanes, most)
        breaker.began(len(claims), now)
        throttle.began(len(claims))
        for claim in claims:
            self._in_hand.add(claim.id)
            self._longest_attempt = max(self._longest_attempt, claim.route.timeout)
            self._workers.begin(claim)

    def _claim(self, lanes: Lanes, most: int) -> list[Claim]:
        try:
            claims = self._outbox.claim(self._owner, lanes, most, self._pace)
            for text in self._outbox.take_news():
                self._log(text)
            return claims
        except DatabaseError as error:
            if not self._is_alone:
                raise
            # A full disk, most likely, about which somebody may be waiting to be paged. Send all the same what is at
            # the head of its lane; the rest of the lane waits until the outcome can be written down.
            self._log(str(error))
            self._resting_until = self._clock() + _REST_SECONDS
            due = self._outbox.due(self._owner, lanes, most + len(self._in_hand))
            return [claim for claim in due if claim.id not in self._in_hand][:most]

    def _write_down(self) -> None:
        """Record what came of attempts. They stay in the list, and their lanes claimed, until all is on disk."""
        if not self._unwritten:
            return
        with self._outbox.together():
            delays = [self._record(claim, attempt) for claim, attempt in self._unwritten]
        for (claim, attempt), delay in zip(self._unwritten, delays):
            self._in_hand.remove(claim.id)
            self._draw_conclusions(claim, attempt, delay)
        self._unwritten.clear()

    def _record(self, claim: Claim, attempt: Attempt) -> float:
        """Record what came of an attempt; returns the seconds until the next one, 0 if there is none."""
        if attempt.outcome is Outcome.ACCEPTED:
            self._outbox.accepted(claim)
            return 0.0
        if attempt.outcome is Outcome.REFUSED:
            self._outbox.refused(claim, self._owner, attempt.error)
            return 0.0
        delay = self._rest(claim, attempt) if attempt.throttled else self._delay(claim, attempt)
        self._outbox.postponed(claim, self._owner, delay, attempt.error, attempt.maybe_taken, attempt.down)
        return delay

    def _draw_conclusions(self, claim: Claim, attempt: Attempt, delay: float) -> None:
        what = f"event {claim.id}, attempt {claim.attempts}"
        if attempt.outcome is Outcome.ACCEPTED:
            self.accepted += 1
            self._log(f"{what}: accepted")
        elif attempt.outcome is Outcome.REFUSED:
            self._log(f"{what}: set aside: {attempt.error}")
        else:
            self._log(f"{what}: {attempt.error}; the next one in {delay:.1f} s")
        if attempt.outcome is not Outcome.UNDELIVERED:
            if self._throttles[claim.lanes].taken():
                self._taking.add(claim.lanes)
        elif not attempt.throttled:
            self._throttles[claim.lanes].learned_nothing()
        self._tell_breaker(claim, attempt)

    def _delay(self, claim: Claim, attempt: Attempt) -> float:
        step = self._retries.after(claim.attempts, 0.0, self._random_number(), attempt.retry_after)
        return step.seconds if isinstance(step, Wait) else self._retries.max_interval

    def _rest(self, claim: Claim, attempt: Attempt) -> float:
        return self._throttles[claim.lanes].throttled(self._clock(), self._random_number(), attempt.retry_after)

    def _tell_breaker(self, claim: Claim, attempt: Attempt) -> None:
        breaker = self._breaker(claim.lanes.base_url)
        was_open = breaker.is_open
        if attempt.answered:
            if breaker.answered(self._clock()):
                self._back.add(claim.lanes.base_url)
        elif attempt.down:
            lane = (claim.lanes.fingerprint, claim.event.dedup_key or claim.id)
            breaker.failed(lane, self._clock(), self._random_number())
        else:
            breaker.learned_nothing()
        if breaker.is_open and not was_open:
            self._log("PagerDuty seems to be down; one event at a time asks whether it is back")
        elif was_open and not breaker.is_open:
            self._log("PagerDuty is back")
