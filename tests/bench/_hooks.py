# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-playbook in this process, and writes down what the callback costs its main process, hook by hook.

Arguments: the file to write, ansible-playbook's path, and its arguments.

Whole runs differ by more than a callback costs. So every other green result is kept from the callback, and processor
time of the two kinds is compared within one run; and the callback's own methods are timed.
"""

from __future__ import annotations

import atexit
import collections
import functools
import json
import os
import runpy
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible.executor.task_queue_manager import TaskQueueManager

# What ansible-core tells of a task that succeeds: once for each task, and twice for each host.
GREEN = ("v2_playbook_on_task_start", "v2_runner_on_start", "v2_runner_on_ok")

_seconds: dict[str, tuple[list[float], list[float]]] = collections.defaultdict(lambda: ([], []))
_own: dict[str, list[float]] = collections.defaultdict(list)


def _is_ours(plugin: Any) -> bool:
    return type(plugin).__module__.endswith("page_on_failure")


def _compare(send_callback: Callable[..., None]) -> Callable[..., None]:
    turns: collections.Counter[str] = collections.Counter()

    @functools.wraps(send_callback)
    def compared(self: Any, method_name: str, *arguments: Any, **keywords: Any) -> None:
        plugins = self._callback_plugins
        if method_name == "v2_playbook_on_start":
            _time_methods(next((plugin for plugin in plugins if _is_ours(plugin)), None))
        turns[method_name] += 1
        without = method_name in GREEN and turns[method_name] % 2 == 0
        if without:
            self._callback_plugins = [plugin for plugin in plugins if not _is_ours(plugin)]
        began = time.thread_time()
        try:
            send_callback(self, method_name, *arguments, **keywords)
        finally:
            _seconds[method_name][without].append(time.thread_time() - began)
            self._callback_plugins = plugins

    return compared


def _time_methods(plugin: Any) -> None:
    for name in () if plugin is None else dir(type(plugin)):
        if name.startswith("v2_") and name in vars(type(plugin)):
            setattr(plugin, name, _timed(name, getattr(plugin, name)))


def _timed(name: str, method: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(method)
    def timed(*arguments: Any, **keywords: Any) -> None:
        began = time.thread_time()
        try:
            method(*arguments, **keywords)
        finally:
            _own[name].append(time.thread_time() - began)

    return timed


def _write_down(file: Path, pid: int) -> None:
    if os.getpid() != pid:
        return
    green = {
        name: {"count": len(with_it), "with": statistics.median(with_it), "without": statistics.median(without)}
        for name, (with_it, without) in _seconds.items()
        if with_it and without
    }
    own = {
        name: {"count": len(seconds), "total": sum(seconds), "median": statistics.median(seconds)}
        for name, seconds in _own.items()
    }
    file.write_text(json.dumps({"green": green, "own": own}), encoding="utf-8")


if __name__ == "__main__":
    TaskQueueManager.send_callback = _compare(TaskQueueManager.send_callback)
    atexit.register(_write_down, Path(sys.argv[1]), os.getpid())
    sys.argv[:] = sys.argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")
