# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback of the tests: one JSON line for each result, in the file that TASK_RECORDER_FILE names."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_recorder
type: notification
short_description: Records each result as a JSON line
description:
  - For the collection's own tests.
author: the oncall.pagerduty authors
"""


class CallbackModule(CallbackBase):
    """Loaded without being enabled, so that a test's own callbacks_enabled stays as it is."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "task_recorder"
    CALLBACK_NEEDS_ENABLED = False

    def v2_runner_on_ok(self, result: Any) -> None:
        self._record("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._record("failed", result, ignored=bool(ignore_errors))

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._record("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._record("unreachable", result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._record("ok", result, item=True)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._record("failed", result, item=True)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        self._record("skipped", result, item=True)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._write({"stats": {host: stats.summarize(host) for host in stats.processed}})

    def _record(self, status: str, result: Any, *, ignored: bool = False, item: bool = False) -> None:
        # ansible-core 2.19 gave these public names.
        host = getattr(result, "host", None) or result._host
        task = getattr(result, "task", None) or result._task
        content = result.result if hasattr(result, "result") else result._result
        line = {"status": status, "host": host.get_name(), "task": task.get_name(), "ignored": ignored, "item": item}
        self._write({**line, "result": json.loads(self._dump_results(content, indent=0))})

    def _write(self, line: dict[str, Any]) -> None:
        with open(os.environ["TASK_RECORDER_FILE"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
