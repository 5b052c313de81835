# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The linear strategy for measuring: workers fail at once, or succeed, instead of being forked.

What ansible-playbook's main process does for a host is as ever, but for one thing. It looks each host up in a list of
those that have failed, for each host again, so that the time grows with the third power of their number; here the
look-up takes no time, or nobody could wait for 10,000 failing hosts.
"""

from __future__ import annotations

from typing import Any

from ansible.executor import task_result
from ansible.executor.process.worker import WorkerProcess
from ansible.plugins.strategy.linear import StrategyModule as LinearStrategy

DOCUMENTATION = r"""
name: at_once
short_description: Ends every task on every host at once
description: For measuring the main process.
author: The oncall.pagerduty authors (@oncall-pagerduty)
"""

FAILED = {"failed": True, "changed": False, "msg": "The disk is full"}
OK = {"failed": False, "changed": False, "msg": "Fine"}


def end_at_once(worker: Any) -> None:
    """Send the result that a worker would have sent: a failure of the task fail, and a success of any other."""
    fields = worker._task.dump_attrs()
    said = FAILED if worker._task.action.endswith("fail") else OK
    if hasattr(task_result, "_RawTaskResult"):  # from ansible-core 2.19 on
        result = task_result._RawTaskResult(worker._host, worker._task, dict(said), fields)
        worker._final_q.send_task_result(result)
    else:
        worker._final_q.send_task_result(worker._host.name, worker._task._uuid, dict(said), task_fields=fields)


class Removed(list):  # type: ignore[type-arg]  # Python 3.10 and older ansible-core
    """The names of hosts that have failed; finds one without a search."""

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__()
        self._names: set[str] = set()

    def append(self, name: str) -> None:
        """Add a host."""
        super().append(name)
        self._names.add(name)

    def __contains__(self, name: object) -> bool:
        """Tell whether a host is among them."""
        return name in self._names


class StrategyModule(LinearStrategy):
    """Linear, without forks."""

    def __init__(self, tqm: Any) -> None:
        """Take the place of the workers' start."""
        super().__init__(tqm)
        WorkerProcess.start = end_at_once

    def run(self, iterator: Any, play_context: Any) -> Any:
        """Run the play."""
        iterator._play._removed_hosts = Removed()
        return super().run(iterator, play_context)
