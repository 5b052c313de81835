# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a courier ends or begins anew: a clock set by hand, and files of the test's own."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _courier_life
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._courier_life import Life
from ansible_collections.oncall.pagerduty.tests.support.events import Clock

PARENT = 4711


class Set:
    """A life with a clock, a parent, an outbox and a file of code to play with."""

    def __init__(self, folder: Path, linger: float = 60.0) -> None:
        self.clock = Clock()
        self.parent = PARENT
        self.outbox = folder / "outbox.sqlite3"
        self.outbox.touch()
        self.life = Life(str(self.outbox), PARENT, linger, clock=self.clock, parent_now=lambda: self.parent)

    def is_over(self, seconds_to_stay: float = 0.0) -> bool:
        return self.life.is_over(lambda: seconds_to_stay)

    def looks(self, seconds: float) -> None:
        """Let time go by, with a look each second."""
        for _second in range(int(seconds)):
            self.clock.go_on(1.0)
            self.is_over(1000.0)


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that counts as the courier's code, alone."""
    file = tmp_path / "code.py"
    file.write_text("1")
    module = types.ModuleType("ansible_collections.oncall.pagerduty.plugins.test")
    module.__file__ = str(file)
    monkeypatch.setattr(_courier_life, "_OURS", module.__name__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return file


@pytest.fixture
def a_set(tmp_path: Path, code: Path) -> Set:
    return Set(tmp_path)


def test_goes_on_while_its_parent_lives(a_set: Set) -> None:
    a_set.looks(3600)
    assert not a_set.life.is_orphan
    assert not a_set.is_over()


def test_goes_on_after_that_for_as_long_as_it_may(a_set: Set) -> None:
    a_set.parent = 1
    assert a_set.life.is_orphan
    a_set.clock.go_on(60.0)
    assert not a_set.is_over()
    a_set.clock.go_on(0.1)
    assert a_set.is_over()
    assert not a_set.is_over(seconds_to_stay=1.0), "a later run has asked for more"


def test_knows_since_when_its_parent_is_gone_from_what_it_was_before(tmp_path: Path) -> None:
    clock = Clock(1000.0)
    life = Life(str(tmp_path / "o"), PARENT, 60.0, orphaned=930.0, clock=clock, parent_now=lambda: PARENT)
    assert life.is_orphan
    assert life.is_over(lambda: 0.0)


def test_ends_when_it_is_told_to(a_set: Set) -> None:
    a_set.life.stop()
    assert a_set.is_over(1000.0)


def removed(outbox: Path) -> None:
    outbox.unlink()


def replaced(outbox: Path) -> None:
    other = outbox.with_name("other")
    other.touch()
    os.replace(other, outbox)


def removed_with_its_folder(outbox: Path) -> None:
    os.rename(outbox.parent, outbox.parent.with_name("elsewhere"))


@pytest.mark.parametrize("harm", [removed, replaced, removed_with_its_folder])
def test_ends_when_the_outbox_is_gone(tmp_path: Path, code: Path, harm: Callable[[Path], None]) -> None:
    (tmp_path / "home").mkdir()
    a_set = Set(tmp_path / "home")
    a_set.looks(10)
    assert not a_set.is_over(1000.0)
    harm(a_set.outbox)
    a_set.looks(3)
    assert a_set.is_over(1000.0)
    assert "outbox" in str(a_set.life.lost)


def test_begins_anew_when_its_code_was_replaced_and_is_left_alone_again(a_set: Set, code: Path) -> None:
    code.unlink()
    a_set.looks(3)
    assert not a_set.is_over(1000.0)
    code.write_text("half")
    a_set.looks(3)
    code.write_text("complete")
    found = []
    for seconds in (3, 10):
        a_set.looks(seconds)
        found.append(a_set.life.is_outdated)
    assert found == [False, True]
    assert not a_set.is_over(1000.0)


def test_ends_when_its_code_was_removed(a_set: Set, code: Path) -> None:
    code.unlink()
    a_set.looks(15)
    assert a_set.is_over(1000.0)
    assert "collection" in str(a_set.life.lost)


def test_other_files_beside_its_code_do_not_matter(a_set: Set, code: Path) -> None:
    (code.parent / "__pycache__").mkdir()
    code.with_name("more.py").touch()
    a_set.looks(30)
    assert not a_set.life.is_outdated
    assert not a_set.is_over(1000.0)
