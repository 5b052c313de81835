# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Couriers that tests leave behind: who they are, what they use, and how they end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._lock import CourierLock


def wait_until(condition: Callable[[], object], limit: float = 60.0) -> None:
    """Wait for something to become true; fails if it does not."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Tell whether a process is there, and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def memory(pid: int) -> float:
    """MiB of memory that a process has."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used, its helpers left out."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def processes_of(outbox_path: str | Path) -> list[int]:
    """The couriers of an outbox, helpers included."""
    found = []
    # Their settings stand as JSON in the JSON of their order.
    given = json.dumps(json.dumps(str(outbox_path)))[1:-1].encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            if b"_courier_start.py" in command and given in command and is_alive(int(folder.name)):
                found.append(int(folder.name))
    return found


def is_resting(outbox_path: str) -> bool:
    """Tell whether an outbox's courier has become the small process that waits, and is at it."""
    pid = CourierLock(outbox_path).holder()
    if pid is None:
        return False
    with contextlib.suppress(OSError):
        if b"descriptor" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return f"{outbox_path}-wal" in {os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir()}
    return False


def stop_all(outbox_path: Path) -> None:
    """Tell an outbox's couriers to stop, and wait until all have."""
    for pid in processes_of(outbox_path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    wait_until(lambda: processes_of(outbox_path) == [])


def end_those_in(folder: Path) -> None:
    """End the couriers of all outboxes below a folder."""
    for file in folder.rglob("*.courier"):
        pid = CourierLock(str(file)[: -len(".courier")]).holder()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
