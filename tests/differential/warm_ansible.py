# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-playbook again and again in forks of one process that has loaded ansible-core and its plugins already.

A run then costs a third. It is ansible-playbook's own ``main``, from its arguments to its exit; only imports are done
before. Started with an interpreter that has ansible-core; reads jobs from stdin, a JSON object a line::

    {"argv": [...], "folder": "...", "environment": {...}}

and answers each with ``{"pid": n}`` at its start and ``{"exit_code": n}`` at its end. What the run prints goes
to ``output.txt`` in the folder.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import warnings
from typing import Any


def serve() -> list[str] | None:
    """Serve jobs; returns only in a forked child, with the arguments to run, or at the end of the jobs."""
    _warm_up()
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become_fresh_process(job)
            return ["ansible-playbook", *job["argv"]]
        _answer(pid=pid)
        _pid, status = os.waitpid(pid, 0)
        _answer(exit_code=os.waitstatus_to_exitcode(status))
    return None


def _warm_up() -> None:
    """Import what every run imports."""
    from ansible.cli import playbook  # noqa: F401
    from ansible.plugins import loader

    # Each run sets the loader up again, and ansible-core warns of that.
    warnings.filterwarnings("ignore", "AnsibleCollectionFinder has already been configured")
    loader.init_plugin_loader()
    for plugins in (loader.connection_loader, loader.shell_loader, loader.become_loader, loader.callback_loader):
        list(plugins.all(class_only=True))
    for name in ("linear", "free", "host_pinned"):
        loader.strategy_loader.get(name, class_only=True)
    for name in ("host_list", "script", "auto", "yaml", "ini", "toml"):
        loader.inventory_loader.get(name, class_only=True)
    for name in ("debug", "fail", "raw", "command", "assert", "include_vars", "normal"):
        loader.action_loader.get(name, class_only=True)


def _become_fresh_process(job: dict[str, Any]) -> None:
    os.setsid()
    os.chdir(job["folder"])
    os.environ.update(job["environment"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for source, targets in ((nothing, (0,)), (output, (1, 2))):
        for target in targets:
            os.dup2(source, target)
        os.close(source)


def _answer(**answer: int) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    arguments = serve()
    if arguments is not None:
        sys.argv = arguments
        from ansible.cli.playbook import main

        main()
