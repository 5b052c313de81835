# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes one attempt for one claimed event, on a worker thread, and says in plain words what came of it."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import MissingLibraryError, PagerDutyError
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Api
from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import RetryPolicy
from ansible_collections.oncall.pagerduty.plugins.module_utils._sender import Delivery, Outcome, Sender
from ansible_collections.oncall.pagerduty.plugins.module_utils._transport import (
    HAS_REQUESTS,
    REQUESTS_IMPORT_ERROR,
    RequestsTransport,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import Claim
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._route import Route


@dataclass(frozen=True)
class Attempt:
    """What came of one attempt. No part of it holds an integration key.

    Attributes:
        outcome: what became of the event.
        error: what went wrong, in a line; empty if it was accepted.
        answered: whether PagerDuty decided something, be it a refusal: it is up.
        down: whether there was no answer, or one that says that PagerDuty is not well.
        throttled: whether there were too many events for the integration key.
        maybe_taken: whether the event may have been taken although nobody said so.
        retry_after: seconds that PagerDuty asked to wait.
    """

    outcome: Outcome
    error: str = ""
    answered: bool = False
    down: bool = False
    throttled: bool = False
    maybe_taken: bool = False
    retry_after: float | None = None


def judge(api: Api, delivery: Delivery) -> Attempt:
    """Return what a sender's single attempt means to the outbox."""
    status = delivery.http_status
    undelivered = delivery.outcome is Outcome.UNDELIVERED
    # A success that is not PagerDuty's own comes from something in between.
    down = undelivered and (status is None or status >= 500 or status <= 299)
    return Attempt(
        outcome=delivery.outcome,
        error=delivery.errors[-1].partition(": ")[2] if delivery.errors else "",
        answered=not down,
        down=down,
        throttled=undelivered and (status == 429 or (status == 403 and api is Api.V1)),
        maybe_taken=delivery.maybe_taken,
        retry_after=delivery.retry_after,
    )


def require_library() -> None:
    """Find out before an event is claimed whether any can be sent: no event is to blame for what is missing here.

    Raises:
        MissingLibraryError: if the HTTP library is missing.
    """
    if not HAS_REQUESTS:
        raise MissingLibraryError("requests", REQUESTS_IMPORT_ERROR)


class Workers:
    """Threads that make attempts side by side. They never touch the outbox."""

    def __init__(self, number: int, own_surroundings: bool = False) -> None:
        """Start them.

        Args:
            number: how many.
            own_surroundings: whether this process's environment tells the way, not that of who made the event.
        """
        self._number = number
        self._own_surroundings = own_surroundings
        self._jobs: queue.SimpleQueue[Claim | None] = queue.SimpleQueue()
        # No SimpleQueue: a wait in it that is interrupted by a signal may never end.
        self._ended: queue.Queue[tuple[Claim, Attempt]] = queue.Queue()
        self._busy = 0
        for _count in range(number):
            threading.Thread(target=self._work, name="pagerduty-sender", daemon=True).start()

    @property
    def busy(self) -> int:
        """How many attempts are under way, those that have ended but were not collected included."""
        return self._busy

    @property
    def free(self) -> int:
        """How many more attempts can be begun at once."""
        return self._number - self._busy

    def begin(self, claim: Claim) -> None:
        """Begin an attempt."""
        self._busy += 1
        self._jobs.put(claim)

    def ended(self, wait: float) -> list[tuple[Claim, Attempt]]:
        """Return the attempts that have ended; waits so many seconds at most for a first one."""
        found: list[tuple[Claim, Attempt]] = []
        try:
            found.append(self._ended.get(timeout=wait) if wait > 0 else self._ended.get_nowait())
            while True:
                found.append(self._ended.get_nowait())
        except queue.Empty:
            pass
        self._busy -= len(found)
        return found

    def close(self) -> None:
        """Let the threads end."""
        for _count in range(self._number):
            self._jobs.put(None)

    def _work(self) -> None:
        senders: dict[Route, Sender] = {}
        while True:
            claim = self._jobs.get()
            if claim is None:
                break
            route = claim.route.without_surroundings() if self._own_surroundings else claim.route
            self._ended.put((claim, _attempt(claim, route, senders)))
        for sender in senders.values():
            sender.close()


def _attempt(claim: Claim, route: Route, senders: dict[Route, Sender]) -> Attempt:
    try:
        if route not in senders:
            senders[route] = _sender(route)
        return judge(claim.event.api, senders[route].send(claim.event))
    except PagerDutyError as error:  # no such certificate file, for instance: somebody can put that right
        return Attempt(Outcome.UNDELIVERED, str(error))
    except Exception as error:  # pylint: disable=broad-except  # a thread that dies would take its event along
        return Attempt(Outcome.UNDELIVERED, f"unexpected {type(error).__name__}", maybe_taken=True)


def _sender(route: Route) -> Sender:
    # One attempt for each claim: the outbox decides when the next one is due, so that no event blocks a thread.
    once = RetryPolicy(max_retries=0, deadline=max(route.timeout, 0.001))
    return Sender(RequestsTransport(route.connection), once, route.timeout)
