# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bounded call ends within its limit, hands on what it got, and leaves behind what is stuck."""

from __future__ import annotations

import functools
import os
import threading
import time
from typing import Iterator

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._bounded import BoundedCaller, OutOfTimeError


@pytest.fixture
def caller() -> Iterator[BoundedCaller]:
    made = BoundedCaller()
    yield made
    made.close()


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Frees the stuck calls of a test when it ends."""
    event = threading.Event()
    yield event
    event.set()


def test_the_result_is_handed_on(caller: BoundedCaller) -> None:
    assert caller.call(lambda: ("a", 1), 60) == ("a", 1)
    assert caller.call(lambda: None, 60) is None


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt(), SystemExit(3), OutOfTimeError()])
def test_what_the_function_raises_is_raised_here(caller: BoundedCaller, error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        caller.call(fail, 60)
    assert caught.value is error
    assert caller.call(lambda: "usable", 60) == "usable"


def test_one_thread_makes_all_calls(caller: BoundedCaller) -> None:
    idents = {caller.call(threading.get_ident, 60) for _turn in range(20)}
    assert len(idents) == 1
    assert threading.get_ident() not in idents


def test_the_thread_keeps_no_process_alive(caller: BoundedCaller) -> None:
    assert caller.call(lambda: threading.current_thread().daemon, 60)


def test_a_stuck_call_is_left_behind_in_time(caller: BoundedCaller, release: threading.Event) -> None:
    began = time.monotonic()
    with pytest.raises(OutOfTimeError) as caught:
        caller.call(lambda: release.wait(120), 0.1)
    assert 0.1 <= time.monotonic() - began < 60
    assert caught.value.__suppress_context__


def test_after_a_stuck_call_another_thread_makes_the_next(caller: BoundedCaller, release: threading.Event) -> None:
    first = caller.call(threading.get_ident, 60)
    with pytest.raises(OutOfTimeError):
        caller.call(lambda: release.wait(120), 0.05)
    assert caller.call(threading.get_ident, 60) != first


def test_a_late_result_is_not_mistaken_for_the_next_ones(caller: BoundedCaller, release: threading.Event) -> None:
    def late() -> str:
        release.wait(120)
        return "late"

    with pytest.raises(OutOfTimeError):
        caller.call(late, 0.05)
    release.set()
    assert [caller.call(lambda: "next", 60) for _turn in range(5)] == ["next"] * 5


def test_threads_end_when_closed_and_when_what_they_were_stuck_in_ends(release: threading.Event) -> None:
    before = set(threading.enumerate())

    def threads() -> int:
        return len(set(threading.enumerate()) - before)

    def threads_become(number: int) -> bool:
        end = time.monotonic() + 60
        while threads() != number and time.monotonic() < end:
            time.sleep(0.01)
        return threads() == number

    caller = BoundedCaller()
    caller.call(lambda: None, 60)
    assert threads() == 1
    with pytest.raises(OutOfTimeError):
        caller.call(lambda: release.wait(120), 0.05)
    caller.call(lambda: None, 60)
    assert threads() == 2
    release.set()
    assert threads_become(1)
    caller.close()
    assert threads_become(0)


def test_a_closed_caller_can_be_used_again_and_closed_twice(caller: BoundedCaller) -> None:
    caller.close()
    caller.close()
    assert caller.call(lambda: 1, 60) == 1


def test_after_a_fork_the_child_makes_a_thread_of_its_own(caller: BoundedCaller) -> None:
    assert caller.call(os.getpid, 60) == os.getpid()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if caller.call(os.getpid, 60) == os.getpid() else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert caller.call(os.getpid, 60) == os.getpid()


class Witness:
    """Says when nobody holds it any more."""

    def __init__(self, gone: threading.Event) -> None:
        self._gone = gone

    def __del__(self) -> None:
        self._gone.set()


def test_the_idle_thread_holds_neither_the_call_nor_its_answer(caller: BoundedCaller) -> None:
    asked, answered = threading.Event(), threading.Event()
    caller.call(functools.partial(Witness, answered), 60)
    caller.call(functools.partial(id, Witness(asked)), 60)
    assert answered.wait(60)
    assert asked.wait(60)
