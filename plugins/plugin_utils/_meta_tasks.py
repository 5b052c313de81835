# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells what the ``meta`` tasks of a playbook may do, however it comes by them: forgive failures, or end it early.

Plays and roles are compiled and can be asked. Files included at run time may not be loaded, so the task files that
could be included are searched for the word: those beside the including file, and the roles.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

_FORGIVES = "clear_host_errors"
_ENDS_HOSTS = frozenset(("end_host", "end_batch", "end_play"))
_ENDS = _ENDS_HOSTS | {"end_role"}

MAX_FILES = 2_000
"""Task files searched at most; some 0.1 s."""

MAX_BYTES = 1_000_000
"""A longer file is no task file that a person wrote."""

_NOT_TASKS = frozenset(("group_vars", "host_vars", "vars", "defaults", "files", "templates", "meta", "node_modules"))


def may_clear_host_errors(plays: Iterable[Any], role_paths: Iterable[str] = ()) -> bool:
    """Tell whether compiled plays, or the files that their tasks may include, may forgive failures of hosts.

    ``clear_host_errors`` does so; and, since ansible-core 2.19, ending a host in a ``rescue`` forgives all of its
    failures, also one before the ``always`` that this rescue stands in. Asked after the first failure only. Being wrong
    costs little: a needless "yes" delays a page to the end of the run, a wrong "no" makes one that is withdrawn there.
    So a tree of too many files counts as "no".
    """
    folders: list[str] = []
    for task, inside in _tasks_of_all(plays):
        what = _meta(task)
        if what == _FORGIVES or (what in _ENDS_HOSTS and "rescue" in inside.partition("always")[2]):
            return True
        folders += _included_from(task, role_paths)
    return any(_mentions(path, [_FORGIVES]) for path in _task_files(folders) if path is not None)


def may_end_early(plays: Iterable[Any], role_paths: Iterable[str] = ()) -> bool:
    """Tell whether compiled plays, or the files that their tasks may include, may end before their last task.

    ansible-core announces no such ``meta`` task, so that a green run with one does not show where its hosts have been.
    A wrong "no" would take back a page, so a tree of too many files counts as "yes".
    """
    folders: list[str] = []
    for task, _inside in _tasks_of_all(plays):
        if _meta(task) in _ENDS:
            return True
        folders += _included_from(task, role_paths)
    return any(path is None or _mentions(path, _ENDS) for path in _task_files(folders))


def _meta(task: Any) -> Any:
    """What a ``meta`` task does; None for any other task."""
    return task.args.get("_raw_params") if _action(task) == "meta" else None


def _action(task: Any) -> str:
    return str(task.action).rpartition(".")[2]


def _included_from(task: Any, role_paths: Iterable[str]) -> list[str]:
    """The folders that hold what a task may include."""
    folder = os.path.dirname(task.get_path().rpartition(":")[0])
    if _action(task) == "include_tasks":
        return [folder, *_include_folder(task)]
    return [*role_paths, os.path.join(folder, "roles")] if _action(task) == "include_role" else []


def _tasks_of_all(plays: Iterable[Any]) -> Iterator[tuple[Any, str]]:
    for play in plays:
        yield from _tasks_of(play)


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


def _task_files(folders: Iterable[str]) -> Iterator[str | None]:
    """Give each task file in these folders; None instead of those that are too many."""
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
                        yield None
                        return
                    yield os.path.join(path, name)


def _mentions(path: str, words: Iterable[str]) -> bool:
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_BYTES)
            return any(word.encode() in text for word in words)
    except OSError:
        return False
