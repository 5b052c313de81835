# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends one event until PagerDuty has accepted or refused it, or until time is up. The only loop that retries."""

from __future__ import annotations

import enum
import random
import time
from dataclasses import dataclass
from typing import Callable

from ansible_collections.oncall.pagerduty.plugins.module_utils._answer import Answer, Verdict, classify
from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import TransportError
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Prepared
from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import GiveUp, RetryPolicy
from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import MASK, mask
from ansible_collections.oncall.pagerduty.plugins.module_utils._transport import Transport


class Outcome(enum.Enum):
    """What became of an event."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # PagerDuty's final word: sending it again is of no use
    UNDELIVERED = "undelivered"  # not accepted so far: sending it again may help


@dataclass(frozen=True)
class Delivery:
    """What came back. No part of it holds the integration key.

    Attributes:
        outcome: what became of the event.
        status: PagerDuty's status in its last answer, C(no answer) if there was none to the last attempt.
        message: PagerDuty's message in its last answer, or what kept the last attempt from getting one.
        dedup_key: the key that was sent, None for a change event.
        errors: one line for each failed attempt, in order.
        attempts: how many attempts were made.
        elapsed: seconds from the first attempt's start to the end.
        http_status: the status code of the answer to the last attempt.
        gave_up: why no further attempt was made, if the event is undelivered.
        maybe_taken: True if the event was not accepted, yet an attempt that got no answer, or not PagerDuty's own, may
            have reached PagerDuty.
        retry_after: seconds that PagerDuty asked to wait in its last answer.
    """

    outcome: Outcome
    status: str
    message: str
    dedup_key: str | None
    errors: tuple[str, ...]
    attempts: int
    elapsed: float
    http_status: int | None = None
    gave_up: str | None = None
    maybe_taken: bool = False
    retry_after: float | None = None

    @property
    def accepted(self) -> bool:
        """Whether PagerDuty has accepted the event: queued it, which is not yet an incident."""
        return self.outcome is Outcome.ACCEPTED

    @property
    def has_errors(self) -> bool:
        """Whether any attempt failed, even if a later one was accepted."""
        return bool(self.errors)


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


class Sender:
    """Sends events over one transport by one policy."""

    def __init__(
        self,
        transport: Transport,
        policy: RetryPolicy,
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], bool] = _sleep,
        random_number: Callable[[], float] = random.random,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take the parts; nothing is opened yet.

        Args:
            transport: makes the attempts.
            policy: decides when to try again.
            timeout: seconds that one attempt may take.
            clock: seconds that only go forward.
            wait: waits so many seconds; returns True, at once, when the process is told to stop
                (C(threading.Event.wait) has this form).
            random_number: a number from 0 to 1.
            now: Unix time, to read the dates in answers.
        """
        self._transport = transport
        self._policy = policy
        self._timeout = timeout
        self._clock = clock
        self._wait = wait
        self._random_number = random_number
        self._now = now

    def send(self, event: Prepared) -> Delivery:
        """Send an event and return what became of it. Raises nothing that the network could cause."""
        start = self._clock()
        errors: list[str] = []
        maybe_taken = False
        while True:
            answer = self._attempt(event, start)
            attempts = len(errors) + 1
            elapsed = self._clock() - start
            if isinstance(answer, Answer) and answer.verdict is Verdict.ACCEPTED:
                return self._delivery(event, Outcome.ACCEPTED, answer, attempts, elapsed, errors)
            errors.append(mask(f"attempt {attempts}: {answer}", [event.routing_key]))
            if isinstance(answer, Answer) and answer.verdict is Verdict.FINAL:
                return self._delivery(
                    event, Outcome.REFUSED, answer, attempts, elapsed, errors, maybe_taken=maybe_taken
                )
            maybe_taken = maybe_taken or answer.maybe_taken
            next_step = self._policy.after(attempts, elapsed, self._random_number(), _retry_after(answer))
            if not isinstance(next_step, GiveUp) and self._wait(next_step.seconds):
                next_step = GiveUp("the sender was told to stop")
            if isinstance(next_step, GiveUp):
                elapsed = self._clock() - start
                return self._delivery(
                    event, Outcome.UNDELIVERED, answer, attempts, elapsed, errors, next_step.reason, maybe_taken
                )

    def close(self) -> None:
        """Let go of the connection."""
        self._transport.close()

    def _attempt(self, event: Prepared, start: float) -> Answer | TransportError:
        left = self._policy.deadline - (self._clock() - start)
        # The policy begins no wait that would leave nothing; a coarse clock or a slow machine may, though.
        timeout = max(min(self._timeout, left), 0.001)
        try:
            raw = self._transport.post(event.api.value, event.body, timeout)
        except TransportError as error:
            return error
        # Masked before it is read, since a text that is cut at its end could keep a part of an echoed key.
        body = raw.body.replace(event.routing_key.encode(), MASK.encode())
        return classify(event.api, raw.http_status, raw.headers, body, self._now())

    def _delivery(
        self,
        event: Prepared,
        outcome: Outcome,
        answer: Answer | TransportError,
        attempts: int,
        elapsed: float,
        errors: list[str],
        gave_up: str | None = None,
        maybe_taken: bool = False,
    ) -> Delivery:
        return Delivery(
            outcome=outcome,
            status=mask(answer.status, [event.routing_key]) if isinstance(answer, Answer) else "no answer",
            message=mask(answer.message if isinstance(answer, Answer) else str(answer), [event.routing_key]),
            dedup_key=event.dedup_key,
            errors=tuple(errors),
            attempts=attempts,
            elapsed=elapsed,
            http_status=answer.http_status if isinstance(answer, Answer) else None,
            gave_up=gave_up,
            maybe_taken=maybe_taken,
            retry_after=_retry_after(answer),
        )


def _retry_after(answer: Answer | TransportError) -> float | None:
    return answer.retry_after if isinstance(answer, Answer) else None
