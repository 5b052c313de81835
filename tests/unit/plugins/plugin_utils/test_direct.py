# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery from memory: a real process at the other end of a pipe, and a local PagerDuty."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._direct import DirectDelivery
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.support.events import KEY, alert, change, route

PATIENCE = 60.0


@pytest.fixture
def pagerduty() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def make() -> Iterator[Callable[..., DirectDelivery]]:
    made: list[DirectDelivery] = []

    def make_one(**settings: Any) -> DirectDelivery:
        made.append(DirectDelivery(DeliverySettings("/nowhere/o", retry_base_interval=0.05, **settings)))
        return made[-1]

    yield make_one
    for delivery in made:
        if delivery._process is not None:
            delivery._process.kill()
            delivery._process.wait()
        delivery.close()


def settled(delivery: DirectDelivery, run: str = "run") -> None:
    deadline = time.monotonic() + PATIENCE
    while delivery.has_waiting(run):
        assert delivery.ensure() is None
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def test_events_arrive_in_order_and_are_counted(make: Callable[..., DirectDelivery], pagerduty: Simulator) -> None:
    pagerduty.add_fault(Fault("status", code=503, count=2))
    pagerduty.add_fault(Fault("status", code=400, action="acknowledge"))
    delivery = make()
    for action in ("trigger", "acknowledge", "resolve"):
        delivery.put(alert("k", action), route(pagerduty.url), "run", False)
    delivery.put(change(), route(pagerduty.url), "run", False)
    delivery.put(alert("of another run"), route(pagerduty.url), "other", False)
    assert delivery.is_waiting(alert("k", "resolve"))
    settled(delivery)
    counts = delivery.counts("run")
    assert (counts.waiting, counts.set_aside) == (0, 1)
    assert "400" in str(delivery.last_problem("run"))
    settled(delivery, "other")
    assert not delivery.is_waiting(alert("k"))
    taken = [(one.api, one.action) for one in pagerduty.accepted if one.dedup_key == "k"]
    assert taken == [("v2", "trigger"), ("v2", "resolve")]


def test_what_is_larger_than_the_pipe_arrives_too(make: Callable[..., DirectDelivery], pagerduty: Simulator) -> None:
    delivery = make()
    for number in range(20):
        delivery.put(alert(f"k{number}", summary="x" * 1024 * 100), route(pagerduty.url), "run", False)
    settled(delivery)
    assert len(pagerduty.incidents) == 20


def test_a_process_that_dies_is_replaced_and_has_all_that_is_left(
    make: Callable[..., DirectDelivery], pagerduty: Simulator
) -> None:
    pagerduty.add_fault(Fault("status", code=503))
    delivery = make()
    for number in range(3):
        delivery.put(alert(f"k{number}"), route(pagerduty.url), "run", False)
    assert delivery._process is not None
    delivery._process.kill()
    delivery._process.wait()
    pagerduty.clear_faults()
    delivery.put(alert("later"), route(pagerduty.url), "run", False)
    settled(delivery)
    assert sorted(incident.dedup_key for incident in pagerduty.incidents) == ["k0", "k1", "k2", "later"]


def test_no_key_is_among_the_arguments(make: Callable[..., DirectDelivery], pagerduty: Simulator) -> None:
    delivery = make()
    delivery.put(alert("k"), route(pagerduty.url), "run", False)
    assert KEY.encode() not in Path(f"/proc/{delivery.pid}/cmdline").read_bytes()
    settled(delivery)


def ended(pid: int) -> Callable[[], bool]:
    def is_so() -> bool:
        with contextlib.suppress(ChildProcessError):
            return os.waitpid(pid, os.WNOHANG)[0] == pid
        return True

    return is_so


@pytest.mark.parametrize("is_up", [True, False])
def test_it_goes_on_after_its_parent_until_all_is_sent_or_the_time_is_over(
    make: Callable[..., DirectDelivery], pagerduty: Simulator, is_up: bool
) -> None:
    pagerduty.add_fault(Fault("status", code=503, count=1_000_000))
    delivery = make(courier_linger=PATIENCE if is_up else 0.2)
    delivery.put(alert("k"), route(pagerduty.url), "run", False)
    pid = delivery.pid
    assert pid is not None
    delivery.close()
    if is_up:
        pagerduty.clear_faults()
    deadline = time.monotonic() + PATIENCE
    while not ended(pid)():
        assert time.monotonic() < deadline, "it does not end"
        time.sleep(0.02)
    delivery._process = None
    assert len(pagerduty.incidents) == int(is_up)


def test_a_parent_that_dies_at_once_loses_nothing(pagerduty: Simulator) -> None:
    """As a worker that queues one event does: it is gone before the process has begun to read."""
    child = os.fork()
    if not child:
        try:
            settings = DeliverySettings("/nowhere/o", courier_linger=PATIENCE)
            DirectDelivery(settings).put(alert("k"), route(pagerduty.url), "run", False)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    pagerduty.wait_for(lambda seen: len(seen.incidents) == 1, PATIENCE)


def test_a_signal_ends_it(make: Callable[..., DirectDelivery], pagerduty: Simulator) -> None:
    delivery = make()
    delivery.put(alert("k"), route(pagerduty.url), "run", False)
    settled(delivery)
    assert delivery._process is not None
    delivery._process.send_signal(signal.SIGTERM)
    assert delivery._process.wait(PATIENCE) == 0
