# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A warm process that forks others, lets them work on an outbox, and has each killed at a point given beforehand.

Starting a Python for each would take a hundred times as long. Run as a script: orders come in and reports go out as
JSON, a line each. `Nursery` is the near end.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Callable

_OUR_CODE = f"{os.sep}pagerduty{os.sep}plugins{os.sep}"


@dataclass(frozen=True)
class End:
    """When a process is killed, if it has not ended by then.

    after_lines: when it comes to this line, counted over the lines of our own code that all its threads run
    after_seconds: after this time, wherever it is
    """

    after_seconds: float
    after_lines: int | None = None


class Nursery:
    """Forks processes to be killed."""

    def __init__(self, root: str) -> None:
        """Start it; `root` is the folder that holds `ansible_collections`."""
        self._process = subprocess.Popen(
            [sys.executable, __file__, root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def put(self, outbox: str, events: list[tuple[str, str, str]], url: str, end: End, clock: float) -> list[str]:
        """Put events (dedup key, action, summary); returns the summaries of those whose put has returned."""
        return self._order({"what": "put", "outbox": outbox, "events": events, "url": url}, end, clock)

    def send(self, settings: str, end: End, clock: float) -> None:
        """Be a courier."""
        self._order({"what": "send", "settings": settings}, end, clock)

    def close(self) -> None:
        """End it."""
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait()

    def _order(self, order: dict[str, Any], end: End, clock: float) -> list[str]:
        order.update(seconds=end.after_seconds, lines=end.after_lines, clock=clock)
        self._process.stdin.write(json.dumps(order) + "\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]
        said: list[str] = json.loads(self._process.stdout.readline())  # type: ignore[union-attr]
        return said


def _main(root: str) -> None:
    sys.path.insert(0, root)
    # Loaded once, before any fork.
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _courier, _drain, _outbox  # noqa: F401
    from ansible_collections.oncall.pagerduty.tests.support import events  # noqa: F401

    for line in sys.stdin:
        order = json.loads(line)
        sys.stdout.write(json.dumps(_fork(order)) + "\n")
        sys.stdout.flush()


def _fork(order: dict[str, Any]) -> list[str]:
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _live(order, writer)
    os.close(writer)
    said = b""
    deadline = time.monotonic() + order["seconds"]
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            os.kill(child, signal.SIGKILL)
            deadline = time.monotonic() + 60.0
            continue
        piece = os.read(reader, 65536)
        if not piece:
            break
        said += piece
    os.close(reader)
    os.waitpid(child, 0)
    return said.decode().split("\n")[:-1]


def _live(order: dict[str, Any], writer: int) -> None:
    """Be the child; never returns."""
    real = time.time
    time.time = lambda: real() + order["clock"]
    try:
        if order["lines"]:
            _die_at_line(order["lines"])
        {"put": _put, "send": _send}[order["what"]](order, lambda text: os.write(writer, f"{text}\n".encode()))
    finally:
        os._exit(0)


def _die_at_line(last: int) -> None:
    count = 0

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal count
        if event == "call":
            return trace if _OUR_CODE in frame.f_code.co_filename else None
        count += event == "line"
        if count >= last:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    threading.settrace(trace)
    sys.settrace(trace)


def _put(order: dict[str, Any], say: Callable[[str], object]) -> None:
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
    from ansible_collections.oncall.pagerduty.tests.support.events import alert, route

    outbox = Outbox(Database(order["outbox"]))
    for dedup_key, action, summary in order["events"]:
        outbox.put(alert(dedup_key, action, summary=summary), route(order["url"], 2.0))
        say(summary)


def _send(order: dict[str, Any], _say: Callable[[str], object]) -> None:
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _delivery_settings
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._courier import Courier
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._courier_life import Life

    settings = _delivery_settings.decode(order["settings"])
    # No process has the number 0: this courier has lost its parent, and ends when nothing is left to send.
    Courier(settings, Life(settings.outbox_path, 0, settings.courier_linger), lambda _text: None).work()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        _main(str(Path(sys.argv[1])))
