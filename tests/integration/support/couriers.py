# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The couriers of an outbox, as processes of this machine."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def couriers(path: Path) -> list[int]:
    """The processes that send from an outbox, or wait for their turn."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if b"_courier_start.py" in command and json.dumps(str(path)).encode() in command:
            found.append(int(folder.name))
    return found


def stop_couriers(path: Path) -> None:
    """Tell every courier to stop, and wait until all have."""
    for pid in couriers(path):
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: couriers(path) == [])


def wait_until(condition: Callable[[], Any], timeout: float = 60.0) -> None:
    """Wait for something to become true; TimeoutError if it does not."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {timeout} s")
        time.sleep(0.05)
