# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for attempts ends in time, whatever signals arrive meanwhile."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._bounded import BoundedCaller, OutOfTimeError
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Api
from ansible_collections.oncall.pagerduty.plugins.module_utils._sender import Delivery, Outcome
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._workers import Workers, judge


@pytest.fixture
def _signal_during_the_wait() -> Iterator[None]:
    """A signal that arrives while something waits, and whose handler returns only after that wait is due to end."""
    before = signal.signal(signal.SIGUSR1, lambda *_details: time.sleep(0.3))
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    yield
    timer.join()
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.usefixtures("_signal_during_the_wait")
def test_a_courier_that_gets_a_signal_goes_on() -> None:
    workers = Workers(1)
    began = time.monotonic()
    assert workers.ended(0.15) == []
    assert time.monotonic() - began < 30.0
    workers.close()


@pytest.mark.usefixtures("_signal_during_the_wait")
def test_an_attempt_is_bounded_in_spite_of_a_signal() -> None:
    caller, done = BoundedCaller(), threading.Event()
    began = time.monotonic()
    with pytest.raises(OutOfTimeError):
        caller.call(lambda: done.wait(60.0), 0.15)
    assert time.monotonic() - began < 30.0
    done.set()


@pytest.mark.parametrize(
    ("http_status", "down", "throttled"),
    [
        (None, True, False),
        (200, True, False),
        (202, True, False),
        (429, False, True),
        (408, False, False),
        (503, True, False),
    ],
)
def test_what_an_undelivered_event_says_about_pagerduty(http_status: int | None, down: bool, throttled: bool) -> None:
    delivery = Delivery(Outcome.UNDELIVERED, "s", "m", "k", ("attempt 1: e",), 1, 0.1, http_status, "no retry is left")
    attempt = judge(Api.V2, delivery)
    assert (attempt.down, attempt.answered, attempt.throttled) == (down, not down, throttled)
