# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes calls that cannot outlast a limit, whatever they are stuck in.

Socket time-outs bound each read, not their sum: a server that drips one byte a second, or a resolver that does not
answer, holds a caller for minutes. So a call is made on a helper thread, and is left behind when its time is up.
"""

from __future__ import annotations

import os
import queue
import threading
from typing import Any, Callable


class OutOfTimeError(Exception):
    """The call did not end within its limit. It may still be going on."""


class BoundedCaller:
    """Makes one call at a time on a daemon thread that is kept for the next one.

    A thread that is stuck is left to itself and a new one is made. After a fork, which copies no thread, too.
    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Any] | None = None
        self._pid = 0

    def call(self, function: Callable[[], Any], limit: float) -> Any:
        """Return what the function returns, raise what it raises.

        Args:
            function: makes the call.
            limit: seconds, above 0.

        Raises:
            OutOfTimeError: if it has not ended within the limit.
        """
        # No SimpleQueue: a wait in it that is interrupted by a signal may never end.
        answers: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue()
        calls = self._calls if self._calls is not None and self._pid == os.getpid() else self._start()
        # Until it has answered the thread is not free for another call, not even if this wait is interrupted.
        self._calls = None
        calls.put((function, answers))
        try:
            result, error = answers.get(timeout=limit)
        except queue.Empty:
            calls.put(None)
            raise OutOfTimeError() from None
        self._calls = calls
        if error is not None:
            raise error
        return result

    def close(self) -> None:
        """Let the thread end. The next call starts a new one."""
        if self._calls is not None:
            self._calls.put(None)
            self._calls = None

    def _start(self) -> queue.SimpleQueue[Any]:
        calls: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._pid = os.getpid()
        threading.Thread(target=_serve, args=(calls,), name="pagerduty-call", daemon=True).start()
        return calls


def _serve(calls: queue.SimpleQueue[Any]) -> None:
    """Make calls until told to end by None."""
    while True:
        call = calls.get()
        if call is None:
            return
        function, answers = call
        try:
            answers.put((function(), None))
        except BaseException as error:  # pylint: disable=broad-except  # raised again where the call was made
            answers.put((None, error))
        # Hold neither the request nor its answer while waiting for the next call.
        del call, function, answers
