# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tending an outbox in the foreground: list, send now, send again, drop."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _upkeep
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database, DatabaseError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._lock import SenderLock
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import Caps
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._pacing import Pace
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._substitute import (
    make_substitute_folder,
    substitute_path,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._unsent import UnsentMark
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.support.events import KEY, alert, route
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def pagerduty() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path) -> DeliverySettings:
    return DeliverySettings(str(tmp_path / "outbox.sqlite3"), retry_base_interval=0.1)


@pytest.fixture
def outbox(settings: DeliverySettings) -> Outbox:
    return Outbox(Database(settings.outbox_path))


@pytest.fixture
def substitute(settings: DeliverySettings) -> Iterator[Outbox]:
    path = substitute_path(settings.outbox_path)
    make_substitute_folder(path)
    yield Outbox(Database(path))
    shutil.rmtree(os.path.dirname(path))


def test_an_outbox_that_was_never_made_is_empty_and_not_made(settings: DeliverySettings) -> None:
    assert _upkeep.listed(settings) == _upkeep.Report()
    assert _upkeep.drained(settings, 1.0) == _upkeep.Report()
    assert not os.path.exists(settings.outbox_path)


def test_drains(settings: DeliverySettings, outbox: Outbox, pagerduty: Simulator) -> None:
    for number in range(10):
        outbox.put(alert(f"k{number}"), route(pagerduty.url))
    pagerduty.add_fault(Fault("status", code=400, action="resolve"))
    outbox.put(alert("k0", "resolve"), route(pagerduty.url))
    report = _upkeep.drained(settings, 60.0)
    assert (report.changed, report.waiting, report.set_aside) == (10, 0, 1)
    assert [entry.action for entry in report.events] == ["resolve"]


def test_draining_cuts_delays_short(settings: DeliverySettings, outbox: Outbox, pagerduty: Simulator) -> None:
    outbox.put(alert("k"), route(pagerduty.url))
    (lanes,) = outbox.lanes()
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._pacing import Pace

    (claim,) = outbox.claim("me", lanes, 1, Pace(0))
    outbox.postponed(claim, "me", 3600.0, "HTTP 503", maybe_taken=False)
    assert _upkeep.drained(settings, 60.0).changed == 1


@pytest.mark.slow
def test_draining_ends_in_time(settings: DeliverySettings, outbox: Outbox) -> None:
    outbox.put(alert("k"), route(NOWHERE))
    began = time.monotonic()
    report = _upkeep.drained(settings, 2.0)
    assert time.monotonic() - began < 60.0
    assert (report.changed, report.waiting) == (0, 1)
    assert "no connection" in str(report.events[0].reason)


def test_draining_leaves_the_sending_to_a_courier_at_work(
    settings: DeliverySettings, outbox: Outbox, pagerduty: Simulator
) -> None:
    outbox.put(alert("k"), route(pagerduty.url))
    lock = SenderLock(settings.outbox_path)
    assert lock.acquire()
    report = _upkeep.drained(settings, 0.5)
    assert (report.changed, report.waiting) == (0, 1)
    assert pagerduty.requests == []
    lock.release()
    assert _upkeep.drained(settings, 60.0).changed == 1


def test_refused_events_can_be_sent_again_or_dropped(
    settings: DeliverySettings, outbox: Outbox, pagerduty: Simulator
) -> None:
    pagerduty.add_fault(Fault("status", code=400, count=2))
    for key in "ab":
        outbox.put(alert(key), route(pagerduty.url))
    first, second = _upkeep.drained(settings, 60.0).events
    assert _upkeep.retried(settings, [first.id]).changed == 1
    assert _upkeep.drained(settings, 60.0).changed == 1
    report = _upkeep.purged(settings, [second.id])
    assert (report.changed, report.events, report.dropped) == (1, (), {"purged": 1})


def test_what_was_kept_in_memory_is_tended_as_well(
    settings: DeliverySettings, outbox: Outbox, substitute: Outbox, pagerduty: Simulator
) -> None:
    pagerduty.add_fault(Fault("status", code=400, count=2))
    outbox.put(alert("disk"), route(pagerduty.url))
    substitute.put(alert("memory"), route(pagerduty.url))
    assert [(entry.id, entry.dedup_key) for entry in _upkeep.listed(settings).events] == [(1, "disk"), (-1, "memory")]
    report = _upkeep.drained(settings, 60.0)
    assert (report.changed, report.waiting, report.set_aside) == (0, 0, 2)
    assert [(entry.id, entry.state) for entry in _upkeep.retried(settings, [-1]).events] == [
        (1, "set aside"),
        (-1, "waiting"),
    ]
    assert _upkeep.purged(settings, [-1, 2]).changed == 0
    assert _upkeep.drained(settings, 60.0).changed == 1
    report = _upkeep.purged(settings)
    assert (report.changed, report.dropped, report.events) == (1, {"purged": 1}, ())


def test_a_broken_outbox_does_not_keep_back_what_is_in_memory(
    settings: DeliverySettings, substitute: Outbox, pagerduty: Simulator
) -> None:
    substitute.put(alert("memory"), route(pagerduty.url))
    Path(settings.outbox_path).write_text("no database" * 1000)
    with pytest.raises(DatabaseError, match="outbox.sqlite3 cannot be used: .* this collection has not made"):
        _upkeep.drained(settings, 60.0)
    assert [event.dedup_key for event in pagerduty.accepted] == ["memory"]


def test_an_outbox_that_cannot_be_reached_is_not_taken_for_an_empty_one(settings: DeliverySettings) -> None:
    os.symlink(settings.outbox_path, settings.outbox_path)
    with pytest.raises(DatabaseError, match="is a symbolic link"):
        _upkeep.listed(settings)


def test_events_that_are_too_old_are_counted(settings: DeliverySettings, outbox: Outbox, pagerduty: Simulator) -> None:
    for key in "ab":
        outbox.put(alert(key), route(pagerduty.url))
    time.sleep(0.02)
    report = _upkeep.drained(dataclasses.replace(settings, max_age=0.01), 60.0)
    assert (report.changed, report.untold[0].count, report.waiting, report.dropped) == (0, 2, 0, {"max_age": 2})
    assert pagerduty.requests == []


def test_what_was_dropped_is_told_by_one_drain_whoever_dropped_it(settings: DeliverySettings, outbox: Outbox) -> None:
    capped = Outbox(outbox._database, Caps(max_events=1))
    for key in "abc":
        capped.put(alert(key, summary=key), route(NOWHERE))
    assert _upkeep.listed(settings).untold == ()
    _upkeep.purged(settings, waiting=True)
    (untold,) = _upkeep.drained(settings, 10.0).untold
    assert (untold.reason, untold.count, untold.summaries) == ("max_events", 2, ("trigger: a", "trigger: b"))
    assert _upkeep.drained(settings, 10.0).untold == ()


def test_a_page_of_events_goes_over_both_files(settings: DeliverySettings, outbox: Outbox, substitute: Outbox) -> None:
    for number in range(3):
        outbox.put(alert(f"disk {number}"), route(NOWHERE))
        substitute.put(alert(f"memory {number}"), route(NOWHERE))
    numbers = {
        (most, offset): [entry.id for entry in _upkeep.listed(settings, _upkeep.Page(most, offset)).events]
        for most, offset in ((100, 0), (2, 0), (2, 2), (2, 4), (2, 6), (0, 0), (1, 3))
    }
    assert numbers == {
        (100, 0): [1, 2, 3, -1, -2, -3],
        (2, 0): [1, 2],
        (2, 2): [3, -1],
        (2, 4): [-2, -3],
        (2, 6): [],
        (0, 0): [],
        (1, 3): [-1],
    }
    report = _upkeep.listed(settings, _upkeep.Page(0))
    assert (report.waiting, [counts.waiting for counts in report.by_key]) == (6, [3, 3])


@pytest.mark.parametrize("what", ["put", "retried"])
def test_the_next_run_is_told_that_events_wait(settings: DeliverySettings, outbox: Outbox, what: str) -> None:
    mark = UnsentMark(settings.outbox_path)
    outbox.put(alert("a"), route(NOWHERE))
    if what == "retried":
        (claim,) = outbox.claim("me", outbox.lanes()[0], 1, Pace(0))
        outbox.refused(claim, "me", "no")
        outbox.unmark_if_empty()
        assert not mark.is_set()
        _upkeep.retried(settings)
    assert mark.is_set()
    outbox.unmark_if_empty()
    assert mark.is_set()
    _upkeep.purged(settings, waiting=True)
    assert not mark.is_set()


def test_reports_are_plain_and_hold_no_key(settings: DeliverySettings, outbox: Outbox) -> None:
    outbox.put(alert("k", summary=f"key {KEY}"), route(NOWHERE))
    report = _upkeep.listed(settings)
    entries = [entry.as_dict() for entry in report.events]
    assert json.loads(json.dumps(entries)) == entries
    assert_no_secret(report, KEY)
    assert (report.waiting, len(entries)) == (1, 1)
