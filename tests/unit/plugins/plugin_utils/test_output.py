# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines for people go to stdout, unless a program reads that."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._iterator import stdout_callback_names
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._output import Output, is_data


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("default", False),
        ("ansible.builtin.default", False),
        ("ansible.builtin.minimal", False),
        ("oneline", False),
        ("awx_display", False),
        ("community.general.yaml", False),
        ("community.general.dense", False),
        ("community.general.diy", False),
        ("ansible.posix.debug", False),
        ("jason.tools.plain", False),
        ("json", True),
        ("jsonl", True),
        ("ansible.posix.json", True),
        ("ansible.posix.jsonl", True),
        ("ansible_collections.ansible.posix.plugins.callback.jsonl", True),
        ("shop.tools.our_json_lines", True),
        ("shop.tools.NDJSON", True),
        ("shop.tools.tap", True),
        ("shop.tools.csv-report", True),
        ("community.general.null", True),
    ],
)
def test_which_callbacks_write_data(name: str, data: bool) -> None:
    assert is_data([name]) is data
    assert is_data(["default", name]) is data


class Display:
    def __init__(self, verbosity: int) -> None:
        self.verbosity = verbosity
        self.out: list[str] = []
        self.err: list[str] = []

    def display(self, text: str, color: str | None = None, stderr: bool = False) -> None:
        (self.err if stderr else self.out).append(text)

    def v(self, text: str) -> None:
        if self.verbosity > 0:
            self.out.append(text)


@pytest.mark.parametrize("verbosity", [0, 1])
@pytest.mark.parametrize(("names", "aside"), [(["default"], False), (["ansible.posix.json"], True), ([], False)])
def test_where_lines_go(names: Sequence[str], aside: bool, verbosity: int) -> None:
    display = Display(verbosity)
    output = Output(display, lambda: names)
    output.show("the line")
    output.explain("why")
    shown = ["the line", *(["why"] if verbosity else [])]
    assert (display.out, display.err) == (([], shown) if aside else (shown, []))


def test_a_line_is_shown_although_nobody_knows_who_writes_to_stdout() -> None:
    def unknown() -> list[str]:
        raise AttributeError("_callback_plugins")

    display = Display(0)
    Output(display, unknown).show("the line")
    assert display.out == ["the line"]


def test_the_names_are_found_in_each_ansible_core() -> None:
    class Lines:
        CALLBACK_NAME = "ansible.posix.json"

    class Ours(Lines):
        _load_name = "shop.tools.ours"

    def named(**manager: Any) -> list[str]:
        return stdout_callback_names(SimpleNamespace(**manager))

    later, earlier = named(_callback_plugins=[Ours(), object()]), named(_stdout_callback=Ours(), _callback_plugins=[])
    assert later == earlier
    assert {"ansible.posix.json", "shop.tools.ours"} <= set(later)
    assert named(_stdout_callback="json") == ["json"]
    assert stdout_callback_names(None) == named(_callback_plugins=[]) == ["default"]
