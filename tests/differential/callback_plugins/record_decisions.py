# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes every decision of the failure engine as a line of JSON, to the file named by DECISIONS_FILE."""

from __future__ import annotations

import dataclasses
import json
import os
import traceback
from typing import Any

from ansible.plugins.callback import CallbackBase

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import Decision
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._run_watch import RunWatch

DOCUMENTATION = """
name: record_decisions
type: notification
short_description: Record what the failure engine decides
description: For tests.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record_decisions"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._file = os.environ["DECISIONS_FILE"]
        self._at_end = False
        self._watch = RunWatch(self._decided, self._on_error)
        self._write(kind="Loaded")

    def _decided(self, decision: Decision) -> None:
        self._write(kind=type(decision).__name__, **dataclasses.asdict(decision))

    def _on_error(self, error: Exception) -> None:
        self._write(kind="Bug", text="".join(traceback.format_exception(type(error), error, error.__traceback__)))

    def _write(self, **line: Any) -> None:
        with open(self._file, "a", encoding="utf-8") as file:
            file.write(json.dumps({**line, "at_end": self._at_end}) + "\n")

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._watch.playbook_start(playbook)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._watch.play_start(play)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._watch.task_start(task)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self._watch.task_start(task)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._watch.failed(result, ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._watch.unreachable(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._at_end = True
        self._watch.stats(stats)
        self._at_end = False
