# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a playbook takes failures back, or ends early: the search through files to be included, and its bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _meta_tasks
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._meta_tasks import may_clear_host_errors, may_end_early

PLAY = {"name": "Deploy", "hosts": "all", "tasks": [{"include_role": {"name": "shop"}}]}


@pytest.fixture
def roles(tmp_path: Path) -> Path:
    folder = tmp_path / "roles" / "shop" / "tasks"
    folder.mkdir(parents=True)
    for number in range(5):
        (folder / f"step{number}.yml").write_text("- debug:\n")
    return tmp_path / "roles"


def found(*folders: Path) -> bool:
    return may_clear_host_errors([Play.load(PLAY, loader=DataLoader())], map(str, folders))


def test_nothing_to_be_found(roles: Path) -> None:
    assert not found(roles)
    assert not found(roles / "there is no such folder")


def test_a_task_in_any_role_counts_also_in_a_folder_that_is_named_twice(roles: Path) -> None:
    (roles / "shop" / "tasks" / "end.yml").write_text("- meta: clear_host_errors\n")
    assert found(roles)
    assert found(roles / "shop" / "tasks", roles)


def test_variables_and_hidden_folders_hold_no_tasks(roles: Path) -> None:
    for name in ("vars", ".cache"):
        (roles / "shop" / name).mkdir()
        (roles / "shop" / name / "main.yml").write_text("- meta: clear_host_errors\n")
    assert not found(roles, roles / "shop")


def test_a_file_that_cannot_be_read_is_passed_over(roles: Path) -> None:
    (roles / "shop" / "tasks" / "gone.yml").symlink_to(roles / "nowhere.yml")
    assert not found(roles)


def test_a_tree_that_is_too_large_is_left(roles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_meta_tasks, "MAX_FILES", 3)
    (roles / "shop" / "tasks" / "tasks").mkdir()
    (roles / "shop" / "tasks" / "tasks" / "end.yml").write_text("- meta: clear_host_errors\n")
    assert not found(roles)


def ends(*folders: Path, tasks: list[dict[str, Any]] | None = None, roles: list[str] | None = None) -> bool:
    play = {**PLAY, **({} if tasks is None else {"tasks": tasks}), "roles": roles or []}
    return may_end_early([Play.load(play, loader=DataLoader())], map(str, folders))


@pytest.mark.parametrize("what", ["end_play", "end_host", "end_batch", "end_role"])
def test_each_meta_task_that_leaves_tasks_out_ends_a_playbook_early(roles: Path, what: str) -> None:
    end = {"ansible.builtin.meta": what, "when": "maintenance"}
    if what != "end_role":  # which stands in roles only
        assert ends(tasks=[end])
        assert ends(tasks=[{"block": [{"debug": None}], "rescue": [{"block": [end]}]}])
    assert not ends(roles)
    (roles / "shop" / "tasks" / "step9.yml").write_text(f"- meta: {what}\n  when: maintenance\n")
    assert ends(roles)
    assert not found(roles)


@pytest.mark.parametrize("what", ["flush_handlers", "clear_host_errors", "refresh_inventory", "noop"])
def test_other_meta_tasks_do_not(what: str) -> None:
    assert not ends(tasks=[{"ansible.builtin.meta": what}, {"debug": {"msg": "end_play"}}])


def test_a_tree_that_is_too_large_may_end_a_playbook_early(roles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_meta_tasks, "MAX_FILES", 3)
    assert ends(roles)
