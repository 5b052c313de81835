# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The courier: a process of its own that sends what ansible-playbook puts into the outbox.

It is no thread of ansible-playbook, since a forked worker can inherit a lock of OpenSSL that such a thread holds, and
then waits for ever. It goes on while its parent lives, and for a bounded time after that if something is left. When
nothing can be sent for the moment it becomes a smaller process, without the HTTP library, that waits (_courier_rest).
"""

from __future__ import annotations

import enum
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import MissingLibraryError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._courier_life import Life
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database, DatabaseError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._lock import CourierLock, SenderLock
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._log import Log, log_path
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import Caps
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._throttle import LONGEST_SECONDS

if TYPE_CHECKING:
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._drain import Drain

# How soon a new event is seen. An idle courier needs 0.4 % of a processor for it.
_LOOK_SECONDS = 0.05
# How soon a courier follows somebody else who has sent: who drains by hand, that is.
_LOCK_SECONDS = 0.1
# A process that only asks whether there is a courier holds its lock for some microseconds.
_LOCK_LOOKS = 5
# How long no attempt is under way until the courier becomes smaller: while a run is at work, and later; and until a
# helper of the smaller one ends. Longer than a key rests after "too many" unless PagerDuty names a time, so that what
# counts its rests, and sends within seconds of the last one, stays.
_REST_SECONDS = 5.0
ORPHANS_REST_SECONDS = LONGEST_SECONDS + 0.5

STOPS = (signal.SIGTERM, signal.SIGINT)

# Exit codes, for who has started it.
GAVE_WAY = 5
NO_LIBRARY = 6
NOTHING_SENT = 7


class Ending(enum.Enum):
    """Why a courier sends no more."""

    OVER = "its time is over"
    EMPTY = "nothing waits"
    QUIET = "nothing can be sent for the moment"


class Courier:
    """Works an outbox until there is nothing more to do for it now."""

    def __init__(
        self,
        settings: DeliverySettings,
        life: Life,
        log: Callable[[str], None],
        is_helper: bool = False,
        clock: Callable[[], float] = time.monotonic,
        make_drain: Callable[[Outbox, bool], Drain] | None = None,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            settings: how to send.
            life: tells when to end.
            log: writes a line.
            is_helper: whether to make the attempts that are due now, and to leave it at that if PagerDuty is down.
            clock: seconds that only go forward.
            make_drain: makes what drains an outbox, given whether nobody else can be sending.
        """
        self._settings = settings
        self._life = life
        self._log = log
        self._is_helper = is_helper
        self._clock = clock
        self._make_drain = make_drain or self._drain
        #: how many events PagerDuty has accepted
        self.accepted = 0

    def work(self, courier_lock: CourierLock | None = None) -> Ending:
        """Wait for the turn, send, and come back when it is over.

        Args:
            courier_lock: the courier's lock, which is held; it is let go of as soon as the end is certain.

        Raises:
            MissingLibraryError: if this Python cannot send anything.
        """
        database = Database(self._settings.outbox_path)
        try:
            outbox = Outbox(database, Caps(self._settings.max_events, self._settings.max_age))
            lock = SenderLock(self._settings.outbox_path)
            try:
                while not lock.acquire():
                    if self._is_helper:
                        return Ending.QUIET
                    if self._life.is_over(outbox.outages.seconds_to_stay) and self._leaves(
                        Ending.OVER, courier_lock, outbox
                    ):
                        return Ending.OVER
                    time.sleep(_LOCK_SECONDS)
                return self.send(outbox, lock, courier_lock)
            finally:
                lock.release()
        finally:
            database.close()

    def send(self, outbox: Outbox, lock: SenderLock, courier_lock: CourierLock | None = None) -> Ending:
        """Send what is in an outbox whose lock is held."""
        if lock.is_certain:
            outbox.release_all()
        drain = self._make_drain(outbox, lock.is_certain)
        ending = None
        busy_at = self._clock()
        while ending is None:
            drain.turn(_LOOK_SECONDS)
            if drain.busy:
                busy_at = self._clock()
            ending = self._ending(drain, outbox, self._clock() - busy_at)
            if ending is not None and not self._leaves(ending, courier_lock, outbox):
                ending = None
        drain.finish()
        self.accepted += drain.accepted
        if not self._is_helper or drain.accepted:
            self._log(f"{drain.accepted} accepted; {self._life.lost or ending.value}")
        outbox.unmark_if_empty()
        return ending

    def _leaves(self, ending: Ending, courier_lock: CourierLock | None, outbox: Outbox) -> bool:
        return courier_lock is None or ending is Ending.QUIET or leaves(courier_lock, self._life, outbox)

    def _drain(self, outbox: Outbox, is_alone: bool) -> Drain:
        # The HTTP library is loaded here, so not by a courier that only waits for its turn.
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._drain import Drain

        return Drain(outbox, self._settings, self._log, is_alone)

    def _ending(self, drain: Drain, outbox: Outbox, quiet: float) -> Ending | None:
        if self._life.is_over(outbox.outages.seconds_to_stay):
            return Ending.OVER
        if drain.busy:
            return None
        if (self._is_helper or self._life.is_orphan) and outbox.is_empty():
            return Ending.EMPTY
        if drain.asks_soon:
            return None
        if self._is_helper:
            return Ending.QUIET if drain.is_failing or quiet >= ORPHANS_REST_SECONDS else None
        return Ending.QUIET if quiet >= (ORPHANS_REST_SECONDS if self._life.is_orphan else _REST_SECONDS) else None


def main(
    settings: DeliverySettings, parent: int, is_helper: bool, rest: Callable[[int | None, float | None], None]
) -> int:
    """Be a courier in a process made for it; returns the exit code.

    Args:
        settings: how to send.
        parent: process id of who started it.
        is_helper: whether that is a courier which only waits.
        rest: makes this process a smaller one that waits, given the descriptor of the courier's lock and since when
            the parent is gone; returns only if that cannot be.
    """
    log = Log(log_path(settings.outbox_path))
    log.start_anew()
    life = Life(settings.outbox_path, parent, 0.0 if is_helper else settings.courier_linger)
    heed_signals(life.stop)
    courier = Courier(settings, life, log, is_helper)
    try:
        if is_helper:
            courier.work()
            return 0 if courier.accepted else NOTHING_SENT
        return _be_the_courier(courier, CourierLock(settings.outbox_path), life, rest)
    except MissingLibraryError as error:
        log(f"{error}; the courier ends, and the next one sends what waits")
        return NO_LIBRARY
    except (DatabaseError, OSError) as error:
        log(str(error))
        return 1


def _be_the_courier(
    courier: Courier, lock: CourierLock, life: Life, rest: Callable[[int | None, float | None], None]
) -> int:
    if not acquire(lock):
        return GAVE_WAY
    while courier.work(lock) is Ending.QUIET:
        # A signal that comes now is for what this process becomes.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        if not life.is_stopped:
            rest(lock.hand_on(), life.orphaned)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    return 0


def heed_signals(stop: Callable[[], None]) -> None:
    """Be told to stop by what ends other processes, and also by what came while this process was another program."""
    for number in STOPS:
        signal.signal(number, lambda *_details: stop())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


def acquire(lock: CourierLock) -> bool:
    """Become the courier, unless there is one."""
    for look in range(_LOCK_LOOKS):
        if look:
            time.sleep(_LOOK_SECONDS)
        if lock.acquire():
            return True
    return False


def leaves(lock: CourierLock, life: Life, outbox: Outbox) -> bool:
    """Be the courier no more, except if somebody has just handed something over, and relied on there being one."""
    outbox.unmark_if_empty()
    lock.release()
    return outbox.is_empty() or life.is_over(outbox.outages.seconds_to_stay) or not acquire(lock)
