# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the differential test looks at to learn who was paged.

An observer equips ansible-playbook before a run and reads afterwards what came of it. `EngineObserver` looks at the
failure engine's decisions; one that looks at what a local PagerDuty was sent has the same shape.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Observation:
    """Who was paged for in one run."""

    started: bool
    """A callback was loaded, so that anything could be paged at all."""

    paged: bool
    hosts: frozenset[str]
    withdrawn: frozenset[str]
    """Hosts that were named first and taken back later: a false page all the same."""

    early: bool
    """The first page went out before the end of the run."""

    cut_by: str = ""
    """What the run was said to be cut short by: "signal", "error" or nothing."""

    twice: frozenset[str] = frozenset()
    """Hosts named more than once."""

    bugs: tuple[str, ...] = ()


class Observer(Protocol):
    """Equips a run and observes it."""

    def settings(self) -> dict[str, str]:
        """Environment variables that are the same for each run."""

    def environment(self, folder: Path) -> dict[str, str]:
        """Environment variables for the run in this folder, none of which ansible-core reads itself."""

    def observe(self, folder: Path) -> Observation:
        """Say what was seen of the run in this folder."""


class EngineObserver:
    """Reads the decisions that ``callback_plugins/record_decisions.py`` wrote down."""

    def settings(self) -> dict[str, str]:
        return {
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "record_decisions",
        }

    def environment(self, folder: Path) -> dict[str, str]:
        return {"DECISIONS_FILE": str(folder / "decisions.jsonl")}

    def observe(self, folder: Path) -> Observation:
        path = folder / "decisions.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        failures = _of(lines, "Failure")
        named = [host for failure in failures for host in failure["hosts"]]
        errors = _of(lines, "Errored")
        pages = failures + _of(lines, "Interrupted") + errors
        return Observation(
            started=bool(lines),
            paged=bool(pages),
            hosts=frozenset(named),
            withdrawn=frozenset(host for line in _of(lines, "Withdrawn") for host in line["hosts"]),
            cut_by="signal"
            if _of(lines, "Interrupted")
            else "error"
            if any(not line["statistics"] for line in errors)
            else "",
            early=bool(failures) and not failures[0]["at_end"],
            twice=frozenset(host for host in named if named.count(host) > 1),
            bugs=tuple(line["text"] for line in _of(lines, "Bug")),
        )


def _of(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["kind"] == kind]
