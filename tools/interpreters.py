# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the Python interpreters of this machine that really work, and which ansible-core each can run.

A `python3.12` on PATH proves nothing: version managers put shims there that only print an error.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

Version = tuple[int, int]

# Where interpreters lie beside PATH, below the home folder.
MANAGED = (".pyenv/versions/*/bin", ".local/share/uv/python/*/bin")
# Says which interpreter a command ends up in, a shim or a virtual environment looked through.
QUESTION = """
import os, sys
if sys.version_info.releaselevel == "final":
    path = getattr(sys, "_base_executable", None) or sys.executable
    print(sys.version_info[0], sys.version_info[1], path)
"""


@dataclass(frozen=True)
class Core:
    """A release of ansible-core and the controller Pythons it supports, the one to be tried first in front."""

    release: str
    pythons: tuple[Version, ...]


# The newest of each series that the collection promises to run on. Together they take each Python that is there.
CORES = (
    Core("2.16.19", ((3, 10), (3, 11), (3, 12))),
    Core("2.17.14", ((3, 12), (3, 11), (3, 10))),
    Core("2.18.19", ((3, 11), (3, 12), (3, 13))),
    Core("2.19.14", ((3, 13), (3, 12), (3, 11))),
    Core("2.20.10", ((3, 12), (3, 13), (3, 14))),
    Core("2.21.5", ((3, 14), (3, 13), (3, 12))),
)


def fitting(core: Core, interpreters: dict[Version, Path]) -> Version | None:
    """The Python among ``interpreters`` to run ``core`` with, if there is one."""
    return next((version for version in core.pythons if version in interpreters), None)


def dotted(version: Version) -> str:
    """``3.12`` for (3, 12)."""
    return ".".join(map(str, version))


def installed(package: str) -> str | None:
    """The version of a package that is installed for the running interpreter, if it is."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def find(will_do: Callable[[Path], bool] = Path.exists) -> dict[Version, Path]:
    """Every version of Python that works here, with its interpreter; the first on PATH that will do wins."""
    found: dict[Version, Path] = {}
    asked: set[Path] = set()
    for candidate in _candidates():
        if candidate in asked:
            continue
        asked.add(candidate)
        answer = _ask(candidate)
        if answer is not None:
            version, path = answer
            if will_do(path):
                found.setdefault(version, path)
    return dict(sorted(found.items()))


def _candidates() -> Iterator[Path]:
    folders = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    for pattern in MANAGED:
        folders.extend(sorted(Path.home().glob(pattern), reverse=True))
    for folder in folders:
        yield from sorted(path for path in folder.glob("python3*") if re.fullmatch(r"python3(\.\d+)?", path.name))


def _ask(candidate: Path) -> tuple[Version, Path] | None:
    try:
        done = subprocess.run(
            [candidate, "-I", "-c", QUESTION], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = done.stdout.split(maxsplit=2)
    if done.returncode != 0 or len(words) != 3:
        return None
    return (int(words[0]), int(words[1])), Path(words[2].strip())
