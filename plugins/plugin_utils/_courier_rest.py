# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The courier while nothing can be sent: a small process that waits, for hours if need be, and has others send.

It loads no HTTP library. When an event is due, or PagerDuty is to be asked whether it is back, it starts a helper that
makes the attempts and ends.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._breaker import LEAST_SECONDS, MOST_SECONDS
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._courier import (
    NO_LIBRARY,
    ORPHANS_REST_SECONDS,
    STOPS,
    Ending,
    acquire,
    heed_signals,
    leaves,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._courier_life import Life
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database, DatabaseError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._lock import CourierLock
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._log import Log, log_path
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outages import Waiting
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox

# How soon a new event is seen: while the run that started the courier is at work, and later.
_LOOK_SECONDS = 0.05
_ORPHANS_LOOK_SECONDS = 0.25
# How long to leave an outbox alone that cannot be read.
_TROUBLE_SECONDS = 5.0


class Rest:
    """Waits, and has sent what can be sent."""

    def __init__(
        self,
        life: Life,
        log: Callable[[str], None],
        send: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the parts.

        Args:
            life: tells when to end.
            log: writes a line.
            send: makes the attempts that are due and, if PagerDuty was down, one to ask; returns whether that was of
                use.
            clock: seconds that only go forward.
            sleep: waits so many seconds.
        """
        self._life = life
        self._log = log
        self._send = send
        self._clock = clock
        self._sleep = sleep
        self._version = -1
        self._waiting: Waiting | None = None
        self._known = 0
        # The courier has made no attempt for so long before it rests.
        self._began = clock() - ORPHANS_REST_SECONDS
        self._ended = self._began
        self._was_of_use = True
        self._trouble = ""

    def work(self, database: Database) -> Ending | None:
        """Wait until the courier's life is over, or its code is another one: then there is no ending."""
        outbox = Outbox(database)
        self._version = -1
        if not self._known:
            self._known = outbox.outages.waiting().newest
        while not self._life.is_outdated:
            ending = self._look(outbox, database)
            if ending is not None:
                return ending
            self._sleep(_ORPHANS_LOOK_SECONDS if self._life.is_orphan else _LOOK_SECONDS)
        return None

    def _look(self, outbox: Outbox, database: Database) -> Ending | None:
        try:
            if self._life.is_over(outbox.outages.seconds_to_stay):
                return Ending.OVER
            version = outbox.version()
            if version != self._version:
                self._version = version
                self._waiting = outbox.outages.waiting()
                if self._life.is_orphan and not self._waiting.newest:
                    outbox.unmark_if_empty()
                    return Ending.EMPTY
            if self._waiting is not None and self._is_time(self._waiting, database.now()):
                self._known = max(self._known, self._waiting.newest)
                self._began = self._clock()
                self._was_of_use = self._send()
                self._ended = self._clock()
        except DatabaseError as error:
            self._rest_from(error)
        return None

    def _is_time(self, waiting: Waiting, now: float) -> bool:
        """Tell whether there is something to do. In an outage nothing need be due: PagerDuty is asked all the same."""
        if waiting.due is None:
            return False
        if waiting.newest > self._known:
            return True
        next_one = max(self._began + MOST_SECONDS, self._ended + LEAST_SECONDS)
        asks = waiting.in_outage or not self._was_of_use
        if asks and self._clock() < next_one:
            return False
        return waiting.in_outage or waiting.due <= now

    def _rest_from(self, error: DatabaseError) -> None:
        if str(error) != self._trouble:
            self._trouble = str(error)
            self._log(self._trouble)
        self._sleep(_TROUBLE_SECONDS)


class _Helpers:
    """Starts helpers, one at a time, and tells them to stop."""

    def __init__(self, command: list[str], life: Life, log: Log) -> None:
        self._command = command
        self._log = log
        self._life = life
        self._pid: int | None = None
        self.has_no_library = False

    def send(self) -> bool:
        """Have a helper make attempts; returns whether PagerDuty has accepted any event."""
        self._log.start_anew()
        self._pid = os.posix_spawn(self._command[0], self._command, os.environ)
        _pid, status = os.waitpid(self._pid, 0)
        self._pid = None
        code = os.waitstatus_to_exitcode(status)
        if code == NO_LIBRARY:
            self.has_no_library = True
            self._life.stop()
        return code == 0

    def stop(self) -> None:
        """End it all. Called by a signal's handler."""
        self._life.stop()
        if self._pid is not None:
            os.kill(self._pid, signal.SIGTERM)


def main(
    settings: DeliverySettings,
    parent: int,
    orphaned: float | None,
    descriptor: int | None,
    helper: list[str],
    become: Callable[[], None],
) -> int:
    """Be a courier that waits, in the process of one that sent; returns the exit code.

    Args:
        settings: how to send.
        parent: process id of who started the courier.
        orphaned: when that ended, if it has.
        descriptor: what keeps the courier's lock held.
        helper: what starts a helper.
        become: makes this process a courier that starts from the files as they are now; returns if it cannot.
    """
    log = Log(log_path(settings.outbox_path))
    lock = CourierLock(settings.outbox_path, descriptor)
    life = Life(settings.outbox_path, parent, settings.courier_linger, orphaned)
    helpers = _Helpers(helper, life, log)
    heed_signals(helpers.stop)
    rest = Rest(life, log, helpers.send)
    try:
        if not acquire(lock):
            return 0
        database = Database(settings.outbox_path)
        while True:
            ending = rest.work(database)
            if ending is None:
                log("the courier's code is another one now; it starts anew")
                lock.release()
                signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
                become()
                return 1
            if leaves(lock, life, Outbox(database)):
                log(f"the courier ends: {life.lost or ending.value}")
                return NO_LIBRARY if helpers.has_no_library else 0
    except (DatabaseError, OSError) as error:
        log(str(error))
        return 1
