# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fails a session of pytest that has changed the machine: files, folders and devices that the tests have not made."""

from __future__ import annotations

import os
import pwd
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
#: How many seconds a change may last that another session of pytest beside this one takes back: `make matrix` has some.
PATIENCE = 60.0
#: of ~/.ansible: where every run of Ansible on this machine works, and cleans up behind it
WORKING = ("tmp", "cp")
#: to look at no more of a folder than this, were there ever so much in it
MOST_FILES = 50_000


@dataclass(frozen=True)
class Watched:
    """What is to stay as it is.

    Attributes:
        paths: files, folders and devices themselves; what is in the folders may change.
        listings: folders, and patterns of names: such an entry may neither come nor go, nor change itself.
        passing: the same, but such an entry may go: what an earlier run has left may clean up behind it.
        trees: folders with all that is in them.
    """

    paths: tuple[Path, ...] = ()
    listings: tuple[tuple[Path, str], ...] = ()
    passing: tuple[tuple[Path, str], ...] = ()
    trees: tuple[Path, ...] = ()


def machine() -> Watched:
    """What there is on a machine that tests have harmed, or might harm."""
    devices = [Path("/dev", name) for name in ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "shm")]
    system = ["/", "/dev", "/etc", "/home", "/root", "/run", "/tmp", "/usr", "/var", "/var/tmp", "/proc", "/sys"]
    files = ["/etc/passwd", "/etc/group", "/etc/hosts", "/etc/nsswitch.conf", "/etc/shadow", "/etc/services"]
    homes = {Path(os.environ.get("HOME") or "/"), *(Path(entry.pw_dir) for entry in pwd.getpwall() if is_ours(entry))}
    homes.discard(Path("/"))
    of_homes = [home / name for home in sorted(homes) for name in (".ansible.cfg", ".netrc", ".gitconfig", ".ssh")]
    return Watched(
        paths=(*devices, *map(Path, system), *map(Path, files), *sorted(homes), *of_homes, CHECKOUT / "~"),
        listings=tuple((home, ".ansible*") for home in sorted(homes)),
        passing=((Path("/dev/shm"), "oncall.pagerduty*"),),
        trees=(Path("/etc/ansible"), *(home / ".ansible" for home in sorted(homes))),
    )


def is_ours(entry: pwd.struct_passwd) -> bool:
    """Whether an entry of /etc/passwd is this user's."""
    return entry.pw_uid == os.getuid()


def snapshot(watched: Watched) -> dict[str, str]:
    """What each path that is there looks like."""
    paths = [*watched.paths]
    for folder, pattern in (*watched.listings, *watched.passing):
        paths += folder.glob(pattern)
    for tree in watched.trees:
        paths += [tree, *below(tree)]
    found = {str(path): described(path) for path in paths}
    return {path: text for path, text in found.items() if text}


def below(tree: Path) -> Iterator[Path]:
    """All that is in a folder, to any depth, but for what passes; what cannot be read is left out."""
    number = 0
    for folder, folders, files in os.walk(tree):
        if folder in {str(tree / name) for name in WORKING}:
            folders.clear()
            continue
        for name in sorted(folders + files):
            yield Path(folder, name)
            number += 1
            if number >= MOST_FILES:
                return


def described(path: Path) -> str:
    """Kind, mode and owner, and of a regular file size and time too; empty if there is nothing to be seen."""
    try:
        found = path.lstat()
    except OSError:
        return ""
    text = f"{stat.filemode(found.st_mode)} of {found.st_uid}:{found.st_gid}"
    if stat.S_ISREG(found.st_mode):
        text += f", {found.st_size} bytes, changed at {found.st_mtime_ns / 1e9:.3f}"
    elif stat.S_ISLNK(found.st_mode):
        text += f" to {os.readlink(path)}"
    elif stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
        text += f", device {os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    return text


def changes(watched: Watched, before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What differs between two snapshots, a line for each path."""
    paths = sorted({*before, *after} - {path for path in {*before} - {*after} if may_go(watched, Path(path))})
    nothing = "nothing"
    return [
        f"{path}: was {before.get(path, nothing)}, is {after.get(path, nothing)}"
        for path in paths
        if before.get(path) != after.get(path)
    ]


def may_go(watched: Watched, path: Path) -> bool:
    """Whether somebody else may take a path away."""
    return any(path.parent == folder and path.match(pattern) for folder, pattern in watched.passing)


class Guard:
    """A plugin for pytest. With several workers their controller looks, before they start and when they have ended."""

    def __init__(self, watched: Watched, patience: float = PATIENCE) -> None:
        self._watched = watched
        self._patience = patience
        self._before: dict[str, str] | None = None
        self._changes: list[str] = []

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Look before the first test."""
        if not hasattr(session.config, "workerinput"):
            self._before = snapshot(self._watched)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Look after the last one, when the workers are gone too."""
        if self._before is None:
            return
        self._changes = self._lasting(self._before)
        if self._changes and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _lasting(self, before: Mapping[str, str]) -> list[str]:
        found = changes(self._watched, before, snapshot(self._watched))
        end = time.monotonic() + self._patience
        while found and time.monotonic() < end:
            time.sleep(0.2)
            now = changes(self._watched, before, snapshot(self._watched))
            found = [line for line in found if line in now]
        return found

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what was changed."""
        if self._changes:
            terminalreporter.section("changed by a test, or by somebody else meanwhile", sep="=", red=True, bold=True)
            for line in self._changes:
                terminalreporter.line(line)
            terminalreporter.line("No test may touch what it has not made: this session has failed.")
