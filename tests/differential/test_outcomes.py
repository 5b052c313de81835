# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an outcome tells of a failed task, and what it must not tell, taken from a real run."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from .case import Case, Task, play
from .composed import fail, unreachable
from .observer import EngineObserver
from .runner import Core

SECRET = "hunter2"

TASKS = {
    "a": fail("plain {{ inventory_hostname }}", when=None),
    "b": {"name": "command", "raw": f"echo {SECRET}; echo first >&2; echo last >&2; exit 3"},
    "c": fail("items", when="item != 2", loop=[1, 2, 3]),
    "d": fail(f"hidden {{{{ '{SECRET}' }}}}", when=None, no_log=True),
    "e": {"name": "hidden items", "fail": {"msg": "{{ item }}"}, "loop": [SECRET], "no_log": True},
    "f": {"assert": {"that": "1 > 2", "fail_msg": ["one", "two"]}},
    "g": unreachable(only="true"),
    "h": {"name": "date", "fail": {"msg": "{{ '2020-01-01' | to_datetime('%Y-%m-%d') }}"}},
    "i": {"name": "missing", "include_tasks": "missing.yml"},
    "j": fail("once for all", when=None, any_errors_fatal=True, delegate_to="a"),
    "l": {"name": "by condition", "raw": "true", "loop": [1, 2], "failed_when": "item == 2"},
    "m": unreachable(only="item == 2", loop=[1, 2, 3]),
    "k": {"name": "bytes", "raw": "printf '\\377\\360 odd' >&2; exit 1"},
}


def _only(host: str, task: Task) -> Task:
    conditions = [f"inventory_hostname == '{host}'", *([task["when"]] if "when" in task else [])]
    return {**task, "when": conditions}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The outcome of each task by the host that it failed on."""
    # Each fails beside a host that does not, since ansible-playbook stops once all hosts of a play have failed.
    plays = [play(_only(host, task), hosts=f"{host},fine", name=f"play of {host}") for host, task in TASKS.items()]
    plays.append(play(hosts="r,fine", roles=[{"role": "r", "when": "inventory_hostname == 'r'"}]))
    files = {"roles/r/tasks/main.yml": [fail("in role", when=None)]}
    case = Case("outcomes", plays, files, hosts=(*TASKS, "r", "fine"))
    folder = tmp_path_factory.mktemp("outcomes")
    core = Core(sys.executable, EngineObserver(), folder / "home")
    try:
        core.run(case, "free", folder)
    finally:
        core.close()
    lines = [json.loads(line) for line in (folder / "decisions.jsonl").read_text().splitlines()]
    return {line["cause"]["host"]: line["cause"] for line in lines if line["kind"] == "Failure"}


def test_every_failure_is_there(outcomes: dict[str, dict[str, Any]]) -> None:
    assert sorted(outcomes) == [*sorted(TASKS), "r"]


def test_task_play_and_place(outcomes: dict[str, dict[str, Any]]) -> None:
    outcome = outcomes["a"]
    assert (outcome["task"], outcome["action"], outcome["play"]) == ("plain a", "fail", "play of a")
    file, _colon, line = outcome["path"].rpartition(":")
    assert file.endswith("/site.yml")
    assert line.isdigit()


def test_message(outcomes: dict[str, dict[str, Any]]) -> None:
    assert outcomes["a"]["message"] == "plain a broke"


def test_stderr_is_told_but_neither_command_nor_stdout(outcomes: dict[str, dict[str, Any]]) -> None:
    assert outcomes["b"]["stderr"].splitlines() == ["first", "last"]
    assert SECRET not in json.dumps(outcomes["b"])


def test_failed_items_of_a_loop(outcomes: dict[str, dict[str, Any]]) -> None:
    labels = {host: [item["label"] for item in outcomes[host]["items"]] for host in "clm"}
    assert labels == {"c": ["1", "3"], "l": ["2"], "m": ["2"]}


@pytest.mark.parametrize("host", ["d", "e"])
def test_no_log_hides_all_but_the_place(outcomes: dict[str, dict[str, Any]], host: str) -> None:
    outcome = outcomes[host]
    assert outcome["hidden"]
    assert outcome["path"]
    assert (outcome["message"], outcome["stderr"], outcome["items"]) == ("", "", [])


def test_no_log_hides_the_values_in_a_name(outcomes: dict[str, dict[str, Any]]) -> None:
    assert outcomes["d"]["task"].startswith("hidden {{")


def test_a_list_as_message_is_told_in_lines(outcomes: dict[str, dict[str, Any]]) -> None:
    assert outcomes["f"]["message"] == "one\ntwo"


def test_unreachable(outcomes: dict[str, dict[str, Any]]) -> None:
    assert outcomes["g"]["kind"] == "unreachable"
    assert "the cable is out" in outcomes["g"]["message"]


def test_a_missing_include_says_what_is_missing(outcomes: dict[str, dict[str, Any]]) -> None:
    assert "missing.yml" in outcomes["i"]["message"]


def test_a_task_that_ends_all_hosts_and_is_delegated(outcomes: dict[str, dict[str, Any]]) -> None:
    assert outcomes["j"]["spreads"]
    assert outcomes["j"]["delegated_to"] == "a"
    assert not outcomes["a"]["spreads"]


def test_bytes_that_are_no_text_can_be_encoded(outcomes: dict[str, dict[str, Any]]) -> None:
    outcomes["k"]["stderr"].encode("utf-8")
    assert outcomes["k"]["stderr"].endswith("odd")


def test_a_date_as_message(outcomes: dict[str, dict[str, Any]]) -> None:
    assert outcomes["h"]["message"].startswith("2020-01-01")


def test_role(outcomes: dict[str, dict[str, Any]]) -> None:
    assert (outcomes["r"]["role"], outcomes["r"]["task"]) == ("r", "in role")
