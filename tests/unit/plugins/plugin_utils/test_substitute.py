# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in for an outbox is private even where everybody may write."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _substitute
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._substitute import (
    existing_substitutes,
    make_substitute,
    make_substitute_folder,
    planted,
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


@pytest.fixture
def bases(tmp_path: Path) -> list[str]:
    """Two places where everybody may write."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o1777)
    return [str(tmp_path / "first"), str(tmp_path / "second")]


def made(bases: list[str]) -> str:
    path = make_substitute("/outbox", bases).path
    Path(path).touch()
    return path


@pytest.mark.parametrize("make", [open_to_all, link, somebody_elses, Path.touch])
def test_what_is_in_the_way_is_stepped_around_and_what_was_made_is_found_again(bases: list[str], make: object) -> None:
    first, second = (Path(substitute_path("/outbox", [base])).parent for base in bases)
    make(first)  # type: ignore[operator]
    assert planted("/outbox", bases) == (str(first),)
    assert existing_substitutes("/outbox", bases) == []
    there = made(bases)
    assert Path(there).parent == second
    assert make_substitute("/outbox", bases).stepped_around == (str(first),)
    assert existing_substitutes("/outbox", bases) == [there]


def test_where_everything_is_in_the_way_the_name_is_one_that_nobody_could_foresee(bases: list[str]) -> None:
    for base in bases:
        open_to_all(Path(substitute_path("/outbox", [base])).parent)
    there = made(bases)
    folder = Path(there).parent
    assert str(folder).startswith(f"{Path(substitute_path('/outbox', bases)).parent}-")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert made(bases) == there
    assert existing_substitutes("/outbox", bases) == [there]
    assert existing_substitutes("/another", bases) == []


def test_what_was_made_elsewhere_is_found_when_the_way_is_free_again(bases: list[str]) -> None:
    in_the_way = Path(substitute_path("/outbox", bases)).parent
    in_the_way.touch()
    there = made(bases)
    in_the_way.unlink()
    assert existing_substitutes("/outbox", bases) == [there]
    assert make_substitute("/outbox", bases).path == there


def test_a_place_where_others_can_replace_folders_is_not_used(bases: list[str]) -> None:
    os.chmod(bases[0], 0o777)
    assert make_substitute("/outbox", bases).path.startswith(bases[1])
    os.chmod(bases[1], 0o777)
    with pytest.raises(PermissionError, match="no private folder can be made"):
        make_substitute("/outbox", bases)


def test_the_folder_for_temporary_files_comes_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert _substitute._bases()[-1] == str(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    assert str(tmp_path / "nowhere") not in _substitute._bases()
