# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices the end of a run that has no statistics: Ctrl-C, a signal, an exception.

ansible-core tells callbacks nothing about any of them. An exception, and with it Ctrl-C, passes through the queue
manager's clean-up; SIGTERM and SIGHUP are seen by handlers that go before those in place and then let them act;
whatever is left is noticed when the interpreter exits. Nothing here acts in a forked worker.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import plain_text
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import Cut, Errored, Interrupted
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import error_text

# How long a signal may be kept waiting if it comes again and again. Writing to a disk that is busy may take longer.
_PATIENCE_SECONDS = 2.0

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class RunEnd:
    """Calls `report` once if the run is cut short. As a context manager it keeps signals out of a stretch of code.

    They act at its end. One that still comes after some seconds acts at once: somebody insists.
    """

    def __init__(self, report: Callable[[Cut], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._report = report
        self._clock = clock
        self._waiting_since = 0.0
        self._pid = os.getpid()
        self._running = False
        self._reported = False
        self._outer_error: BaseException | None = None
        self._registered = False
        self._manager: Any = None
        self._previous: dict[int, Any] = {}
        self._last_signal = ""
        self._depth = 0
        self._deferred: list[int] = []

    def expect(self, manager: Any) -> None:
        """Watch the clean-up of the queue manager from before the first playbook: another plugin may end it there."""
        if manager is not None:
            self._outer_error = sys.exc_info()[1]
            self._manager = manager
            self._watch_cleanup(manager)

    def began(self, manager: Any) -> None:
        """Note that a playbook begins, and watch the clean-up of the queue manager (None if it was not found)."""
        self._running = True
        if not self._registered:
            self._registered = True
            self._outer_error = sys.exc_info()[1]
            atexit.register(self._at_exit)
        if manager is not None and manager is not self._manager:
            self._manager = manager
            self._watch_cleanup(manager)

    def catch_signals(self) -> None:
        """Put the handlers in place; to be called when ansible-core has set its own."""
        try:
            for number in _SIGNALS:
                current = signal.getsignal(number)
                # None: set by foreign C code, which could not be called. SIG_IGN: nohup, or a shell's background job.
                if current not in (self._on_signal, signal.SIG_IGN, None):
                    if not self._previous:
                        os.register_at_fork(after_in_child=self._restore)
                    self._previous[number] = current
                    signal.signal(number, self._on_signal)
        except ValueError:
            # Not in the main thread: no signal arrives here either.
            return

    def finished(self) -> None:
        """Note that a playbook came to its end with statistics."""
        self._running = False

    def __enter__(self) -> RunEnd:
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._depth -= 1
        self._take_deferred()

    def sleep(self, seconds: float) -> None:
        """Sleep, in a stretch that signals are kept out of, so that they can end the sleep."""
        depth, self._depth = self._depth, 0
        try:
            self._take_deferred()
            time.sleep(seconds)
        finally:
            self._depth = depth

    def _take_deferred(self) -> None:
        while self._deferred and self._depth == 0:
            self._take_signal(self._deferred.pop(0), None)

    def _watch_cleanup(self, manager: Any) -> None:
        cleanup = manager.cleanup

        def cleanup_and_report(*args: Any, **kwargs: Any) -> None:
            error = sys.exc_info()[1]
            try:
                if error is not None and error is not self._outer_error:
                    cut = self._cut_by(error)
                    if cut is None:
                        self._running = False
                    # After the statistics only an error matters: the next playbook could not be loaded.
                    elif self._running or isinstance(cut, Errored):
                        self._cut(cut)
            finally:
                cleanup(*args, **kwargs)

        manager.cleanup = cleanup_and_report

    def _cut_by(self, error: BaseException) -> Cut | None:
        """Return what an exception that ends the run means; None for an end that ansible-playbook calls a good one."""
        name = type(error).__name__
        if isinstance(error, KeyboardInterrupt):
            # Other plugins can raise it, too. A signal would have been seen, if it had come to this class.
            if self._last_signal or signal.getsignal(signal.SIGINT) != self._on_signal:
                return Interrupted(self._last_signal or "SIGINT")
            return Errored(name, f"{name} was raised{_where(error)}, though nobody had interrupted the run")
        if isinstance(error, SystemExit):
            code = _exit_code(error)
            if self._last_signal:
                return Interrupted(self._last_signal)
            return Errored(name, f"{name} with exit code {code} was raised{_where(error)}") if code else None
        return Errored(name, error_text(error))

    def _at_exit(self) -> None:
        if self._running:
            self._cut(Interrupted(self._last_signal))

    def _cut(self, cut: Cut) -> None:
        if os.getpid() != self._pid or self._reported:
            return
        self._reported = True
        self._running = False
        # From 2.19 on ansible-core's own handler puts the default in place, which would break off the report.
        self.catch_signals()
        self._report(cut)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self._deferred:
            self._waiting_since = self._clock()
        if not self._depth or self._clock() - self._waiting_since > _PATIENCE_SECONDS:
            self._deferred = [other for other in self._deferred if other != number]
            self._take_signal(number, frame)
        elif number not in self._deferred:
            # A terminal that is closed sends the same one twice, within moments.
            self._deferred.append(number)

    def _take_signal(self, number: int, frame: FrameType | None) -> None:
        self._last_signal = signal.Signals(number).name
        previous = self._previous.get(number, signal.SIG_DFL)
        if self._running and (number != signal.SIGINT or not callable(previous)):
            self._cut(Interrupted(self._last_signal))
        # else: it raises KeyboardInterrupt, which is seen when it ends the run; something may catch it before that.
        if callable(previous):
            previous(number, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def _restore(self) -> None:
        """Make a forked worker take signals as if this class were not there."""
        for number, previous in self._previous.items():
            if signal.getsignal(number) == self._on_signal:
                signal.signal(number, previous)


def _exit_code(error: SystemExit) -> int:
    """Return what a process ends with by this exception."""
    if error.code is None:
        return 0
    return int(error.code) & 0xFF if isinstance(error.code, int) else 1


def _where(error: BaseException) -> str:
    """Return the place where an exception was raised."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return f" in {plain_text(traceback.tb_frame.f_code.co_filename)}:{traceback.tb_lineno}" if traceback else ""
