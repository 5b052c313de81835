# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A courier as ansible-playbook sees it: a process that is started when it is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._lock import CourierLock
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._log import log_path, open_log

# A courier ends by itself only after its parent. If it keeps dying, starting yet another one is of no use.
_MOST_STARTS = 5


# What a courier's end says (_courier has the same numbers, and loads SQLite).
_GAVE_WAY = 5
_NO_LIBRARY = 6


class CourierProcess:
    """A courier as its parent sees it: started when there is none, and again if it has died."""

    def __init__(self, settings: DeliverySettings, outbox_path: str) -> None:
        """Take the settings; nothing is started yet.

        Args:
            settings: how to send.
            outbox_path: the outbox, in place of the settings' own.
        """
        self._settings = replace(settings, outbox_path=os.path.abspath(outbox_path))
        self._lock = CourierLock(self._settings.outbox_path)
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self.problem: str | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the courier that was started last."""
        return self._process.pid if self._process else None

    def at_work(self) -> int | None:
        """Return the process id of the outbox's courier, whoever has started it; None if there is none."""
        if self._process is not None and self._process.poll() is None:
            return self._process.pid
        return self._lock.holder()

    def ensure(self) -> str | None:
        """Start a courier unless there is one, be it another run's; returns what kept it from starting."""
        ended = None if self._process is None else self._process.poll()
        if self._process is not None and ended is None:
            return None
        if self._is_there():
            self.problem = None
            return None
        if ended == _NO_LIBRARY and self.problem is None:
            self.problem = f"The Python {sys.executable} has no requests library to send with."
            return self.problem
        if ended == _GAVE_WAY and self._starts:
            self._starts -= 1
        if self._starts < _MOST_STARTS:
            self._starts += 1
            self._start()
        elif self.problem is None:
            self.problem = f"The courier keeps ending; {log_path(self._settings.outbox_path)} may say why."
        return self.problem

    def _is_there(self) -> bool:
        try:
            return self._lock.is_taken()
        except OSError:
            return False

    def _start(self) -> None:
        start = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_courier_start.py")
        log = open_log(log_path(self._settings.outbox_path))
        order = {
            "settings": self._settings.encoded(),
            "parent": os.getpid(),
            "search_path": [entry for entry in sys.path if os.path.isabs(entry)],
        }
        try:
            # A session of its own: Ctrl-C in the terminal is not for it. Nothing of ansible-playbook stays open in it.
            # -B: the installed collection stays as it was installed.
            self._process = subprocess.Popen(  # noqa: S603  # pylint: disable=consider-using-with  # it outlives us
                [sys.executable, "-I", "-B", start, json.dumps(order)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL if log is None else log,
                cwd="/",
                env=environment_of_senders(),
                start_new_session=True,
            )
            self.problem = None
        except OSError as error:
            self.problem = f"The courier cannot be started: {error.strerror or error}."
        finally:
            if log is not None:
                os.close(log)


def environment_of_senders() -> dict[str, str]:
    """Return this process's environment without our settings and ansible-core's: a courier that stays needs no keys."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PAGERDUTY_", "ANSIBLE_"))}
