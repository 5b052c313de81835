# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session that changes the machine fails, and says what it was; one that does not passes."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.tests.support.untouched import Guard, Watched, changes, machine, snapshot

CHECKOUT = Path(__file__).resolve().parents[3]
CONFTEST = """\
import sys
from pathlib import Path
sys.path.insert(0, {checkout!r})
from tests.support.untouched import Guard, Watched

def pytest_configure(config):
    config.pluginmanager.register(Guard(Watched(paths=(Path({file!r}),)), {patience}), "untouched")
"""
TESTS = """\
import os
def test_harmless(): pass
def test_other(): os.chmod({file!r}, {mode})
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Stands for the machine: a file, and a folder with one."""
    found = tmp_path / "machine"
    (found / "tree" / "tmp").mkdir(parents=True)
    (found / "tree").chmod(0o755)
    for path in (found / "file", found / "tree" / "file"):
        path.write_text("as it was", encoding="utf-8")
        path.chmod(0o644)
        os.utime(path, (1_000_000, 1_000_000))
    return found


def replaced_by_a_link(folder: Path) -> None:
    (folder / "file").rename(folder / "elsewhere")
    (folder / "file").symlink_to("elsewhere")


def given_away(folder: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give a file away")
    os.chown(folder / "file", 12345, 12345)


HARM: dict[str, tuple[Callable[[Path], object], str]] = {
    "mode": (lambda folder: (folder / "file").chmod(0o600), "file: was -rw-r--r-- of "),
    "content": (lambda folder: (folder / "file").write_text("longer than it was", encoding="utf-8"), "18 bytes"),
    "time": (lambda folder: (folder / "file").touch(), "changed at 1000000.000, is "),
    "gone": (lambda folder: (folder / "file").unlink(), "is nothing"),
    "link": (replaced_by_a_link, " to elsewhere"),
    "owner": (given_away, "of 12345:12345"),
    "folder": (lambda folder: (folder / "tree").chmod(0o700), "tree: was d"),
    "deep": (lambda folder: (folder / "tree" / "new").touch(), "tree/new: was nothing"),
    "listed": (lambda folder: (folder / "ours-1").mkdir(), "ours-1: was nothing"),
}


def watched(folder: Path) -> Watched:
    return Watched((folder / "file", folder / "absent"), listings=((folder, "ours-*"),), trees=(folder / "tree",))


@pytest.mark.parametrize("name", HARM)
def test_each_harm_is_seen(folder: Path, name: str) -> None:
    do, said = HARM[name]
    before = snapshot(watched(folder))
    do(folder)
    (line,) = changes(watched(folder), before, snapshot(watched(folder)))
    assert said in line


def test_what_is_not_watched_may_change(folder: Path) -> None:
    before = snapshot(watched(folder))
    (folder / "new").touch()
    (folder / "tree" / "tmp" / "of another run").touch()
    (folder / "file").read_text(encoding="utf-8")
    assert changes(watched(folder), before, snapshot(watched(folder))) == []


@pytest.mark.parametrize(
    ("before", "after", "harm"),
    [(["old-1"], [], False), ([], ["old-1"], True), (["ours-1"], [], True)],
    ids=["goes", "comes", "another goes"],
)
def test_what_earlier_runs_have_left_may_go(folder: Path, before: list[str], after: list[str], harm: bool) -> None:
    watch = dataclasses.replace(watched(folder), passing=((folder, "old-*"),))
    for name in before:
        (folder / name).mkdir()
    seen = snapshot(watch)
    for name in before:
        (folder / name).rmdir()
    for name in after:
        (folder / name).mkdir()
    assert bool(changes(watch, seen, snapshot(watch))) is harm


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "two workers"])
@pytest.mark.parametrize(("mode", "code"), [(0o644, 0), (0o600, 1)], ids=["harmless", "harmful"])
def test_a_session_that_does_harm_fails(tmp_path: Path, folder: Path, mode: int, code: int, workers: list[str]) -> None:
    file = str(folder / "file")
    project = tmp_path / "project"
    project.mkdir()
    (project / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (project / "conftest.py").write_text(
        CONFTEST.format(checkout=str(CHECKOUT), file=file, patience=0), encoding="utf-8"
    )
    (project / "test_it.py").write_text(TESTS.format(file=file, mode=mode), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *workers]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, timeout=250)
    assert done.returncode == code, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert (f"{file}: was -rw-r--r-- of " in done.stdout) is bool(code)


class Session:
    """As much of a session as the guard needs."""

    def __init__(self) -> None:
        self.config = object()
        self.exitstatus: int = pytest.ExitCode.OK


def test_what_a_session_beside_this_one_takes_back_is_no_harm(folder: Path) -> None:
    guard, session = Guard(watched(folder), patience=60.0), Session()
    guard.pytest_sessionstart(session)  # type: ignore[arg-type]
    (folder / "ours-1").mkdir()
    threading.Timer(0.3, (folder / "ours-1").rmdir).start()
    guard.pytest_sessionfinish(session)  # type: ignore[arg-type]
    assert session.exitstatus == pytest.ExitCode.OK


def test_this_session_is_guarded(request: pytest.FixtureRequest) -> None:
    assert request.config.pluginmanager.has_plugin("untouched")
    assert {"/dev/null", "/etc/passwd", "/tmp"} <= snapshot(machine()).keys()
    assert (Path("/dev/shm"), "oncall.pagerduty*") in machine().passing
