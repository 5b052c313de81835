# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks, without touching, at the state that ansible-core keeps of a running play.

Whether a failure will be taken back is known only to the play iterator and the queue manager, and no hook is given
either. They are local variables of the functions that call the hook, so they are read from there. Each answer has a
second source for the day on which that fails: what the task itself shows of the blocks it stands in.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from ansible import constants
from ansible.executor.play_iterator import FailedStates, IteratingStates

_RESULT_LOOP = "_process_pending_results"
"""The function that marks a failed host before it tells the callbacks. Whoever else tells them marks it afterwards."""


def queue_manager() -> Any | None:
    """Return the TaskQueueManager that is calling a hook, or loading a callback, right now."""
    for frame in _callers():
        if frame.f_code.co_name in ("send_callback", "load_callbacks"):
            manager = frame.f_locals.get("self")
            if hasattr(manager, "_failed_hosts"):
                return manager
    return None


def stdout_callback_names(manager: Any) -> list[str]:
    """Return the names of the callback that writes to stdout, and of those that it is made of.

    Args:
        manager: the TaskQueueManager; None if it was not found.
    """
    # Its own attribute up to ansible-core 2.18; the first of all from then on.
    callback = getattr(manager, "_stdout_callback", None) or next(iter(getattr(manager, "_callback_plugins", ())), None)
    if callback is None or isinstance(callback, str):
        return [callback or str(constants.DEFAULT_STDOUT_CALLBACK)]
    names = [getattr(callback, name, "") for name in ("_load_name", "ansible_name")]
    for kind in type(callback).__mro__:
        names += [kind.__module__, vars(kind).get("CALLBACK_NAME", "")]
    return [str(name) for name in names if name]


def exit_result() -> int | None:
    """Return the result that ansible-playbook is going to exit with; to be asked when the statistics are sent."""
    for frame in _callers():
        if frame.f_code.co_name == "run" and "entrylist" in frame.f_code.co_varnames:
            result = frame.f_locals.get("result")
            # A strategy can return any number. The system keeps eight bits of it.
            return int(result) & 0xFF if isinstance(result, int) else None
    return None


def playbook_at_work() -> Any | None:
    """Return the Playbook that ansible-playbook is at, for whoever was not told of its start."""
    for frame in _callers():
        if frame.f_code.co_name == "run" and "entrylist" in frame.f_code.co_varnames:
            return frame.f_locals.get("pb")
    return None


def play_is_run() -> bool:
    """Tell whether the play whose start is announced is going to be run: one without hosts is announced only."""
    for frame in _callers():
        if frame.f_code.co_name == "run":
            return hasattr(frame.f_locals.get("self"), "_failed_hosts")
    return True


class PlayState:
    """The play iterator, and whether the hook's caller has already marked the host it tells of."""

    def __init__(self, iterator: Any, marked: bool) -> None:
        self._iterator = iterator
        self._marked = marked

    @classmethod
    def find(cls) -> PlayState | None:
        """Find the iterator among the local variables of the hook's callers."""
        marked = False
        for frame in _callers():
            code = frame.f_code
            if code.co_name == _RESULT_LOOP:
                marked = True
            if "iterator" in code.co_varnames or "iterator" in code.co_cellvars:
                iterator = frame.f_locals.get("iterator")
                if hasattr(iterator, "_host_states"):
                    return cls(iterator, marked)
        return None

    @classmethod
    def find_in(cls, error: BaseException) -> PlayState | None:
        """Find the iterator among the local variables of the functions that an exception has ended."""
        traceback = error.__traceback__
        while traceback is not None:
            iterator = traceback.tb_frame.f_locals.get("iterator")
            if hasattr(iterator, "_host_states"):
                return cls(iterator, True)
            traceback = traceback.tb_next
        return None

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that the play has a state for."""
        return tuple(self._iterator._host_states)

    def dooms(self, host: str) -> bool | None:
        """Tell whether the host's failure, which is being announced, is final. None if that cannot be seen."""
        state = self._iterator._host_states.get(host)
        if state is None:
            return None
        if not self._marked:
            state = self._as_failed(state)
        return doomed(state)

    def doomed(self, host: str) -> bool:
        """Tell whether the host ends failed even if every further task succeeds."""
        state = self._iterator._host_states.get(host)
        return state is not None and doomed(state)

    def recovering(self, host: str) -> bool:
        """Tell whether the host has failed and no rescue has taken that back yet."""
        state = self._iterator._host_states.get(host)
        return state is not None and _has_failure(state)

    def _as_failed(self, state: Any) -> Any:
        state = state.copy()
        if state.run_state == IteratingStates.HANDLERS:
            state.run_state = state.pre_flushing_run_state
        return self._iterator._set_failed_state(state)


def doomed(state: Any) -> bool:
    """Tell whether a host in this state ends failed, if every further task succeeds."""
    section = state.run_state
    if section == IteratingStates.HANDLERS:
        section = state.pre_flushing_run_state
    failed: bool = state.fail_state != FailedStates.NONE
    if state.cur_block >= len(state._blocks):
        return failed
    has_rescue = bool(state._blocks[state.cur_block].rescue)
    if section == IteratingStates.TASKS:
        return (failed or _child_doomed(state.tasks_child_state)) and not has_rescue
    if section == IteratingStates.RESCUE:
        if state.fail_state & FailedStates.RESCUE or _child_doomed(state.rescue_child_state):
            return True
        return failed and not has_rescue
    if section == IteratingStates.ALWAYS:
        return failed or _child_doomed(state.always_child_state)
    return failed


def rescued_by_a_block(task: Any) -> bool:
    """Tell from the task alone whether a block around it has a rescue for it.

    Blind to tags that emptied the rescue, and to what went wrong in the block before.
    """
    child = task
    parent = getattr(task, "_parent", None)
    while parent is not None:
        if getattr(parent, "rescue", None) and any(_same(child, entry) for entry in parent.block):
            return True
        child, parent = parent, getattr(parent, "_parent", None)
    return False


def _child_doomed(state: Any) -> bool:
    return state is not None and doomed(state)


def _has_failure(state: Any) -> bool:
    if state is None:
        return False
    if state.fail_state != FailedStates.NONE:
        return True
    return any(
        _has_failure(child) for child in (state.tasks_child_state, state.rescue_child_state, state.always_child_state)
    )


def _same(child: Any, entry: Any) -> bool:
    return child is entry or getattr(child, "_uuid", None) == getattr(entry, "_uuid", ())


def _callers() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back
