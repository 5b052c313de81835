# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the examples in Markdown text and says what they are, so that tests can run them. Skips nothing silently."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

RUN = ("yaml", "ini")
NOT_RUN = ("console", "text")

PLAYS = "plays"
TASKS = "tasks"
SETTINGS = "settings"


@dataclass(frozen=True)
class Example:
    """One example; ``kind`` is PLAYS, TASKS or SETTINGS (an ansible.cfg)."""

    place: str
    kind: str
    text: str

    @property
    def hosts(self) -> set[str]:
        """The hosts and groups that its plays name."""
        plays = yaml.safe_load(self.text) if self.kind == PLAYS else []
        return {name for play in plays for name in re.split("[:,]", play["hosts"])}

    @property
    def tasks(self) -> list[str]:
        """The names of its tasks that use this collection, in blocks and handlers too."""
        return [] if self.kind == SETTINGS else list(_own_tasks(yaml.safe_load(self.text)))


def examples(text: str, place: str) -> list[Example]:
    """The examples in Markdown text; ValueError for a fence whose content is not known to be for running or not."""
    found = []
    opened: tuple[int, str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith(("```", "~~~")):
            continue
        if opened is None:
            opened = (number, line.strip().lstrip("`~"))
            continue
        start, language = opened
        opened = None
        content = "\n".join(text.splitlines()[start : number - 1]) + "\n"
        if language in RUN:
            found.append(Example(f"{place}:{start}", kind_of(language, content, f"{place}:{start}"), content))
        elif language not in NOT_RUN:
            raise ValueError(f"{place}:{start}: {language or 'no language'!r}; known: {', '.join(RUN + NOT_RUN)}")
    if opened:
        raise ValueError(f"{place}:{opened[0]}: this fence is not closed")
    return found


def kind_of(language: str, text: str, place: str) -> str:
    """What an example is; ValueError if it is nothing that can be run."""
    try:
        kind = _kind_of_ini(text) if language == "ini" else _kind_of_yaml(text)
    except (configparser.Error, yaml.YAMLError):
        kind = None
    if kind is None:
        raise ValueError(f"{place}: neither plays, nor named tasks, nor an ansible.cfg")
    return kind


def _kind_of_ini(text: str) -> str | None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    return SETTINGS if set(parser.sections()) <= {"defaults", "pagerduty"} else None


def _kind_of_yaml(text: str) -> str | None:
    items = yaml.safe_load(text)
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        return None
    plays = ["hosts" in item for item in items]
    if all(plays):
        return PLAYS
    return TASKS if not any(plays) and all("name" in item for item in items) else None


def _own_tasks(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _own_tasks(item)
    elif isinstance(value, dict):
        if any(str(name).startswith("oncall.pagerduty.") for name in value):
            yield value["name"]
        for name in ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always"):
            yield from _own_tasks(value.get(name))
