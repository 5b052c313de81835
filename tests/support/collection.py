# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the collection from the checkout and installs it, as its users do."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .environment import ansible_command, clean_environment

CHECKOUT = Path(__file__).resolve().parents[2]


def build(folder: Path) -> Path:
    """Build the collection's tarball into ``folder`` and return its path."""
    _galaxy("build", str(CHECKOUT), "--output-path", str(folder), home=folder / "home")
    (tarball,) = folder.glob("oncall-pagerduty-*.tar.gz")
    return tarball


def install(tarball: Path, folder: Path) -> Path:
    """Install ``tarball`` below ``folder``; the path returned is one for ``ANSIBLE_COLLECTIONS_PATH``."""
    collections = folder / "collections"
    _galaxy("install", str(tarball), "--offline", "--collections-path", str(collections), home=folder / "home")
    return collections


def _galaxy(*arguments: str, home: Path) -> None:
    command = [ansible_command("ansible-galaxy"), "collection", *arguments]
    done = subprocess.run(command, env=clean_environment(home), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
