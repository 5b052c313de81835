# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback of the tests: writes at the process's end what the collection has opened, changed and started there.

One line each, to OWN_DEEDS_FILE: what, and the first argument. What Python opens to import something does not count.
"""

from __future__ import annotations

import atexit
import os
import sys
from types import FrameType
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: own_deeds
type: notification
short_description: Writes down what the collection has opened, changed and started
description:
  - For the collection's own tests.
author: the oncall.pagerduty authors
"""

_OURS = "ansible_collections.oncall.pagerduty.plugins."
_CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.link", "os.symlink", "os.truncate"}
_STARTS = {
    "subprocess.Popen",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.exec",
    "os.system",
    "_thread.start_new_thread",
}
_CONNECTS = {"sqlite3.connect", "socket.connect"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class CallbackModule(CallbackBase):
    """Only does something if it is enabled."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "own_deeds"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._pid = os.getpid()
        self._deeds: list[str] = []
        sys.addaudithook(self._on_event)
        atexit.register(self._write)

    def _on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            event = "write" if arguments[2] & _WRITES else "read"
        elif event not in _CHANGES | _STARTS | _CONNECTS:
            return
        if os.getpid() == self._pid and _is_ours():
            self._deeds.append(f"{event} {arguments[0] if arguments else ''}")

    def _write(self) -> None:
        if os.getpid() == self._pid:
            with open(os.environ["OWN_DEEDS_FILE"], "w", encoding="utf-8") as file:
                file.write("\n".join(self._deeds))


def _is_ours() -> bool:
    """Tell whether the collection is at work, and Python is not just importing something for it."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        if name.startswith(("importlib.", "_frozen_importlib", "ansible.utils.collection_loader")):
            return False
        if name.startswith(_OURS):
            return True
        frame = frame.f_back
    return False
