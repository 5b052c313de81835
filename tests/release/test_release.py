# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release made in a clone of the last commit: what it changes, what it builds, and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
VERSION = "9.9.9"
NO_VERSIONS = [(), ("",), ("1.2",), ("v1.2.3",), ("1.2.3-beta",), ("01.2.3",), ("1.2.3", "4")]

# Environments are made, with an ansible-core each.
pytestmark = pytest.mark.timeout(300)


def run(clone: Path, *command: str) -> subprocess.CompletedProcess[str]:
    kept = ("PATH", "HOME", "TMPDIR", "LANG")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    return subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False)


def git(clone: Path, *arguments: str) -> str:
    done = run(clone, "git", "-c", "user.name=Test", "-c", "user.email=test@example.com", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refusal(clone: Path, *arguments: str) -> str:
    """Why a release is refused; that it has changed nothing is asserted."""
    before = git(clone, "status", "--porcelain")
    done = run(clone, sys.executable, "-m", "tools.release", *arguments)
    assert done.returncode == 1
    assert git(clone, "status", "--porcelain") == before
    assert "Traceback" not in done.stderr
    return done.stderr


def take_back(clone: Path, output: str) -> None:
    """Do what the output of a release says will undo it, and see that it does."""
    (undo,) = {line.partition("To undo: ")[2] for line in output.splitlines() if "To undo: " in line}
    assert list(clone.glob("*.tar.gz"))
    assert run(clone, "sh", "-c", undo).returncode == 0
    assert git(clone, "status", "--porcelain") == ""
    assert "9.9.10" not in git(clone, "ls-files", "--others", "--ignored", "--exclude-standard", "*.tar.gz")


def test_a_release_from_its_refusals_to_the_next_one(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(CHECKOUT), str(clone))
    for arguments in NO_VERSIONS:
        assert "name a version of three numbers" in refusal(clone, *arguments)

    (clone / "notes.txt").touch()
    assert "?? notes.txt" in refusal(clone, VERSION)
    (clone / "notes.txt").unlink()

    head = git(clone, "rev-parse", "HEAD")
    fragments = git(clone, "ls-files", "changelogs/fragments/*.yml").split()
    done = run(clone, sys.executable, "-m", "nox", "--session", "release", "--", VERSION)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert output.count("ok  demo: ") == 2, output
    assert f"git tag {VERSION}" in output

    assert git(clone, "rev-parse", "HEAD") == head
    changed = {line[3:] for line in git(clone, "status", "--porcelain").splitlines()}
    others = {"CHANGELOG.md", "changelogs/changelog.yaml", "galaxy.yml", "plugins/module_utils/_version.py"}
    assert changed == {*others, *fragments}
    assert 'href="#v9-9-9"' in (clone / "CHANGELOG.md").read_text(encoding="utf-8")
    with tarfile.open(clone / f"oncall-pagerduty-{VERSION}.tar.gz") as archive:
        manifest = archive.extractfile("MANIFEST.json")
        assert manifest is not None
        assert json.load(manifest)["collection_info"]["version"] == VERSION

    undone = shutil.copytree(clone, tmp_path / "undone", symlinks=True, ignore=shutil.ignore_patterns(".nox"))
    take_back(undone, output)

    for version in ("9.9.8", VERSION):
        assert f"{version} is not greater than {VERSION}" in refusal(clone, version)

    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "Release")
    assert "no changelog fragment" in refusal(clone, "9.9.10")

    (clone / "changelogs/fragments/next.yml").write_text("bugfixes:\n  - Something works now.\n", encoding="utf-8")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "Mend something")
    again = run(clone, sys.executable, "-m", "tools.release", "9.9.10")
    assert again.returncode == 0, again.stderr
    take_back(clone, again.stdout)


def test_what_does_not_belong_into_the_tarball_is_found() -> None:
    sys.path.insert(0, str(CHECKOUT))
    from tools.release import belongs

    for name in ("tests", "tests/demo/demo.yml", "noxfile.py", "tools", ".ci/run", "plugins/__pycache__/a.pyc"):
        assert not belongs(name)
    for name in ("changelogs/fragments/0.1.0.yml", "docs/.cache", "plugins/outbox.sqlite3", "plugins/x.tar.gz"):
        assert not belongs(name)
    for name in ("plugins/modules/incident.py", "docs/docsite/rst/reliability.rst", "changelogs/config.yaml"):
        assert belongs(name)
