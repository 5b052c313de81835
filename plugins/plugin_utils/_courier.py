# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The courier: a process of its own that sends what ansible-playbook puts into the outbox.

It is no thread of ansible-playbook, since a forked worker can inherit a lock of OpenSSL that such a thread holds, and
then waits for ever. It goes on while its parent lives, and for a bounded time after that if something is left.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database, DatabaseError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._lock import NextLock, SenderLock
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._log import Log, log_path
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import Caps

# How soon a new event is seen. An idle courier needs 0.4 % of a processor for it.
_LOOK_SECONDS = 0.05
# How soon the next courier follows one that has ended.
_LOCK_SECONDS = 0.1


class Courier:
    """Works an outbox until there is nothing more to do for it."""

    def __init__(
        self, settings: DeliverySettings, parent: int, log: Callable[[str], None], gives_way: bool = False
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            settings: how to send.
            parent: process id of who started it.
            log: writes a line.
            gives_way: whether to end at once if another courier waits for its turn already.
        """
        self._gives_way = gives_way
        self._settings = settings
        self._log = log
        self._parent = parent
        self._orphaned: float | None = None
        self._stopped = False

    def stop(self) -> None:
        """Begin no further attempt; what is under way is finished, the rest stays in the outbox.

        Called by a signal's handler, which may take no lock.
        """
        self._stopped = True

    def work(self) -> None:
        """Wait for the turn, send, and come back when it is over."""
        lock = SenderLock(self._settings.outbox_path)
        turn = NextLock(self._settings.outbox_path)
        while not lock.acquire():
            if self._is_over() or (self._gives_way and not turn.acquire()):
                return
            time.sleep(_LOCK_SECONDS)
        turn.release()
        try:
            database = Database(self._settings.outbox_path)
            outbox = Outbox(database, Caps(self._settings.max_events, self._settings.max_age))
            if lock.is_certain:
                outbox.release_all()
            self._send(outbox, lock.is_certain)
            database.close()
        finally:
            lock.release()

    def _send(self, outbox: Outbox, is_alone: bool) -> None:
        # The HTTP library is loaded here, so not by a courier that only waits for its turn.
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._drain import Drain

        drain = Drain(outbox, self._settings, self._log, is_alone)
        while not self._is_over() and not (self._is_orphan() and not drain.busy and outbox.is_empty()):
            drain.turn(_LOOK_SECONDS)
        drain.finish()
        self._log(f"{drain.accepted} accepted; the courier ends")
        outbox.unmark_if_empty()

    def _is_over(self) -> bool:
        """Whether to end in any case."""
        if self._stopped:
            return True
        return self._is_orphan() and time.monotonic() - (self._orphaned or 0) > self._settings.courier_linger

    def _is_orphan(self) -> bool:
        if self._orphaned is None and os.getppid() != self._parent:
            self._orphaned = time.monotonic()
        return self._orphaned is not None


def main(settings: DeliverySettings, parent: int, gives_way: bool) -> int:
    """Be a courier in a process made for it; returns the exit code."""
    log = Log(log_path(settings.outbox_path))
    courier = Courier(settings, parent, log, gives_way)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_details: courier.stop())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        courier.work()
    except (DatabaseError, OSError) as error:
        log(str(error))
        return 1
    return 0
