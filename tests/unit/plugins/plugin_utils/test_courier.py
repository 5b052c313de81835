# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The courier's life after the run: real processes, a local PagerDuty that is out for a while, no further run."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _delivery, _upkeep
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._courier import Courier, Ending
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._lock import CourierLock, SenderLock
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import Entry
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._throttle import LONGEST_SECONDS
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.support import couriers
from ansible_collections.oncall.pagerduty.tests.support.couriers import wait_until
from ansible_collections.oncall.pagerduty.tests.support.events import Clock, alert, database_by, route

ROOT = str(Path(_delivery.__file__).parents[5])
NOWHERE = "http://127.0.0.1:9"
MOST_MEMORY = 25.0

RUN = """
import json, sys
order = json.loads(sys.argv[1])
sys.path.insert(0, order["root"])
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery import Delivery
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.tests.support.events import alert, route
# A long back-off: the courier becomes small at once, and nothing but an outage's own questions gets an event out.
settings = {"retry_base_interval": 600, "retry_max_interval": 600, "jitter": False, **order["settings"]}
delivery = Delivery(DeliverySettings(order["path"], **settings))
warnings = [delivery.resume()]
warnings += [delivery.hand_over(alert(key), route(order["url"])).warning for key in order["keys"]]
flushed = delivery.flush(order["flush"])
delivery.close()
print(json.dumps({"warnings": [text for text in warnings if text], **vars(flushed)}, default=list))
"""


@pytest.fixture
def path(tmp_path: Path) -> Iterator[str]:
    home = tmp_path / "home"
    yield str(home / "outbox.sqlite3")
    couriers.end_those_in(tmp_path)


@pytest.fixture
def pagerduty() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


def a_run(
    path: str,
    url: str,
    *keys: str,
    flush: float = 0.0,
    options: tuple[str, ...] = (),
    env: Mapping[str, str] | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """A process that hands events over as a run does, and ends."""
    order = {"root": ROOT, "path": path, "url": url, "keys": keys, "flush": flush, "settings": settings}
    command = [sys.executable, *options, "-c", RUN, json.dumps(order)]
    environ = {**os.environ, **(env or {})}
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environ)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def the_courier(path: str) -> int:
    """The one courier, once it is there."""
    wait_until(lambda: CourierLock(path).holder())
    return int(CourierLock(path).holder() or 0)


def entries(path: str) -> list[Entry]:
    database = Database(path)
    try:
        return Outbox(database).entries()
    finally:
        database.close()


def log(path: str) -> str:
    return Path(f"{path}.log").read_text()


# --- an outage with no further run ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_one_small_process_waits_and_sends_when_pagerduty_is_back(path: str, pagerduty: Simulator) -> None:
    """However many runs there were."""
    url = pagerduty.url
    pagerduty.stop()
    for number in range(4):
        a_run(path, url, f"k{number}")
    courier = the_courier(path)
    wait_until(lambda: couriers.processes_of(path) == [courier])
    wait_until(lambda: couriers.memory(courier) < MOST_MEMORY)
    used, began = couriers.processor_seconds(courier), time.monotonic()
    wait_until(lambda: time.monotonic() - began > 3.0)
    assert couriers.processor_seconds(courier) - used <= 0.03 * (time.monotonic() - began)

    pagerduty.start()
    back = time.monotonic()
    pagerduty.wait_for(lambda seen: len(seen.incidents) == 4, 60.0)
    arrived = time.monotonic() - back
    assert arrived < 15.0
    wait_until(lambda: not couriers.is_alive(courier))
    assert "nothing waits" in log(path)
    assert couriers.processes_of(path) == []


class Throttled:
    """Stands for a drain that is told "too many" some times, and then sends all."""

    is_failing = False
    asks_soon = False

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self.busy = True
        self.accepted = 0
        self._outbox = outbox
        self._clock = clock
        self._rests = 6
        self._next = clock()

    def turn(self, wait: float) -> None:
        self._clock.go_on(wait)
        self.busy = self._clock() >= self._next
        if self.busy:
            # What a key rests at most, and a look at the outbox comes after it.
            self._next = self._clock() + LONGEST_SECONDS + 0.25
            self._rests -= 1
            if not self._rests:
                self.accepted = self._outbox.purge(waiting=True)

    def finish(self) -> None:
        self.busy = False


@pytest.mark.parametrize("is_helper", [False, True])
def test_it_does_not_become_small_between_two_attempts_of_a_throttled_key(path: str, is_helper: bool) -> None:
    """A smaller one would not ask again for ten seconds."""
    clock = Clock()
    database = database_by(clock, path)
    outbox = Outbox(database)
    outbox.put(alert("k"), route(NOWHERE))
    life: Any = SimpleNamespace(is_over=lambda _stay: False, is_orphan=True, lost=None)
    drain: Any = Throttled(outbox, clock)
    settings = DeliverySettings(path)
    courier = Courier(settings, life, lambda _line: None, is_helper, clock, lambda _outbox, _alone: drain)
    assert courier.send(outbox, SenderLock(path)) is Ending.EMPTY
    assert courier.accepted == 1
    database.close()


def test_what_a_later_run_hands_to_it_is_sent_at_once(path: str, pagerduty: Simulator) -> None:
    """It has become small; the other address is out still."""
    a_run(path, NOWHERE, "stuck")
    courier = the_courier(path)
    wait_until(lambda: couriers.is_resting(path))
    said = a_run(path, pagerduty.url, "new", flush=30.0)
    assert said["accepted"] == 1
    assert CourierLock(path).holder() == courier
    assert couriers.is_alive(courier)


@pytest.mark.slow
def test_a_key_that_is_throttled_is_asked_for_as_often_by_a_courier_that_was_small(
    path: str, pagerduty: Simulator
) -> None:
    """Not only every ten seconds, as in an outage: after a rest of two seconds at most the page may be taken."""
    url = pagerduty.url
    a_run(path, NOWHERE, "stuck")
    the_courier(path)
    wait_until(lambda: couriers.is_resting(path))
    pagerduty.add_fault(Fault("status", code=429, count=8))
    a_run(path, url, "new")
    pagerduty.wait_for(lambda seen: len(seen.accepted) == 1, 60.0)
    times = [request.time for request in pagerduty.requests]
    assert len(times) == 9
    assert max(later - earlier for earlier, later in zip(times, times[1:])) < 6.0


@pytest.mark.slow
def test_who_drains_by_hand_need_not_wait_for_it(path: str, pagerduty: Simulator) -> None:
    url = pagerduty.url
    pagerduty.stop()
    a_run(path, url, "k")
    courier = the_courier(path)
    wait_until(lambda: couriers.is_resting(path))
    pagerduty.start()
    assert _upkeep.drained(DeliverySettings(path), 60.0).waiting == 0
    assert len(pagerduty.incidents) == 1
    wait_until(lambda: not couriers.is_alive(courier))


@pytest.mark.slow
def test_says_who_goes_on_and_can_be_told_to_stop(path: str) -> None:
    said = a_run(path, NOWHERE, "k", flush=0.5, courier_linger=3)
    courier = the_courier(path)
    assert f"process {courier} goes on trying until " in said["outlook"]
    # A run with nothing of its own has it stay longer.
    assert a_run(path, NOWHERE, courier_linger=3600)["outlook"] is None
    wait_until(lambda: couriers.is_resting(path))
    began = time.monotonic()
    wait_until(lambda: time.monotonic() - began > 3.0)
    again = a_run(path, NOWHERE, "l", flush=0.5)
    assert f"process {courier} goes on trying until " in again["outlook"]
    assert a_run(path, NOWHERE, "m", courier_linger=0)["outlook"].startswith("nobody goes on trying")

    os.kill(courier, signal.SIGTERM)
    wait_until(lambda: not couriers.is_alive(courier))
    assert {entry.state for entry in entries(path)} == {"waiting"}


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_signal_while_it_becomes_small_is_not_lost(path: str, number: int) -> None:
    a_run(path, NOWHERE, "k")
    courier = the_courier(path)
    wait_until(lambda: "for the moment" in log(path))
    os.kill(courier, number)
    wait_until(lambda: not couriers.is_alive(courier))


@pytest.mark.slow
def test_it_ends_with_its_outbox(path: str) -> None:
    a_run(path, NOWHERE, "k")
    courier = the_courier(path)
    wait_until(lambda: couriers.is_resting(path))
    os.unlink(path)
    wait_until(lambda: not couriers.is_alive(courier))
    assert "gone or is another one" in log(path)


# --- what it needs, and who says so ---------------------------------------------------------------------------------

# A Python without site-packages has no requests; what the run has, its courier has.
WITHOUT_LIBRARIES = ("-I", "-S")


def test_without_its_library_it_ends_and_the_next_one_sends(path: str, pagerduty: Simulator) -> None:
    said = a_run(path, pagerduty.url, "a", "b", flush=60.0, options=WITHOUT_LIBRARIES)
    assert said["waiting"] == 2
    assert "has no requests library" in said["problem"]
    assert said["outlook"].startswith("nobody goes on trying")
    wait_until(lambda: couriers.processes_of(path) == [])
    assert [(entry.state, entry.attempts, entry.reason) for entry in entries(path)] == [("waiting", 0, None)] * 2

    assert a_run(path, pagerduty.url, "c", flush=60.0)["accepted"] == 1
    pagerduty.wait_for(lambda seen: len(seen.incidents) == 3, 60.0)


@pytest.mark.slow
def test_one_that_waits_ends_when_its_library_is_taken_away(path: str, tmp_path: Path) -> None:
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    import requests

    site = Path(requests.__file__).parents[1]
    for name in site.iterdir():
        if name.name.partition("-")[0].lower() in ("requests", "urllib3", "certifi", "idna", "charset_normalizer"):
            (libraries / name.name).symlink_to(name)
    order = f"import sys; sys.path.append({str(libraries)!r})\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "RUN", order + RUN)
        a_run(path, NOWHERE, "k", options=WITHOUT_LIBRARIES)
    courier = the_courier(path)
    wait_until(lambda: couriers.is_resting(path))
    libraries.rename(tmp_path / "gone")
    wait_until(lambda: not couriers.is_alive(courier))
    assert "requests is missing" in log(path)


def test_a_drain_without_the_library_says_so_and_counts_no_attempt(
    path: str, pagerduty: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import MissingLibraryError
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _workers
    from ansible_collections.oncall.pagerduty.tests.support.events import alert, route

    database = Database(path)
    Outbox(database).put(alert("k"), route(pagerduty.url))
    database.close()
    monkeypatch.setattr(_workers, "HAS_REQUESTS", False)
    with pytest.raises(MissingLibraryError):
        _upkeep.drained(DeliverySettings(path), 5.0)
    assert [entry.attempts for entry in entries(path)] == [0]
    assert SenderLock(path).acquire()


@pytest.mark.slow
def test_an_event_goes_the_way_of_the_run_that_handed_it_over(path: str, pagerduty: Simulator) -> None:
    """The courier at work was started by a run whose proxy does not work, and the other way round."""
    wrong = {"http_proxy": "http://user:hunter22@127.0.0.1:9", "no_proxy": ""}
    elsewhere = "http://pagerduty.invalid:9"
    a_run(path, elsewhere, "stuck", env=wrong)
    courier = the_courier(path)
    said = a_run(path, pagerduty.url, "direct", flush=60.0, env={"http_proxy": "", "no_proxy": ""})
    assert said["accepted"] == 1
    said = a_run(path, elsewhere, "by proxy", flush=60.0, env={"http_proxy": pagerduty.url, "no_proxy": ""})
    assert (said["accepted"], said["problem"]) == (1, None), "the simulator has played the proxy"
    assert CourierLock(path).holder() == courier
    # What waits goes the way of its incident's newest event.
    assert a_run(path, elsewhere, "stuck", flush=60.0, env={"http_proxy": pagerduty.url})["accepted"] == 1
    pagerduty.wait_for(lambda seen: len(seen.accepted) == 4, 60.0)
    assert "hunter22" not in log(path)


def test_who_drains_by_hand_does_so_with_their_own_surroundings(
    path: str, pagerduty: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_run(path, pagerduty.url, "k", env={"http_proxy": NOWHERE, "no_proxy": ""}, courier_linger=0)
    wait_until(lambda: couriers.processes_of(path) == [])
    monkeypatch.delenv("http_proxy", raising=False)
    assert _upkeep.drained(DeliverySettings(path), 60.0).waiting == 0


# --- an upgrade in place --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_upgrade_takes_the_courier_along(path: str, tmp_path: Path, pagerduty: Simulator) -> None:
    import shutil

    root = tmp_path / "installed"
    collection = root / "ansible_collections" / "oncall" / "pagerduty"
    checkout = Path(ROOT) / "ansible_collections" / "oncall" / "pagerduty"

    def install() -> None:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(collection)
        for folder in ("plugins/module_utils", "plugins/plugin_utils", "tests/support"):
            shutil.copytree(checkout / folder, collection / folder, copy_function=shutil.copy)

    install()
    url = pagerduty.url
    pagerduty.stop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "ROOT", str(root))
        a_run(path, url, "k")
    courier = the_courier(path)
    wait_until(lambda: couriers.is_resting(path))
    install()
    wait_until(lambda: "it starts anew" in log(path))
    wait_until(lambda: log(path).count("for the moment") == 2 and couriers.is_resting(path))
    assert CourierLock(path).holder() == courier
    pagerduty.start()
    pagerduty.wait_for(lambda seen: len(seen.incidents) == 1, 60.0)
    wait_until(lambda: not couriers.is_alive(courier))
