# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a task returns, and in whatever types, the failure is told with what can be said of it.

What usual results say is shown by whole runs, in the differential test.
"""

from __future__ import annotations

import datetime
import itertools
import json
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import (
    FailedItem,
    Outcome,
    outcome_of,
    shows_host_reached,
)

TASK = SimpleNamespace(name="Install nginx", action="ansible.builtin.command", _uuid="uuid")


class Shy:
    """Something that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("not today")


def result(data: Any, task: Any = TASK) -> Any:
    return SimpleNamespace(host=SimpleNamespace(name="web1"), task=task, result=data)


def told(data: Any) -> Outcome:
    return outcome_of(result(data), "failed", ignored=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("it broke", "it broke"),
        (None, ""),
        ("", ""),
        (5, "5"),
        (0, "0"),
        (False, "False"),
        (1.5, "1.5"),
        (float("nan"), "nan"),
        (b"\xff odd", "\ufffd odd"),
        ("\udcff odd", "\ufffd odd"),
        (["one", 2, {"three": 3}], 'one\n2\n{"three": 3}'),
        ([], ""),
        ({"error": "größe", "code": 5, "none": None}, '{"error": "größe", "code": 5}'),
        ({"when": datetime.date(2026, 10, 22)}, '{"when": "2026-10-22"}'),
        (datetime.datetime(2026, 10, 22, 17, 1), "2026-10-22 17:01:00"),
        ({3}, "[3]"),
        ({5: [b"x"]}, '{"5": ["x"]}'),
        (Shy(), "(a Shy that cannot be shown)"),
        ([Shy()], "(a list that cannot be shown)"),
    ],
)
def test_each_text_can_be_anything(value: Any, text: str) -> None:
    assert told({"msg": value}).message == text
    assert told({"reason": value}).message == text
    assert told({"stderr": value}).stderr == text
    assert told({"module_stderr": value}).stderr == text
    (item,) = told({"results": [{"failed": True, "item": value, "msg": value, "stderr": value}]}).items
    assert item == FailedItem(text, text, text)


ODD = [None, 5, True, "text", b"bytes", [1, None], {"a": 1}, datetime.date(2026, 10, 22), {1}, object(), float("inf")]
FIELDS = [
    "ansible_facts",
    "ansible_loop_var",
    "_ansible_delegated_vars",
    "_ansible_item_label",
    "_ansible_no_log",
    "changed",
    "diff",
    "exception",
    "failed",
    "invocation",
    "item",
    "msg",
    "rc",
    "reason",
    "results",
    "stderr",
    "stderr_lines",
    "stdout",
    "stdout_lines",
    "warnings",
]


@pytest.mark.parametrize(("field", "value"), list(itertools.product(FIELDS, ODD)), ids=lambda value: str(value)[:20])
def test_no_field_of_an_unexpected_type_keeps_the_rest_from_being_told(field: str, value: Any) -> None:
    data = {"msg": "it broke", "stderr": "why", field: value}
    for given in (data, {"results": [data], "msg": "it broke"}):
        found = told(given)
        assert (found.host, found.task) == ("web1", "Install nginx")
        assert found.hidden or found.message or value is None or not value
        assert all(isinstance(text, str) for text in (found.message, found.stderr, found.delegated_to))
        json.dumps([found.message, found.stderr, *(vars(item) for item in found.items)]).encode()


@pytest.mark.parametrize("data", [None, 5, "text", [1], object()])
def test_a_result_that_is_no_mapping_says_nothing_more(data: Any) -> None:
    assert (told(data).task, told(data).message) == ("Install nginx", "")


class Unified:
    """A result as ansible-core 2.20 and later keep it inside: fields by name, and the rest in a mapping."""

    def __init__(self, loop_results: list[Unified] | None = None, no_log: Any = None, **data: Any) -> None:
        self.msg = data.pop("msg", None)
        self.loop_item = data.pop("item", None)
        self.failed = True
        self.no_log = no_log
        self.result_data = data
        self.loop_results = loop_results


class Unready:
    """A result that cannot be made ready for callbacks, as with `stderr: 5`."""

    host = SimpleNamespace(name="web1")
    task = TASK

    def __init__(self, **inside: Any) -> None:
        self.__dict__.update(inside)

    @property
    def result(self) -> Any:
        raise AttributeError("'int' object has no attribute 'splitlines'")

    @property
    def _result(self) -> Any:
        return self.result


@pytest.mark.parametrize(
    "inside",
    [
        {"_CallbackTaskResult__utr": Unified(msg="it broke", stderr=5)},
        {"_return_data": {"msg": "it broke", "stderr": 5}},
    ],
)
def test_what_ansible_core_cannot_make_ready_is_told_as_it_is(inside: dict[str, Any]) -> None:
    found = outcome_of(Unready(**inside), "failed", ignored=False)
    assert (found.message, found.stderr) == ("it broke", "5")
    assert shows_host_reached(Unready(**inside))


def test_items_of_a_result_that_cannot_be_made_ready() -> None:
    items = [Unified(msg="no", item="a", stderr=5), Unified(msg="hunter2", item="b", no_log=True)]
    found = outcome_of(Unready(_CallbackTaskResult__utr=Unified(items)), "failed", ignored=False)
    assert found.items == (FailedItem("a", "no", "5"), FailedItem("", ""))


def test_what_is_hidden_stays_hidden_in_a_result_that_cannot_be_made_ready() -> None:
    inside = Unready(_CallbackTaskResult__utr=Unified(msg="hunter2", stderr=5, no_log=True))
    found = outcome_of(inside, "failed", ignored=False)
    assert (found.hidden, found.message, found.stderr) == (True, "", "")


def test_a_result_of_which_nothing_can_be_read_is_told_without_a_text() -> None:
    found = outcome_of(Unready(), "failed", ignored=False)
    assert (found.task, found.message, found.hidden) == ("Install nginx", "", False)
