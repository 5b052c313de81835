# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-playbook and says what its whole process tree has used."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..support.environment import ansible_command, clean_environment
from ._figures import Used

SHEPHERD = Path(__file__).with_name("_shepherd.py")
KEY = "be4cbe4c" * 4
CALLBACK = "oncall.pagerduty.page_on_failure"


@dataclass(frozen=True)
class Run(Used):
    """What one run of ansible-playbook has used.

    Attributes:
        cpu: of ansible-playbook and all that it waited for: its workers and their modules.
        left_behind: seconds of processor time of what outlived it, that is of the courier.
    """

    left_behind: float = 0.0


class Playbooks:
    """Runs playbooks in a folder of its own."""

    def __init__(self, folder: Path, collections: Sequence[Path]) -> None:
        """Take the folder, and where the collections are."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._environment = clean_environment(folder / "home")
        self._environment["ANSIBLE_COLLECTIONS_PATH"] = ":".join(map(str, collections))

    def __call__(
        self,
        tasks: Sequence[Mapping[str, Any]],
        environment: Mapping[str, str],
        hosts: int = 1,
        forks: int = 5,
        expected: int = 0,
    ) -> Run:
        """Run tasks in one play.

        Args:
            tasks: the tasks.
            environment: variables beside those of a clean environment.
            hosts: how many hosts there are; all of them are this machine.
            forks: how many workers at a time.
            expected: the exit code that shows that all went as it was meant to.

        Raises:
            RuntimeError: if there was another exit code.
        """
        play = {"name": "Measure", "hosts": "all", "gather_facts": False, "tasks": list(tasks)}
        (self.folder / "measure.yml").write_text(json.dumps([play]), encoding="utf-8")
        names = "".join(f"host{number:05}\n" for number in range(hosts))
        common = f"[all:vars]\nansible_connection=local\nansible_python_interpreter={sys.executable}\n"
        (self.folder / "hosts.ini").write_text(names + common, encoding="utf-8")
        report = self.folder / "used.json"
        command = [sys.executable, "-I", str(SHEPHERD), str(report), ansible_command("ansible-playbook")]
        command += ["-i", "hosts.ini", "--forks", str(forks), "measure.yml"]
        with (self.folder / "output.txt").open("w", encoding="utf-8") as output:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env={**self._environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
            )
        if done.returncode != expected:
            said = (self.folder / "output.txt").read_text(encoding="utf-8")[-2000:]
            raise RuntimeError(f"ansible-playbook ended with {done.returncode}, expected {expected}:\n{said}")
        used = json.loads(report.read_text(encoding="utf-8"))
        return Run(used["cpu"], used["wall"], sum(used["left_behind"]))
