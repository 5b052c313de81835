# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad weather: PagerDuty is down, slow, throttling or silent; the disk is full, the home read-only; all at once.

Each test ends with every event accepted, in order, each incident opened once, and no run held up beyond its flush.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _delivery, _upkeep
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._substitute import substitute_path
from ansible_collections.oncall.pagerduty.tests.chaos import _playbook
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator

ROOT = str(Path(_delivery.__file__).parents[5])
LIFE = ("trigger", "acknowledge", "resolve")
FLUSH = 1.0
IN_THE_FULL_RUN = "CHAOS_POINTS" in os.environ


@pytest.fixture
def pagerduty() -> Iterator[Simulator]:
    with Simulator(rate_limit=0, seed=1) as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[DeliverySettings]:
    path = str(tmp_path / "home" / "outbox.sqlite3")
    yield DeliverySettings(path, retry_base_interval=0.05, retry_max_interval=0.5, courier_linger=20.0)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(os.path.dirname(substitute_path(path)))


def order(
    settings: DeliverySettings, pagerduty: Simulator, incidents: int, name: str = "k", **more: Any
) -> dict[str, Any]:
    events = [(f"{name}-{number}", action) for action in LIFE for number in range(incidents)]
    return {"settings": vars(settings), "url": pagerduty.url, "events": events, "flush": FLUSH, **more}


def all_over(pagerduty: Simulator, incidents: int, limit: float = 30.0) -> None:
    """Wait until all incidents are resolved, and check how they came to be."""
    pagerduty.wait_for(lambda seen: sum(not each.is_open for each in seen.incidents) == incidents, limit)
    assert len(pagerduty.incidents) == incidents
    for incident in pagerduty.incidents:
        said = [entry.action for entry in incident.log]
        assert [action for number, action in enumerate(said) if [action] != said[number - 1 : number]] == list(LIFE)


def test_an_outage_shorter_than_the_courier_lives(settings: DeliverySettings, pagerduty: Simulator) -> None:
    wanted = order(settings, pagerduty, 5)
    pagerduty.stop()
    report = _playbook.run(ROOT, wanted)
    assert (report["flushed"]["waiting"], report["warnings"]) == (15, [])
    assert report["waited"] < FLUSH + 0.5
    assert report["longest_hand_over"] < 1.0
    pagerduty.start()
    all_over(pagerduty, 5)


def test_an_outage_longer_than_the_courier_lives(settings: DeliverySettings, pagerduty: Simulator) -> None:
    short = DeliverySettings(**{**vars(settings), "courier_linger": 0.3})
    wanted = order(short, pagerduty, 5)
    pagerduty.stop()
    for _run in range(2):
        _playbook.run(ROOT, wanted)
        wanted = {**wanted, "events": []}
    pagerduty.start()
    report = _upkeep.drained(settings, 20.0)
    assert (report.waiting, report.set_aside, report.dropped) == (0, 0, {})
    all_over(pagerduty, 5, 1.0)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("throttle", count=3, retry_after=1),
        Fault("reset_after", count=8),
        Fault("black_hole", count=4),
        Fault("truncated", probability=0.5),
    ]
    + IN_THE_FULL_RUN
    * [
        Fault("throttle", probability=0.3, retry_after=1),
        Fault("throttle", probability=0.6),
        Fault("reset_after", probability=0.5),
        Fault("status", code=503, probability=0.6),
        Fault("status", code=500, body="<html>", probability=0.6, retry_after="date:1"),
        Fault("reset_before", probability=0.5),
        Fault("close_before", probability=0.5),
        Fault("close_after", probability=0.5),
        Fault("slow_body", count=6, seconds=0.2),
        Fault("slow_headers", count=6, seconds=0.2),
        Fault("bad_gzip", probability=0.5),
        Fault("not_json", probability=0.5),
    ],
    ids=lambda fault: fault.describe().replace("kind=", ""),
)
def test_pagerduty_misbehaves(settings: DeliverySettings, pagerduty: Simulator, fault: Fault) -> None:
    pagerduty.add_fault(fault)
    report = _playbook.run(ROOT, order(settings, pagerduty, 4, timeout=0.5))
    assert (report["kept"], report["warnings"]) == (12, [])
    assert report["waited"] < FLUSH + 0.5
    assert _upkeep.drained(settings, 60.0).waiting == 0
    all_over(pagerduty, 4, 1.0)


def test_eight_playbooks_at_once(settings: DeliverySettings, pagerduty: Simulator) -> None:
    pagerduty.add_fault(Fault("latency", seconds=0.01, probability=0.5))
    wanted = [order(settings, pagerduty, 4, name=f"run{number}", flush=30.0) for number in range(8)]
    processes = [_playbook.start(ROOT, each) for each in wanted]
    time.sleep(0.7)
    processes[3].kill()
    reports = [_playbook.report(process) for number, process in enumerate(processes) if number != 3]
    assert [report["warnings"] for report in reports] == [[]] * 7
    assert [report["flushed"]["accepted"] for report in reports] == [12] * 7
    assert len(pagerduty.requests) == len({received.summary for received in pagerduty.requests}), "sent twice"
    assert sum(incident.status == "resolved" for incident in pagerduty.incidents) >= 28


def test_clocks_that_jump(settings: DeliverySettings, pagerduty: Simulator) -> None:
    """Runs that see other times by the wall clock than the courier, which began with the right one."""
    pagerduty.add_fault(Fault("status", code=503, count=4))
    for number, jump in enumerate((0.0, -86400.0, 8640000.0, -1e9)):
        report = _playbook.run(ROOT, order(settings, pagerduty, 2, name=f"run{number}", flush=20.0, clock=jump))
        assert report["flushed"]["accepted"] == 6
    all_over(pagerduty, 8)


# --- places where nothing can be written ----------------------------------------------------------------------------


def private_mounts() -> list[str]:
    """What runs a command with mounts of its own; skips the test where that is not allowed."""
    command = ["unshare", "--mount", "--map-root-user"]
    try:
        subprocess.run([*command, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounts need rights that are missing here")
    return command


def full_disk(home: Path) -> list[str]:
    """A home with room for some events only."""
    script = f'mount -t tmpfs -o size=160k,mode=700 tmpfs {home} && exec "$@"'
    return [*private_mounts(), "sh", "-c", script, "sh"]


def read_only(home: Path) -> list[str]:
    """A home that is mounted read-only."""
    script = f'mount -t tmpfs -o mode=700 tmpfs {home} && mount -o remount,ro {home} && exec "$@"'
    return [*private_mounts(), "sh", "-c", script, "sh"]


@pytest.mark.parametrize(("make", "reason"), [(full_disk, "is full"), (read_only, "Read-only")])
def test_no_room(
    settings: DeliverySettings, pagerduty: Simulator, make: Callable[[Path], list[str]], reason: str
) -> None:
    home = Path(settings.outbox_path).parent
    home.mkdir()
    events = [(f"k-{number}", "trigger") for number in range(24)]
    wanted = {**order(settings, pagerduty, 0), "events": events, "padding": 900}
    report = _playbook.run(ROOT, wanted, make(home))
    assert report["kept"] == 24
    (warning,) = report["warnings"]
    assert "kept in memory" in warning
    assert reason in warning
    assert report["longest_hand_over"] < 5.0
    pagerduty.wait_for(lambda seen: len(seen.incidents) == 24, 10.0)
    assert len(pagerduty.requests) == 24
