# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Git's files as they seldom are: nothing of it may raise, loop, or be taken for a revision."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _git
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._git import Checkout, checkout_of

REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def git(tmp_path: Path) -> Path:
    folder = tmp_path / ".git"
    (folder / "refs" / "heads").mkdir(parents=True)
    return folder


def test_a_packed_branch(git: Path) -> None:
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "packed-refs").write_text(f"# pack-refs\n{'f' * 40} refs/heads/other\n{REVISION} refs/heads/main\n")
    assert checkout_of(str(git.parent)) == Checkout(str(git.parent), REVISION)


def test_a_branch_that_is_nowhere(git: Path) -> None:
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "packed-refs").write_text(f"{REVISION} refs/heads/other\n")
    assert checkout_of(str(git.parent)) == Checkout(str(git.parent), "")


def test_a_reference_that_leads_out_of_the_repository(git: Path) -> None:
    (git.parent / "secret").write_text(REVISION)
    for name in ("refs/../../secret", "../secret", "/etc/passwd"):
        (git / "HEAD").write_text(f"ref: {name}\n")
        assert checkout_of(str(git.parent)) == Checkout(str(git.parent), "")


def test_references_in_a_circle(git: Path) -> None:
    (git / "HEAD").write_text("ref: refs/heads/a\n")
    (git / "refs" / "heads" / "a").write_text("ref: refs/heads/b\n")
    (git / "refs" / "heads" / "b").write_text("ref: refs/heads/a\n")
    assert checkout_of(str(git.parent)) == Checkout(str(git.parent), "")


def test_a_folder_too_deep_to_be_a_project(git: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (git / "HEAD").write_text(REVISION)
    monkeypatch.setattr(_git, "_MAX_DEPTH", 3)
    assert checkout_of(str(git.parent / "a" / "b")) == Checkout(str(git.parent), REVISION)
    assert checkout_of(str(git.parent / "a" / "b" / "c")) is None
