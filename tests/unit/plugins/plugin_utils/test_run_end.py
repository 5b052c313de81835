# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real signals to this process: none breaks off what must not be broken off, and none is lost."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import Cut, Errored, Interrupted
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._run_end import RunEnd
from ansible_collections.oncall.pagerduty.tests.support.events import Clock

NUMBERS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@pytest.fixture
def seen() -> Iterator[list[str]]:
    """What happens, in order: handlers in place before, as ansible-core's own, note the signals that reach them."""
    happened: list[str] = []

    def handler(number: int, _frame: FrameType | None) -> None:
        happened.append(signal.Signals(number).name)

    before = {number: signal.signal(number, handler) for number in NUMBERS}
    try:
        yield happened
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def send(*numbers: signal.Signals) -> None:
    for number in numbers:
        os.kill(os.getpid(), number)


@pytest.fixture
def end(seen: list[str]) -> RunEnd:
    def report(cut: Cut) -> None:
        assert isinstance(cut, Interrupted)
        seen.append(f"cut by {cut.signal}")

    made = RunEnd(report)
    made.catch_signals()
    return made


def test_signals_wait_for_the_end_of_what_must_not_be_broken_off(end: RunEnd, seen: list[str]) -> None:
    with end:
        with end:
            send(signal.SIGTERM)
        # A terminal that is closed, and systemd, send two at once.
        send(signal.SIGHUP)
        assert seen == []
    assert seen == ["SIGTERM", "SIGHUP"]


def test_whoever_insists_for_some_seconds_is_heard_at_once(seen: list[str]) -> None:
    clock = Clock()
    end = RunEnd(lambda _cut: None, clock)
    end.catch_signals()
    with end:
        send(signal.SIGHUP, signal.SIGHUP, signal.SIGINT, signal.SIGINT)
        assert seen == []
        clock.go_on(2.5)
        send(signal.SIGINT)
        assert seen == ["SIGINT"]
    assert seen == ["SIGINT", "SIGHUP"]


def test_signals_end_a_wait_among_what_must_not_be_broken_off(end: RunEnd, seen: list[str]) -> None:
    with end:
        send(signal.SIGTERM)
        end.sleep(0)
        assert seen == ["SIGTERM"]
        send(signal.SIGTERM)
        assert seen == ["SIGTERM"]
    assert seen == ["SIGTERM", "SIGTERM"]


def test_a_signal_during_the_report_waits_as_well(seen: list[str]) -> None:
    def report(cut: Cut) -> None:
        with watched:
            send(signal.SIGHUP)
            seen.append("told")

    watched = RunEnd(report)
    watched.began(None)
    watched.catch_signals()
    send(signal.SIGTERM)
    assert seen == ["told", "SIGHUP", "SIGTERM"]
    send(signal.SIGTERM)
    assert seen == ["told", "SIGHUP", "SIGTERM", "SIGTERM"]


class Manager:
    """A queue manager whose clean-up is called while an exception is on its way, as by ansible-core."""

    def __init__(self) -> None:
        self.cleaned_up = 0

    def cleanup(self) -> None:
        self.cleaned_up += 1

    def run(self, error: BaseException | None) -> None:
        try:
            if error is not None:
                raise error
        finally:
            self.cleanup()


class Odd(BaseException):
    pass


HERE = r" was raised in .*test_run_end.py:\d+"


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (SystemExit(5), Errored, rf"SystemExit with exit code 5{HERE}"),
        (SystemExit("over"), Errored, rf"SystemExit with exit code 1{HERE}"),
        (SystemExit(-1), Errored, rf"SystemExit with exit code 255{HERE}"),
        (SystemExit(True), Errored, rf"SystemExit with exit code 1{HERE}"),
        (SystemExit(0), None, ""),
        (SystemExit(256), None, ""),
        (SystemExit(), None, ""),
        (KeyboardInterrupt(), Errored, rf"KeyboardInterrupt{HERE}, though nobody had interrupted the run"),
        (Odd("over"), Errored, "over"),
        (OSError(5, "Input/output error"), Errored, r"\[Errno 5\] Input/output error"),
    ],
    ids=repr,
)
def test_an_exception_is_an_error_unless_a_signal_came_or_the_exit_code_is_a_good_one(
    seen: list[str], error: BaseException, kind: type[Cut] | None, text: str
) -> None:
    cuts: list[Cut] = []
    end, manager = RunEnd(cuts.append), Manager()
    end.began(manager)
    end.catch_signals()
    with pytest.raises(type(error)):
        manager.run(error)
    assert manager.cleaned_up == 1
    assert [type(cut) for cut in cuts] == ([kind] if kind else [])
    for cut in cuts:
        assert isinstance(cut, Errored)
        assert re.fullmatch(text, cut.text)


@pytest.mark.parametrize("error", [SystemExit(5), KeyboardInterrupt()], ids=repr)
def test_after_a_signal_an_exception_is_an_interruption(seen: list[str], error: BaseException) -> None:
    cuts: list[Cut] = []
    end, manager = RunEnd(cuts.append), Manager()
    end.began(manager)
    end.catch_signals()
    send(signal.SIGINT)
    with pytest.raises(type(error)):
        manager.run(error)
    assert cuts == [Interrupted("SIGINT")]


def test_ctrl_c_before_this_class_can_see_it_is_an_interruption(seen: list[str]) -> None:
    cuts: list[Cut] = []
    end, manager = RunEnd(cuts.append), Manager()
    end.began(manager)
    with pytest.raises(KeyboardInterrupt):
        manager.run(KeyboardInterrupt())
    assert cuts == [Interrupted("SIGINT")]


def test_a_run_without_an_exception_is_not_cut(seen: list[str]) -> None:
    cuts: list[Cut] = []
    end, manager = RunEnd(cuts.append), Manager()
    end.began(manager)
    manager.run(None)
    assert cuts == []


def test_what_ends_a_command_before_its_first_playbook_is_seen(seen: list[str]) -> None:
    cuts: list[Cut] = []
    end, manager = RunEnd(cuts.append), Manager()
    end.expect(None)
    end.expect(manager)
    with pytest.raises(SystemExit):
        manager.run(SystemExit(5))
    assert [type(cut) for cut in cuts] == [Errored]
