# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in for an outbox is private even where everybody may write."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._substitute import (
    make_substitute_folder,
    substitute_path,
)


def test_has_the_same_name_in_every_run_and_one_for_each_outbox() -> None:
    assert substitute_path("/a/outbox") == substitute_path("/a/outbox")
    assert substitute_path("/a/outbox") != substitute_path("/b/outbox")


def test_is_private(tmp_path: Path) -> None:
    path = tmp_path / "ours" / "o"
    for _time in range(2):
        make_substitute_folder(str(path))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def open_to_all(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def link(folder: Path) -> None:
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir(0o700)
    folder.symlink_to(elsewhere)


def somebody_elses(folder: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give a folder away")
    folder.mkdir(0o700)
    os.chown(folder, 12345, 12345)


@pytest.mark.parametrize("make", [open_to_all, link, somebody_elses, Path.touch])
def test_what_somebody_else_has_put_there_is_not_used(tmp_path: Path, make: object) -> None:
    folder = tmp_path / "ours"
    make(folder)  # type: ignore[operator]
    with pytest.raises(PermissionError, match="not a private folder"):
        make_substitute_folder(str(folder / "o"))
