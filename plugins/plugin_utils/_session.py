# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One command's run as the callback sees it: passes the hooks on, and lets no error of ours reach ansible-core.

Until something fails hardly anything happens here: the key file is read, but nothing is written, no process started,
and neither SQLite nor the HTTP library is loaded.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from ansible import context

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._callback_options import (
    checked,
    key_file_problem,
    paged_anyway,
    parse_change_events,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery import Delivery
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import Decision, Errored, Finished, Interrupted
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._incidents import Place, place
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._open_jobs import OpenJobs
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_options import delivery_settings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import (
    host_of,
    ignores_unreachable,
    is_invoked_with_variables,
    needs_tag,
    shows_host_reached,
    task_of,
    task_place,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._output import Output
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._passage import Passage
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._playbook_run import PlaybookRun, Shared
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolved_options import Resolved
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._run_watch import RunWatch
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering import CAUSES, parse_names
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering_reader import SteeringReader

_Hook = TypeVar("_Hook", bound=Callable[..., Any])
_How = Literal["ok", "skipped", "ignored", "unreached", "elsewhere"]


def _undisturbed(hook: _Hook) -> _Hook:
    """Let no signal break off a hook between making an event and handing it over, or noting that."""

    @functools.wraps(hook)
    def undisturbed(self: Session, *args: Any) -> Any:
        with self._watch.undisturbed:
            return hook(self, *args)

    return undisturbed  # type: ignore[return-value]  # the hook's own signature, which a wrapper cannot say


class Session:
    """Everything behind the callback's hooks. Only the constructor raises."""

    def __init__(self, resolved: Resolved, display: Any) -> None:
        """Check the options, and the key file, at most by reading it once.

        Args:
            resolved: the options.
            display: ansible-core's display.

        Raises:
            OptionError: if an option cannot be used.
        """
        self._display = display
        self._said: set[str] = set()
        options = checked(resolved)
        self._options = options
        self._change_events = parse_change_events(options["change_events"])
        how = delivery_settings(options)
        self._watch = RunWatch(self._decided, self._failed_inside, self._describe)
        delivery = Delivery(how, sleep=self._watch.undisturbed.sleep)
        self._shared = Shared(
            options=options,
            page_on=parse_names("page_on", options["page_on"], CAUSES),
            reader=SteeringReader(options, self._warn),
            delivery=delivery,
            marks=OpenJobs(how.outbox_path, delivery.kept_in),
            output=Output(display, lambda: self._watch.stdout_callback_names),
            warn=self._warn,
        )
        self._run = PlaybookRun(self._shared, None)
        self._listening = False
        self._playbooks = 0
        self._counted = 0
        # Only a playbook that says so has ended well.
        self._result = 1
        for warning in (*resolved.warnings, *paged_anyway(resolved)):
            self._warn(warning)
        problem = key_file_problem(options.get("routing_key_file"))
        if problem:
            self._warn(f"nobody is paged by this key file, only where variables give another key: {problem}")
        self._watch.expect()

    @_undisturbed
    def playbook_start(self, playbook: Any) -> bool:
        """Begin a playbook. Returns whether successes have to be told as well, since earlier incidents are open."""
        self._watch.playbook_start(playbook)
        self._run = PlaybookRun(self._shared, playbook)
        self._shared.delivery.begin_anew()
        self._playbooks += 1
        self._guarded(self._send_what_is_left)
        self._listening = bool(self._guarded(self._has_open_incidents))
        # Only a playbook that says so has ended well.
        self._result = 1
        return self._listening

    @_undisturbed
    def play_start(self, play: Any) -> None:
        """Begin a play, or a batch of its hosts."""
        self._watch.play_start(play)
        is_first = self._run.play is None
        # With `serial` each batch of hosts begins the same play again.
        is_batch = not is_first and getattr(play, "_uuid", None) == getattr(self._run.play, "_uuid", ())
        if self._run.has_pager and not is_batch:
            self._guarded(self._run.pager.play_ended)
        self._run.begin_play(play)
        if self._listening or self._options["resolve_on_success"] == "always":
            self._guarded(self._run.inventory.look)
        if is_first:
            self._guarded(self._tell_start)

    @_undisturbed
    def task_start(self, task: Any) -> None:
        """Begin a task or a handler."""
        if self._listening:
            self._run.begin_task(task)
        self._watch.task_start(task)

    @_undisturbed
    def failed(self, result: Any, ignore_errors: Any) -> None:
        """Take a failed task."""
        self._watch.failed(result, ignore_errors)
        if ignore_errors:
            self._note(result, "ignored")

    @_undisturbed
    def unreachable(self, result: Any) -> None:
        """Take an unreachable host."""
        self._watch.unreachable(result)
        if ignores_unreachable(result):
            self._note(result, "unreached")

    @_undisturbed
    def passed(self, result: Any) -> None:
        """Take a task that ended well on a host."""
        self._note(result, "ok")

    @_undisturbed
    def skipped(self, result: Any) -> None:
        """Take a task that was skipped on a host."""
        self._note(result, "skipped")

    def _note(self, result: Any, how: _How) -> None:
        if self._listening:
            self._guarded(lambda: self._passed(result, how))

    def _passed(self, result: Any, how: _How) -> None:
        task = task_of(result)
        if how == "ok" and self._run.context.selects_tasks and is_invoked_with_variables(task):
            # The same task, with other variables, may not have been selected.
            how = "elsewhere"
        reached = how != "unreached" and shows_host_reached(result)
        passage = Passage(host_of(result).name, _place_of(task), how, reached, self._run.began(task))
        self._run.pager.passed(passage, lambda host: self._run.as_if_failed(host, task))

    @_undisturbed
    def stats(self, stats: Any) -> None:
        """End a playbook."""
        self._watch.stats(stats)
        self._guarded(lambda: self._ended(stats))

    def _describe(self, host: Any, task: Any, play: Any) -> Mapping[str, Any]:
        described: Mapping[str, Any] | None = self._guarded(lambda: self._run.describe(host, task, play))
        return described or {}

    def _decided(self, decision: Decision) -> None:
        if isinstance(decision, Finished):
            self._result = decision.result
            if not self._run.has_pager:
                return
        if not self._playbooks and self._run.play is None:
            # Another plugin has ended the command before it told this one of the playbook.
            self._run = PlaybookRun(self._shared, self._watch.playbook_at_work)
        self._run.pager.decided(decision)
        if isinstance(decision, (Errored, Interrupted)) and not getattr(decision, "statistics", False):
            # No statistics will come.
            self._result = 1
            if self._listening:
                self._guarded(lambda: self._run.pager.run_ended(self._result, self._listening))
            self._run.pager.close(self._options["flush_timeout"])

    def _ended(self, stats: Any) -> None:
        took_part = self._hosts_took_part(stats)
        if self._run.has_pager or self._listening or self._options["resolve_on_success"] == "always":
            self._guarded(lambda: self._run.pager.run_ended(self._result, self._listening, took_part))
        if self._change_events and not self._run.check_mode and self._run.play is not None:
            self._guarded(lambda: self._run.pager.change(*self._what_changed(stats)))
        if self._run.has_pager and self._run.pager.close(self._options["flush_timeout"]) and self._others_follow():
            # Ctrl-C has ended the wait. It was meant for the whole command.
            raise KeyboardInterrupt

    def _hosts_took_part(self, stats: Any) -> bool:
        """Tell whether any host took part in this playbook; ansible-core counts through all those of a command."""
        did, ignored = (
            sum(sum(counts.values()) for counts in kinds) for kinds in ((stats.ok, stats.skipped), (stats.ignored,))
        )
        # A host that could not be reached, which is ignored, counts as ok.
        before, self._counted = self._counted, did - ignored
        return self._counted > before

    def _others_follow(self) -> bool:
        return self._result == 0 and self._playbooks < len(context.CLIARGS.get("args") or ())

    def _has_open_incidents(self) -> bool:
        if self._run.check_mode or self._options["resolve_on_success"] == "never" or not self._shared.marks.any():
            return False
        return self._run.has_open_incidents()

    def _send_what_is_left(self) -> None:
        """Have events of earlier runs sent while this one is at work."""
        problem = None if self._run.check_mode else self._shared.delivery.resume()
        if problem:
            self._warn(problem)

    def _tell_start(self) -> None:
        if self._change_events == "start" and not self._run.check_mode:
            self._run.pager.change(f"{self._run.job} started", self._origin())

    def _what_changed(self, stats: Any) -> tuple[str, dict[str, Any]]:
        changed = {host: count for host, count in stats.changed.items() if count}
        ending = "failed" if self._result else "finished"
        tasks = sum(changed.values())
        summary = f"{self._run.job} {ending}: {tasks} changed on {len(changed)} of {len(stats.processed)} hosts"
        return summary, {"changed_tasks_by_host": dict(sorted(changed.items())[:100]), **self._origin()}

    def _origin(self) -> dict[str, Any]:
        run = self._run.context
        return {
            "user": run.user or None,
            "controller": run.controller or None,
            "git_revision": run.short_revision or None,
            "build": run.build.name or None,
        }

    def _guarded(self, action: Callable[[], Any]) -> Any:
        """Do something that must not fail the run; None if it went wrong."""
        try:
            return action()
        except Exception as error:  # pylint: disable=broad-except  # nothing here may fail or end a run
            self._failed_inside(error)
            return None

    def _failed_inside(self, error: Exception) -> None:
        self._warn(f"something went wrong inside, please report it: {type(error).__name__}: {error}")

    def _warn(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._display.warning(f"page_on_failure: {text}")


def _place_of(task: Any) -> Place:
    return place(*task_place(task), action=str(task.action), needs_tag=needs_tag(task))
