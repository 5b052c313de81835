# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs to put an event into the outbox, beside what the disk takes for the same bytes, and many writers."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ..support.collection import CHECKOUT
from . import Setting
from ._figures import Figures
from ._report import Goal, Report, Table

EVENTS = 200
WRITERS = 8


def measure(setting: Setting) -> Report:
    """Measure one writer, then eight at once."""
    from ansible_collections.oncall.pagerduty.plugins.module_utils._connection import Connection
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._route import Route

    from ._events import event, open_outbox

    folder = setting.folder / "outbox"
    folder.mkdir()
    database, outbox = open_outbox(folder / "one.sqlite3")
    events = [event(f"disk/{number}", number) for number in range(EVENTS)]
    route = Route(Connection("http://127.0.0.1:9"))
    with (folder / "bare").open("wb", buffering=0) as bare:

        def sync(body: bytes) -> None:
            bare.write(body)
            os.fsync(bare.fileno())

        rounds = [
            _medians([(lambda e=e: outbox.put(e, route), lambda e=e: sync(e.body)) for e in events])  # type: ignore[misc]
            for _round in range(setting.rounds)
        ]
    database.close()
    ours, bare_sync = (Figures.of(column).times(1000) for column in zip(*rounds))
    names = ("an event put into the outbox", "its bytes appended to a file, with fsync")
    rows = [[name, str(each), str(each.over(bare_sync))] for name, each in zip(names, (ours, bare_sync))]
    title = f"Until it is on disk, median of {EVENTS}, {setting.rounds} rounds"
    table = Table(title, ["what", "wall ms", "÷ bare"], rows)
    writers, errors = _many(setting.collections[0], folder / "many.sqlite3")
    goals = [
        Goal("a commit to the outbox ÷ a bare fsync, medians", ours.over(bare_sync).median, 2.0),
        Goal(f"errors of {WRITERS} writers at once, {EVENTS} events each", errors, 0),
    ]
    return Report("outbox", [table, writers], goals, (), {"rounds": rounds})


def _medians(pairs: Sequence[tuple[Callable[[], object], ...]]) -> tuple[float, ...]:
    """Do both of each pair in turn, since a disk is now quick and now slow; return the median seconds of each kind."""
    seconds = [[_seconds(act) for act in pair] for pair in pairs]
    return tuple(statistics.median(column) for column in zip(*seconds))


def _seconds(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def _many(collections: Path, path: Path) -> tuple[Table, int]:
    """Let eight processes write, and count what did not get through or is not there afterwards."""
    from ._events import open_outbox

    command = [sys.executable, "-m", f"{__package__}._writer", str(collections), str(path)]
    processes = [
        subprocess.Popen([*command, f"writer/{number}", str(EVENTS)], stdout=subprocess.PIPE, cwd=CHECKOUT, text=True)
        for number in range(WRITERS)
    ]
    seconds: list[float] = []
    errors = 0
    for process in processes:
        said, _nothing = process.communicate()
        errors += process.returncode != 0
        seconds += json.loads(said) if process.returncode == 0 else []
    database, outbox = open_outbox(path)
    errors += abs(WRITERS * EVENTS - outbox.counts().waiting)
    errors += database.read("PRAGMA integrity_check") != [("ok",)]
    database.close()
    tenths = statistics.quantiles(seconds or [0.0, 0.0], n=10)
    rows = [[f"{WRITERS} writers", *(f"{value * 1000:.2f}" for value in (tenths[4], tenths[8], max(seconds)))]]
    return Table(
        "Until it is on disk, with many writers at once", ["", "median ms", "9 of 10 ms", "longest ms"], rows
    ), errors
