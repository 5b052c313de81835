# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The marks beside an outbox, which spare a run to open it."""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._open_jobs import OpenJobs
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._unsent import UnsentMark
from ansible_collections.oncall.pagerduty.tests.support.events import alert, route


def test_each_job_has_a_mark_of_its_own(tmp_path: Path) -> None:
    marks = OpenJobs(str(tmp_path / "new" / "outbox.sqlite3"))
    assert (marks.any(), marks.has("a/b.yml")) == (False, False)
    marks.clear("a/b.yml")
    marks.mark("a/b.yml")
    marks.mark("a/b.yml")
    assert (marks.any(), marks.has("a/b.yml"), marks.has("b.yml")) == (True, True, False)
    marks.mark("../../x\0y")
    marks.clear("a/b.yml")
    assert (marks.any(), marks.has("a/b.yml"), marks.has("../../x\0y")) == (True, False, True)
    (folder,) = tmp_path.iterdir()
    assert stat.S_IMODE((folder / "open-jobs").stat().st_mode) == 0o700


def test_the_mark_of_unsent_events(tmp_path: Path) -> None:
    mark = UnsentMark(str(tmp_path / "new" / "outbox.sqlite3"))
    mark.clear()
    assert not mark.is_set()
    mark.set()
    mark.set()
    assert mark.is_set()
    (file,) = (tmp_path / "new").iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("outbox.sqlite3.unsent", 0o600)
    mark.clear()
    assert not mark.is_set()


class Held(UnsentMark):
    """A mark that lets somebody else try something before it is set or removed."""

    def __init__(self, path: str, meanwhile: Callable[[], object]) -> None:
        super().__init__(path)
        self._meanwhile = meanwhile
        self.other = threading.Thread(target=meanwhile)

    def set(self) -> None:
        self._let_the_other_try()
        super().set()

    def clear(self) -> None:
        self._let_the_other_try()
        super().clear()

    def _let_the_other_try(self) -> None:
        self.other.start()
        self.other.join(0.3)


def test_nobody_can_put_an_event_in_between_the_look_and_the_removal(tmp_path: Path) -> None:
    path = str(tmp_path / "outbox.sqlite3")
    tidy, busy = Outbox(Database(path)), Outbox(Database(path))
    UnsentMark(path).set()
    tidy._unsent = held = Held(path, lambda: busy.put(alert("k"), route()))
    tidy.unmark_if_empty()
    held.other.join()
    assert UnsentMark(path).is_set()


def test_nobody_can_remove_the_mark_while_an_event_is_put_in(tmp_path: Path) -> None:
    path = str(tmp_path / "outbox.sqlite3")
    tidy, busy = Outbox(Database(path)), Outbox(Database(path))
    UnsentMark(path).set()
    busy._unsent = held = Held(path, tidy.unmark_if_empty)
    busy.put(alert("k"), route())
    held.other.join()
    assert UnsentMark(path).is_set()


def test_the_mark_is_there_before_the_event_is(tmp_path: Path) -> None:
    """Or a process that is killed in between would leave an event that no later run looks for."""
    path = str(tmp_path / "outbox.sqlite3")
    onlooker, busy = Outbox(Database(path)), Outbox(Database(path))
    seen = []
    busy._unsent = Held(path, lambda: seen.append(onlooker.is_empty()))
    busy.put(alert("k"), route())
    assert (seen, onlooker.is_empty()) == ([True], False)


@pytest.mark.parametrize("folder", ["/proc/nowhere", "file"])
def test_where_nothing_can_be_written_there_is_no_mark_and_no_error(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    path = str(tmp_path / folder / "outbox.sqlite3")
    OpenJobs(path).mark("job")
    UnsentMark(path).set()
    assert not OpenJobs(path).any()
    assert not UnsentMark(path).is_set()
