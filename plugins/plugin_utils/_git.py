# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads which commit a folder is at from git's own files. Starts no git, changes nothing, and never raises."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

_OBJECT_NAME = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_POINTER = "gitdir:"
_REFERENCE = "ref:"

_MAX_DEPTH = 64
"""Folders to look through on the way up."""

_MAX_LINKS = 5
"""References that name another one; git itself gives up there."""

_MAX_SIZE = 4096
"""Bytes of a file that holds one path or one reference."""


@dataclass(frozen=True)
class Checkout:
    """A working tree."""

    top: str
    """The folder that holds C(.git)."""

    revision: str
    """The commit, whole; empty if there is none yet, or if the references are kept in a form not known here."""


def checkout_of(folder: str) -> Checkout | None:
    """Return the checkout that a folder belongs to, or None outside of any."""
    folder = os.path.abspath(folder)
    for _turn in range(_MAX_DEPTH):
        git = _git_folder(folder)
        if git:
            return Checkout(folder, _revision(git))
        parent = os.path.dirname(folder)
        if parent == folder:
            break
        folder = parent
    return None


def _git_folder(top: str) -> str:
    """Return where git keeps its data for a working tree; for worktrees and submodules a file says so."""
    path = os.path.join(top, ".git")
    pointer = _read(path)
    if pointer.startswith(_POINTER):
        path = os.path.join(top, pointer[len(_POINTER) :].strip())
    return path if os.path.isfile(os.path.join(path, "HEAD")) else ""


def _revision(git: str) -> str:
    # A worktree has its own HEAD; the branches are those of the repository it belongs to.
    common = os.path.join(git, _read(os.path.join(git, "commondir")))
    content = _read(os.path.join(git, "HEAD"))
    for _turn in range(_MAX_LINKS):
        if not content.startswith(_REFERENCE):
            break
        name = content[len(_REFERENCE) :].strip()
        if not name.startswith("refs/") or ".." in name:
            return ""
        content = _read(os.path.join(git, name)) or _read(os.path.join(common, name)) or _packed(common, name)
    return content if _OBJECT_NAME.fullmatch(content) else ""


def _packed(common: str, name: str) -> str:
    try:
        with open(os.path.join(common, "packed-refs"), encoding="utf-8", errors="replace") as file:
            for line in file:
                revision, _space, reference = line.rstrip("\n").partition(" ")
                if reference == name:
                    return revision
    except (OSError, ValueError):
        pass
    return ""


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_MAX_SIZE).strip()
    except (OSError, ValueError):
        return ""
