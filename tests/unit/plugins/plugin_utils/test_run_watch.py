# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks called with what is not as it should be: no error leaves them, and no failure goes unnoticed for it.

That the right failures count is shown by whole runs, in the differential and the integration tests.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import Decision, Failure, Finished
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._run_watch import RunWatch


class Watched:
    """A run watch, with what it decides and what goes wrong inside; `decided` and `describe` can be made to fail."""

    def __init__(self, refuses: bool = False, describes: Any = None) -> None:
        self.decisions: list[Decision] = []
        self.errors: list[str] = []
        self._refuses = refuses
        self.watch = RunWatch(self._decided, lambda error: self.errors.append(str(error)), describes)

    def _decided(self, decision: Decision) -> None:
        self.decisions.append(decision)
        if self._refuses:
            raise ValueError("cannot be told")

    @property
    def failed_hosts(self) -> list[str]:
        return [host for decision in self.decisions if isinstance(decision, Failure) for host in decision.hosts]


def result(host: str = "web1", **fields: Any) -> Any:
    """What a hook gets of a task that failed, in the names of ansible-core 2.19 and later."""
    task = SimpleNamespace(name="Install nginx", action="ansible.builtin.fail", _uuid="uuid", _parent=None)
    plain = {"host": SimpleNamespace(name=host), "task": task, "result": {"msg": "it broke"}}
    return SimpleNamespace(**{**plain, **fields})


def test_without_a_sight_of_ansible_core_the_hooks_alone_tell_what_failed() -> None:
    watched = Watched()
    watched.watch.playbook_start(SimpleNamespace(get_plays=list))
    watched.watch.play_start(SimpleNamespace(get_name=lambda: "Deploy"))
    watched.watch.task_start(result().task)
    watched.watch.failed(result("web1"))
    watched.watch.failed(result("web2"), ignore_errors=True)
    assert watched.failed_hosts == ["web1"]
    watched.watch.stats(SimpleNamespace(dark={}, failures={"web1": 1}))
    assert watched.decisions[-1] == Finished(2)
    assert watched.errors == []


def test_a_playbook_that_cannot_be_looked_through_delays_a_page_and_loses_none() -> None:
    watched = Watched()
    watched.watch.playbook_start(SimpleNamespace())
    watched.watch.failed(result("web1"))
    assert watched.decisions == []
    watched.watch.stats(SimpleNamespace(dark={}, failures={"web1": 1}))
    assert watched.failed_hosts == ["web1"]
    assert watched.errors == ["'types.SimpleNamespace' object has no attribute 'get_plays'"]


@pytest.mark.parametrize(
    ("stats", "exit_code"),
    [({}, 0), ({"failures": {"web1": 1}}, 2), ({"dark": {"web2": 1}, "failures": {"web1": 1}}, 4)],
)
def test_the_statistics_say_how_the_run_ended_if_nothing_else_does(stats: dict[str, Any], exit_code: int) -> None:
    watched = Watched()
    watched.watch.stats(SimpleNamespace(**{"dark": {}, "failures": {}, **stats}))
    assert watched.decisions[-1] == Finished(exit_code)


@pytest.mark.parametrize("ignored", [False, True])
def test_an_unreachable_host_counts_unless_the_task_ignores_it(ignored: bool) -> None:
    watched = Watched()
    unreached = result("web1")
    unreached.task.ignore_unreachable = ignored
    watched.watch.unreachable(unreached)
    watched.watch.stats(SimpleNamespace(dark={} if ignored else {"web1": 1}, failures={}))
    assert watched.failed_hosts == ([] if ignored else ["web1"])


def test_a_failure_that_cannot_be_described_is_told_all_the_same() -> None:
    def describe(*_given: Any) -> Any:
        raise ValueError("no such variable")

    watched = Watched(describes=describe)
    watched.watch.failed(result("web1"))
    assert watched.failed_hosts == ["web1"]
    assert watched.errors == ["no such variable"]


def test_a_result_that_cannot_be_read_is_told_all_the_same() -> None:
    class Unreadable(dict[str, Any]):
        def get(self, *_given: Any) -> Any:
            raise TypeError("not today")

    watched = Watched()
    watched.watch.failed(result("web1", result=Unreadable()))
    (decision,) = watched.decisions
    assert isinstance(decision, Failure)
    assert (decision.hosts, decision.cause.task, decision.cause.reported) == (("web1",), "", True)
    assert watched.errors == ["not today"]


def test_a_decision_that_cannot_be_told_does_not_keep_others_back() -> None:
    watched = Watched(refuses=True)
    for host in ("web1", "web2"):
        watched.watch.failed(result(host))
    assert watched.failed_hosts == ["web1", "web2"]
    assert watched.errors == ["cannot be told"] * 2


def test_a_hook_with_nonsense_raises_nothing() -> None:
    watched = Watched()
    watched.watch.failed(object())
    watched.watch.unreachable(None)
    watched.watch.stats(None)
    assert watched.decisions == []
    assert watched.errors
