# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes are killed at hundreds of seeded points: in the middle of writes, of sends and of answers."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _delivery, _upkeep
from ansible_collections.oncall.pagerduty.tests.chaos import _story
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator

POINTS = int(os.environ.get("CHAOS_POINTS", "40"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
ROOT = str(Path(_delivery.__file__).parents[5])


@pytest.mark.timeout(60 + POINTS)
def test_nothing_is_lost_nor_opened_twice_when_processes_are_killed(tmp_path: Path) -> None:
    began = time.monotonic()
    with Simulator(rate_limit=0, seed=SEED) as pagerduty:
        story, settings = _story.tell(tmp_path, ROOT, pagerduty, POINTS, SEED)
        accepted_before = len(pagerduty.accepted)
        report = _upkeep.drained(settings, 60.0)
        print(  # wanted in the full run
            f"{POINTS} points in {time.monotonic() - began:.1f} s: {len(story.certain)} events handed over, "
            f"{len({received.summary for received in pagerduty.accepted})} accepted, some of them again after a kill: "
            f"{pagerduty.tally()}"
        )
        assert _story.lost(story, pagerduty) == set()
        assert story.unmarked == []
        assert _story.opened_twice(pagerduty) == set()
        assert _story.out_of_order(story, pagerduty) == []
        assert (report.waiting, report.set_aside, report.dropped) == (0, 0, {})
        assert len(story.certain) > POINTS / 8, "the writers were killed too soon to prove anything"
        assert accepted_before > POINTS / 8, "the couriers were killed too soon to prove anything"
    connection = sqlite3.connect(settings.outbox_path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
