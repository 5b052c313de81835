# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a playbook takes failures back: the search through the files that its tasks may include, and its bounds."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _clear_errors
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._clear_errors import may_clear_host_errors

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
    monkeypatch.setattr(_clear_errors, "MAX_FILES", 3)
    (roles / "shop" / "tasks" / "tasks").mkdir()
    (roles / "shop" / "tasks" / "tasks" / "end.yml").write_text("- meta: clear_host_errors\n")
    assert not found(roles)
