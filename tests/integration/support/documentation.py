# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the examples in the documentation and says what they are, so that tests can run them. Skips none silently."""

from __future__ import annotations

import configparser
import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from ansible_collections.oncall.pagerduty.tests.support.collection import CHECKOUT

GUIDES = CHECKOUT / "docs" / "docsite" / "rst"
KEY_FILE = "/etc/ansible/pagerduty.key"
"""Where the documentation keeps a key file."""

_DIRECTIVE = re.compile(r"^\.\. (?:code-block|code|sourcecode|highlight)::(.*)\n\n?((?: +.*\n|\n)+)", re.MULTILINE)

RUN = ("yaml", "ini")
NOT_RUN = ("console", "text")

PLAYS = "plays"
TASKS = "tasks"
SETTINGS = "settings"


@dataclass(frozen=True)
class Block:
    """One block of code, as it stands in a document."""

    place: str
    language: str
    text: str


class Guide:
    """One of the guides. A test takes the blocks that it uses out of it, and then asks which are left."""

    def __init__(self, name: str) -> None:
        self.text = (GUIDES / name).read_text("utf-8")
        self.blocks = rst_blocks(self.text, name)
        self._left = [block for block in self.blocks if block.language != "console"]

    def block(self, language: str, part: str) -> str:
        """Return the text of the one block in a language that has this in it; it counts as used."""
        found = [block for block in self.blocks if block.language == language and part in block.text]
        if len(found) != 1:
            raise LookupError(f"{len(found)} blocks in {language} with {part!r}")
        self._left = [block for block in self._left if block is not found[0]]
        return found[0].text

    @property
    def left(self) -> list[Block]:
        """The blocks that nobody has used. Commands are another test's business: it takes them from all documents."""
        return self._left


def rst_blocks(text: str, place: str) -> list[Block]:
    """The blocks of code in reStructuredText; ValueError for one that does not say its language."""
    found = []
    for match in _DIRECTIVE.finditer(text):
        before = text.count("\n", 0, match.start())
        where, language = f"{place}:{before + 1}", match[1].strip()
        if language not in RUN + NOT_RUN:
            raise ValueError(f"{where}: {language or 'no language'!r}; known: {', '.join(RUN + NOT_RUN)}")
        found.append(Block(where, language, textwrap.dedent(match[2]).strip() + "\n"))
    for number, line in enumerate(text.splitlines(), 1):
        if line.endswith("::") and not line.lstrip().startswith(".. "):
            raise ValueError(f"{place}:{number}: a block without a language; use code-block")
    return found


def commands(text: str, place: str) -> list[list[str]]:
    """The words of each command in a console block; ValueError for a line that is none."""
    found = []
    for line in text.splitlines():
        if not line.startswith("$ "):
            raise ValueError(f"{place}: {line!r} does not begin with '$ '")
        found.append(shlex.split(line[2:], comments=True))
    return found


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
    return [
        Example(block.place, kind_of(block.language, block.text, block.place), block.text)
        for block in markdown_blocks(text, place)
        if block.language in RUN
    ]


def markdown_blocks(text: str, place: str) -> list[Block]:
    """The blocks of code in Markdown text; ValueError for one that is not closed or does not say its language."""
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
        if language not in RUN + NOT_RUN:
            raise ValueError(f"{place}:{start}: {language or 'no language'!r}; known: {', '.join(RUN + NOT_RUN)}")
        content = "\n".join(text.splitlines()[start : number - 1]) + "\n"
        found.append(Block(f"{place}:{start}", language, content))
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
