# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a release's files and its tarball in the checkout; commits and publishes nothing.

python -m tools.release VERSION
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import yaml

from tools import tree
from tools.tree import CHECKOUT

GALAXY = CHECKOUT / "galaxy.yml"
VERSION_FILE = CHECKOUT / "plugins" / "module_utils" / "_version.py"
CHANGELOG = CHECKOUT / "changelogs" / "changelog.yaml"
FRAGMENTS = CHECKOUT / "changelogs" / "fragments"
TARBALL = "oncall-pagerduty-{}.tar.gz"

#: all that the tarball's top folder may hold
TOP = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "FILES.json",
    "LICENSE",
    "LICENSES",
    "MANIFEST.json",
    "README.md",
    "changelogs",
    "docs",
    "meta",
    "playbooks",
    "plugins",
    "requirements.txt",
}
#: what users, Ansible and Automation Hub look for in it
NEEDED = {
    "CHANGELOG.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "changelogs/changelog.yaml",
    "meta/execution-environment.yml",
    "meta/runtime.yml",
    "plugins/callback/page_on_failure.py",
    "requirements.txt",
}
UNWANTED = re.compile(r"(^|/)(\.[^/]*|__pycache__|fragments|tests|tools|[^/]*\.(pyc|tar\.gz|sqlite3?|log))(/|$)")


class Refused(Exception):
    """A release cannot be made; the text says why, and what to do."""


def main(arguments: list[str]) -> None:
    """Check, change the files, build, and say what was made and how to take it back."""
    version = wanted_version(arguments)
    require_greater(version)
    require_clean()
    require_fragments()
    try:
        set_version(version)
        subprocess.run(["antsibull-changelog", "release", "--version", version], cwd=CHECKOUT, check=True)
        tarball = build()
        problems = wrong_content(tarball, version)
        if problems:
            raise Refused("\n".join([f"{tarball.name} is not as it should be:", *problems]))
    except (Refused, OSError, subprocess.CalledProcessError) as error:
        raise Refused(f"{error}\n{undo(version)}") from error
    print(f"{tarball} is made.\n{undo(version)}")


def wanted_version(arguments: list[str]) -> str:
    """The version that was asked for."""
    if len(arguments) != 1 or not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", arguments[0]):
        asked = " ".join(arguments) or "no version"
        raise Refused(f"{asked}: name a version of three numbers. For example: make release VERSION=1.2.3")
    return arguments[0]


def require_greater(version: str) -> None:
    """Refuse a version that is not above every released one."""
    releases = (yaml.safe_load(CHANGELOG.read_text(encoding="utf-8")) or {})["releases"] if CHANGELOG.exists() else {}
    last = max(releases, key=numbers, default=None)
    if last is not None and numbers(version) <= numbers(last):
        raise Refused(f"{version} is not greater than {last}, which is released (changelogs/changelog.yaml).")


def numbers(version: str) -> tuple[int, ...]:
    """``(1, 2, 3)`` for ``1.2.3``."""
    return tuple(int(number) for number in version.split("."))


def require_clean() -> None:
    """Refuse a checkout with changes: they would become a part of the release, or be lost when it is undone."""
    changes = subprocess.run(
        ["git", "-C", str(CHECKOUT), "status", "--porcelain"], capture_output=True, text=True, check=True
    ).stdout
    if changes:
        raise Refused(f"Commit or remove what is not committed:\n{changes.rstrip()}")


def require_fragments() -> None:
    """Refuse a release that tells nothing."""
    if not [*FRAGMENTS.glob("*.yml"), *FRAGMENTS.glob("*.yaml")]:
        raise Refused(f"There is nothing to release: no changelog fragment in {FRAGMENTS.relative_to(CHECKOUT)}.")


def set_version(version: str) -> None:
    """Write the version into the two files that hold it."""
    for path, pattern, line in (
        (GALAXY, r"^version: .*$", f"version: {version}"),
        (VERSION_FILE, r"^VERSION = .*$", f'VERSION = "{version}"'),
    ):
        text, count = re.subn(pattern, line, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        if count != 1:
            raise Refused(f"{path.relative_to(CHECKOUT)} holds {count} versions instead of one.")
        path.write_text(text, encoding="utf-8")


def build() -> Path:
    """Build the tarball into the checkout, from those files alone that git knows or would take."""
    with tempfile.TemporaryDirectory() as folder:
        collection = tree.copy(Path(folder))
        command = ["ansible-galaxy", "collection", "build", "--output-path", folder]
        subprocess.run(command, cwd=collection, stdout=subprocess.DEVNULL, check=True)
        (tarball,) = Path(folder).glob("*.tar.gz")
        return Path(shutil.copy(tarball, CHECKOUT))


def wrong_content(tarball: Path, version: str) -> list[str]:
    """What the tarball has too much and too little."""
    with tarfile.open(tarball) as archive:
        names = {name.removeprefix("./").rstrip("/") for name in archive.getnames()} - {"", "."}
    found = [f"  {name} does not belong in it" for name in sorted(names) if not belongs(name)]
    found += [f"  {name} is missing" for name in sorted(NEEDED - names)]
    if tarball.name != TARBALL.format(version):
        found.append(f"  it should be named {TARBALL.format(version)}")
    return found


def belongs(name: str) -> bool:
    """Whether a path may be in the tarball."""
    return name.split("/")[0] in TOP and not UNWANTED.search(name)


def undo(version: str) -> str:
    """What to do to take back all that this file has changed; it began with a clean checkout."""
    made = f"CHANGELOG.md changelogs {TARBALL.format(version)}"
    return f"To undo: git reset -q --hard && git clean -fdxq {made}"


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refused as refusal:
        sys.exit(str(refusal))
