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
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._lock import NextLock
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._log import log_path, open_log

# A courier ends by itself only after its parent. If it keeps dying, starting yet another one is of no use.
_MOST_STARTS = 5


class CourierProcess:
    """A courier as its parent sees it: started when it is needed, and again if it has died."""

    def __init__(self, settings: DeliverySettings, outbox_path: str, is_shared: bool = False) -> None:
        """Take the settings; nothing is started yet.

        Args:
            settings: how to send.
            outbox_path: the outbox, in place of the settings' own.
            is_shared: whether another process's courier will do, if it waits for its turn. Then hundreds of workers
                that have something to send do not start a courier each.
        """
        self._is_shared = is_shared
        self._settings = replace(settings, outbox_path=os.path.abspath(outbox_path))
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self.problem: str | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the courier that was started last."""
        return self._process.pid if self._process else None

    def ensure(self) -> str | None:
        """Start a courier unless it is there; returns what kept it from starting."""
        if self._process is not None and self._process.poll() is None:
            return None
        if self._is_shared and self._another_waits():
            return None
        if self._starts < _MOST_STARTS:
            self._starts += 1
            self._start()
        else:
            self.problem = f"The courier keeps ending; {log_path(self._settings.outbox_path)} may say why."
        return self.problem

    def _another_waits(self) -> bool:
        try:
            return NextLock(self._settings.outbox_path).is_taken()
        except OSError:
            return False

    def _start(self) -> None:
        start = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_courier_start.py")
        log = open_log(log_path(self._settings.outbox_path))
        try:
            # A session of its own: Ctrl-C in the terminal is not for it. Nothing of ansible-playbook stays open in it.
            self._process = subprocess.Popen(  # noqa: S603  # pylint: disable=consider-using-with  # it outlives us
                [sys.executable, "-I", start, *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL if log is None else log,
                cwd="/",
                env=_environment(),
                start_new_session=True,
            )
            self.problem = None
        except OSError as error:
            self.problem = f"The courier cannot be started: {error.strerror or error}."
        finally:
            if log is not None:
                os.close(log)

    def _arguments(self) -> list[str]:
        search_path = json.dumps([entry for entry in sys.path if os.path.isabs(entry)])
        return [self._settings.encoded(), str(os.getpid()), str(int(self._is_shared)), search_path]


def _environment() -> dict[str, str]:
    """Return this process's environment, with those paths made absolute that the courier reads from another folder."""
    paths = {
        name: os.environ[name]
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
        if os.environ.get(name)
    }
    return {**os.environ, **{name: os.path.abspath(path) for name, path in paths.items()}}
