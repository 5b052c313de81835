# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the real ansible-playbook on what a test writes, and returns what came of it as a value."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from ansible_collections.oncall.pagerduty.tests.support.environment import ansible_command, clean_environment

CALLBACKS = Path(__file__).with_name("callback_plugins")
LOCALHOST = "localhost ansible_connection=local\n"
#: variables of a host that Ansible finds unreachable, at once
UNREACHABLE = {"ansible_connection": "ssh", "ansible_ssh_executable": str(Path(__file__).with_name("unreachable_ssh"))}
Document = Union[str, Mapping[str, Any], Sequence[Any]]


@dataclass(frozen=True)
class TaskResult:
    """What one task came to on one host, or for one item of a loop."""

    host: str
    task: str
    #: ok, failed, skipped or unreachable
    status: str
    #: failed, but with ignore_errors
    ignored: bool
    #: one item of a loop; the task's own result follows its items'
    item: bool
    #: what the task returned, as callbacks and ``register`` get it
    result: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """What one command did."""

    command: tuple[str, ...]
    rc: int
    stdout: str
    stderr: str
    #: in the order in which they arrived; empty for other commands than ansible-playbook
    results: tuple[TaskResult, ...] = ()
    #: the play recap by host; ``None`` if the run ended without one
    stats: Mapping[str, Mapping[str, int]] | None = None

    @property
    def output(self) -> str:
        """All that was printed."""
        return self.stdout + self.stderr

    def task(self, name: str, host: str = "localhost") -> TaskResult:
        """The one result of the task with this name on this host, loop items aside."""
        found = self._results(name, host, item=False)
        if len(found) != 1:
            known = sorted({(result.host, result.task) for result in self.results})
            raise LookupError(
                f"{len(found)} results of task {name!r} on {host!r} among {known}; output:\n{self.output}"
            )
        return found[0]

    def items(self, name: str, host: str = "localhost") -> list[TaskResult]:
        """The results of a loop's items."""
        return self._results(name, host, item=True)

    def _results(self, name: str, host: str, *, item: bool) -> list[TaskResult]:
        return [result for result in self.results if (result.task, result.host, result.item) == (name, host, item)]


class Ansible:
    """Writes playbooks into ``folder`` and runs them there, seeing the collections in ``collections`` only.

    Runs of one object share the folder, the home and with it all that a run leaves behind.
    """

    def __init__(self, folder: Path, collections: Path) -> None:
        self.project = folder / "project"
        self.project.mkdir(mode=0o755)
        self.home = folder / "home"
        self.collections = collections
        self._record = folder / "results.jsonl"

    def __call__(
        self,
        playbook: Document,
        *args: str,
        inventory: Document = LOCALHOST,
        env: Mapping[str, str] | None = None,
        cfg: str = "",
        files: Mapping[str, Document] | None = None,
        name: str = "playbook.yml",
        timeout: float = 250,
    ) -> Run:
        """Run ``playbook`` (YAML text, or the plays as data) with ``ansible-playbook *args``.

        ``inventory`` is text in the INI format, or data as in a YAML inventory; ``cfg`` the text of ansible.cfg;
        ``env`` adds variables to a clean environment; ``files`` are further files of the project by relative path,
        such as roles; ``name`` is the playbook's own path. After ``timeout`` seconds everything is killed and
        ``subprocess.TimeoutExpired`` raised.
        """
        hosts = "hosts.ini" if isinstance(inventory, str) else "hosts.json"
        self.write(hosts, inventory)
        self.write("ansible.cfg", cfg)
        self.write(name, playbook)
        for path, document in (files or {}).items():
            self.write(path, document)
        self._record.write_text("")
        run = self.command("ansible-playbook", "-i", hosts, *args, name, env=env, timeout=timeout)
        lines = [json.loads(line) for line in self._record.read_text(encoding="utf-8").splitlines()]
        results = tuple(TaskResult(**line) for line in lines if "stats" not in line)
        stats = [line["stats"] for line in lines if "stats" in line]
        return Run(run.command, run.rc, run.stdout, run.stderr, results, stats[-1] if stats else None)

    def tasks(
        self, tasks: Sequence[Mapping[str, Any]], *args: str, play: Mapping[str, Any] | None = None, **options: Any
    ) -> Run:
        """Run ``tasks`` in one play, by default on localhost without facts; ``play`` are its other keywords."""
        keywords = {"hosts": "localhost", "gather_facts": False, **(play or {})}
        return self([{**keywords, "tasks": list(tasks)}], *args, **options)

    def command(self, name: str, *args: str, env: Mapping[str, str] | None = None, timeout: float = 250) -> Run:
        """Run any of Ansible's commands in the project's folder."""
        argv = (ansible_command(name), *args)
        process = subprocess.Popen(
            argv,
            cwd=self.project,
            env={**self.environment(), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except BaseException:  # KeyboardInterrupt too: nothing may outlive the test
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        return Run(argv, process.returncode, stdout, stderr)

    def environment(self) -> dict[str, str]:
        """The variables that every command gets."""
        environment = clean_environment(self.home, self.collections)
        # A variable, not an extra var: an inventory or a task can still name another interpreter.
        environment["ANSIBLE_PYTHON_INTERPRETER"] = sys.executable
        environment["ANSIBLE_CALLBACK_PLUGINS"] = str(CALLBACKS)
        environment["TASK_RECORDER_FILE"] = str(self._record)
        config = self.project / "ansible.cfg"
        if config.exists():
            environment["ANSIBLE_CONFIG"] = str(config)
        return environment

    def write(self, path: str, document: Document) -> Path:
        """Write a file of the project: text as it is, data as JSON, which YAML readers take."""
        file = self.project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(document if isinstance(document, str) else json.dumps(document, indent=2), encoding="utf-8")
        return file
