# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The linear strategy with workers that fail at once instead of being forked: 10,000 failing hosts within a minute.

Everything that ansible-playbook's main process does for a host is as ever; only the worker's own work is left out.
"""

from __future__ import annotations

from typing import Any

from ansible.executor import task_result
from ansible.executor.process.worker import WorkerProcess
from ansible.plugins.strategy.linear import StrategyModule as LinearStrategy

DOCUMENTATION = r"""
name: at_once
short_description: Fails every task on every host at once
description: For measuring the main process.
author: The oncall.pagerduty authors (@oncall-pagerduty)
"""

RESULT = {"failed": True, "changed": False, "msg": "The disk is full"}


def fail_at_once(worker: Any) -> None:
    """Send the result that a worker would have sent."""
    fields = worker._task.dump_attrs()
    if hasattr(task_result, "_RawTaskResult"):  # from ansible-core 2.19 on
        result = task_result._RawTaskResult(worker._host, worker._task, dict(RESULT), fields)
        worker._final_q.send_task_result(result)
    else:
        worker._final_q.send_task_result(worker._host.name, worker._task._uuid, dict(RESULT), task_fields=fields)


class StrategyModule(LinearStrategy):
    """Linear, without forks."""

    def __init__(self, tqm: Any) -> None:
        """Take the place of the workers' start."""
        super().__init__(tqm)
        WorkerProcess.start = fail_at_once
