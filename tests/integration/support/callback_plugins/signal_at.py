# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback of the tests: sends ansible-playbook a signal at the moment when it opens a certain file.

SIGNAL_AT holds signals joined by +, a part of the file's path, and at which opening of such a file to send them.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: signal_at
type: notification
short_description: Sends ansible-playbook a signal at a certain moment
description:
  - For the collection's own tests.
author: the oncall.pagerduty authors
"""


class CallbackModule(CallbackBase):
    """Only does something if it is enabled."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "signal_at"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._pid = os.getpid()
        names, self._part, count = os.environ["SIGNAL_AT"].split()
        self._signals = [signal.Signals[name] for name in names.split("+")]
        self._left = int(count)
        sys.addaudithook(self._on_event)

    def _on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and self._part in str(arguments[0]) and os.getpid() == self._pid:
            self._left -= 1
            if self._left == 0:
                for number in self._signals:
                    os.kill(self._pid, number)
