# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback of the tests: writes at the process's end which modules it has loaded, to LOADED_MODULES_FILE."""

from __future__ import annotations

import atexit
import os
import sys

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: loaded_modules
type: notification
short_description: Writes down which modules ansible-playbook has loaded
description:
  - For the collection's own tests.
author: the oncall.pagerduty authors
"""


class CallbackModule(CallbackBase):
    """Only does something if it is enabled."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "loaded_modules"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._pid = os.getpid()
        atexit.register(self._write)

    def _write(self) -> None:
        if os.getpid() == self._pid:
            with open(os.environ["LOADED_MODULES_FILE"], "w", encoding="utf-8") as file:
                file.write("\n".join(sys.modules))
