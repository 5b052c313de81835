# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The courier's log is private and stays small."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _log

WRITER = """
import os, sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _log
descriptor = _log.open_log(sys.argv[2])
os.dup2(descriptor, 2)
log = _log.Log(sys.argv[2])
for number in range(int(sys.argv[3])):
    log(f"line {number} " + "x" * 1000)
"""


def write(path: Path, lines: int) -> None:
    root = str(Path(_log.__file__).parents[5])
    subprocess.run([sys.executable, "-c", WRITER, root, str(path), str(lines)], check=True)


def test_is_private(tmp_path: Path) -> None:
    write(tmp_path / "log", 1)
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600
    assert "line 0" in (tmp_path / "log").read_text()


def test_later_lines_are_added(tmp_path: Path) -> None:
    write(tmp_path / "log", 1)
    write(tmp_path / "log", 1)
    assert (tmp_path / "log").read_text().count("line 0") == 2


def test_keeps_two_small_pieces_with_the_newest_lines(tmp_path: Path) -> None:
    write(tmp_path / "log", 1000)
    pieces = sorted(tmp_path.iterdir())
    assert [piece.name for piece in pieces] == ["log", "log.1"]
    assert sum(piece.stat().st_size for piece in pieces) < 300_000
    assert "line 999 " in (tmp_path / "log").read_text() + (tmp_path / "log.1").read_text()


def test_is_known_as_ours_whatever_python_says_first(tmp_path: Path) -> None:
    for _time in range(2):
        descriptor = _log.open_log(str(tmp_path / "log"))
        assert descriptor is not None
        os.write(descriptor, b"Fatal Python error: something\n")
        os.close(descriptor)
    assert (tmp_path / "log").read_text().count("Fatal") == 2
    (tmp_path / "theirs").write_text("Fatal Python error: something\n")
    assert _log.open_log(str(tmp_path / "theirs")) is None


def test_where_nothing_can_be_written_there_is_no_log() -> None:
    assert _log.open_log("/proc/nowhere/log") is None


def test_a_full_device_does_not_raise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = os.fdopen(os.open("/dev/full", os.O_WRONLY), "w")
    with capsys.disabled():
        old, sys.stderr = sys.stderr, broken
        try:
            _log.Log(str(tmp_path / "log"))("text")
        finally:
            sys.stderr = old
