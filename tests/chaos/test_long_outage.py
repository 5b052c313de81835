# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A long outage, one failing run at its beginning and no further one: the page arrives soon after it has ended.

Hours go by on a clock that is set by hand; the courier, its rest, the outbox and its back-offs all go by it. One trial
is with real processes, a local PagerDuty and some seconds.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._sender import Outcome
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _delivery
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._courier import Courier, Ending
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._courier_life import Life
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._courier_rest import Rest
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._drain import Drain
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._lock import SenderLock
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import Claim
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._workers import Attempt, Workers
from ansible_collections.oncall.pagerduty.tests.chaos import _playbook
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator
from ansible_collections.oncall.pagerduty.tests.support import couriers
from ansible_collections.oncall.pagerduty.tests.support.events import Clock, alert, route

ROOT = str(Path(_delivery.__file__).parents[5])
OUTAGE = 38 * 60.0
SOON = 15.0
LIFE = ("trigger", "acknowledge", "resolve")


class PagerDuty:
    """A PagerDuty that is out until some moment; an attempt takes its time to fail."""

    def __init__(self, clock: Clock, back_at: float, seconds_to_fail: float) -> None:
        self.clock = clock
        self.back_at = back_at
        self.seconds_to_fail = seconds_to_fail
        self.asked = 0
        self.accepted: list[tuple[float, str]] = []

    def judge(self, claim: Claim, began: float) -> Attempt:
        if began < self.back_at:
            return Attempt(Outcome.UNDELIVERED, "HTTP 503", down=True)
        self.accepted.append((self.clock(), claim.event.shown()["payload"]["summary"]))
        return Attempt(Outcome.ACCEPTED, answered=True)


class OnTheClock(Workers):
    """Attempts that take none but the clock's time."""

    def __init__(self, pagerduty: PagerDuty) -> None:
        self._number, self._busy = 8, 0
        self._pagerduty = pagerduty
        self._under_way: list[tuple[float, float, Claim]] = []

    def begin(self, claim: Claim) -> None:
        self._busy += 1
        self._pagerduty.asked += 1
        now = self._pagerduty.clock()
        ends = now + (self._pagerduty.seconds_to_fail if now < self._pagerduty.back_at else 0.2)
        self._under_way.append((ends, now, claim))

    def ended(self, wait: float) -> list[tuple[Claim, Attempt]]:
        clock = self._pagerduty.clock
        clock.go_on(wait)
        found = [each for each in self._under_way if each[0] <= clock()]
        self._under_way = [each for each in self._under_way if each not in found]
        self._busy -= len(found)
        return [(claim, self._pagerduty.judge(claim, began)) for _ends, began, claim in found]

    def close(self) -> None:
        pass


class Trial:
    """A run that fails at the beginning of an outage, and the courier that it leaves."""

    def __init__(self, folder: Path, seed: int, outage: float, seconds_to_fail: float) -> None:
        self.dice = random.Random(seed)
        self.clock = Clock()
        self.settings = DeliverySettings(str(folder / "outbox.sqlite3"))
        self.database = self.open()
        self.pagerduty = PagerDuty(self.clock, self.clock() + outage, seconds_to_fail)
        self.said: list[str] = []
        self.life = Life(
            self.settings.outbox_path, 4711, self.settings.courier_linger, clock=self.clock, parent_now=lambda: 1
        )

    def open(self) -> Database:
        return Database(self.settings.outbox_path, wall=self.clock, uptime=self.clock)

    def put(self, incidents: int) -> None:
        outbox = Outbox(self.database)
        for action in LIFE:
            for number in range(incidents):
                event = alert(f"k{number}", action, summary=f"{number} {action}")
                outbox.put(event, route("https://pagerduty.invalid"), linger=self.settings.courier_linger)

    def courier(self, is_helper: bool) -> Courier:
        def drain(outbox: Outbox, is_alone: bool) -> Drain:
            return Drain(
                outbox, self.settings, self.said.append, is_alone, self.clock, self.dice.random,
                workers=OnTheClock(self.pagerduty),
            )  # fmt: skip

        return Courier(self.settings, self.life, self.said.append, is_helper, self.clock, drain)

    def help(self) -> bool:
        """What a helper does, which is a process of its own otherwise."""
        self.clock.go_on(0.3)
        database = self.open()
        helper = self.courier(is_helper=True)
        helper.send(Outbox(database), SenderLock(self.settings.outbox_path))
        database.close()
        return helper.accepted > 0

    def live(self) -> Ending | None:
        ending = self.courier(is_helper=False).send(Outbox(self.database), SenderLock(self.settings.outbox_path))
        if ending is not Ending.QUIET:
            return ending
        return Rest(self.life, self.said.append, self.help, self.clock, self.clock.go_on).work(self.database)


@pytest.mark.parametrize("seconds_to_fail", [0.05, 10.0], ids=["refuses", "does not answer"])
@pytest.mark.parametrize("incidents", [1, 3, 40])
@pytest.mark.parametrize("seed", range(2))
def test_the_page_arrives_soon_after_the_end(tmp_path: Path, seed: int, incidents: int, seconds_to_fail: float) -> None:
    outage = OUTAGE + random.Random(seed).uniform(0.0, 20.0)
    trial = Trial(tmp_path, seed, outage, seconds_to_fail)
    trial.put(incidents)

    assert trial.live() is Ending.EMPTY, "it ends at once when nothing waits"

    late = [at - trial.pagerduty.back_at for at, _summary in trial.pagerduty.accepted]
    assert len(late) == 3 * incidents
    assert late[0] < SOON
    if incidents < 30:  # beyond that the pace, which counts the questions too, holds some up
        assert max(late) < SOON + 5.0, "all that waits follows at once"
    for number in range(incidents):
        said = [text.split()[1] for _at, text in trial.pagerduty.accepted if text.split()[0] == str(number)]
        assert said == list(LIFE)
    # One question in ten seconds, not one for each event.
    assert trial.pagerduty.asked < outage / 10.0 + 60 + 3 * incidents * 2


def test_it_gives_up_six_hours_after_the_run(tmp_path: Path) -> None:
    trial = Trial(tmp_path, 1, outage=7 * 3600.0, seconds_to_fail=0.05)
    trial.put(1)
    began = trial.clock()
    assert trial.live() is Ending.OVER
    assert 6 * 3600.0 <= trial.clock() - began < 6 * 3600.0 + 60.0
    assert not Outbox(trial.database).is_empty()


def test_with_real_processes(tmp_path: Path) -> None:
    """One run, eight incidents, twenty seconds; nothing is at work afterwards."""
    settings = replace(DeliverySettings(str(tmp_path / "home" / "outbox.sqlite3")), max_events_per_minute=0)
    events = [(f"k-{number}", action) for action in LIFE for number in range(8)]
    with Simulator(rate_limit=0, seed=1) as pagerduty:
        url = pagerduty.url
        pagerduty.stop()
        report = _playbook.run(ROOT, {"settings": vars(settings), "url": url, "events": events, "flush": 1.0})
        assert report["flushed"]["waiting"] == 24
        assert "goes on trying until" in report["flushed"]["outlook"]
        try:
            couriers.wait_until(lambda: couriers.is_resting(settings.outbox_path), 120.0)
            time.sleep(random.Random(1).uniform(10.0, 20.0))
            pagerduty.start()
            back = time.monotonic()
            pagerduty.wait_for(lambda seen: seen.accepted, 60.0)
            assert time.monotonic() - back < SOON
            pagerduty.wait_for(lambda seen: sum(not each.is_open for each in seen.incidents) == 8, 60.0)
            assert len(pagerduty.incidents) == 8
            couriers.wait_until(lambda: couriers.processes_of(settings.outbox_path) == [])
        finally:
            couriers.end_those_in(tmp_path)
