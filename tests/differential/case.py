# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test case of the differential test: a small project for ansible-playbook, as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

Task = dict[str, Any]
Play = dict[str, Any]

STRATEGIES = ("linear", "free", "host_pinned")


@dataclasses.dataclass(frozen=True)
class Case:
    """Files, arguments and, where ansible-core itself leaves no trace of it, the expected end."""

    name: str
    plays: Sequence[Play]
    files: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Further files: text as it is, anything else as YAML."""

    args: tuple[str, ...] = ()
    playbooks: tuple[str, ...] = ("site.yml",)
    hosts: tuple[str, ...] = ("a", "b", "c")
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    strategies: tuple[str, ...] = STRATEGIES
    signal: str = ""
    """Sent to ansible-playbook as soon as the playbook has made the file ``ready``."""

    cut_hosts: frozenset[str] | None = None
    """The hosts that had failed when a run without statistics ended."""

    before_callbacks: bool = False
    """Ends so early that ansible-playbook has loaded no callback: nobody can be paged."""

    late: bool = False
    """What fails may be certain only at the end of the run."""

    def write(self, folder: Path, strategy: str) -> None:
        """Lay the project out in a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        inventory = {"all": {"hosts": dict.fromkeys(self.hosts), "vars": {"ansible_connection": "local"}}}
        files = {"hosts.yml": inventory, "site.yml": list(self.plays), **self.files}
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else _text(content, strategy), encoding="utf-8")

    def argv(self) -> list[str]:
        """The arguments of ansible-playbook, run in the folder."""
        return ["-i", "hosts.yml", *self.args, *self.playbooks]


def play(*tasks: Task, **keywords: Any) -> Play:
    """A play for all hosts that gathers no facts; the strategy under test is put in when it is written."""
    return {"hosts": "all", "gather_facts": False, **keywords, "tasks": list(tasks)}


def _text(content: Any, strategy: str) -> str:
    if isinstance(content, list):
        content = [
            {"strategy": strategy, **entry} if isinstance(entry, dict) and "hosts" in entry else entry
            for entry in content
        ]
    return yaml.dump(content, Dumper=_NoAliases, sort_keys=False, width=120)


class _NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True
