# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sender at a time: the lock is held by a process for as long as it lives, and no longer."""

from __future__ import annotations

import os
import signal
import stat
import sys
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._lock import CourierLock, SenderLock


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "outbox.sqlite3")


def in_child(path: str) -> tuple[int, bool]:
    """A child process that holds the lock, if it could get it, and lives on."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, b"yes" if SenderLock(path).acquire() else b"no ")
        signal.pause()
        os._exit(0)
    os.close(writer)
    got = os.read(reader, 3) == b"yes"
    os.close(reader)
    return child, got


def end(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_only_one_process_gets_it(path: str) -> None:
    lock = SenderLock(path)
    assert lock.acquire()
    assert lock.acquire()
    child, got = in_child(path)
    end(child)
    assert not got
    lock.release()
    child, got = in_child(path)
    end(child)
    assert got


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
def test_it_is_held_until_the_process_dies(path: str, stopped: bool) -> None:
    child, got = in_child(path)
    try:
        if stopped:
            os.kill(child, signal.SIGSTOP)
        assert got
        assert not SenderLock(path).acquire()
    finally:
        end(child)
    assert SenderLock(path).acquire()


def test_is_private_and_stays(path: str) -> None:
    lock = SenderLock(path)
    lock.acquire()
    lock.release()
    assert stat.S_IMODE(os.stat(f"{path}.lock").st_mode) == 0o600


def test_tells_who_is_the_courier(path: str) -> None:
    courier = CourierLock(path)
    assert not CourierLock(path).is_taken()
    assert CourierLock(path).holder() is None
    assert courier.acquire()
    assert SenderLock(path).acquire(), "somebody else may be sending meanwhile"
    assert CourierLock(path).is_taken()
    assert CourierLock(path).holder() == os.getpid()
    courier.release()
    assert not CourierLock(path).is_taken()
    assert CourierLock(path).holder() is None


def test_a_look_does_not_say_that_the_looker_is_the_courier(path: str) -> None:
    CourierLock(path).is_taken()
    assert Path(f"{path}.courier").read_text() == ""


def test_the_courier_keeps_it_when_it_becomes_another_program(path: str) -> None:
    code = "import os, signal, sys; os.write(int(sys.argv[2]), b'here'); signal.pause()"
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        lock = CourierLock(path)
        lock.acquire()
        os.set_inheritable(writer, True)
        os.execv(sys.executable, [sys.executable, "-c", code, str(lock.hand_on()), str(writer)])
    try:
        assert os.read(reader, 4) == b"here"
        assert CourierLock(path).holder() == child
    finally:
        end(child)
        os.close(reader)
        os.close(writer)
    assert CourierLock(path).acquire()
