# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns what a callback plugin hears during a run into decisions about its failures.

One method for each hook, to be called with the hook's own arguments. Joins the parts: outcomes (what happened), the
play iterator's state (what can still be taken back), the tracker (what follows) and the end of the run.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ansible import constants

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import Cut, Decision, FailureTracker
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._iterator import (
    PlayState,
    exit_result,
    play_is_run,
    playbook_at_work,
    queue_manager,
    rescued_by_a_block,
    stdout_callback_names,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._meta_tasks import may_clear_host_errors
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import (
    Kind,
    Outcome,
    host_of,
    ignores_unreachable,
    outcome_of,
    silent_outcome,
    task_of,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._run_end import RunEnd

_Hook = TypeVar("_Hook", bound=Callable[..., None])


def _guarded(hook: _Hook) -> _Hook:
    """Let no error of ours reach ansible-core, and no signal arrive in the middle of a hook."""

    @functools.wraps(hook)
    def guarded(self: RunWatch, *args: Any, **kwargs: Any) -> None:
        with self._end:
            try:
                hook(self, *args, **kwargs)
            except Exception as error:
                self._on_error(error)

    return guarded  # type: ignore[return-value]  # the hook's own signature, which a wrapper cannot say


class RunWatch:
    """Follows one run of ansible-playbook and hands each decision to `decided`, at once and in the hook's thread.

    `on_error` is given whatever goes wrong inside. `describe(host, task, play)`, with ansible-core's own objects,
    is called for each failure that is not ignored; what it returns goes with the outcome as ``extra``.
    """

    def __init__(
        self,
        decided: Callable[[Decision], None],
        on_error: Callable[[Exception], None],
        describe: Callable[[Any, Any, Any], Mapping[str, Any]] | None = None,
    ) -> None:
        self._decided = decided
        self._on_error = on_error
        self._describe = describe
        self._end = RunEnd(self._cut)
        self._tracker = FailureTracker(self._can_be_cleared)
        self._playbook: Any = None
        self._clearable: bool | None = None
        self._manager: Any = None
        self._play: Any = None
        self._task: Any = None
        self._state: PlayState | None = None
        self._failed_seen = 0
        self._spread = False

    @property
    def undisturbed(self) -> RunEnd:
        """A context manager for what no signal may break off."""
        return self._end

    @property
    def stdout_callback_names(self) -> list[str]:
        """The names of the callback that writes to stdout, as far as they are known."""
        return stdout_callback_names(self._manager)

    @property
    def playbook_at_work(self) -> Any:
        """The playbook that ansible-playbook is at, whether or not its start was told; None if it is not found."""
        return playbook_at_work() or self._playbook

    @_guarded
    def expect(self) -> None:
        """For the time when callbacks are being loaded."""
        self._end.expect(queue_manager())

    @_guarded
    def playbook_start(self, playbook: Any) -> None:
        """For ``v2_playbook_on_start``."""
        self._playbook = playbook
        self._clearable = None
        self._manager = queue_manager()
        self._end.began(self._manager)

    @_guarded
    def play_start(self, play: Any) -> None:
        """For ``v2_playbook_on_play_start``: also the end of the play, or batch of hosts, before."""
        if self._manager is None:
            self._manager = queue_manager()
            self._end.began(self._manager)
        ended = self._ended_hosts()
        if play_is_run():
            # Who is among them now is out for the rest of the run.
            self._emit(self._tracker.lost(sorted(ended), self._silent))
        for host in self._tracker.pending:
            if host not in ended:
                self._tracker.recovered(host)
        self._tracker.next_step()
        self._play = play
        self._task = None
        self._state = None
        self._failed_seen = 0
        self._spread = False
        self._end.catch_signals()

    @_guarded
    def task_start(self, task: Any) -> None:
        """For ``v2_playbook_on_task_start`` and ``v2_playbook_on_handler_task_start``."""
        self._look_for_lost_hosts()
        self._tracker.next_step()
        self._task = task

    @_guarded
    def failed(self, result: Any, ignore_errors: Any = False) -> None:
        """For ``v2_runner_on_failed``."""
        if ignore_errors:
            return
        outcome = self._outcome(result, "failed")
        self._spread |= outcome.spreads
        self._emit(self._tracker.failed(outcome, final=self._is_final(result, outcome.host)))

    @_guarded
    def unreachable(self, result: Any) -> None:
        """For ``v2_runner_on_unreachable``."""
        if not ignores_unreachable(result):
            self._emit(self._tracker.unreachable(self._outcome(result, "unreachable")))

    @_guarded
    def stats(self, stats: Any) -> None:
        """For ``v2_playbook_on_stats``."""
        result = exit_result()
        if result is None:
            result = 4 if stats.dark else 2 if stats.failures else 0
        hosts = self._ended_hosts() if self._manager is not None else {*stats.dark, *stats.failures}
        self._end.finished()
        self._emit(self._tracker.finished(result, hosts, self._silent, self._recovering))

    def _cut(self, cut: Cut) -> None:
        with self._end:
            try:
                error = sys.exc_info()[1]
                if error is not None:
                    self._state = PlayState.find_in(error) or self._state
                # The last failure may not have been announced: another callback can have ended the run by it.
                self._look_for_lost_hosts(at_cut=True)
                self._emit(self._tracker.cut(cut, self._recovering))
            except Exception as error:
                self._on_error(error)

    def _emit(self, decisions: Iterable[Decision]) -> None:
        for decision in decisions:
            try:
                self._decided(decision)
            except Exception as error:
                # The next decision may be another page.
                self._on_error(error)

    def _is_final(self, result: Any, host: str) -> bool:
        """Ask the play's state; if it cannot be found or read, the task."""
        try:
            self._state = PlayState.find() or self._state
            final = self._state.dooms(host) if self._state else None
        except Exception as error:
            self._on_error(error)
            final = None
        return not rescued_by_a_block(task_of(result)) if final is None else final

    def _outcome(self, result: Any, kind: Kind) -> Outcome:
        """Read the result. What cannot be read of it never costs the page."""
        extra = None
        try:
            if self._describe is not None:
                extra = self._describe(host_of(result), task_of(result), self._play)
        except Exception as error:
            self._on_error(error)
        try:
            return outcome_of(result, kind, ignored=False, play=self._play, extra=extra)
        except Exception as error:
            self._on_error(error)
            return dataclasses.replace(self._silent(host_of(result).name), kind=kind, reported=True, extra=extra or {})

    def _silent(self, host: str) -> Outcome:
        return silent_outcome(host, self._task, self._play)

    def _look_for_lost_hosts(self, at_cut: bool = False) -> None:
        """Notice hosts that ended failed without a word, by another host's failure or in the middle of a rescue.

        Costs nothing while no host has failed.
        """
        failed = self._manager._failed_hosts if self._manager is not None else {}
        pending = self._tracker.pending
        if len(failed) == self._failed_seen and not pending and not self._spread and not at_cut:
            return
        self._state = PlayState.find() or self._state
        if self._state is None:
            return
        self._failed_seen = len(failed)
        for host in pending:
            if host not in failed and not self._state.recovering(host):
                self._tracker.recovered(host)
        # With `run_once`, ansible-core can mark hosts in their states only.
        every = self._state.hosts if self._spread or at_cut else ()
        suspects = dict.fromkeys((*self._tracker.pending, *failed, *every))
        self._spread = False
        lost = [host for host in suspects if not self._tracker.knows(host) and self._state.doomed(host)]
        self._emit(self._tracker.lost(lost, self._silent))

    def _ended_hosts(self) -> set[str]:
        if self._manager is None:
            return set()
        return {*self._manager._failed_hosts, *self._manager._unreachable_hosts}

    def _recovering(self, host: str) -> bool:
        return self._state is None or self._state.recovering(host)

    def _can_be_cleared(self) -> bool:
        if self._clearable is None:
            try:
                plays = self._playbook.get_plays() if self._playbook is not None else ()
                self._clearable = may_clear_host_errors(plays, constants.DEFAULT_ROLES_PATH or ())
            except Exception as error:
                # Then failures are held until the end of the run, which is late, but neither lost nor false.
                self._clearable = True
                self._on_error(error)
        return self._clearable
