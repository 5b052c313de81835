# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells whether a playbook may forgive failures by a ``meta`` task, however it comes by that task.

``clear_host_errors`` does so; and, since ansible-core 2.19, ending a host in a ``rescue`` forgives all of its failures,
also one before the ``always`` that this rescue stands in. Plays and roles are compiled and can be asked. Files included
at run time are not loaded yet, so the task files that could be included are searched for the word: those beside the
including file, and the roles. It is asked after the first failure only. Being wrong costs little: a needless "yes"
delays a page to the end of the run, a wrong "no" makes one that is withdrawn there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

_META = "clear_host_errors"
_ENDS = frozenset(("end_host", "end_batch", "end_play"))

MAX_FILES = 2_000
"""Task files searched at most; some 0.1 s. A larger tree is taken to hold no such task."""

MAX_BYTES = 1_000_000
"""A longer file is no task file that a person wrote."""

_NOT_TASKS = frozenset(("group_vars", "host_vars", "vars", "defaults", "files", "templates", "meta", "node_modules"))


def may_clear_host_errors(plays: Iterable[Any], role_paths: Iterable[str] = ()) -> bool:
    """Look through compiled plays, and through the files that their tasks may include."""
    folders: list[str] = []
    for play in plays:
        for task, inside in _tasks_of(play):
            action = str(task.action).rpartition(".")[2]
            if action == "meta":
                what = task.args.get("_raw_params")
                if what == _META or (what in _ENDS and "rescue" in inside.partition("always")[2]):
                    return True
            if action == "include_tasks":
                folders.append(os.path.dirname(task.get_path().rpartition(":")[0]))
                folders += _include_folder(task)
            elif action == "include_role":
                folders += role_paths
                folders += [os.path.join(os.path.dirname(task.get_path().rpartition(":")[0]), "roles")]
    return any(_mentions(path) for path in _task_files(folders))


def _tasks_of(play: Any) -> Iterator[tuple[Any, str]]:
    """Give each task, and the sections it stands in from the outermost to the innermost."""
    blocks = [*play.pre_tasks, *play.tasks, *play.post_tasks, *play.handlers]
    for role in play.roles:
        for each in (role, *role.get_all_dependencies()):
            blocks += [*each._task_blocks, *each._handler_blocks]
    for block in blocks:
        yield from _tasks_in(block, "")


def _tasks_in(entry: Any, inside: str) -> Iterator[tuple[Any, str]]:
    if not hasattr(entry, "block"):
        yield entry, inside
        return
    for section in ("block", "rescue", "always"):
        for child in getattr(entry, section):
            yield from _tasks_in(child, f"{inside}/{section}")


def _include_folder(task: Any) -> list[str]:
    """The folder of the included file, where it lies beside the including one and is no template."""
    name = str(task.args.get("_raw_params") or task.args.get("file") or "")
    base = os.path.dirname(task.get_path().rpartition(":")[0])
    folder = os.path.dirname(os.path.join(base, name))
    return [folder] if folder != base and "{{" not in folder else []


def _task_files(folders: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    files = 0
    for folder in dict.fromkeys(map(os.path.realpath, folders)):
        for path, children, names in os.walk(folder):
            children[:] = [name for name in children if not name.startswith(".") and name not in _NOT_TASKS]
            if path in seen:
                children.clear()
                continue
            seen.add(path)
            for name in names:
                if name.endswith((".yml", ".yaml")) or "." not in name:
                    files += 1
                    if files > MAX_FILES:
                        return
                    yield os.path.join(path, name)


def _mentions(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return _META.encode() in file.read(MAX_BYTES)
    except OSError:
        return False
